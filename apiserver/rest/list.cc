// GET of a collection: the present, a past moment, or a chunk of either.
#include "apiserver/rest/page.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/selection.h"
#include "apiserver/rest/turn.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

// All of the present in one answer, when it takes no longer than a turn to find.
std::optional<HttpResponse> list_here(const Front& front, const Call& call) {
  const Served& served = *call.served;
  if (served.to_shown) return std::nullopt;
  const ListOptions options = list_options(call.query, false);
  if (options.continuation || wants_exact(options)) return std::nullopt;
  const Selection selection(served, call.key().namespace_name, options.labels, options.fields);
  const std::optional<Snapshot> present = served.cache->published();
  if (!present || (options.revision && present->revision < *options.revision)) return std::nullopt;
  const EntryList& all = *present->entries;
  const auto [begin, end] = selection.range(all);
  if (Turn().over((end - begin) * selection.cost())) return std::nullopt;

  std::vector<EntryRef> chosen;
  for (std::size_t i = begin; i < end; ++i) {
    if (!selection.matches(all[i])) continue;
    // There would have to be a token for the rest, and a moment that is kept for it.
    if (options.limit > 0 && chosen.size() == static_cast<std::size_t>(options.limit)) return std::nullopt;
    chosen.push_back(all[i]);
  }
  return answer_list(front, call, std::move(chosen), metadata_of(*present));
}

Task<HttpResponse> list(Core& core, Call& call) {
  Served& served = *call.served;
  served.cache->publish();
  Page page = co_await read_page(core, call, list_options(call.query, false));
  co_return co_await answer_page(core, call, std::move(page));
}

}  // namespace ph::apiserver

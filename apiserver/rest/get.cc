// GET of one object.
#include "api/errors.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

std::optional<HttpResponse> get_here(const Front& front, const Call& call) {
  const Served& served = *call.served;
  if (served.to_shown) return std::nullopt;
  const std::optional<Snapshot> present = served.cache->published();
  if (!present) return std::nullopt;
  const std::string_view revision = call.query.get("resourceVersion");
  if (!revision.empty() && present->revision < parse_revision(revision)) return std::nullopt;
  EntryRef entry = present->entries->find(call.key().text());
  if (!entry) throw api::not_found(served.qualified, call.info.name);
  return answer_entry(front, call, 200, std::move(entry));
}

Task<HttpResponse> get(Core& core, Call& call) {
  Served& served = *call.served;
  const std::string_view revision = call.query.get("resourceVersion");
  if (!revision.empty()) co_await wait_for_revision(core, call, *served.cache, parse_revision(revision));
  served.cache->publish();
  EntryRef entry = served.cache->find(call.key().text());
  if (!entry) throw api::not_found(served.qualified, call.info.name);
  co_return answer_entry(core.front, call, 200, co_await shown_soon(core, call, std::move(entry)));
}

}  // namespace ph::apiserver

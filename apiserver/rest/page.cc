#include "apiserver/rest/page.h"

#include <algorithm>

#include "api/errors.h"
#include "apiserver/rest/continue.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/selection.h"
#include "apiserver/rest/turn.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {

meta::v1::ListMeta metadata_of(const Snapshot& snapshot) {
  meta::v1::ListMeta metadata;
  metadata.set_resource_version(to_string(snapshot.revision));
  return metadata;
}

bool wants_exact(const ListOptions& options) {
  if (!options.revision || options.revision->value == 0) return false;
  if (!options.match.empty()) return options.match == "Exact";
  return options.limit > 0;
}

namespace {

constexpr std::string_view kTooOldToContinue =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the "
    "first chunk was returned and now may show up in the list.";
constexpr std::string_view kTooOld = "The resourceVersion for the provided list is too old.";

// Of which moment the list is, and where it starts.
struct Source {
  Snapshot snapshot;
  std::string start;
};

[[noreturn]] void refuse_continuation(const Continuation& continuation) {
  meta::v1::Status status = api::expired(std::string(kTooOldToContinue)).status();
  status.mutable_metadata()->set_continue_(encode_continue({-1, continuation.start}));
  throw api::ApiError(std::move(status));
}

Snapshot exact(WatchCache& cache, Revision revision) {
  auto snapshot = cache.snapshot_at(revision);
  if (!snapshot) throw api::expired(std::string(kTooOld));
  return *snapshot;
}

Task<Source> find_source(Core& core, const Call& call, WatchCache& cache, const ListOptions& options) {
  if (options.continuation) {
    const Continuation& continuation = *options.continuation;
    if (continuation.revision < 0) co_return Source{cache.snapshot(), continuation.start};
    auto snapshot = cache.snapshot_at(Revision{static_cast<std::uint64_t>(continuation.revision)});
    if (!snapshot) refuse_continuation(continuation);
    co_return Source{*snapshot, continuation.start};
  }
  if (options.revision) co_await wait_for_revision(core, call, cache, *options.revision);
  if (wants_exact(options)) co_return Source{exact(cache, *options.revision), {}};
  co_return Source{cache.snapshot(), {}};
}

std::size_t first_index(const EntryList& entries, const std::string& start) {
  if (start.empty()) return 0;
  return static_cast<std::size_t>(entries.lower_bound(start) - entries.begin());
}

std::vector<EntryRef> part_of(const EntryList& entries, std::size_t begin, std::size_t end) {
  std::vector<EntryRef> out;
  for (std::size_t i = begin; i < end; ++i) out.push_back(entries[i]);
  return out;
}

}  // namespace

Task<Page> read_page(Core& core, const Call& call, const ListOptions& options) {
  Served& served = *call.served;
  Selection selection(served, call.key().namespace_name, options.labels, options.fields);
  const Source source = co_await find_source(core, call, *served.cache, options);
  const EntryList& all = *source.snapshot.entries;
  const auto [begin, end] = selection.range(all);

  if (call.conversions && served.to_shown) {
    selection.look_in(call.conversions);
    if (selection.needs_shown()) co_await call.conversions->show(core, served, part_of(all, begin, end));
  }
  Page page;
  page.metadata = metadata_of(source.snapshot);
  Turn turn;
  for (std::size_t i = std::max(begin, first_index(all, source.start)); i < end; ++i) {
    if (turn.over(selection.cost())) co_await yield();
    if (!selection.matches(all[i])) continue;
    if (options.limit > 0 && page.entries.size() == static_cast<std::size_t>(options.limit)) {
      // The token names the key after the last one given out, so that it means the same when that object is gone.
      const std::string after = page.entries.back()->key + '\0';
      page.metadata.set_continue_(encode_continue({static_cast<std::int64_t>(source.snapshot.revision.value), after}));
      if (selection.plain()) page.metadata.set_remaining_item_count(static_cast<std::int64_t>(end - i));
      break;
    }
    page.entries.push_back(all[i]);
  }
  const bool first = !options.continuation;
  if (!page.metadata.continue_().empty()) {
    served.cache->keep_for_pages(source.snapshot, first);
  } else if (!first || wants_exact(options)) {
    served.cache->pages_end(source.snapshot.revision);
  }
  co_return page;
}

Task<HttpResponse> answer_page(Core& core, const Call& call, Page page) {
  Served& served = *call.served;
  if (served.to_shown && call.conversions) {
    co_await call.conversions->show(core, served, page.entries);
    for (EntryRef& entry : page.entries) entry = call.conversions->shown(entry);
  } else if (served.to_shown) {
    Turn turn;
    for (EntryRef& entry : page.entries) {
      if (turn.over(kConversionCost)) co_await yield();
      entry = shown(served, entry);
    }
  }
  co_return answer_list(core.front, call, std::move(page.entries), std::move(page.metadata));
}

}  // namespace ph::apiserver

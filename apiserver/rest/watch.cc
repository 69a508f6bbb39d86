// GET of a collection with `watch`: what exists (if asked for), then changes, as a stream of frames.
#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/selection.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

constexpr Duration kBookmarkInterval = 1min;
// The last bookmark is sent this long before the end, so that it is not lost with it.
constexpr Duration kBookmarkBeforeEnd = 2s;

struct WatchSetup {
  Encoding encoding;
  Selection selection;
  std::unique_ptr<CacheWatch> events;
  Revision since;           // older events are not of interest
  bool bookmarks = false;
  Steady end;
  Steady next_bookmark;
  std::unique_ptr<ServerMetrics::Watching> measured;  // null: nothing is counted
  std::size_t until_mark = 0;                         // frames that are left up to the mark of the initial events
};

class WatchStream final : public BodyStream {
 public:
  WatchStream(Served& served, const Clock& clock, WatchSetup setup, std::deque<SharedBytes> initial)
      : served_(served), clock_(clock), setup_(std::move(setup)), pending_(std::move(initial)), sent_(setup_.since) {}

  Task<std::optional<SharedBytes>> next() override {
    while (pending_.empty()) {
      if (ended_ || !setup_.events) co_return std::nullopt;
      co_await more();
    }
    SharedBytes frame = std::move(pending_.front());
    pending_.pop_front();
    if (setup_.measured) count(*frame);
    co_return std::optional<SharedBytes>(std::move(frame));
  }

  // The first frame of a table has the columns.
  void drop_columns() { setup_.encoding.table.column_definitions = false; }

 private:
  Task<void> more() {
    const auto events = co_await setup_.events->next(std::min(setup_.end, setup_.next_bookmark));
    if (!events) {
      ended_ = true;
      co_return;
    }
    for (const CacheEvent& event : *events) add(event);
    const Steady now = clock_.steady();
    if (now >= setup_.next_bookmark) add_bookmark(now);
    if (now >= setup_.end) ended_ = true;
  }

  void count(const std::string& frame) {
    setup_.measured->sent(frame.size());
    if (setup_.until_mark > 0 && --setup_.until_mark == 0) setup_.measured->list_complete();
  }

  void add(const CacheEvent& event) {
    if (event.revision <= setup_.since) return;
    const bool before = setup_.selection.matches(event.before);
    const bool after = setup_.selection.matches(event.after);
    if (after) {
      add_frame(before ? EventType::Modified : EventType::Added, event.after, event.after);
    } else if (before) {
      // Gone, or gone from this selection: the last state that was in it, at the revision of the change.
      add_frame(EventType::Deleted, event.after ? event.after : event.deleted, event.deleted ? event.deleted : at_revision(event));
    } else {
      return;
    }
    sent_ = event.revision;
  }

  static EntryRef at_revision(const CacheEvent& event) {
    auto entry = std::make_shared<Entry>(*event.before);
    entry->revision = event.revision;
    entry->protobuf = share(api::with_resource_version(*event.before->protobuf, to_string(event.revision)));
    return entry;
  }

  // `identity`: what all watchers of the event know the frame by.
  void add_frame(EventType type, const EntryRef& identity, const EntryRef& object) {
    const FrameCache::Key key{identity, type, setup_.encoding.form};
    const bool shareable = setup_.encoding.form.as != As::Table;
    SharedBytes frame = shareable ? served_.frames.find(key) : nullptr;
    if (!frame) {
      frame = share(encode_frame(setup_.encoding, type, shown(served_, object)));
      if (shareable) served_.frames.put(key, frame);
    }
    drop_columns();
    pending_.push_back(std::move(frame));
  }

  void add_bookmark(Steady now) {
    setup_.next_bookmark = now + kBookmarkInterval;
    const Steady last = setup_.end - kBookmarkBeforeEnd;
    if (now < last) setup_.next_bookmark = std::min(setup_.next_bookmark, last);
    const Revision revision = setup_.events->revision();
    if (!setup_.bookmarks || revision <= sent_) return;
    pending_.push_back(share(encode_bookmark_frame(setup_.encoding, revision, false)));
    sent_ = revision;
  }

  Served& served_;
  const Clock& clock_;
  WatchSetup setup_;
  std::deque<SharedBytes> pending_;
  Revision sent_;  // what the client has seen
  bool ended_ = false;
};

HttpResponse stream_response(const Form& form, std::unique_ptr<BodyStream> stream) {
  HttpResponse response;
  response.headers.add("Content-Type", std::string(content_type(form.format, true)));
  response.stream = std::move(stream);
  return response;
}

// A stream that says one thing and ends.
class ErrorStream final : public BodyStream {
 public:
  explicit ErrorStream(SharedBytes frame) : frame_(std::move(frame)) {}
  Task<std::optional<SharedBytes>> next() override {
    if (!frame_) co_return std::nullopt;
    co_return std::optional<SharedBytes>(std::exchange(frame_, nullptr));
  }

 private:
  SharedBytes frame_;
};

// Whether the stream starts with what exists, and with the mark at the end of that.
struct Start {
  bool snapshot = false;
  bool mark = false;
};

Start start_of(const ListOptions& options) {
  if (options.send_initial_events) return {*options.send_initial_events, *options.send_initial_events && options.bookmarks};
  return {!options.revision || options.revision->value == 0, false};
}

std::deque<SharedBytes> initial_frames(Served& served, Encoding encoding, const Selection& selection, const Snapshot& snapshot,
                                       bool mark) {
  std::deque<SharedBytes> frames;
  const auto& entries = *snapshot.entries;
  const auto [begin, end] = selection.range(entries);
  for (std::size_t i = begin; i < end; ++i) {
    if (!selection.matches(entries[i])) continue;
    frames.push_back(share(encode_frame(encoding, EventType::Added, shown(served, entries[i]))));
    encoding.table.column_definitions = false;
  }
  if (mark) frames.push_back(share(encode_bookmark_frame(encoding, snapshot.revision, true)));
  return frames;
}

Duration timeout_of(Core& core, const ListOptions& options) {
  if (options.timeout_seconds && *options.timeout_seconds > 0) return std::chrono::seconds(*options.timeout_seconds);
  const auto least = std::chrono::duration_cast<std::chrono::seconds>(core.options.watch_timeout_min);
  return least + std::chrono::seconds(core.rng.below(static_cast<std::uint64_t>(std::max<std::int64_t>(1, least.count()))));
}

}  // namespace

Task<HttpResponse> watch(Core& core, Call& call) {
  Served& served = *call.served;
  const ListOptions options = list_options(call.query, true);
  // A watch of one object, in the old form of the path, is a watch of that name.
  api::FieldSelector fields = options.fields;
  if (!call.info.name.empty() && !fields.demanded("metadata.name")) {
    fields.terms().push_back({"metadata.name", true, call.info.name});
  }
  Selection selection(served, call.key().namespace_name, options.labels, std::move(fields));
  WatchCache& cache = *served.cache;
  const Start start = start_of(options);
  const bool from_now = !options.revision || options.revision->value == 0 || start.snapshot;
  if (from_now && options.revision) co_await wait_for_revision(core, call, cache, *options.revision);

  const Encoding encoding = encoding_of(core, call);
  const Snapshot present = cache.snapshot();
  const Revision since = from_now ? present.revision : *options.revision;
  // A revision that is still to come is waited for where the cache ends today.
  auto events = cache.watch(std::min(since, cache.revision()));
  if (!events) {
    const api::ApiError error = api::expired(fmt::format("too old resource version: {} ({})", since.value, cache.revision().value));
    co_return stream_response(call.form, std::make_unique<ErrorStream>(share(encode_error_frame(call.form, error.status()))));
  }
  std::deque<SharedBytes> frames;
  if (start.snapshot) frames = initial_frames(served, encoding, selection, present, start.mark);

  const Clock& clock = core.executor.clock();
  const Duration timeout = timeout_of(core, options);
  const Steady end = clock.steady() + timeout;
  const Duration first_bookmark = timeout > kBookmarkBeforeEnd ? std::min(kBookmarkInterval, timeout - kBookmarkBeforeEnd) : timeout;
  WatchSetup setup{.encoding = encoding,
                   .selection = std::move(selection),
                   .events = std::move(events),
                   .since = since,
                   .bookmarks = options.bookmarks,
                   .end = end,
                   .next_bookmark = options.bookmarks ? clock.steady() + first_bookmark : end,
                   .measured = core.metrics ? std::make_unique<ServerMetrics::Watching>(*core.metrics, call) : nullptr,
                   .until_mark = start.mark ? frames.size() : 0};
  call.watching = true;
  const bool has_columns = !frames.empty();
  auto stream = std::make_unique<WatchStream>(served, clock, std::move(setup), std::move(frames));
  if (has_columns) stream->drop_columns();
  co_return stream_response(call.form, std::move(stream));
}

}  // namespace ph::apiserver

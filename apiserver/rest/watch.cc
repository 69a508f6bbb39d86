// GET of a collection with `watch`: what exists (if asked for), then changes, as a stream of frames.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/selection.h"
#include "apiserver/rest/turn.h"
#include "apiserver/rest/verbs.h"

namespace ph::apiserver {
namespace {

constexpr Duration kBookmarkInterval = 1min;
// The last bookmark is sent this long before the end, so that it is not lost with it.
constexpr Duration kBookmarkBeforeEnd = 2s;

// Of handing over an event, as `Turn` counts.
constexpr std::size_t kDeliveryCost = 8;

// Of what exists, how much is converted ahead, where somebody outside converts.
constexpr std::size_t kAheadBytes = 1 << 20;

api::ApiError too_old(Revision wanted, const WatchCache& cache) {
  return api::expired(fmt::format("too old resource version: {} ({})", wanted.value, cache.since().value));
}

struct WatchSetup {
  Encoding encoding;
  Selection selection;
  std::unique_ptr<CacheWatch> events;
  Revision since;     // older events are not of interest
  bool mark = false;  // says where what exists ends, which is told first
  bool bookmarks = false;
  Steady end;
  Steady next_bookmark;
  std::unique_ptr<ServerMetrics::Watching> measured;  // null: nothing is counted
  // Where somebody outside converts; else null.
  Core* core = nullptr;
  std::shared_ptr<Conversions> conversions;
};

// Frames are made when they are asked for, one at a time: who reads slowly, or not at all, holds a place in a snapshot and in
// the window of events, and a frame or two that others share.
class WatchStream final : public BodyStream {
 public:
  WatchStream(Served& served, const Clock& clock, WatchSetup setup)
      : served_(served), clock_(clock), setup_(std::move(setup)), sent_(setup_.since) {
    const EntryList* initial = setup_.events->initial();
    starting_ = initial != nullptr;
    if (initial) std::tie(at_, end_) = setup_.selection.range(*initial);
    converted_ = at_;
  }

  void push_to(PieceSink& sink) override {
    sink_ = &sink;
    if (setup_.events && !setup_.conversions) setup_.events->on_events([this] { return push(); });
  }

  Task<std::optional<SharedBytes>> next() override {
    if (setup_.events) setup_.events->note_read();
    for (;;) {
      SharedBytes frame;
      if (setup_.conversions && setup_.events) co_await convert_ahead();
      if (failure_) {
        frame = fail();
      } else if (starting_) {
        frame = initial();
      } else if (next_event_ < events_.size()) {
        frame = frame_of(events_[next_event_++]);
      } else if (std::exchange(bookmark_due_, false)) {
        frame = bookmark();
      } else if (std::exchange(expired_, false)) {
        frame = share(encode_error_frame(setup_.encoding.form, too_old(sent_, *served_.cache).status()));
      } else if (ended_) {
        co_return std::nullopt;
      } else {
        co_await more();
        continue;
      }
      if (frame) {
        if (setup_.measured) setup_.measured->sent(frame->size());
        co_return std::optional<SharedBytes>(std::move(frame));
      }
      if (turn_.over(setup_.selection.cost())) co_await yield();
    }
  }

 private:
  // The next of what exists, or the mark behind it. Null: that one is not in the selection, or there is no more.
  SharedBytes initial() {
    // Events have been lost meanwhile that would have to follow: the client begins anew.
    if (setup_.events->lost()) {
      starting_ = false;
      end();
      return nullptr;
    }
    if (at_ < end_) {
      const EntryRef& entry = (*setup_.events->initial())[at_++];
      if (!setup_.selection.matches(entry)) return nullptr;
      if (setup_.measured) setup_.measured->initial_sent();
      return frame(EventType::Added, entry, [&] { return view(entry); });
    }
    starting_ = false;
    setup_.events->initial_done();
    if (!setup_.mark) return nullptr;
    if (setup_.measured) setup_.measured->list_complete();
    return share(encode_bookmark_frame(setup_.encoding, setup_.since, true));
  }

  // What is told next is known afterwards as it is shown, or why it cannot be told.
  Task<void> convert_ahead() {
    std::vector<EntryRef> wanted;
    if (starting_) {
      if (at_ < converted_ || setup_.events->lost()) co_return;
      for (std::size_t bytes = 0; converted_ < end_ && bytes < kAheadBytes; ++converted_) {
        wanted.push_back((*setup_.events->initial())[converted_]);
        bytes += wanted.back()->protobuf->size();
      }
    } else {
      if (next_event_ > 0 || events_.empty()) co_return;
      for (const CacheEvent& event : events_) add_states(event, wanted);
    }
    try {
      setup_.conversions->forget_entries();
      co_await setup_.conversions->show(*setup_.core, served_, std::move(wanted));
    } catch (const api::ApiError& error) {
      failure_ = api::internal(error.what()).status();
    }
  }

  // The states of an object that its event is judged and told by.
  void add_states(const CacheEvent& event, std::vector<EntryRef>& out) const {
    if (event.revision <= setup_.since) return;
    const Selection& selection = setup_.selection;
    if (selection.needs_shown() && selection.in_place(event.before)) out.push_back(event.before);
    if (selection.in_place(event.after)) out.push_back(event.after);
    if (selection.in_place(event.deleted)) out.push_back(event.deleted);
  }

  // It ends with the reason.
  SharedBytes fail() {
    SharedBytes frame = share(encode_error_frame(setup_.encoding.form, *std::exchange(failure_, std::nullopt)));
    starting_ = bookmark_due_ = false;
    events_.clear();
    next_event_ = 0;
    ended_ = true;
    setup_.events = nullptr;
    return frame;
  }

  // As the resource shows it.
  EntryRef view(const EntryRef& entry) const {
    return setup_.conversions ? setup_.conversions->shown(entry) : shown(served_, entry);
  }

  // No more events come; who was too slow is told so.
  void end() {
    ended_ = true;
    expired_ = setup_.events->expired();
    setup_.events = nullptr;
  }

  Task<void> more() {
    events_.clear();
    next_event_ = 0;
    auto events = co_await setup_.events->next(std::min(setup_.end, setup_.next_bookmark));
    if (!events) {
      end();
      co_return;
    }
    events_ = std::move(*events);
    const Steady now = clock_.steady();
    bookmark_due_ = now >= setup_.next_bookmark;
    ended_ = now >= setup_.end;
  }

  // While `next` waits for events: they go straight into the sink. A revision is not cut in two, be there room or not.
  CacheWatch::Told push() {
    CacheWatch::Told told;
    Revision begun;
    try {
      while (const CacheEvent* event = setup_.events->coming()) {
        if (event->revision != begun && !sink_->has_room()) return told;
        begun = event->revision;
        SharedBytes frame = frame_of(*event);
        setup_.events->pass();
        told.cost += kDeliveryCost + setup_.selection.cost();
        if (!frame) continue;
        if (setup_.measured) setup_.measured->sent(frame->size());
        sink_->put(std::move(frame));
      }
      told.all = true;
    } catch (const std::exception&) {
      // What cannot be told is told of by `next`.
    }
    return told;
  }

  // Null: it is not about this selection.
  SharedBytes frame_of(const CacheEvent& event) {
    if (event.revision <= setup_.since) return nullptr;
    const bool before = setup_.selection.matches(event.before);
    const bool after = setup_.selection.matches(event.after);
    if (!before && !after) return nullptr;
    sent_ = event.revision;
    if (after) return frame(before ? EventType::Modified : EventType::Added, event.after, [&] { return view(event.after); });
    // Gone, or gone from this selection: the last state that was in it, at the revision of the change.
    return frame(EventType::Deleted, event.after ? event.after : event.deleted,
                 [&] { return event.deleted ? view(event.deleted) : at_revision(*view(event.before), event.revision); });
  }

  static EntryRef at_revision(const Entry& state, Revision revision) {
    auto entry = std::make_shared<Entry>(state);
    entry->revision = revision;
    entry->protobuf = share(api::served_bytes(*state.protobuf, to_string(revision)));
    return entry;
  }

  // `identity`: what all watchers of the event know the frame by. `shown`: makes the object, when it is needed.
  template <class F>
  SharedBytes frame(EventType type, const EntryRef& identity, F shown) {
    const FrameCache::Key key{identity.get(), type, setup_.encoding.form};
    const bool shareable = setup_.encoding.form.as != As::Table;
    SharedBytes frame = shareable ? served_.frames.find(key, identity) : nullptr;
    if (!frame) {
      frame = share(encode_frame(setup_.encoding, type, shown()));
      if (shareable) served_.frames.put(key, identity, frame);
    }
    setup_.encoding.table.column_definitions = false;  // only the first frame of a table has the columns
    return frame;
  }

  // Null: there is nothing new to tell.
  SharedBytes bookmark() {
    const Steady now = clock_.steady();
    setup_.next_bookmark = now + kBookmarkInterval;
    const Steady last = setup_.end - kBookmarkBeforeEnd;
    if (now < last) setup_.next_bookmark = std::min(setup_.next_bookmark, last);
    const Revision revision = setup_.events->revision();
    if (!setup_.bookmarks || revision <= sent_) return nullptr;
    sent_ = revision;
    return share(encode_bookmark_frame(setup_.encoding, revision, false));
  }

  Served& served_;  // kept by the encoding
  const Clock& clock_;
  PieceSink* sink_ = nullptr;
  WatchSetup setup_;
  bool starting_ = false;         // there is still something to tell of what exists
  std::size_t at_ = 0, end_ = 0;  // in that
  std::size_t converted_ = 0;     // up to there what exists is known as it is shown
  std::optional<meta::v1::Status> failure_;
  std::vector<CacheEvent> events_;
  std::size_t next_event_ = 0;
  bool bookmark_due_ = false;  // after those events
  bool expired_ = false;       // after those, too
  bool ended_ = false;         // after that
  Revision sent_;              // what the client has seen
  Turn turn_;
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

  const Encoding encoding = encoding_of(core.front, call);
  const Snapshot present = cache.snapshot();
  const Revision since = from_now ? present.revision : cache.resumes_after(*options.revision);
  const bool outside = served.converter && served.to_shown;
  if (outside) selection.look_in(call.conversions);
  // A revision that is still to come is waited for where the cache ends today.
  auto events = cache.watch(std::min(since, cache.revision()), selection.interest(*present.entries),
                            start.snapshot ? present.entries : nullptr);
  if (!events) {
    SharedBytes frame = share(encode_error_frame(call.form, too_old(since, cache).status()));
    co_return stream_response(call.form, std::make_unique<ErrorStream>(std::move(frame)));
  }
  const Clock& clock = core.executor.clock();
  const Duration timeout = timeout_of(core, options);
  const Steady end = clock.steady() + timeout;
  const Duration first_bookmark =
      timeout > kBookmarkBeforeEnd ? std::min(kBookmarkInterval, timeout - kBookmarkBeforeEnd) : timeout;
  WatchSetup setup{.encoding = encoding,
                   .selection = std::move(selection),
                   .events = std::move(events),
                   .since = since,
                   .mark = start.mark,
                   .bookmarks = options.bookmarks,
                   .end = end,
                   .next_bookmark = options.bookmarks ? clock.steady() + first_bookmark : end,
                   .measured = core.metrics ? std::make_unique<ServerMetrics::Watching>(*core.metrics, call) : nullptr,
                   .core = &core,
                   .conversions = outside ? call.conversions : nullptr};
  call.watching = true;
  auto stream = std::make_unique<WatchStream>(served, clock, std::move(setup));
  co_return stream_response(call.form, std::move(stream));
}

}  // namespace ph::apiserver

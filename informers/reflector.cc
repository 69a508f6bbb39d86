#include "informers/reflector.h"

#include "api/wire_records.h"
#include "informers/request.h"

namespace ph::informers::detail {

namespace wire = api::wire;

namespace {

// So many objects are decoded before others get their turn.
constexpr int kTurn = 128;

class FollowerStream final : public AnyStream {
 public:
  explicit FollowerStream(std::shared_ptr<Follower> follower) : follower_(std::move(follower)) {}
  Task<std::optional<AnyEvent>> next() override { return follower_->next(); }
  void end() override { follower_->stop(); }

 private:
  std::shared_ptr<Follower> follower_;
};

// The bookmark that ends a streamed list.
bool ends_initial_events(std::string_view object) {
  for (wire::Records in(wire::member_of(object, 1)); in.next();) {
    if (in.field() == 12 &&
        wire::text_entry(in.text()) == std::pair{std::string_view("k8s.io/initial-events-end"), std::string_view("true")}) {
      return true;
    }
  }
  return false;
}

api::ApiError error_of_event(std::string_view bytes) {
  meta::v1::Status status;
  api::decode_protobuf(bytes, status);
  if (status.code() == 0) status.set_code(500);
  return api::ApiError(std::move(status));
}

bool revision_is_too_large(const api::ApiError& error) {
  return std::ranges::any_of(error.status().details().causes(),
                             [](const auto& cause) { return cause.reason() == "ResourceVersionTooLarge"; });
}

}  // namespace

Duration Backoff::next() {
  const Duration delay = delay_;
  delay_ = std::min(delay_ * 2, kLongest);
  return delay + Duration(static_cast<Duration::rep>(rng_.fraction() * static_cast<double>(delay.count())));
}

Reflector::Reflector(Executor& executor, Client& client, Rng& rng, Log log, Informers::Stats& stats, Decoder decoder,
                     InformerSeries series)
    : executor_(executor),
      client_(client),
      rng_(rng),
      log_(std::move(log)),
      stats_(stats),
      series_(series),
      decoder_(std::make_shared<const Decoder>(std::move(decoder))),
      copy_(decoder_),
      backoff_(rng),
      heard_(executor.clock().steady()),
      scope_(executor) {
  PH_ASSERT(decoder_->resource != nullptr);
}

Reflector::~Reflector() { stop(); }

void Reflector::start() { scope_.spawn(run()); }

void Reflector::stop() {
  if (stopped_) return;
  stopped_ = true;
  scope_.cancel();
  copy_.stop();
  synced_event_.set();
  for (const auto& each : {look_, next_look_}) {
    if (each) each->done.set();
  }
  for (const auto& [least, waiter] : waiting_) waiter->set();
  for (const Gauge& gauge : {series_.objects, series_.synced, series_.staleness}) gauge.set(0);
}

std::unique_ptr<AnyStream> Reflector::events() {
  auto follower = copy_.follow(synced_);
  if (stopped_) follower->stop();
  return std::make_unique<FollowerStream>(std::move(follower));
}

Task<void> Reflector::wait_synced() {
  while (!synced_ && !stopped_) co_await synced_event_.wait();
}

Task<void> Reflector::wait_for(Revision least) {
  if (stopped_ || revision_ >= least) co_return;
  // Registered for as long as this frame lives, which may end while it waits.
  struct Waiter {
    Waiter(std::multimap<Revision, ph::Event*>& all, Revision least) : all(all), at(all.emplace(least, &event)) {}
    ~Waiter() { all.erase(at); }
    ph::Event event;
    std::multimap<Revision, ph::Event*>& all;
    std::multimap<Revision, ph::Event*>::iterator at;
  };
  Waiter waiter(waiting_, least);
  co_await waiter.event.wait();
}

void Reflector::show() const {
  series_.objects.set(static_cast<double>(copy_.size()));
  series_.synced.set(synced_ ? 1 : 0);
  series_.staleness.set(std::chrono::duration<double>(executor_.clock().steady() - heard_).count());
}

Task<void> Reflector::catch_up() {
  co_await wait_synced();
  if (stopped_) co_return;
  if (!next_look_) {
    next_look_ = std::make_shared<Look>();
    if (!looking_) scope_.spawn(look());
  }
  const std::shared_ptr<Look> shared = next_look_;
  co_await shared->done.wait();
  if (stopped_) co_return;
  if (shared->error) std::rethrow_exception(shared->error);
  // The copy need not reach the list's own revision, which is that of all resources: only what the list shows.
  const auto& [now, newest, live] = shared->state;
  std::vector<AnyRef> gone;
  for (AnyRef& object : copy_.list({})) {
    const auto found = live.find(decoder_->key(object.get()).owned());
    const bool lives = found != live.end() && found->second == decoder_->uid(object.get());
    if (!lives && decoder_->revision(object.get()) <= now) gone.push_back(std::move(object));
  }
  for (;;) {
    std::erase_if(gone, [&](const AnyRef& object) {
      const AnyRef cached = copy_.find(decoder_->key(object.get()));
      return !cached || decoder_->uid(cached.get()) != decoder_->uid(object.get());
    });
    const Revision seen = revision_;
    if (stopped_ || seen >= now || (seen >= newest && gone.empty())) co_return;
    co_await wait_for(Revision{seen.value + 1});
  }
}

// One look serves all who have asked before it began; who asks meanwhile waits for the next.
Task<void> Reflector::look() {
  looking_ = true;
  while (next_look_) {
    co_await yield();  // to those who ask at the same time
    look_ = std::exchange(next_look_, nullptr);
    try {
      look_->state = co_await read_live(client_, *decoder_);
    } catch (const std::exception&) {
      look_->error = std::current_exception();
    }
    look_->done.set();
    look_ = nullptr;
  }
  looking_ = false;
}

void Reflector::advance(Revision revision) {
  if (revision <= revision_) return;
  revision_ = revision;
  for (auto at = waiting_.begin(); at != waiting_.end() && at->first <= revision_; ++at) at->second->set();
}

Task<void> Reflector::run() {
  for (;;) {
    Duration wait{};
    try {
      if (must_read_ && !streams_lists_) co_await list_once();
      const Steady begun = executor_.clock().steady();
      co_await watch_once();
      // An orderly end. One that comes at once, again and again, is a server in trouble.
      if (executor_.clock().steady() - begun < 1s) wait = backoff_.next();
    } catch (const api::ApiError& error) {
      wait = after_error(error);
    } catch (const std::exception& error) {
      wait = after_failure(error.what());
    }
    co_await sleep_for(wait);
  }
}

Duration Reflector::after_failure(const char* what) {
  ++stats_.errors, series_.errors.add();
  if (std::exchange(healthy_, false)) backoff_.reset();
  const Duration wait = backoff_.next();
  log_.warning("list or watch broke", "error", what, "retry_in_ms",
               std::chrono::duration_cast<std::chrono::milliseconds>(wait).count());
  return wait;
}

Duration Reflector::after_error(const api::ApiError& error) {
  const bool refused = error.code() == 400 || error.code() == 406 || error.code() == 422;
  if (must_read_ && streams_lists_ && refused) {
    log_.debug("the server streams no lists", "error", error.what());
    streams_lists_ = false;
    return {};
  }
  if (revision_is_too_large(error)) {
    // The server's store is older than what we have seen: it was restored. We follow it.
    must_read_ = from_anywhere_ = true;
  } else if (error.code() == 410) {
    if (must_read_) from_anywhere_ = true;
    must_read_ = true;
    if (std::exchange(healthy_, false)) {
      ++stats_.errors, series_.errors.add();
      backoff_.reset();
      return {};
    }
  }
  return after_failure(error.what());
}

ListOptions Reflector::selection() const {
  ListOptions options;
  options.field_selector = decoder_->field_selector;
  options.label_selector = decoder_->label_selector;
  if (must_read_ && !from_anywhere_) options.resource_version_match = "NotOlderThan";
  if (!from_anywhere_) options.resource_version = to_string(revision_);
  return options;
}

Task<void> Reflector::list_once() {
  Objects objects;
  int decoded = 0;
  const auto add = [&](std::string_view bytes) {
    put(objects, *decoder_, decoder_->decode(bytes));
    return ++decoded % kTurn == 0;
  };
  Revision revision;
  if (decoder_->metadata_only) {
    const SharedBytes answer = co_await client_.list_metadata_bytes(*decoder_->resource, selection());
    const ListParts list = split_list(answer_object(*answer));
    revision = list.revision;
    for (const std::string_view item : list.items) {
      if (add(item)) co_await yield();
    }
  } else {
    std::vector<std::string> items;
    std::string continue_token;
    co_await client_.list_bytes(*decoder_->resource->schema, selection(), items, revision, continue_token);
    for (const std::string& item : items) {
      if (add(item)) co_await yield();
    }
  }
  complete(std::move(objects), revision);
}

Task<void> Reflector::watch_once() {
  ListOptions options = selection();
  const bool initial = must_read_;
  if (initial) options.resource_version_match = "NotOlderThan";
  // Ends at different times for different clients, so that they spread out again after a server's restart.
  options.timeout_seconds = 300 + static_cast<std::int64_t>(rng_.below(300));
  const auto watch = co_await client_.watch(*decoder_->resource, std::move(options), decoder_->metadata_only, initial);
  heard_ = executor_.clock().steady();
  ++stats_.watches, series_.watches.add();
  if (!initial) ++stats_.resumes, series_.resumes.add();

  Objects first;
  for (int turn = 1;; ++turn) {
    const auto event = co_await watch->next();
    if (!event) {
      if (must_read_) throw TransportError("the watch ended within its initial events");
      co_return;
    }
    if (event->type == "ERROR") throw error_of_event(event->object);
    if (!must_read_) {
      apply(*event);
    } else if (event->type == "BOOKMARK") {
      if (ends_initial_events(event->object)) complete(std::exchange(first, {}), revision_of(event->object));
    } else {
      AnyRef object = decoder_->decode(event->object);
      // Changes may mix with the initial events.
      if (event->type != "DELETED") {
        put(first, *decoder_, std::move(object));
      } else if (const auto ended = first.find(decoder_->key(object.get())); ended != first.end()) {
        first.erase(ended);
      }
    }
    if (turn % kTurn == 0) co_await yield();
  }
}

void Reflector::apply(const RawEvent& event) {
  healthy_ = true;
  heard_ = executor_.clock().steady();
  if (event.type == "BOOKMARK") return advance(revision_of(event.object));
  AnyRef object = decoder_->decode(event.object);
  const Revision revision = decoder_->revision(object.get());
  ++stats_.events, series_.events.add();
  const KeyView key = decoder_->key(object.get());
  // A server may repeat what a resumed watch has delivered. A deletion may carry its own revision or the object's last one. Several
  // objects may have changed at one revision.
  const auto known_as_of = [&] {
    const AnyRef known = copy_.find(key);
    return known ? std::optional(decoder_->revision(known.get())) : std::nullopt;
  };
  if (event.type == "DELETED") {
    const auto known = known_as_of();
    const bool ends = known && *known <= revision;
    if (ends) copy_.drop(key);
    if (!ends) ++stats_.repeats;
  } else if (revision > revision_ || (revision == revision_ && known_as_of() != revision)) {
    copy_.put(std::move(object));
  } else {
    ++stats_.repeats;
  }
  advance(revision);
}

void Reflector::complete(Objects objects, Revision revision) {
  ++stats_.lists, series_.lists.add();
  if (synced_) ++stats_.relists;
  healthy_ = true;
  heard_ = executor_.clock().steady();
  must_read_ = from_anywhere_ = false;
  copy_.replace(std::move(objects));
  if (revision < revision_) {
    log_.warning("the server went back to an older state", "seen", revision_, "now", revision);
    revision_ = revision;
  }
  advance(revision);
  if (std::exchange(synced_, true)) return;
  copy_.snapshot();
  synced_event_.set();
}

}  // namespace ph::informers::detail

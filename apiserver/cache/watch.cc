#include "apiserver/cache/watch.h"

namespace ph::apiserver {
namespace {

// A watcher that is far behind gets its events in portions: it may be a long time with one, which nothing else may hold any
// more.
constexpr std::size_t kPortion = 256;
constexpr std::size_t kPortionBytes = 64 * 1024;

std::size_t size_of(const CacheEvent& event) {
  std::size_t size = 0;
  for (const EntryRef* entry : {&event.before, &event.after, &event.deleted}) {
    if (*entry) size += (*entry)->protobuf->size();
  }
  return size;
}

}  // namespace

Watch::Watch(std::shared_ptr<WatchCache::Impl> cache, Revision since, std::optional<Interest> interest,
             std::shared_ptr<const EntryList> initial)
    : cache_(std::move(cache)),
      since_(since),
      initial_(std::move(initial)),
      next_(cache_->window.after(since)),
      place_(cache_->watches.enter(*this, std::move(interest))) {
  cache_->needed = std::min(cache_->needed, next_);
}

Watch::~Watch() {
  disarm();
  if (due_) cache_->due.erase(place_in_due_);
  cache_->watches.leave(place_);
  // A task that still waits is never resumed.
  if (parked_) parked_->handle = nullptr;
}

struct Watch::Wait {
  Watch* watch;
  Steady deadline;
  detail::Parking parking;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    watch->parked_ = parking.park(handle);
    watch->arm(deadline);
  }
  void await_resume() const {}
};

Task<std::optional<std::vector<CacheEvent>>> Watch::next(Steady deadline) {
  PH_ASSERT(!parked_ || !parked_->handle);
  note_read();
  for (;;) {
    if (lost()) co_return std::nullopt;
    if (!prepare()) {
      co_await yield();
      continue;
    }
    if (std::vector<CacheEvent> events = take(); !events.empty()) co_return events;
    if (cache_->hub->executor.clock().steady() >= deadline) co_return std::vector<CacheEvent>();
    Wait wait{this, deadline, {}};
    co_await wait;
  }
}

// Whether it is known which events from here on are of interest; it takes turns to read a long past.
bool Watch::prepare() { return !place_.group || place_.field->reach(*place_.group, next_); }

// The first event that is still to be told; the window's end when there is none. Not of one that is lost.
std::uint64_t Watch::upcoming() const {
  const bool known = place_.group && next_ >= place_.group->from();
  return known ? place_.group->next(next_, cache_->window.end()) : next_;
}

// Of what is known (`prepare`).
const CacheEvent* Watch::first() {
  const EventWindow& window = cache_->window;
  for (next_ = upcoming(); next_ < window.end(); ++next_, next_ = upcoming()) {
    PH_ASSERT(next_ >= window.begin());
    if (window[next_].revision > since_) return &window[next_];
  }
  return nullptr;
}

std::vector<CacheEvent> Watch::take() {
  std::vector<CacheEvent> events;
  std::size_t bytes = 0;
  for (const CacheEvent* event = first(); event; pass(), event = first()) {
    // A revision is never cut in two: the client could not resume between the halves.
    if ((events.size() >= kPortion || bytes >= kPortionBytes) && event->revision != events.back().revision) break;
    events.push_back(*event);
    bytes += size_of(*event);
  }
  return events;
}

const CacheEvent* Watch::coming() { return !lost() && prepare() ? first() : nullptr; }

// What existed is held by events, too: those from its moment on have the states that have been replaced since.
std::uint64_t Watch::needs() const {
  if (expired_) return kNothing;
  return initial_ ? next_ : upcoming();
}

bool Watch::has_read(Steady now) {
  if (std::exchange(read_seen_, read_) != read_) seen_ = now;
  return now - seen_ < cache_->hub->options.unread_max;
}

void Watch::end() {
  initial_ = nullptr;
  wake();
}

void Watch::expire() {
  expired_ = true;
  end();
}

Revision Watch::revision() const {
  if (lost()) return since_;
  const EventWindow& window = cache_->window;
  const std::uint64_t number = upcoming();
  const Revision told = number < window.end() ? Revision{window[number].revision.value - 1} : cache_->hub->revision;
  return std::max(since_, told);
}

void Watch::notify() {
  if (!tell_) return wake();
  if (due_ || !parked_) return;
  due_ = true;
  place_in_due_ = cache_->due.insert(cache_->due.end(), this);
}

std::size_t Watch::tell() {
  constexpr std::size_t kCostOfLook = 4;
  due_ = false;
  if (!parked_ || !parked_->handle) return kCostOfLook;
  Told told;
  if (!lost() && prepare()) {
    told = tell_();
    if (told.cost > 0) note_read();  // there is room where it goes
  }
  if (!told.all) wake();
  return told.cost + kCostOfLook;
}

void Watch::wake() {
  if (auto parked = std::move(parked_)) detail::resume_later(std::move(parked));
}

void Watch::arm(Steady deadline) {
  if (timer_ != 0 && timer_at_ == deadline) return;
  disarm();
  if (deadline == Steady::max()) return;
  timer_at_ = deadline;
  timer_ = cache_->hub->executor.run_at(deadline, [this] {
    timer_ = 0;
    wake();
  });
}

void Watch::disarm() {
  if (timer_ != 0) cache_->hub->executor.cancel(std::exchange(timer_, 0));
}

}  // namespace ph::apiserver

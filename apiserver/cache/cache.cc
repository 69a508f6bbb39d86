#include "apiserver/cache/cache.h"

#include <algorithm>
#include <unordered_map>

#include "api/encoded.h"
#include "apiserver/cache/hub.h"
#include "apiserver/cache/watch.h"
#include "apiserver/storage/gaps.h"

namespace ph::apiserver {
namespace {

// How many older states are kept for the next page of a list, and how long without being asked for.
constexpr std::size_t kMomentsMax = 4;
constexpr Duration kMomentUnused = std::chrono::minutes(1);

// When watches are asked again what they need.
constexpr std::uint64_t kEventsOfLook = 64;
constexpr Duration kLookInterval = std::chrono::seconds(1);

// What watches are told in one turn: about half a millisecond of work.
constexpr std::size_t kCostOfTurn = 10'000;

}  // namespace

WatchCache::Impl::Impl(std::shared_ptr<CacheHub::Impl> hub, std::string prefix, WindowSize size)
    : hub(std::move(hub)),
      prefix(std::move(prefix)),
      serial(++this->hub->made),
      size(size),
      window(this->hub->options, size, this->hub->bytes),
      watches(window) {
  PH_ASSERT(this->prefix.ends_with('/'));
  const bool is_new = this->hub->caches.emplace(this->prefix, this).second;
  PH_ASSERT(is_new);
}

void WatchCache::Impl::leave_hub() {
  const auto found = hub->caches.find(prefix);
  if (found != hub->caches.end() && found->second == this) hub->caches.erase(found);
}

WatchCache::WatchCache(CacheHub& hub, std::string prefix, WindowSize size)
    : impl_(std::make_shared<Impl>(hub.impl_, std::move(prefix), size)) {}

// The cache keeps the hub's insides alive: the hub itself may go.
WatchCache::WatchCache(Store& store, Executor& executor, std::string prefix)
    : impl_(std::make_shared<Impl>(CacheHub(store, executor).impl_, std::move(prefix), WindowSize::Normal)) {}

WatchCache::~WatchCache() { close(); }

Task<void> WatchCache::fill() {
  // Once it is filled nothing needs a turn of the executor.
  if (impl_->filled) co_return;
  co_await impl_->hub->fill();
}

EntryRef WatchCache::find(std::string_view key) const {
  assert_on_executor();
  return impl_->entries.find(key);
}
std::size_t WatchCache::size() const { return impl_->entries.size(); }
Revision WatchCache::revision() const {
  assert_on_executor();
  return impl_->hub->revision;
}

Snapshot WatchCache::snapshot() {
  assert_on_executor();
  return {revision(), impl_->list()};
}

std::optional<Snapshot> WatchCache::published() const {
  const Impl& cache = *impl_;
  const std::uint64_t before = cache.hub->published.load();
  std::shared_ptr<const EntryList> present = cache.published.get();
  if (!impl_->wanted.load(std::memory_order_relaxed)) impl_->wanted.store(true, std::memory_order_relaxed);
  if (!present || before % 2 != 0 || cache.hub->published.load() != before) return std::nullopt;
  return Snapshot{Revision{before / 2}, std::move(present)};
}

std::optional<EntryRef> WatchCache::look(std::string_view key) const {
  if (!Anywhere::here()) {
    publish();
    return impl_->entries.find(key);
  }
  const auto snapshot = published();
  if (!snapshot) return std::nullopt;
  return snapshot->entries->find(key);
}

// Whoever has asked will ask again: the next change is published, too.
void WatchCache::publish() const {
  assert_on_executor();
  if (impl_->wanted.load(std::memory_order_relaxed) && impl_->filled && !impl_->closed && !impl_->published.get()) {
    impl_->published.set(impl_->list());
  }
}

std::uint64_t WatchCache::version() const { return impl_->version.load(); }

std::optional<Snapshot> WatchCache::snapshot_at(Revision wanted) {
  assert_on_executor();
  Impl& cache = *impl_;
  if (wanted > revision() || !cache.filled) return std::nullopt;
  if (cache.window.after(wanted) == cache.window.end() && wanted >= cache.window.since()) return Snapshot{wanted, cache.list()};
  if (const Impl::Moment* moment = cache.moment(wanted)) return moment->snapshot;
  if (wanted < cache.window.since()) return std::nullopt;
  return cache.keep(cache.rebuild(wanted)).snapshot;
}

void WatchCache::keep_for_pages(Snapshot snapshot, bool first) {
  Impl::Moment* moment = impl_->moment(snapshot.revision);
  if (!moment) moment = &impl_->keep(std::move(snapshot));
  if (first) ++moment->lists;
}

void WatchCache::pages_end(Revision revision) {
  Impl::Moment* moment = impl_->moment(revision);
  if (moment && --moment->lists <= 0) impl_->moments.pop_front();
}

Revision WatchCache::since() const { return impl_->window.since(); }

std::unique_ptr<CacheWatch> WatchCache::watch(Revision since, std::optional<Interest> interest,
                                              std::shared_ptr<const EntryList> initial) {
  assert_on_executor();
  PH_ASSERT(impl_->filled);
  if (impl_->closed || since < impl_->window.since()) return nullptr;
  return std::make_unique<Watch>(impl_, since, std::move(interest), std::move(initial));
}

Revision WatchCache::resumes_after(Revision told) const {
  assert_on_executor();
  return impl_->window.has_several(told) ? Revision{told.value - 1} : told;
}

void WatchCache::close() { impl_->close(); }

WatchCache::Stats WatchCache::stats() const {
  const Impl& cache = *impl_;
  return {.watchers = cache.watches.size(),
          .events_held = cache.window.size(),
          .bytes = cache.bytes + cache.window.bytes() + cache.window.backlog_bytes(),
          .window_bytes = cache.window.bytes(),
          .backlog_bytes = cache.window.backlog_bytes(),
          .squeezed = cache.window.squeezed(),
          .expired = cache.expired,
          .changes = cache.changes};
}

EntryRef WatchCache::Impl::make_entry(const std::string& key, Revision revision, const SharedBytes& stored) const {
  PH_ASSERT(key.starts_with(prefix));
  return std::make_shared<const Entry>(
      Entry{key.substr(prefix.size()), revision, share(api::served_bytes(*stored, to_string(revision)))});
}

void WatchCache::Impl::apply(const Change& change) {
  ++changes;
  if (!filled) {
    early.push_back(change);
    return;
  }
  CacheEvent event{.revision = change.revision};
  if (change.value) {
    event.after = make_entry(change.key, change.revision, change.value);
    event.before = entries.put(event.after);
    bytes += event.after->protobuf->size();
  } else {
    event.before = entries.erase(std::string_view(change.key).substr(prefix.size()));
    PH_ASSERT(event.before);
    event.deleted = make_entry(change.key, change.revision, change.previous);
  }
  if (event.before) bytes -= event.before->protobuf->size();
  present.reset();
  ++version;
  window.push(std::move(event), change.time);
  watches.pushed();
}

// `entries` holds what pages read after `recent` showed, each page maybe of another moment, all of them after
// `recent.until`; `early` has every change since then.
void WatchCache::Impl::finish_fill(const Recent& recent) {
  std::erase_if(early, [&](const Change& change) { return change.revision <= recent.until; });
  for (const Change& change : early) {
    const std::string_view key = std::string_view(change.key).substr(prefix.size());
    const EntryRef seen = entries.find(key);
    if (seen && seen->revision >= change.revision) continue;  // the page was later
    EntryRef after = change.value ? make_entry(change.key, change.revision, change.value) : nullptr;
    if (after) bytes += after->protobuf->size();
    const EntryRef before = after ? entries.put(std::move(after)) : entries.erase(key);
    if (before) bytes -= before->protobuf->size();
  }

  Revision since = recent.since;
  for (const auto& [directory, revision] : recent.gaps) {
    if (Gaps::overlap(directory, prefix)) since = std::max(since, revision);
  }
  std::vector<const Change*> changes;
  for (const Change& change : recent.changes) {
    if (change.revision > since && change.key.starts_with(prefix)) changes.push_back(&change);
  }
  for (const Change& change : early) changes.push_back(&change);

  // Backwards, so that states are shared: what a change made is what the next one of its key found.
  std::unordered_map<std::string_view, EntryRef> found_by_next;
  std::vector<CacheEvent> events(changes.size());
  for (std::size_t i = changes.size(); i-- > 0;) {
    const Change& change = *changes[i];
    CacheEvent& event = events[i];
    event.revision = change.revision;
    if (change.previous) event.before = make_entry(change.key, change.previous_modified, change.previous);
    if (change.value) {
      const auto next = found_by_next.find(change.key);
      event.after = next != found_by_next.end() ? next->second : entries.find(std::string_view(change.key).substr(prefix.size()));
      PH_ASSERT(event.after);
      PH_ASSERT(event.after->revision == change.revision);
    } else {
      event.deleted = make_entry(change.key, change.revision, change.previous);
    }
    found_by_next[change.key] = event.before;
  }
  present = nullptr;  // somebody may have looked before there was anything
  // What has been removed at that revision nobody knows any more.
  const auto changed_then = [&](const EntryRef& entry) { return entry->revision == since; };
  window.start_at(since, std::count_if(list()->begin(), list()->end(), changed_then) > 1);
  for (std::size_t i = 0; i < events.size(); ++i) window.push(std::move(events[i]), changes[i]->time);
  trim(hub->executor.clock().now(), hub->executor.clock().steady());
  filled = true;
  ++version;
  early = {};
}

void WatchCache::Impl::trim(Time now, Steady steady) {
  window.trim(now);
  settle(steady);
  moments.remove_if([&](const Moment& moment) {
    const bool passed = size == WindowSize::Normal && moment.snapshot.revision < window.since();
    return passed || steady - moment.used >= kMomentUnused;
  });
}

void WatchCache::Impl::settle(Steady now, std::uint64_t cut) {
  const std::uint64_t edge = window.edge();
  if (window.begin() == edge) return;
  if (cut > 0 || (needed < edge && (edge >= look_at_edge || now >= look_at))) {
    expired += watches.expire(edge, cut, now);
    needed = watches.needed();
    const bool held = needed < edge;
    look_at_edge = held ? edge + kEventsOfLook : edge;
    look_at = held ? now + kLookInterval : now;
  }
  window.release(needed);
}

// Null: it is not kept. Else it is the first from now on.
WatchCache::Impl::Moment* WatchCache::Impl::moment(Revision revision) {
  const auto found = std::ranges::find(moments, revision, [](const Moment& moment) { return moment.snapshot.revision; });
  if (found == moments.end()) return nullptr;
  found->used = hub->executor.clock().steady();
  moments.splice(moments.begin(), moments, found);
  return &moments.front();
}

WatchCache::Impl::Moment& WatchCache::Impl::keep(Snapshot snapshot) {
  moments.push_front({std::move(snapshot), hub->executor.clock().steady()});
  if (moments.size() > kMomentsMax) moments.pop_back();
  return moments.front();
}

void WatchCache::Impl::deliver_soon() {
  if (due.empty() || std::exchange(delivering, true)) return;
  hub->executor.post([weak = weak_from_this()] {
    if (const auto cache = weak.lock()) cache->deliver();
  });
}

void WatchCache::Impl::deliver() {
  delivering = false;
  for (std::size_t cost = 0; !due.empty() && cost < kCostOfTurn;) {
    Watch* const watch = due.front();
    due.pop_front();
    cost += watch->tell();
  }
  deliver_soon();
}

void WatchCache::Impl::close() {
  closed = true;
  published.set(nullptr);
  // Another one may come in its place while watches still hold this one.
  leave_hub();
  watches.end_all();
  // They may not be read for long.
  window.clear();
  moments.clear();
}

const std::shared_ptr<const EntryList>& WatchCache::Impl::list() {
  if (!present) present = entries.list();
  return present;
}

void WatchCache::Impl::publish_or_retract() {
  if (!filled) return;
  published.set(wanted.exchange(false) ? list() : nullptr);
}

// Undoes what happened since.
Snapshot WatchCache::Impl::rebuild(Revision revision) {
  EntryTree state(*list());
  for (std::uint64_t i = window.end(); i-- > window.begin();) {
    const CacheEvent& event = window[i];
    if (event.revision <= revision) break;
    if (event.before) {
      state.put(event.before);
    } else {
      state.erase(event.after->key);
    }
  }
  return {revision, state.list()};
}

}  // namespace ph::apiserver

#include "apiserver/cache/hub.h"

#include <algorithm>

namespace ph::apiserver {
namespace {

// How many objects are read from the store at once: a fill must not hold a second copy of everything.
constexpr std::size_t kPage = 1000;

// The first key after all that begin with `prefix`, which ends in a slash.
std::string after_prefix(std::string prefix) {
  PH_ASSERT(prefix.ends_with('/'));
  ++prefix.back();
  return prefix;
}

}  // namespace

CacheHub::Impl::Impl(Store& store, Executor& executor, CacheOptions options)
    : store(store), executor(executor), options(options), revision(store.revision()), published(2 * revision.value) {}

CacheHub::CacheHub(Store& store, Executor& executor, CacheOptions options)
    : impl_(std::make_shared<Impl>(store, executor, options)) {
  store.follow([weak = std::weak_ptr(impl_)](std::span<const Change> changes) {
    if (const auto hub = weak.lock()) hub->changed(changes);
  });
}
CacheHub::~CacheHub() = default;
Task<void> CacheHub::fill() { return impl_->fill(); }
Revision CacheHub::revision() const { return impl_->revision; }

void CacheHub::Impl::changed(std::span<const Change> changes) {
  if (changes.empty()) return;
  std::vector<WatchCache::Impl*> touched;
  for (const Change& change : changes) {
    // Prefixes end in slashes: the caches of a key are found by its directories, however many caches there are.
    const std::string_view key = change.key;
    for (auto slash = key.find('/'); slash != key.npos; slash = key.find('/', slash + 1)) {
      const auto found = caches.find(key.substr(0, slash + 1));
      if (found == caches.end()) continue;
      WatchCache::Impl* cache = found->second;
      cache->apply(change);
      if (!std::exchange(cache->touched, true)) touched.push_back(cache);
    }
  }
  PH_ASSERT(changes.back().revision > revision);
  revision = changes.back().revision;
  publish(touched);
  const Time now = executor.clock().now();
  const Steady steady = executor.clock().steady();
  for (WatchCache::Impl* cache : touched) {
    cache->touched = false;
    cache->trim(now, steady);
    cache->watches.wake();
    cache->deliver_soon();
  }
  // Caches that nothing touches grow old too: one a batch is looked at.
  auto next = caches.upper_bound(last_trimmed);
  if (next == caches.end()) next = caches.begin();
  if (next != caches.end()) {
    last_trimmed = next->first;
    next->second->trim(now, steady);
  }
  fit(steady);
}

// Nobody has been told of the changes yet, be it by an answer: that comes in a later turn, or later in this one.
void CacheHub::Impl::publish(std::span<WatchCache::Impl* const> touched) {
  published.fetch_or(1);
  for (WatchCache::Impl* cache : touched) cache->publish_or_retract();
  published.store(2 * revision.value);
}

void CacheHub::Impl::fit(Steady now) {
  if (bytes.windows > options.bytes_max) shrink_windows(now);
  if (bytes.backlogs > options.backlog_max) shrink_backlogs(now);
}

void CacheHub::Impl::shrink_windows(Steady now) {
  // A little more than has to be, so that it is not done after each change.
  const std::size_t goal = options.bytes_max - options.bytes_max / 64;
  const auto smaller = [](const WatchCache::Impl* a, const WatchCache::Impl* b) {
    return std::pair(a->window.bytes(), a->serial) < std::pair(b->window.bytes(), b->serial);
  };
  std::vector<WatchCache::Impl*> windows;
  for (const auto& [prefix, cache] : caches) {
    if (cache->window.bytes() > options.bytes_min) windows.push_back(cache);
  }
  std::ranges::make_heap(windows, smaller);
  while (bytes.windows > goal && !windows.empty()) {
    std::ranges::pop_heap(windows, smaller);
    WatchCache::Impl* biggest = windows.back();
    const std::size_t next = windows.size() > 1 ? windows.front()->window.bytes() : 0;
    bool can_more = true;
    do {
      can_more = biggest->window.shrink();
    } while (can_more && bytes.windows > goal && biggest->window.bytes() > next);
    biggest->settle(now);
    if (can_more) {
      std::ranges::push_heap(windows, smaller);
    } else {
      windows.pop_back();
    }
  }
}

void CacheHub::Impl::shrink_backlogs(Steady now) {
  const auto backlog = [](const auto& entry) { return entry.second->window.backlog_bytes(); };
  while (bytes.backlogs > options.backlog_max) {
    const auto biggest = std::ranges::max_element(caches, {}, backlog);
    PH_ASSERT(biggest != caches.end());
    const std::size_t before = bytes.backlogs;
    WatchCache::Impl& cache = *biggest->second;
    cache.settle(now, cache.window.cut(bytes.backlogs - options.backlog_max));
    PH_ASSERT(bytes.backlogs < before);
  }
}

bool CacheHub::Impl::all_filled() const {
  return std::ranges::all_of(caches, [](const auto& entry) { return entry.second->filled; });
}

Task<void> CacheHub::Impl::fill() {
  while (!all_filled()) {
    if (filling) {
      co_await filled.wait();
      continue;
    }
    co_await fill_now();
  }
}

Task<void> CacheHub::Impl::fill_now() {
  filling = true;
  filled.reset();
  // Also when this task is dropped half way: then whoever waits takes over.
  struct End {
    Impl* hub;
    ~End() {
      hub->filling = false;
      hub->filled.set();
    }
  } end{this};

  std::vector<std::pair<std::string, std::uint64_t>> empty;  // by prefix and serial
  for (const auto& [prefix, cache] : caches) {
    if (!cache->filled) empty.emplace_back(prefix, cache->serial);
  }
  const std::string scope = empty.size() == 1 ? empty.front().first : std::string();
  const Recent recent = co_await store.recent(scope, options.history_records_max, options.history_bytes_max);
  for (const auto& [prefix, serial] : empty) {
    // It may go while it is read, and another one come in its place, which has not heard of all that has changed since.
    const auto still_there = [&] {
      const auto found = caches.find(prefix);
      return found != caches.end() && found->second->serial == serial ? found->second : nullptr;
    };
    std::string from = prefix;
    EntryTree entries;
    std::size_t bytes = 0;
    for (bool more = true; more;) {
      const std::vector<Stored> page = co_await store.range(from, after_prefix(prefix), kPage);
      const WatchCache::Impl* cache = still_there();
      if (!cache) break;
      for (const Stored& stored : page) {
        EntryRef entry = cache->make_entry(stored.key, stored.modified, stored.value);
        bytes += entry->protobuf->size();
        entries.put(std::move(entry));
      }
      more = page.size() == kPage;
      if (more) from = page.back().key + '\0';
    }
    WatchCache::Impl* cache = still_there();
    if (!cache) continue;
    cache->entries = std::move(entries);
    cache->bytes = bytes;
    cache->finish_fill(recent);
  }
}

}  // namespace ph::apiserver

// What the watch caches hold of the past: windows within one budget, and for slow watchers more than that, within another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "apiserver/cache/cache.h"
#include "apiserver/storage/memory.h"
#include "base/rng.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr Steady kAtOnce{Duration(0)};

struct World {
  explicit World(CacheOptions options = {}) : store(memory_store(executor, executor.time)), hub(*store, executor, options) {}

  WatchCache& cache(const std::string& name, WindowSize size = WindowSize::Normal) {
    WatchCache& made = *caches.emplace(name, std::make_unique<WatchCache>(hub, "/registry/" + name + "/", size)).first->second;
    executor.run(made.fill());
    return made;
  }
  void put(const std::string& cache, const std::string& key, std::size_t size = 10) {
    (void)executor.run(store->commit(testing::put("/registry/" + cache + "/" + key, make_object(key, std::string(size, 'x')))));
  }
  std::size_t read(CacheWatch& watch) {
    const auto events = executor.run(watch.next(kAtOnce));
    return events ? events->size() : 0;
  }
  std::size_t read_all(CacheWatch& watch) {
    std::size_t all = 0;
    while (const std::size_t events = read(watch)) all += events;
    return all;
  }
  std::size_t sum(std::size_t WatchCache::Stats::* what) const {
    std::size_t out = 0;
    for (const auto& [name, cache] : caches) out += cache->stats().*what;
    return out;
  }

  ManualExecutor executor;
  std::unique_ptr<Store> store;
  CacheHub hub;
  std::map<std::string, std::unique_ptr<WatchCache>> caches;
};

// -- Windows

// Resources with objects of some size, each changed so many times in turn; what their windows hold in the end, in kB.
TEST(WatchWindows, ShareABudget) {
  struct Load {
    std::size_t kilobytes;  // of an object
    int changes;
    WindowSize size = WindowSize::Normal;
    std::size_t least, most;  // kB, in the window
  };
  struct Case {
    const char* name;
    std::vector<Load> loads;
    std::size_t most;  // kB, together
  };
  const auto kSmall = WindowSize::Small;
  const auto kNormal = WindowSize::Normal;
  const Case kCases[] = {
      {"there is room for all", {{1, 300, kNormal, 300, 400}, {2, 100, kNormal, 200, 250}}, 1024},
      {"one alone has the budget", {{1, 3000, kNormal, 990, 1024}}, 1024},
      {"two that are alike share it", {{1, 2000, kNormal, 480, 540}, {1, 2000, kNormal, 480, 540}}, 1024},
      {"the biggest gives, the others keep theirs", {{1, 5000, kNormal, 600, 1024}, {1, 100, kNormal, 100, 150}}, 1024},
      {"a small one takes no more than the least", {{1, 3000, kSmall, 50, 64}, {1, 500, kNormal, 500, 700}}, 1024},
      {"the least is everybody's", std::vector<Load>(18, {1, 3000, kNormal, 60, 64}), 18 * 64},
      {"the newest event of a giant stays", {{2000, 3, kNormal, 2000, 2001}, {1, 3000, kNormal, 60, 64}}, 2100},
      {"… also in a small window", {{200, 3, kSmall, 200, 201}}, 1024},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    World world({.bytes_max = 1 << 20, .bytes_min = 64 << 10});
    int rounds = 0;
    for (std::size_t i = 0; i < c.loads.size(); ++i) {
      world.cache(std::to_string(i), c.loads[i].size);
      rounds = std::max(rounds, c.loads[i].changes);
    }
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < c.loads.size(); ++i) {
        const Load& load = c.loads[i];
        // Spread over the rounds; the last change is in the last one.
        const auto done = [&](int until) { return static_cast<std::int64_t>(until) * load.changes / rounds; };
        if (done(round + 1) > done(round)) world.put(std::to_string(i), "a", load.kilobytes * 1000);
      }
    }
    for (std::size_t i = 0; i < c.loads.size(); ++i) {
      const std::size_t held = world.caches.at(std::to_string(i))->stats().window_bytes;
      EXPECT_GE(held, c.loads[i].least * 1000) << i;
      EXPECT_LE(held, c.loads[i].most * 1024) << i;
    }
    EXPECT_LE(world.sum(&WatchCache::Stats::window_bytes), c.most * 1024);
    EXPECT_EQ(world.sum(&WatchCache::Stats::backlog_bytes), 0u) << "nobody watches";
  }
}

TEST(WatchWindows, AClosedCacheGivesItsShareBack) {
  World world({.bytes_max = 1 << 20, .bytes_min = 64 << 10});
  WatchCache& a = world.cache("a");
  world.cache("b");
  const auto held = a.watch(a.revision(), {}, a.snapshot().entries);
  for (int i = 0; i < 600; ++i) world.put("a", "x", 1000);
  EXPECT_GT(a.stats().window_bytes, 600'000u);
  a.close();
  EXPECT_TRUE(held->lost());
  EXPECT_FALSE(held->expired());
  EXPECT_EQ(held->initial(), nullptr);
  EXPECT_EQ(a.stats().window_bytes, 0u);
  for (int i = 0; i < 800; ++i) world.put("b", "x", 1000);
  EXPECT_GT(world.caches.at("b")->stats().window_bytes, 900'000u);
}

// -- Slow watchers

struct WatchBacklog : ::testing::Test {
  // A window of four events, a backlog of ten or so.
  WatchBacklog() : world({.events_max = 4, .backlog_max = 12'000}), pods(world.cache("pods")) {}
  void put(int events) {
    for (int i = 0; i < events; ++i) world.put("pods", "a", 1000);
  }
  // Time goes on, and something else happens.
  void pass(Duration time) {
    world.executor.advance(time);
    world.put("pods", "a", 1000);
  }
  World world;
  WatchCache& pods;
};

TEST_F(WatchBacklog, ASlowReaderIsWaitedFor) {
  const auto slow = pods.watch(pods.revision());
  put(9);
  EXPECT_EQ(pods.stats().events_held, 9u);
  EXPECT_GT(pods.stats().backlog_bytes, 4'000u);
  EXPECT_EQ(world.read_all(*slow), 9u);
  EXPECT_FALSE(slow->lost());
  EXPECT_EQ(slow->revision(), pods.revision());
  pass(1s);
  EXPECT_EQ(pods.stats().events_held, 4u) << "nobody needs more any longer";
  EXPECT_EQ(pods.stats().backlog_bytes, 0u);
}

TEST_F(WatchBacklog, WatchesMayBeginInIt) {
  const Revision begin = pods.revision();
  const auto slow = pods.watch(begin);
  put(9);
  const auto later = pods.watch(begin);
  ASSERT_TRUE(later);
  EXPECT_EQ(world.read_all(*slow), 9u);
  pass(1s);
  EXPECT_EQ(world.read_all(*later), 10u) << "it is waited for, too";
  pass(1s);
  EXPECT_EQ(pods.watch(begin), nullptr);
}

TEST_F(WatchBacklog, WhoDoesNotReadIsEndedAfterAMinute) {
  const auto unread = pods.watch(pods.revision());
  put(6);
  pass(59s);
  EXPECT_FALSE(unread->lost());
  pass(2s);
  EXPECT_TRUE(unread->lost());
  EXPECT_TRUE(unread->expired());
  EXPECT_EQ(pods.stats().events_held, 4u);
  EXPECT_EQ(pods.stats().expired, 1u);
  EXPECT_EQ(world.executor.run(unread->next(kAtOnce)), std::nullopt);
  EXPECT_LT(unread->revision(), pods.revision()) << "what was lost was not told";
}

TEST_F(WatchBacklog, ReadingIsWhatCounts) {
  const auto watch = pods.watch(pods.revision());
  put(6);
  for (int minute = 0; minute < 5; ++minute) {
    pass(50s);
    watch->note_read();  // of what it was handed before
  }
  EXPECT_FALSE(watch->lost());
  EXPECT_EQ(world.read_all(*watch), 11u);
}

TEST_F(WatchBacklog, WhoIsInTheWindowMaySleep) {
  const auto watch = pods.watch(pods.revision());
  put(3);
  world.executor.advance(1h);
  EXPECT_EQ(world.read_all(*watch), 3u);
}

TEST_F(WatchBacklog, BeyondTheBudgetTheFurthestBehindIsEnded) {
  const auto furthest = pods.watch(pods.revision());
  const auto furthest_too = pods.watch(pods.revision());
  put(5);
  const auto behind = pods.watch(pods.revision());
  put(20);
  EXPECT_TRUE(furthest->expired());
  EXPECT_TRUE(furthest_too->expired());
  EXPECT_TRUE(behind->expired()) << "16 events are more than there is room for";
  put(1);
  const auto near = pods.watch(Revision{pods.revision().value - 4});
  put(5);
  EXPECT_FALSE(near->expired());
  EXPECT_EQ(world.read_all(*near), 9u);
  EXPECT_LE(pods.stats().backlog_bytes, 12'000u);
}

TEST_F(WatchBacklog, OthersOfTheSameResourceGoOn) {
  const auto stuck = pods.watch(pods.revision());
  const auto reader = pods.watch(pods.revision());
  std::size_t told = 0;
  for (int i = 0; i < 50; ++i) {
    put(1);
    if (i % 5 == 0) told += world.read_all(*reader);
  }
  EXPECT_TRUE(stuck->expired());
  EXPECT_FALSE(reader->expired());
  EXPECT_EQ(told + world.read_all(*reader), 50u);
}

TEST_F(WatchBacklog, TheBudgetIsOneForAll) {
  WatchCache& nodes = world.cache("nodes");
  const auto little = nodes.watch(nodes.revision());
  for (int i = 0; i < 6; ++i) world.put("nodes", "n", 1000);
  const auto much = pods.watch(pods.revision());
  put(20);
  EXPECT_TRUE(much->expired()) << "the one that holds most";
  EXPECT_FALSE(little->expired());
  EXPECT_EQ(world.read_all(*little), 6u);
}

TEST_F(WatchBacklog, WhatExistedIsGivenUpWithItsWatch) {
  put(1);
  std::weak_ptr<const EntryList> moment = pods.snapshot().entries;
  const auto unread = pods.watch(pods.revision(), {}, moment.lock());
  put(6);
  EXPECT_NE(unread->initial(), nullptr);
  EXPECT_FALSE(moment.expired());
  pass(1s);
  pass(61s);
  EXPECT_TRUE(unread->expired());
  EXPECT_EQ(unread->initial(), nullptr);
  EXPECT_TRUE(moment.expired()) << "though nobody has asked the watch";
}

TEST_F(WatchBacklog, WhatExistedIsGivenUpWhenItHasBeenTold) {
  put(1);
  std::weak_ptr<const EntryList> moment = pods.snapshot().entries;
  const auto watch = pods.watch(pods.revision(), {}, moment.lock());
  put(1);
  EXPECT_FALSE(moment.expired());
  watch->initial_done();
  EXPECT_TRUE(moment.expired());
  EXPECT_EQ(world.read_all(*watch), 1u);
}

// Of those who look for a value what concerns them is held, and nothing for its sake that comes before; but what existed needs all
// that came after.
TEST_F(WatchBacklog, AnInterestHoldsFromItsFirstEvent) {
  const auto keyed = [](std::string key) {
    return Interest{"key", [](const EntryRef& entry) { return std::optional(entry->key); }, std::move(key)};
  };
  const auto b = pods.watch(pods.revision(), keyed("b"));
  const auto c = pods.watch(pods.revision(), keyed("c"));
  EXPECT_EQ(world.read(*b) + world.read(*c), 0u);
  put(10);
  EXPECT_EQ(pods.stats().events_held, 4u);
  world.put("pods", "b", 1000);
  put(8);
  EXPECT_EQ(pods.stats().events_held, 9u);
  pass(1s);
  pass(61s);
  EXPECT_TRUE(b->expired());
  EXPECT_FALSE(c->expired()) << "it has missed nothing";
  EXPECT_EQ(c->revision(), pods.revision());
}

// Random readers of several resources against a model: each is told every change in order until it is ended, only those are ended
// that hold something or do not read, and the budgets are kept after every write.
class WatchBacklogSeeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(WatchBacklogSeeds, BudgetsAreKeptAndNothingIsSkipped) {
  SeededRng rng(GetParam());
  const CacheOptions options{.window = 2min,
                             .events_min = 3,
                             .events_max = 40,
                             .bytes_max = 30'000,
                             .bytes_min = 2'000,
                             .backlog_max = 5'000 + rng.below(60'000)};
  World world(options);
  const std::vector<std::string> names{"a", "b", "c", "d"};
  constexpr std::array<std::uint64_t, 6> kPaces{0, 1, 1, 5, 40, 200};
  for (const std::string& name : names) world.cache(name, name == "d" ? WindowSize::Small : WindowSize::Normal);
  std::map<std::string, std::vector<std::pair<Revision, std::string>>> lines;
  struct Reader {
    std::string of;
    std::unique_ptr<CacheWatch> watch;
    std::size_t next;
    std::uint64_t pace;  // reads about once in so many rounds; 0: never
  };
  std::vector<Reader> readers;
  constexpr std::size_t kLargest = 1'500;  // an event
  std::size_t told = 0, ended = 0;
  for (int round = 0; round < 3'000 && !::testing::Test::HasFailure(); ++round) {
    const std::string& name = names[rng.below(names.size())];
    const std::string key = "k" + std::to_string(rng.below(5));
    world.put(name, key, rng.below(800));
    lines[name].emplace_back(world.store->revision(), key);
    if (readers.size() < 12) {
      const std::string& of = names[rng.below(names.size())];
      WatchCache& cache = *world.caches.at(of);
      auto initial = rng.below(3) == 0 ? cache.snapshot().entries : nullptr;
      auto watch = cache.watch(cache.revision(), {}, std::move(initial));
      readers.push_back({of, std::move(watch), lines[of].size(), kPaces[rng.below(kPaces.size())]});
    }
    if (rng.below(10) == 0) world.executor.advance(std::chrono::milliseconds(rng.below(8'000)));
    for (auto reader = readers.begin(); reader != readers.end();) {
      if (reader->pace == 0 ? !reader->watch->lost() : rng.below(reader->pace) != 0) {
        ++reader;
        continue;
      }
      reader->watch->initial_done();
      const auto events = world.executor.run(reader->watch->next(kAtOnce));
      const auto& wanted = lines[reader->of];
      if (!events) {
        EXPECT_TRUE(reader->watch->expired());
        EXPECT_NE(reader->pace, 1u) << "one that always reads";
        ++ended;
        reader = readers.erase(reader);
        continue;
      }
      for (const CacheEvent& event : *events) {
        ASSERT_LT(reader->next, wanted.size());
        EXPECT_EQ(event.revision, wanted[reader->next].first);
        EXPECT_EQ(event.after->key, wanted[reader->next].second);
        ++reader->next;
        ++told;
      }
      if (events->empty()) EXPECT_EQ(reader->next, wanted.size());
      ++reader;
    }
    EXPECT_LE(world.sum(&WatchCache::Stats::window_bytes), options.bytes_max + names.size() * options.bytes_min + kLargest);
    EXPECT_LE(world.sum(&WatchCache::Stats::backlog_bytes), options.backlog_max);
    EXPECT_LE(world.caches.at("d")->stats().window_bytes, options.bytes_min + kLargest);
  }
  EXPECT_GT(told, 1'000u);
  EXPECT_GT(ended, 5u);
  EXPECT_EQ(world.sum(&WatchCache::Stats::watchers), readers.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatchBacklogSeeds, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace ph::apiserver

// Watchers that are interested in one value: whom a change is told to, what it costs, and what is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "apiserver/cache/cache.h"
#include "apiserver/storage/memory.h"
#include "base/rng.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Steady kAtOnce{Duration(0)};

// Of an object whose text is "v=" and a letter; of others it cannot be read.
std::optional<std::string> value_of(const EntryRef& entry) {
  const auto at = entry->protobuf->find("v=");
  if (at == std::string::npos) return std::nullopt;
  return entry->protobuf->substr(at + 2, 1);
}

struct WatchIndexTest : ::testing::Test {
  explicit WatchIndexTest(CacheOptions options = {})
      : store(memory_store(executor, executor.time)), hub(*store, executor, options), cache(hub, "/registry/pods/") {
    executor.run(cache.fill());
  }

  Revision write(Transaction transaction) { return executor.run(store->commit(std::move(transaction))).value(); }
  Revision put_pod(const std::string& key, const std::string& value) {
    return write(put("/registry/pods/" + key, make_object(key, value.empty() ? "none" : "v=" + value)));
  }
  Revision remove_pod(const std::string& key) { return write(remove("/registry/pods/" + key)); }

  Interest interest(std::string value) {
    return {"value", [this](const EntryRef& entry) { return ++reads, value_of(entry); }, std::move(value)};
  }
  std::unique_ptr<CacheWatch> watch(std::string value, std::uint64_t since) {
    return cache.watch(Revision{since}, interest(std::move(value)));
  }
  // "a@2 b@3"
  std::string next(CacheWatch& watch) {
    const auto events = executor.run(watch.next(kAtOnce));
    if (!events) return "end";
    std::string out;
    for (const CacheEvent& event : *events) {
      out += (out.empty() ? "" : " ") + (event.after ? event.after : event.deleted)->key + "@" + to_string(event.revision);
    }
    return out;
  }

  ManualExecutor executor;
  std::unique_ptr<Store> store;
  CacheHub hub;
  WatchCache cache;
  std::size_t reads = 0;
};

TEST_F(WatchIndexTest, TellsOfWhatHadTheValueAndOfWhatHasIt) {
  const auto x = watch("x", 1);
  const auto y = watch("y", 1);
  put_pod("a", "x");  // 2
  put_pod("b", "z");  // 3
  put_pod("a", "y");  // 4
  put_pod("c", "");   // 5: cannot be read
  remove_pod("a");    // 6
  EXPECT_EQ(next(*x), "a@2 a@4 c@5");
  EXPECT_EQ(next(*y), "a@4 c@5 a@6");
  EXPECT_EQ(next(*y), "");
}

TEST_F(WatchIndexTest, WakesOnlyThoseConcerned) {
  const auto x = watch("x", 1);
  const auto y = watch("y", 1);
  std::vector<std::string> order;
  struct Tasks {
    static Task<void> wait(CacheWatch& watch, std::string name, std::vector<std::string>& order) {
      const auto events = co_await watch.next(Steady::max());
      order.push_back(events ? name : name + " ends");
    }
  };
  Scope scope(executor);
  scope.spawn(Tasks::wait(*x, "x", order));
  scope.spawn(Tasks::wait(*y, "y", order));
  executor.drain();
  put_pod("a", "y");
  EXPECT_THAT(order, ElementsAre("y"));
  cache.close();
  executor.drain();
  EXPECT_THAT(order, ElementsAre("y", "x ends"));
}

TEST_F(WatchIndexTest, AChangeIsReadOnceHoweverManyWatch) {
  std::vector<std::unique_ptr<CacheWatch>> watches;
  for (int i = 0; i < 1'000; ++i) watches.push_back(watch(std::string(1, static_cast<char>('A' + i % 50)), 1));
  put_pod("a", "B");
  EXPECT_EQ(reads, 1u);
  put_pod("a", "C");
  EXPECT_EQ(reads, 3u) << "before and after";
  std::size_t told = 0;
  for (auto& watch : watches) told += next(*watch).empty() ? 0 : 1;
  EXPECT_EQ(told, 40u);
  EXPECT_EQ(reads, 3u);
}

TEST_F(WatchIndexTest, ThePastIsReadOnceForAllWhoBeginThere) {
  for (int i = 0; i < 100; ++i) put_pod("p" + std::to_string(i), i % 10 == 0 ? "x" : "y");  // 2 to 101
  const auto first = watch("x", 11);
  EXPECT_EQ(next(*first), "p10@12 p20@22 p30@32 p40@42 p50@52 p60@62 p70@72 p80@82 p90@92");
  EXPECT_EQ(reads, 90u);
  const auto second = watch("x", 61);
  const auto other = watch("q", 31);
  EXPECT_EQ(next(*second), "p60@62 p70@72 p80@82 p90@92");
  EXPECT_EQ(next(*other), "");
  EXPECT_EQ(reads, 90u);
  const auto earlier = watch("x", 1);
  EXPECT_EQ(next(*earlier).substr(0, 12), "p0@2 p10@12 ");
  EXPECT_EQ(reads, 100u);
  EXPECT_EQ(earlier->revision(), cache.revision());
}

TEST_F(WatchIndexTest, ALongPastIsReadInTurns) {
  for (int i = 0; i < 200; ++i) put_pod("a", "y");
  const auto late = watch("x", 1);
  std::size_t most = 0;
  struct Tasks {
    static Task<void> look(const std::size_t& reads, std::size_t& most) {
      for (std::size_t turn = 0, before = 0; turn < 1'000 && before < 399; ++turn, before = reads) {
        co_await yield();
        most = std::max(most, reads - before);
      }
    }
    static Task<void> wait(CacheWatch& watch) { EXPECT_THAT(co_await watch.next(kAtOnce), ::testing::Optional(IsEmpty())); }
  };
  std::vector<Task<void>> tasks;
  tasks.push_back(Tasks::look(reads, most));
  tasks.push_back(Tasks::wait(*late));
  executor.run(all(std::move(tasks)));
  EXPECT_EQ(reads, 399u);
  EXPECT_LE(most, 40u);
}

TEST_F(WatchIndexTest, NothingIsReadWhenNobodyIsInterestedAnyMore) {
  auto x = watch("x", 1);
  put_pod("a", "x");
  x.reset();
  put_pod("a", "y");
  EXPECT_EQ(reads, 1u);
  EXPECT_EQ(cache.stats().watchers, 0u);
}

struct SmallIndexTest : WatchIndexTest {
  SmallIndexTest() : WatchIndexTest({.window = std::chrono::seconds(10), .events_min = 2, .events_max = 4}) {}
};

TEST_F(SmallIndexTest, WhoIsNotConcernedByWhatLeavesTheWindowLosesNothing) {
  const auto x = watch("x", 1);
  const auto y = watch("y", 1);
  put_pod("a", "x");  // 2
  for (int i = 0; i < 3; ++i) put_pod("b", "z");
  EXPECT_EQ(x->revision(), Revision{1}) << "its event has not been told";
  EXPECT_EQ(y->revision(), Revision{5});
  for (int i = 0; i < 50; ++i) put_pod("b", "z");
  EXPECT_FALSE(x->lost()) << "it is waited for";
  executor.advance(std::chrono::seconds(61));
  put_pod("b", "z");
  EXPECT_TRUE(x->lost());
  EXPECT_EQ(next(*x), "end");
  EXPECT_EQ(x->revision(), Revision{1}) << "what was lost was not told";
  EXPECT_FALSE(y->lost());
  EXPECT_EQ(y->revision(), cache.revision());
  EXPECT_EQ(next(*y), "");
  put_pod("c", "y");
  EXPECT_EQ(next(*y), "c@57");
}

// Random changes, watchers and readers against a model in which every event is judged by every watcher.
class WatchIndexSeeds : public ::testing::TestWithParam<std::uint64_t> {};

struct Model {
  struct Line {
    Revision revision;
    std::string key;
    std::optional<std::string> before, after;  // "": cannot be read
  };
  struct Watcher {
    std::unique_ptr<CacheWatch> watch;
    std::string value;  // "": no interest
    Revision since, seen;
    std::size_t next = 0;  // line
    bool begun = false;    // what concerns it in the past has been found
  };
  static bool concerns(const Line& line, const Watcher& watcher) {
    const auto has = [&](const std::optional<std::string>& value) {
      return value && (value->empty() || *value == watcher.value);
    };
    return line.revision > watcher.since && (watcher.value.empty() || has(line.before) || has(line.after));
  }

  std::vector<Line> lines;
  std::map<std::string, std::string> state;
  std::vector<Watcher> watchers;
};

struct SeededIndex : WatchIndexTest {
  explicit SeededIndex(std::uint64_t seed)
      : WatchIndexTest(
            {.window = std::chrono::seconds(60), .events_min = 5, .events_max = 5 + seed % 4 * 60, .backlog_max = seed * 1'000}),
        rng(seed) {}
  void TestBody() override {}

  std::string random_value() { return rng.below(20) == 0 ? "" : std::string(1, "abcdefgh"[rng.below(8)]); }

  void change() {
    Transaction transaction;
    std::vector<Model::Line> lines;
    const Revision revision{cache.revision().value + 1};
    for (std::uint64_t i = 0, first = rng.below(30), n = 1 + rng.below(3); i < n; ++i) {
      const std::string key = "p" + std::to_string(first + i);
      const auto was = model.state.find(key);
      Model::Line line{revision, key, {}, {}};
      if (was != model.state.end()) line.before = was->second;
      if (rng.below(4) != 0) line.after = random_value();
      if (!line.before && !line.after) continue;
      lines.push_back(line);
      const std::string text = line.after && !line.after->empty() ? "v=" + *line.after : "none";
      transaction.mutations.push_back(
          {"/registry/pods/" + key, line.after ? std::optional(make_object(key, text)) : std::nullopt});
      if (line.after) model.state[key] = *line.after;
      else model.state.erase(key);
    }
    if (lines.empty()) return;
    ASSERT_EQ(write(std::move(transaction)), revision);
    std::ranges::move(lines, std::back_inserter(model.lines));
  }

  void begin_to_watch() {
    const std::uint64_t newest = cache.revision().value;
    const Revision since{newest - std::min(newest - 1, rng.below(rng.below(4) == 0 ? 200 : 30))};
    Model::Watcher watcher{.watch = nullptr, .value = rng.below(6) == 0 ? "" : random_value(), .since = since, .seen = since};
    watcher.watch = cache.watch(since, watcher.value.empty() ? std::nullopt : std::optional(interest(watcher.value)));
    if (watcher.watch) model.watchers.push_back(std::move(watcher));
  }

  // Reads a portion, and compares; false: it has ended, rightly.
  bool read(Model::Watcher& watcher) {
    const auto concerned = [&](std::size_t& at) {
      while (at < model.lines.size() && !Model::concerns(model.lines[at], watcher)) ++at;
      return at < model.lines.size();
    };
    const auto events = executor.run(watcher.watch->next(kAtOnce));
    if (!events) {
      if (!watcher.begun) return false;
      EXPECT_TRUE(concerned(watcher.next)) << "lost, with nothing to lose";
      return false;
    }
    watcher.begun = true;
    for (const CacheEvent& event : *events) {
      EXPECT_TRUE(concerned(watcher.next));
      if (!concerned(watcher.next)) return false;
      const Model::Line& line = model.lines[watcher.next++];
      EXPECT_EQ(event.revision, line.revision);
      EXPECT_EQ((event.after ? event.after : event.deleted)->key, line.key);
      EXPECT_EQ(event.before != nullptr, line.before.has_value());
      EXPECT_EQ(event.after != nullptr, line.after.has_value());
    }
    if (events->empty()) EXPECT_FALSE(concerned(watcher.next)) << "of " << watcher.value << " at line " << watcher.next;
    const Revision claimed = watcher.watch->revision();
    EXPECT_GE(claimed, watcher.seen);
    watcher.seen = claimed;
    EXPECT_TRUE(!concerned(watcher.next) || model.lines[watcher.next].revision > claimed) << "claims what it has not told";
    return true;
  }

  Model model;
  SeededRng rng;
};

TEST_P(WatchIndexSeeds, AgreesWithPlainEvaluation) {
  SeededIndex world(GetParam());
  SeededRng& rng = world.rng;
  std::size_t ended = 0, read = 0;
  for (int round = 0; round < 1'500 && !HasFailure(); ++round) {
    for (std::uint64_t i = 0, n = rng.below(4); i < n; ++i) world.change();
    if (world.model.watchers.size() < 40) world.begin_to_watch();
    if (rng.below(50) == 0) world.executor.advance(std::chrono::seconds(rng.below(100)));
    for (std::uint64_t i = 0, n = rng.below(12); i < n && !world.model.watchers.empty(); ++i, ++read) {
      const auto at = world.model.watchers.begin() + static_cast<std::ptrdiff_t>(rng.below(world.model.watchers.size()));
      const bool goes = rng.below(30) == 0;
      const bool lives = world.read(*at);
      if (!lives) ++ended;
      if (goes || !lives) world.model.watchers.erase(at);
    }
  }
  EXPECT_GT(read, 1'000u);
  EXPECT_GT(ended, 0u) << "some fall out of the window";
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatchIndexSeeds, ::testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace ph::apiserver

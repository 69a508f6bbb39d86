#include "apiserver/cache/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Steady kForever = Steady::max();

// "+a@2" created, "~a@3" changed, "-a@4" deleted.
std::string shown(const CacheEvent& event) {
  const EntryRef& entry = event.after ? event.after : event.deleted;
  const char* sign = !event.after ? "-" : event.before ? "~" : "+";
  return sign + entry->key + "@" + to_string(event.revision);
}

std::vector<std::string> shown(const std::optional<std::vector<CacheEvent>>& events) {
  if (!events) return {"end"};
  std::vector<std::string> out;
  for (const CacheEvent& event : *events) out.push_back(shown(event));
  return out;
}

std::vector<std::string> keys(const EntryList& list) {
  std::vector<std::string> out;
  for (const EntryRef& entry : list) out.push_back(entry->key);
  return out;
}

struct CacheTest : ::testing::Test {
  explicit CacheTest(CacheOptions options = {})
      : store(memory_store(executor, executor.time)), hub(*store, executor, options), cache(hub, "/registry/pods/") {
    executor.run(cache.fill());
  }

  Revision write(Transaction transaction) { return executor.run(store->commit(std::move(transaction))).value(); }
  Revision put_pod(const std::string& key, const std::string& text = "x") {
    return write(put("/registry/pods/" + key, make_object(key, text)));
  }
  Revision remove_pod(const std::string& key) { return write(remove("/registry/pods/" + key)); }
  std::vector<std::string> next(CacheWatch& watch, Steady deadline = Steady(Duration(0))) {
    return shown(executor.run(watch.next(deadline)));
  }

  ManualExecutor executor;
  std::unique_ptr<Store> store;
  CacheHub hub;
  WatchCache cache;
};

TEST_F(CacheTest, AnotherMayComeInItsPlaceWhileAWatchHoldsIt) {
  auto old = std::make_unique<WatchCache>(hub, "/registry/x/");
  executor.run(old->fill());
  const auto held = old->watch(old->revision());
  old.reset();
  WatchCache anew(hub, "/registry/x/");
  executor.run(anew.fill());
  const auto watch = anew.watch(anew.revision());
  write(put("/registry/x/a", make_object("default/a", "x")));
  EXPECT_THAT(next(*watch), ElementsAre("+a@2"));
  EXPECT_THAT(next(*held), ElementsAre("end"));
  EXPECT_EQ(anew.size(), 1u);
}

TEST_F(CacheTest, ServesWhatIsThereWithTheRevisionSplicedIn) {
  put_pod("default/b", "one");
  put_pod("default/a", "two");
  put_pod("default/b", "three");
  const EntryRef entry = cache.find("default/b");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->revision, Revision{4});
  EXPECT_EQ(*entry->protobuf, make_object("default/b", "three", "4"));
  EXPECT_EQ(entry->namespace_name(), "default");
  EXPECT_EQ(entry->name(), "b");
  EXPECT_EQ(cache.find("default/c"), nullptr);
  EXPECT_THAT(keys(*cache.snapshot().entries), ElementsAre("default/a", "default/b"));
}

TEST_F(CacheTest, AdvancesWithOtherResources) {
  put_pod("a");
  WatchCache nodes(hub, "/registry/minions/");
  executor.run(nodes.fill());
  const Revision revision = write(put("/registry/minions/n", make_object("n", "")));
  EXPECT_EQ(cache.revision(), revision);
  EXPECT_EQ(nodes.revision(), revision);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(nodes.size(), 1u);
  EXPECT_EQ(cache.snapshot().revision, revision);
}

TEST_F(CacheTest, FeedsNestedPrefixesBoth) {
  WatchCache all(hub, "/registry/");
  executor.run(all.fill());
  put_pod("a");
  EXPECT_THAT(keys(*all.snapshot().entries), ElementsAre("pods/a"));
  EXPECT_THAT(keys(*cache.snapshot().entries), ElementsAre("a"));
}

TEST_F(CacheTest, SnapshotsStayAsTheyWere) {
  put_pod("a");
  const Snapshot before = cache.snapshot();
  put_pod("b");
  remove_pod("a");
  EXPECT_THAT(keys(*before.entries), ElementsAre("a"));
  EXPECT_THAT(keys(*cache.snapshot().entries), ElementsAre("b"));
  EXPECT_EQ(cache.snapshot().entries, cache.snapshot().entries) << "taken twice without a change";
}

TEST_F(CacheTest, WatchersSeeEverythingAfterTheirRevision) {
  put_pod("a");
  const auto early = cache.watch(Revision{1});
  const auto late = cache.watch(cache.revision());
  put_pod("a", "y");
  remove_pod("a");
  EXPECT_THAT(next(*early), ElementsAre("+a@2", "~a@3", "-a@4"));
  EXPECT_THAT(next(*late), ElementsAre("~a@3", "-a@4"));
  EXPECT_EQ(late->revision(), Revision{4});
}

TEST_F(CacheTest, ADeletionCarriesItsRevision) {
  put_pod("a", "last words");
  const auto watch = cache.watch(cache.revision());
  remove_pod("a");
  const auto events = executor.run(watch->next(kForever));
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(*events->front().deleted->protobuf, make_object("a", "last words", "3"));
  EXPECT_EQ(*events->front().before->protobuf, make_object("a", "last words", "2"));
  EXPECT_EQ(events->front().after, nullptr);
}

TEST_F(CacheTest, WaitingWatchersAreWokenBeforeTheAnswer) {
  const auto watch = cache.watch(cache.revision());
  std::vector<std::string> order;
  Scope scope(executor);
  struct Tasks {
    static Task<void> wait(CacheWatch& watch, std::vector<std::string>& order) {
      for (const std::string& line : shown(co_await watch.next(kForever))) order.push_back(line);
    }
    static Task<void> write(Store& store, std::vector<std::string>& order) {
      (void)co_await store.commit(put("/registry/pods/a", make_object("a", "")));
      order.push_back("answer");
    }
  };
  scope.spawn(Tasks::wait(*watch, order));
  executor.drain();
  scope.spawn(Tasks::write(*store, order));
  executor.drain();
  EXPECT_THAT(order, ::testing::UnorderedElementsAre("+a@2", "answer"));
}

TEST_F(CacheTest, ADeadlineGivesAnEmptyList) {
  const auto watch = cache.watch(cache.revision());
  std::vector<std::string> seen{"nothing yet"};
  Scope scope(executor);
  struct Tasks {
    static Task<void> wait(CacheWatch& watch, std::vector<std::string>& seen) {
      seen = shown(co_await watch.next(Steady(std::chrono::seconds(60))));
    }
  };
  scope.spawn(Tasks::wait(*watch, seen));
  executor.advance(std::chrono::seconds(59));
  EXPECT_THAT(seen, ElementsAre("nothing yet"));
  executor.advance(std::chrono::seconds(1));
  EXPECT_THAT(seen, IsEmpty());
}

TEST_F(CacheTest, APortionIsBoundedInBytes) {
  auto watch = cache.watch(cache.revision());
  for (int i = 0; i < 100; ++i) put_pod("p" + std::to_string(i), std::string(10'000, 'x'));
  std::size_t events = 0;
  for (int portions = 0; events < 100; ++portions) {
    ASSERT_LT(portions, 20);
    const auto portion = executor.run(watch->next(kForever));
    ASSERT_TRUE(portion);
    EXPECT_LE(portion->size(), 7u) << "64 KiB";
    events += portion->size();
  }
  EXPECT_FALSE(watch->lost());
  cache.close();
  EXPECT_TRUE(watch->lost());
}

TEST_F(CacheTest, AWatchMayBeDroppedWhileItWaits) {
  auto watch = cache.watch(cache.revision());
  Scope scope(executor);
  struct Tasks {
    static Task<void> wait(CacheWatch& watch) { (void)co_await watch.next(Steady(std::chrono::seconds(60))); }
  };
  scope.spawn(Tasks::wait(*watch));
  executor.drain();
  scope.cancel();
  put_pod("a");
  watch.reset();
  executor.advance(std::chrono::seconds(61));
  EXPECT_EQ(cache.stats().watchers, 0u);
}

TEST_F(CacheTest, ClosingEndsWatches) {
  const auto watch = cache.watch(cache.revision());
  cache.close();
  EXPECT_THAT(next(*watch), ElementsAre("end"));
  EXPECT_EQ(cache.watch(cache.revision()), nullptr);
}

TEST_F(CacheTest, ATransactionIsDeliveredWhole) {
  const auto watch = cache.watch(cache.revision());
  Transaction many;
  for (int i = 0; i < 600; ++i) {
    many.mutations.push_back({"/registry/pods/" + std::to_string(i), make_object("x", "")});
  }
  write(std::move(many));
  put_pod("later");
  EXPECT_EQ(executor.run(watch->next(kForever))->size(), 600u);
  EXPECT_EQ(watch->revision(), Revision{2});
  EXPECT_THAT(next(*watch), ElementsAre("+later@3"));
}

TEST_F(CacheTest, OlderStatesAreRebuilt) {
  put_pod("a");       // 2
  put_pod("b");       // 3
  put_pod("a", "y");  // 4
  remove_pod("b");    // 5
  EXPECT_THAT(keys(*cache.snapshot_at(Revision{1})->entries), IsEmpty());
  EXPECT_THAT(keys(*cache.snapshot_at(Revision{2})->entries), ElementsAre("a"));
  const auto three = cache.snapshot_at(Revision{3});
  EXPECT_THAT(keys(*three->entries), ElementsAre("a", "b"));
  EXPECT_EQ((*three->entries)[0]->revision, Revision{2});
  EXPECT_EQ(cache.snapshot_at(Revision{3})->entries, three->entries) << "kept for the next page";
  EXPECT_EQ(cache.snapshot_at(Revision{6}), std::nullopt) << "not yet";
}

struct SmallWindowTest : CacheTest {
  SmallWindowTest() : CacheTest({.window = std::chrono::seconds(10), .events_min = 2, .events_max = 4}) {}
};

TEST_F(SmallWindowTest, WatchesBeginInTheWindow) {
  for (int i = 0; i < 5; ++i) put_pod("p" + std::to_string(i));
  EXPECT_EQ(cache.watch(Revision{1}), nullptr);
  EXPECT_THAT(next(*cache.watch(Revision{2})), ElementsAre("+p1@3", "+p2@4", "+p3@5", "+p4@6"));
  EXPECT_EQ(cache.snapshot_at(Revision{1}), std::nullopt);
  EXPECT_TRUE(cache.snapshot_at(Revision{2}));
}

// Who has heard of one of several changes may have lost the others, which nobody holds any more.
TEST_F(SmallWindowTest, NobodyResumesAtARevisionOfWhichSomeChangesAreGone) {
  const auto put_both = [&] {
    Transaction both = put("/registry/pods/a", make_object("a", "x"));
    both.mutations.push_back(put("/registry/pods/b", make_object("b", "x")).mutations[0]);
    return write(std::move(both));
  };
  put_both();  // 2
  EXPECT_EQ(cache.resumes_after(Revision{2}), Revision{1});
  for (int i = 0; i < 3; ++i) put_pod("c");  // 3 to 5
  EXPECT_EQ(cache.since(), Revision{2});
  EXPECT_EQ(cache.resumes_after(Revision{2}), Revision{1});
  EXPECT_EQ(cache.watch(cache.resumes_after(Revision{2})), nullptr);
  for (int i = 0; i < 2; ++i) put_pod("c");  // 6 and 7
  EXPECT_EQ(cache.since(), Revision{3});
  EXPECT_EQ(cache.resumes_after(Revision{3}), Revision{3}) << "it was the only one";
}

// One of them is waited for by somebody.
TEST_F(SmallWindowTest, NobodyResumesWithinARevision) {
  Transaction both = put("/registry/pods/a", make_object("a", "x"));
  both.mutations.push_back(put("/registry/pods/b", make_object("b", "x")).mutations[0]);
  const auto by_key = [](const EntryRef& entry) { return std::optional(entry->key); };
  const auto waits = cache.watch(Revision{1}, Interest{"key", by_key, "b"});
  write(std::move(both));                    // 2
  for (int i = 0; i < 6; ++i) put_pod("c");  // 3 to 8
  EXPECT_EQ(cache.since(), Revision{2}) << "the event of a is gone";
  EXPECT_EQ(cache.watch(cache.resumes_after(Revision{2})), nullptr);
  EXPECT_THAT(next(*waits), ElementsAre("+b@2"));
}

TEST_F(SmallWindowTest, EventsGrowOldButTheNewestStay) {
  for (int i = 0; i < 4; ++i) put_pod("p" + std::to_string(i));
  executor.advance(std::chrono::seconds(11));
  write(put("/registry/minions/n", make_object("n", "")));
  EXPECT_EQ(cache.stats().events_held, 2u);
  EXPECT_THAT(next(*cache.watch(Revision{3})), ElementsAre("+p2@4", "+p3@5"));
}

TEST_F(CacheTest, ACacheMadeLaterResumesFromHistory) {
  put_pod("a");
  write(put("/registry/configmaps/c", make_object("c", "one")));
  write(put("/registry/configmaps/c", make_object("c", "two")));
  write(put("/registry/configmaps/d", make_object("d", "")));
  write(remove("/registry/configmaps/d"));
  WatchCache configs(hub, "/registry/configmaps/");
  executor.run(configs.fill());
  EXPECT_THAT(next(*configs.watch(Revision{2})), ElementsAre("+c@3", "~c@4", "+d@5", "-d@6"));
  EXPECT_EQ(*(*configs.snapshot_at(Revision{3})->entries)[0]->protobuf, make_object("c", "one", "3"));
}

TEST_F(CacheTest, ChangesOfWhichOnlyTheLastValueIsKeptDoNotResume) {
  write({{}, {{"/registry/events/default/e", make_object("e", ""), true}}, ""});  // 2
  write(put("/registry/events/default/f", make_object("f", "")));                 // 3
  WatchCache events(hub, "/registry/events/");
  executor.run(events.fill());
  EXPECT_EQ(events.watch(Revision{1}), nullptr);
  EXPECT_THAT(next(*events.watch(Revision{2})), ElementsAre("+default/f@3"));
  EXPECT_EQ(events.size(), 2u);
}

// A server's life: a store, a hub and two caches.
struct Server {
  explicit Server(const std::string& path)
      : store(open_rocksdb_store(path, executor, executor.time, {.sync = false})),
        hub(*store, executor),
        pods(hub, "/registry/pods/"),
        events(hub, "/registry/events/") {}
  Revision write(Transaction t) { return executor.run(store->commit(std::move(t))).value(); }
  std::vector<std::string> since(WatchCache& cache, std::uint64_t revision) {
    const auto watch = cache.watch(Revision{revision});
    return watch ? shown(executor.run(watch->next(Steady(Duration(0))))) : std::vector<std::string>{"gone"};
  }

  ManualExecutor executor;
  std::unique_ptr<Store> store;
  CacheHub hub;
  WatchCache pods;
  WatchCache events;
};

TEST(CacheRestart, WatchesResume) {
  TestDirectory directory;
  {
    Server server(directory.path());
    server.write(put("/registry/pods/a", make_object("a", "1")));                  // 2
    server.write(put("/registry/pods/a", make_object("a", "2")));                  // 3
    server.write({{}, {{"/registry/events/e", make_object("e", ""), true}}, ""});  // 4
    server.write(put("/registry/pods/b", make_object("b", "")));                   // 5
    server.write(remove("/registry/pods/b"));                                      // 6
  }
  Server server(directory.path());
  server.executor.run(server.pods.fill());
  server.executor.run(server.events.fill());
  EXPECT_THAT(server.since(server.pods, 1), ElementsAre("+a@2", "~a@3", "+b@5", "-b@6"));
  EXPECT_THAT(server.since(server.pods, 5), ElementsAre("-b@6"));
  EXPECT_THAT(server.since(server.events, 4), ElementsAre("gone")) << "the place of its last change is not known";
  EXPECT_THAT(server.since(server.events, 6), IsEmpty());
  EXPECT_EQ(*(*server.pods.snapshot_at(Revision{2})->entries)[0]->protobuf, make_object("a", "1", "2"));
  EXPECT_EQ(server.events.size(), 1u);
  server.write(put("/registry/pods/a", make_object("a", "3")));  // 7
  EXPECT_THAT(server.since(server.pods, 6), ElementsAre("~a@7"));
}

// Writes go on while the caches are filled: nothing is lost, nothing comes twice.
TEST(CacheRestart, FillsWhileWritesGoOn) {
  TestDirectory directory;
  {
    Server server(directory.path());
    for (int i = 0; i < 2'500; ++i) server.write(put("/registry/pods/" + std::to_string(10'000 + i), make_object("p", "1")));
  }
  for (int delay = 0; delay < 12; ++delay) {
    SCOPED_TRACE(delay);
    Server server(directory.path());
    const Revision before = server.store->revision();
    struct Tasks {
      static Task<void> write(Store& store, int delay) {
        SeededRng rng(delay);
        for (int i = 0; i < delay; ++i) co_await yield();
        for (int i = 0; i < 60; ++i) {
          const std::string key = "/registry/pods/" + std::to_string(9'990 + rng.below(2'520));
          if (rng.below(2) == 0) {
            (void)co_await store.commit(remove(key));
          } else {
            (void)co_await store.commit(put(key, make_object("p", "2")));
          }
        }
      }
    };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(Tasks::write(*server.store, delay * 3 + i));
    tasks.push_back(server.hub.fill());
    server.executor.run(all(std::move(tasks)));

    std::map<std::string, Revision> wanted, found;
    for (const Stored& stored : server.executor.run(server.store->range("/registry/pods/", "/registry/pods0", 0))) {
      wanted.emplace(stored.key.substr(15), stored.modified);
    }
    for (const EntryRef& entry : *server.pods.snapshot().entries) found.emplace(entry->key, entry->revision);
    EXPECT_EQ(found, wanted);
    const auto history = server.executor.run(server.store->history("/registry/pods/", before));
    const auto watch = server.pods.watch(before);
    ASSERT_TRUE(watch);
    const auto events = server.executor.run(watch->next(Steady(Duration(0))));
    ASSERT_EQ(events->size(), history->size());
    for (std::size_t i = 0; i < events->size(); ++i) {
      EXPECT_EQ((*events)[i].revision, (*history)[i].revision);
      EXPECT_EQ((*events)[i].before ? (*events)[i].before->revision : Revision{}, (*history)[i].previous_modified);
      EXPECT_EQ((*events)[i].after != nullptr, (*history)[i].value != nullptr);
    }
  }
}

// Random writes against a model: every watcher, from whatever revision, sees exactly the model's changes, and every
// older state is the model's.
struct Model {
  struct Line {
    Revision revision;
    std::string shown;
  };
  std::vector<Line> lines;
  std::map<std::uint64_t, std::map<std::string, std::uint64_t>> states{{1, {}}};
};

class CacheSeeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(CacheSeeds, AgreesWithTheModel) {
  SeededRng rng(GetParam());
  ManualExecutor executor;
  const auto store = memory_store(executor, executor.time);
  CacheHub hub(*store, executor, {.events_max = 300});
  auto cache = std::make_unique<WatchCache>(hub, "/registry/pods/");
  executor.run(cache->fill());
  Model model;

  const auto write = [&] {
    Transaction transaction;
    for (std::uint64_t i = 0, n = 1 + rng.below(3), first = rng.below(400); i < n; ++i) {
      const std::string key = "/registry/pods/" + std::to_string(1000 + first + i);
      if (rng.below(3) == 0) {
        transaction.mutations.push_back({key, std::nullopt});
      } else {
        transaction.mutations.push_back({key, make_object("x", rng.text(8, kNameAlphabet))});
      }
    }
    auto state = model.states.rbegin()->second;
    const std::uint64_t revision = model.states.rbegin()->first + 1;
    std::vector<std::string> lines;
    for (const Mutation& m : transaction.mutations) {
      const std::string key = m.key.substr(15);
      const bool was = state.contains(key);
      if (!m.value && !was) continue;
      lines.push_back((m.value ? was ? "~" : "+" : "-") + key + "@" + std::to_string(revision));
      if (m.value) {
        state[key] = revision;
      } else {
        state.erase(key);
      }
    }
    const Revision answer = executor.run(store->commit(std::move(transaction))).value();
    if (lines.empty()) return;
    ASSERT_EQ(answer.value, revision);
    for (auto& line : lines) model.lines.push_back({Revision{revision}, line});
    model.states[revision] = std::move(state);
  };
  const auto check_watch = [&](Revision since) {
    const auto watch = cache->watch(since);
    if (!watch) return;
    std::vector<std::string> seen;
    for (;;) {
      const auto events = executor.run(watch->next(Steady(Duration(0))));
      ASSERT_TRUE(events);
      if (events->empty()) break;
      for (const CacheEvent& event : *events) {
        seen.push_back(shown(event));
        if (event.after) EXPECT_EQ(event.after->revision, event.revision);
        if (event.before) {
          EXPECT_EQ(event.before->revision.value, model.states.at(event.revision.value - 1).at(event.before->key));
        }
      }
    }
    std::vector<std::string> wanted;
    for (const auto& line : model.lines) {
      if (line.revision > since) wanted.push_back(line.shown);
    }
    EXPECT_EQ(seen, wanted) << "since " << since.value;
  };
  const auto check_state = [&](Revision at) {
    const auto snapshot = cache->snapshot_at(at);
    if (!snapshot) return;
    std::map<std::string, std::uint64_t> seen;
    for (const EntryRef& entry : *snapshot->entries) seen.emplace(entry->key, entry->revision.value);
    EXPECT_EQ(seen, model.states.at(at.value)) << "at " << at.value;
  };
  for (int round = 0; round < 40; ++round) {
    for (std::uint64_t i = 0, n = rng.below(60); i < n; ++i) write();
    if (rng.below(8) == 0) {
      // The server restarts: the same must be seen by what is filled from history.
      cache.reset();
      cache = std::make_unique<WatchCache>(hub, "/registry/pods/");
      executor.run(cache->fill());
    }
    const std::uint64_t newest = cache->revision().value;
    ASSERT_TRUE(cache->watch(Revision{newest}));
    for (int i = 0; i < 6; ++i) {
      check_watch(Revision{1 + rng.below(newest)});
      check_watch(Revision{newest - rng.below(std::min<std::uint64_t>(newest, 100))});
      check_state(Revision{1 + rng.below(newest)});
      check_state(Revision{newest - rng.below(std::min<std::uint64_t>(newest, 100))});
    }
    check_state(Revision{newest});
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, CacheSeeds, ::testing::Range<std::uint64_t>(1, 9));

TEST(EntryTree, AgreesWithAMapAndItsListsStay) {
  SeededRng rng(7);
  EntryTree tree;
  std::map<std::string, EntryRef> model;
  std::vector<std::pair<std::shared_ptr<const EntryList>, std::vector<EntryRef>>> lists;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = std::to_string(rng.below(5000));
    const bool shrinking = i % 10'000 > 5'000;
    if (rng.below(3) < (shrinking ? 2u : 1u)) {
      const EntryRef before = tree.erase(key);
      EXPECT_EQ(before, model.contains(key) ? model[key] : nullptr);
      model.erase(key);
    } else {
      const auto entry = std::make_shared<const Entry>(Entry{key, Revision{1}, nullptr});
      const EntryRef before = tree.put(entry);
      EXPECT_EQ(before, model.contains(key) ? model[key] : nullptr);
      model[key] = entry;
    }
    if (rng.below(500) == 0) {
      std::vector<EntryRef> all;
      for (const auto& [k, v] : model) all.push_back(v);
      lists.emplace_back(tree.list(), std::move(all));
    }
  }
  for (const auto& [list, all] : lists) {
    ASSERT_EQ(list->size(), all.size());
    EXPECT_TRUE(std::equal(list->begin(), list->end(), all.begin(), all.end()));
    for (int i = 0; i < 20; ++i) {
      const std::string key = std::to_string(rng.below(5000));
      const auto wanted = std::ranges::lower_bound(all, key, {}, &Entry::key);
      EXPECT_EQ(list->lower_bound(key) - list->begin(), wanted - all.begin());
      EXPECT_EQ(list->find(key), wanted != all.end() && (*wanted)->key == key ? *wanted : nullptr);
      if (!all.empty()) {
        const std::size_t at = rng.below(all.size());
        EXPECT_EQ((*list)[at], all[at]);
        EXPECT_EQ(list->begin()[at], all[at]);
      }
    }
  }
}

}  // namespace
}  // namespace ph::apiserver

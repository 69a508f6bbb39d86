// What every store promises, tried on each; and both side by side under random transactions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "apiserver/storage/store.h"
#include "base/rng.h"
#include "tests/apiserver/storage_directory.h"
#include "tests/apiserver/storage_world.h"

namespace ph::apiserver {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string text(const SharedBytes& bytes) { return bytes ? *bytes : "-"; }

// "2 /a new(old) by author"
std::string shown(const Change& c) {
  return fmt::format("{} {} {}({}@{}) of {} by {}", c.revision.value, c.key, text(c.value), text(c.previous),
                     c.previous_modified.value, c.created.value, c.author);
}
template <class Changes>
std::vector<std::string> shown(const Changes& changes) {
  std::vector<std::string> out;
  for (const Change& change : changes) out.push_back(shown(change));
  return out;
}
std::string shown(const std::optional<Stored>& s) {
  return s ? fmt::format("{}={} of {} at {}", s->key, *s->value, s->created.value, s->modified.value) : "nothing";
}
std::string shown(const std::expected<Revision, Refused>& answer) {
  if (answer) return fmt::format("at {}", answer->value);
  return fmt::format("refused by {}: {}", answer.error().precondition, shown(answer.error().current));
}

Precondition absent(std::string key) { return {std::move(key), Precondition::Kind::Absent, {}}; }
Precondition exists(std::string key) { return {std::move(key), Precondition::Kind::Exists, {}}; }
Precondition at(std::string key, std::uint64_t revision) {
  return {std::move(key), Precondition::Kind::AtRevision, Revision{revision}};
}

enum class Kind { Memory, Rocks };

struct World {
  explicit World(Kind kind) : kind(kind) { open(); }
  void open() {
    store.reset();
    if (kind == Kind::Memory) {
      store = memory_store(executor, executor.time);
    } else {
      store = open_rocksdb_store(directory.path(), executor, executor.time);
    }
    store->follow([this](std::span<const Change> changes) { fed.insert(fed.end(), changes.begin(), changes.end()); });
  }
  std::string commit(Transaction t) { return shown(executor.run(store->commit(std::move(t)))); }
  std::string get(const std::string& key) { return shown(executor.run(store->get(key))); }
  std::vector<std::string> range(const std::string& from, const std::string& to, std::size_t limit = 0) {
    std::vector<std::string> out;
    for (const Stored& stored : executor.run(store->range(from, to, limit))) out.push_back(shown(std::optional(stored)));
    return out;
  }
  std::vector<std::string> history(const std::string& prefix, std::uint64_t since) {
    const auto found = executor.run(store->history(prefix, Revision{since}));
    return found ? shown(*found) : std::vector<std::string>{"gone"};
  }

  Kind kind;
  TestDirectory directory;
  ManualExecutor executor;
  std::unique_ptr<Store> store;
  std::vector<Change> fed;
};

class EveryStore : public ::testing::TestWithParam<Kind>, public World {
 public:
  EveryStore() : World(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Stores, EveryStore, ::testing::Values(Kind::Memory, Kind::Rocks),
                         [](const auto& info) { return info.param == Kind::Memory ? "Memory" : "Rocks"; });

TEST_P(EveryStore, BeginsAtOne) {
  EXPECT_EQ(store->revision(), Revision{1});
  EXPECT_EQ(get("/a"), "nothing");
  EXPECT_THAT(range("/", "0"), IsEmpty());
  EXPECT_THAT(history("/", 1), IsEmpty());
  EXPECT_THAT(history("/", 0), ElementsAre("gone"));
}

TEST_P(EveryStore, Transactions) {
  struct Case {
    const char* name;
    Transaction transaction;
    const char* answer;
    const char* a;  // what /a holds then
  };
  const std::vector<Case> cases = {
      {"create", {{absent("/a")}, {{"/a", "1"}}, "me"}, "at 2", "/a=1 of 2 at 2"},
      {"create again", {{absent("/a")}, {{"/a", "x"}}, ""}, "refused by 0: /a=1 of 2 at 2", "/a=1 of 2 at 2"},
      {"update at its revision", {{at("/a", 2)}, {{"/a", "2"}}, ""}, "at 3", "/a=2 of 2 at 3"},
      {"update at an old one", {{at("/a", 2)}, {{"/a", "x"}}, ""}, "refused by 0: /a=2 of 2 at 3", "/a=2 of 2 at 3"},
      {"update at one of the future", {{at("/a", 9)}, {{"/a", "x"}}, ""}, "refused by 0: /a=2 of 2 at 3", "/a=2 of 2 at 3"},
      {"the second precondition fails",
       {{exists("/a"), exists("/b")}, {{"/a", "x"}}, ""},
       "refused by 1: nothing",
       "/a=2 of 2 at 3"},
      {"preconditions on other keys", {{absent("/b"), at("/a", 3)}, {{"/c", "c"}}, ""}, "at 4", "/a=2 of 2 at 3"},
      {"nothing to change", {{exists("/a")}, {}, ""}, "at 4", "/a=2 of 2 at 3"},
      {"a delete of nothing", {{}, {{"/nowhere", std::nullopt}}, ""}, "at 4", "/a=2 of 2 at 3"},
      {"several at one revision", {{}, {{"/a", "3"}, {"/c", std::nullopt}, {"/d", "d"}}, ""}, "at 5", "/a=3 of 2 at 5"},
      {"delete", {{at("/a", 5)}, {{"/a", std::nullopt}}, ""}, "at 6", "nothing"},
      {"delete again", {{exists("/a")}, {{"/a", std::nullopt}}, ""}, "refused by 0: nothing", "nothing"},
      {"at a revision, deleted", {{at("/a", 5)}, {{"/a", "x"}}, ""}, "refused by 0: nothing", "nothing"},
      {"created anew", {{absent("/a")}, {{"/a", ""}}, ""}, "at 7", "/a= of 7 at 7"},
      {"bytes of all kinds", {{}, {{"/a", std::string("\0\xff\n", 3)}}, ""}, "at 8", nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(commit(c.transaction), c.answer);
    if (c.a) EXPECT_EQ(get("/a"), c.a);
  }
  EXPECT_EQ(*executor.run(store->get("/a"))->value, std::string("\0\xff\n", 3));
  EXPECT_THAT(range("/", "0"), ::testing::SizeIs(2));
}

TEST_P(EveryStore, Ranges) {
  for (const char* key : {"/b", "/a", "/a/1", "/a/2", "/c", "/a0"}) commit(put(key, key));
  EXPECT_THAT(range("/a/", "/a0"), ElementsAre("/a/1=/a/1 of 4 at 4", "/a/2=/a/2 of 5 at 5"));
  EXPECT_THAT(range("/a", "/b", 2), ElementsAre("/a=/a of 3 at 3", "/a/1=/a/1 of 4 at 4"));
  EXPECT_THAT(range("/a/1", "/a/1"), IsEmpty());
  EXPECT_THAT(range("/b", "/d"), ElementsAre("/b=/b of 2 at 2", "/c=/c of 6 at 6"));
}

TEST_P(EveryStore, FollowersAndHistoryTellTheSame) {
  commit({{}, {{"/p/a", "1"}}, "alice"});
  commit({{}, {{"/p/a", "2"}, {"/q/x", "q"}}, "bob"});
  commit({{exists("/none")}, {{"/p/a", "never"}}, "eve"});
  commit({{}, {{"/p/a", std::nullopt}}, "bob"});
  commit({{}, {{"/p/a", "3"}}, "alice"});
  const std::vector<std::string> all = {
      "2 /p/a 1(-@0) of 2 by alice", "3 /p/a 2(1@2) of 2 by bob",   "3 /q/x q(-@0) of 3 by bob",
      "4 /p/a -(2@3) of 2 by bob",   "5 /p/a 3(-@0) of 5 by alice",
  };
  EXPECT_EQ(shown(fed), all);
  EXPECT_EQ(history("", 1), all);
  EXPECT_THAT(history("/p/", 2), ElementsAre(all[1], all[3], all[4]));
  EXPECT_THAT(history("/q/", 1), ElementsAre(all[2]));
  EXPECT_THAT(history("/q/", 5), IsEmpty());
  EXPECT_EQ(executor.run(store->history("", Revision{1}))->front().time, executor.time.now());
}

TEST_P(EveryStore, AnswersComeAfterTheFeed) {
  struct Tasks {
    static Task<void> commit(World& world, std::string key, std::vector<std::string>& wrong) {
      const auto answer = co_await world.store->commit(put(key, "x"));
      if (world.store->revision() < *answer) wrong.push_back("revision at " + key);
      if (std::ranges::find(world.fed, key, &Change::key) == world.fed.end()) wrong.push_back("feed of " + key);
    }
  };
  std::vector<Task<void>> tasks;
  std::vector<std::string> wrong;
  for (int i = 0; i < 200; ++i) tasks.push_back(Tasks::commit(*this, "/" + std::to_string(i), wrong));
  executor.run(all(std::move(tasks)));
  EXPECT_THAT(wrong, IsEmpty());
  std::uint64_t last = 1;
  for (const Change& change : fed) EXPECT_EQ(change.revision.value, ++last);
  EXPECT_EQ(last, 201u);
}

TEST_P(EveryStore, OnlyOneOfManyCreatesWins) {
  struct Tasks {
    static Task<void> create(Store& store, int i, std::vector<std::string>& answers) {
      answers.push_back(shown(co_await store.commit({{absent("/a")}, {{"/a", std::to_string(i)}}, ""})));
    }
  };
  std::vector<Task<void>> tasks;
  std::vector<std::string> answers;
  for (int i = 0; i < 50; ++i) tasks.push_back(Tasks::create(*store, i, answers));
  executor.run(all(std::move(tasks)));
  EXPECT_EQ(std::ranges::count(answers, "at 2"), 1);
  EXPECT_EQ(std::ranges::count(answers, "refused by 0: /a=0 of 2 at 2"), 49);
}

TEST_P(EveryStore, OfSomeChangesOnlyTheLastValueIsKept) {
  commit(put("/e/d/a", "1"));                 // 2
  commit({{}, {{"/e/d/a", "2", true}}, ""});  // 3
  commit(put("/e/d/a", "3"));                 // 4
  commit(put("/e/other/b", "4"));             // 5
  EXPECT_EQ(fed.size(), 4u);
  EXPECT_THAT(history("/e/", 2), ElementsAre("gone"));
  EXPECT_THAT(history("/e/d/a", 2), ElementsAre("gone"));
  EXPECT_THAT(history("/e/d/", 3), ElementsAre("4 /e/d/a 3(2@3) of 2 by test"));
  EXPECT_THAT(history("/e/other/", 1), ElementsAre("5 /e/other/b 4(-@0) of 5 by test"));
  const Recent recent = executor.run(store->recent("/e/other/", 100, 1 << 20));
  EXPECT_THAT(shown(recent.changes), ElementsAre("5 /e/other/b 4(-@0) of 5 by test"));
  EXPECT_EQ(recent.until, Revision{5});
}

TEST_P(EveryStore, RecentIsBounded) {
  for (int i = 0; i < 4; ++i) commit({{}, {{"/p/a", std::to_string(i)}, {"/p/b", std::to_string(i)}}, ""});
  struct Case {
    std::size_t records, bytes;
    std::uint64_t since;
  };
  for (const Case& c : {Case{100, 1 << 20, 1}, Case{8, 1 << 20, 1}, Case{7, 1 << 20, 2}, Case{6, 1 << 20, 2}, Case{1, 1 << 20, 5},
                        Case{0, 1 << 20, 5}}) {
    SCOPED_TRACE(c.records);
    const Recent recent = executor.run(store->recent("/p/", c.records, c.bytes));
    EXPECT_EQ(recent.since.value, c.since);
    EXPECT_EQ(shown(recent.changes), history("/p/", c.since));
    EXPECT_THAT(recent.gaps, IsEmpty());
  }
}

TEST_P(EveryStore, HistoryGrowsOld) {
  commit(put("/a", "1"));
  executor.advance(std::chrono::minutes(6));
  commit(put("/a", "2"));
  executor.advance(std::chrono::minutes(6));
  commit(put("/a", "3"));
  commit(put("/a", "4"));
  EXPECT_THAT(history("/", 1), ElementsAre("gone"));
  EXPECT_THAT(history("/", 2), ElementsAre("3 /a 2(1@2) of 2 by test", "4 /a 3(2@3) of 2 by test", "5 /a 4(3@4) of 2 by test"));
}

TEST(RocksStore, RemembersEverythingAcrossARestart) {
  World world(Kind::Rocks);
  world.commit(put("/p/a", "1"));
  world.commit(put("/p/a", "2"));
  world.commit({{}, {{"/p/b", "x"}, {"/p/a", std::nullopt}}, "carol"});
  const auto before = world.history("/", 1);
  const auto values = world.range("/", "0");
  world.open();
  EXPECT_EQ(world.store->revision(), Revision{4});
  EXPECT_EQ(world.history("/", 1), before);
  EXPECT_EQ(world.range("/", "0"), values);
  EXPECT_EQ(world.commit(put("/p/b", "y")), "at 5");
  EXPECT_THAT(world.history("/", 4), ElementsAre("5 /p/b y(x@4) of 4 by test"));
}

TEST(RocksStore, ARevisionThatLeftNothingBehindIsNotGivenAgain) {
  World world(Kind::Rocks);
  world.commit({{}, {{"/e/a", "1", true}}, ""});
  world.commit({{}, {{"/e/a", std::nullopt, true}}, ""});
  world.open();
  EXPECT_EQ(world.store->revision(), Revision{3});
  EXPECT_EQ(world.commit(put("/a", "")), "at 4");
}

TEST(RocksStore, UnrecordedChangesEndHistoryAtTheStart) {
  World world(Kind::Rocks);
  world.commit({{}, {{"/e/d/a", "1", true}}, ""});  // 2
  world.commit(put("/e/d/b", "2"));                 // 3
  world.commit(put("/p/c", "3"));                   // 4
  EXPECT_THAT(world.history("/e/", 2), ::testing::SizeIs(1));
  world.open();
  EXPECT_THAT(world.history("/e/", 3), ElementsAre("gone")) << "before the start";
  EXPECT_THAT(world.history("/e/", 4), IsEmpty());
  EXPECT_THAT(world.history("/p/", 1), ::testing::SizeIs(1));
  const Recent recent = world.executor.run(world.store->recent("", 100, 1 << 20));
  EXPECT_EQ(recent.since, Revision{1});
  EXPECT_THAT(recent.gaps, ElementsAre(std::pair(std::string("/e/d/"), Revision{4})));
}

TEST(RocksStore, HistoryIsTrimmedBySize) {
  TestDirectory directory;
  ManualExecutor executor;
  const auto store = open_rocksdb_store(directory.path(), executor, executor.time, {.history_bytes = 1 << 20, .sync = false});
  SeededRng rng(1);
  for (int i = 0; i < 2000; ++i) executor.run(store->commit(put("/a", rng.text(10'000, kNameAlphabet))));
  const Recent recent = executor.run(store->recent("", 1'000'000, 1ull << 40));
  // How much exactly depends on when RocksDB flushed and compacted, which are threads of its own.
  EXPECT_GT(recent.changes.size(), 0u);
  EXPECT_LT(recent.changes.size(), 600u);
  EXPECT_EQ(recent.changes.size(), recent.until.value - recent.since.value);
  EXPECT_FALSE(executor.run(store->history("", Revision{recent.since.value - 1})));
}

// The same random transactions for both stores: the same answers, feeds, states and histories, across restarts of one.
class StoreSeeds : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, StoreSeeds, ::testing::Range<std::uint64_t>(1, 7));

TEST_P(StoreSeeds, MemoryAndRocksAgree) {
  SeededRng rng(GetParam());
  World memory(Kind::Memory);
  World rocks(Kind::Rocks);
  std::uint64_t restarted_at = 0;
  const auto key = [&] {
    static const char* const kDirectories[] = {"/r/pods/a/", "/r/pods/b/", "/r/nodes/", "/r/events/a/"};
    return kDirectories[rng.below(4)] + rng.text(1, "abcdef");
  };
  const auto transaction = [&] {
    Transaction t{.author = rng.text(2, "xyz")};
    const std::uint64_t newest = memory.store->revision().value;
    for (std::uint64_t i = rng.below(3); i > 0; --i) {
      t.preconditions.push_back({key(), static_cast<Precondition::Kind>(rng.below(3)),
                                 Revision{newest - rng.below(std::min<std::uint64_t>(newest, 8))}});
    }
    for (std::uint64_t i = rng.below(4); i > 0; --i) {
      Mutation m{.key = key()};
      if (std::ranges::find(t.mutations, m.key, &Mutation::key) != t.mutations.end()) continue;
      if (rng.below(4) != 0) m.value = rng.text(rng.below(50), kNameAlphabet);
      m.last_value_only = m.key.starts_with("/r/events/") ? rng.below(2) == 0 : rng.below(200) == 0;
      t.mutations.push_back(std::move(m));
    }
    return t;
  };
  struct Tasks {
    static Task<void> commit(Store& store, Transaction t, std::vector<std::string>& answers, std::size_t i) {
      answers[i] = shown(co_await store.commit(std::move(t)));
    }
  };
  const auto run_all = [](World& world, const std::vector<Transaction>& transactions) {
    std::vector<std::string> answers(transactions.size());
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < transactions.size(); ++i) {
      tasks.push_back(Tasks::commit(*world.store, transactions[i], answers, i));
    }
    world.executor.run(all(std::move(tasks)));
    return answers;
  };
  for (int round = 0; round < 120; ++round) {
    std::vector<Transaction> transactions;
    for (std::uint64_t i = 1 + rng.below(20); i > 0; --i) transactions.push_back(transaction());
    ASSERT_EQ(run_all(rocks, transactions), run_all(memory, transactions));
    ASSERT_EQ(shown(rocks.fed), shown(memory.fed));
    ASSERT_EQ(rocks.range("/", "0"), memory.range("/", "0"));
    memory.fed.clear();
    rocks.fed.clear();
    if (rng.below(15) == 0) {
      rocks.open();
      restarted_at = rocks.store->revision().value;
    }
    ASSERT_EQ(rocks.store->revision(), memory.store->revision());
    for (const char* prefix : {"", "/r/pods/", "/r/pods/a/", "/r/nodes/", "/r/events/"}) {
      const std::uint64_t newest = memory.store->revision().value;
      const std::uint64_t since = newest - rng.below(std::min<std::uint64_t>(newest, 60));
      const auto found = rocks.history(prefix, since);
      const auto wanted = memory.history(prefix, since);
      // After a restart the place of earlier gaps is not known exactly: then, and only then, more may be gone.
      if (found == std::vector<std::string>{"gone"} && since < restarted_at) continue;
      ASSERT_EQ(found, wanted) << prefix << " since " << since;
    }
  }
}

}  // namespace
}  // namespace ph::apiserver

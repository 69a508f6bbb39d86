#include "apiserver/rest/lines.h"

#include <gtest/gtest.h>

#include <optional>

#include "apiserver/rest/race.h"
#include "tests/sim/executor.h"

namespace ph::apiserver::testing {
namespace {

struct LinesTest : ::testing::Test {
  sim::SimExecutor executor;
  Lines lines;
  std::string log;

  // Stands in the line, has its turn for a while, and goes.
  Task<void> stand(std::string name) {
    Lines::Place place = lines.join("k");
    co_await place.turn();
    log += name;
    co_await sleep_for(1s);
  }
  std::unique_ptr<Scope> someone(const char* name) {
    auto scope = std::make_unique<Scope>(executor);
    scope->spawn(stand(name));
    executor.drain();
    return scope;
  }
};

TEST_F(LinesTest, OneAfterTheOther) {
  EXPECT_TRUE(lines.empty());
  const auto a = someone("a"), b = someone("b"), c = someone("c");
  EXPECT_TRUE(lines.has("k"));
  EXPECT_FALSE(lines.has("other"));
  EXPECT_EQ(log, "a");
  executor.advance(1s);
  EXPECT_EQ(log, "ab");
  const auto d = someone("d");
  executor.advance(2s);
  EXPECT_EQ(log, "abcd");
  executor.advance(1s);
  EXPECT_TRUE(lines.empty());
}

TEST_F(LinesTest, WhoGoesIsNotWaitedFor) {
  struct Case {
    const char* name;
    int goes;
    const char* log;
  };
  const Case kCases[] = {{"who has the turn", 0, "abc"}, {"the next", 1, "ac"}, {"the last", 2, "ab"}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    log.clear();
    std::vector<std::unique_ptr<Scope>> all;
    for (const char* name : {"a", "b", "c"}) all.push_back(someone(name));
    all[c.goes].reset();
    executor.advance(3s);
    EXPECT_EQ(log, c.log);
    EXPECT_TRUE(lines.empty());
  }
}

// The one whose turn has come goes before it has had a turn of the executor.
TEST_F(LinesTest, WhoGoesWhenHisTurnHasJustCome) {
  auto a = someone("a"), b = someone("b"), c = someone("c");
  a.reset();
  b.reset();
  executor.drain();
  EXPECT_EQ(log, "ac");
}

TEST_F(LinesTest, ARaceWaitsForWhatItWillChangeAgain) {
  const auto precondition = [](const char* key, Precondition::Kind kind) {
    return Precondition{.key = key, .kind = kind, .revision = {}};
  };
  const Precondition k = precondition("k", Precondition::Kind::AtRevision),
                     free = precondition("free", Precondition::Kind::Absent);
  Race race(lines);
  race.lost(free, true);
  EXPECT_TRUE(race.refused.contains("free"));
  EXPECT_TRUE(race.turns().ready()) << "somebody has it: to wait is no use";
  race.lost(k, false);
  EXPECT_TRUE(race.turns().ready()) << "it is only looked at";
  EXPECT_FALSE(race.must_wait({k}));
  EXPECT_TRUE(race.turn_of("", {"", "k"}).ready());

  const auto other = someone("a");
  EXPECT_TRUE(race.must_wait({free, k}));
  EXPECT_FALSE(race.turns().ready());
  Scope scope(executor);
  scope.spawn([](Race* race, std::string* log) -> Task<void> {
    co_await race->turns();
    *log += "race";
  }(&race, &log));
  executor.drain();
  EXPECT_EQ(log, "a");
  executor.advance(1s);
  EXPECT_EQ(log, "arace");
  EXPECT_FALSE(race.must_wait({k})) << "it has the turn";
  EXPECT_TRUE(race.turns().ready());
  race.leave();
  EXPECT_TRUE(lines.empty());

  Race loser(lines);
  loser.lost(k, true);
  EXPECT_FALSE(loser.turns().ready());
}

}  // namespace
}  // namespace ph::apiserver::testing

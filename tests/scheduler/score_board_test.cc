#include "scheduler/kept/score_board.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/rng.h"

namespace ph::scheduler::test {
namespace {

// What the board has to say, made anew each time.
struct Naive {
  std::vector<ScoreBoard::Column> columns;
  std::map<std::size_t, std::vector<Score>> raw;  // by slot, of those on the board

  std::map<std::size_t, Score> sums() const {
    std::map<std::size_t, Score> out;
    for (const ScoreBoard::Column& column : columns) {
      Score lowest = INT64_MAX, highest = INT64_MIN;
      for (const auto& [slot, scores] : raw) {
        if (column.scale == Scale::FewestBest && scores[column.number] == kNoScore) continue;
        lowest = std::min(lowest, scores[column.number]);
        highest = std::max(highest, scores[column.number]);
      }
      if (lowest > highest) lowest = highest = 0;
      for (const auto& [slot, scores] : raw) {
        out[slot] += column.weight * scaled(column.scale, scores[column.number], {lowest, highest});
      }
    }
    return out;
  }
  std::vector<std::size_t> best() const {
    const auto all = sums();
    const Score most = std::ranges::max_element(all, {}, [](const auto& one) { return one.second; })->second;
    std::vector<std::size_t> out;
    for (const auto& [slot, sum] : all) {
      if (sum == most) out.push_back(slot);
    }
    return out;
  }
};

TEST(ScoreBoard, KnowsTheBestWhateverComesAndGoes) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    SeededRng rng(seed);
    Naive naive;
    for (std::size_t number = 0; number < 4; ++number) {
      naive.columns.push_back({number, "p", static_cast<Scale>(rng.below(5)), static_cast<Score>(1 + rng.below(3))});
    }
    ScoreBoard board;
    std::size_t slots = 1 + rng.below(40);
    board.resize(slots, 4);
    board.begin(naive.columns);
    for (int step = 0; step < 400; ++step) {
      if (rng.below(50) == 0) board.resize(++slots, 4);
      if (rng.below(50) == 0) board.begin(naive.columns, [&](std::size_t slot) { return naive.raw.contains(slot); });
      if (const std::size_t number = rng.below(4); naive.columns[number].scale == Scale::ByRange && rng.below(5) == 0) {
        const auto by = static_cast<Score>(rng.below(9)) - 4;
        board.shift(number, by);
        for (auto& [slot, scores] : naive.raw) scores[number] += by;
      }
      const std::size_t slot = rng.below(slots);
      board.leave(slot);
      naive.raw.erase(slot);
      if (rng.below(4) != 0) {
        for (std::size_t number = 0; number < 4; ++number) {
          const bool none = naive.columns[number].scale == Scale::FewestBest && rng.below(3) == 0;
          naive.raw[slot].push_back(none ? kNoScore : static_cast<Score>(rng.below(step % 2 == 0 ? 4 : 101)));
          board.set_raw(number, slot, naive.raw[slot].back());
        }
        board.join(slot);
      }
      if (naive.raw.empty() || rng.below(3) == 0) continue;
      const std::vector<std::size_t> expected = naive.best();
      const ScoreBoard::Best best = board.best();
      ASSERT_EQ(best.score, naive.sums().at(expected.front()));
      ASSERT_EQ(best.equals, expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(board.among_best(i), expected[i]);
    }
  }
}

TEST(ScoreBoard, AScoreOutOfRangeIsThePluginsFault) {
  ScoreBoard board;
  board.resize(2, 1);
  board.begin({{0, "Wild", Scale::AsIs, 1}});
  board.set_raw(0, 0, 101);
  board.join(0);
  for (int twice = 0; twice < 2; ++twice) {
    try {
      board.best();
      ADD_FAILURE() << "taken";
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ(error.what(),
                   "plugin \"Wild\" returns an invalid score 101, it should in the range of [0, 100] after normalizing");
    }
  }
  board.leave(0);
  board.set_raw(0, 0, 100);
  board.join(0);
  EXPECT_EQ(board.best().score, 100);
}

}  // namespace
}  // namespace ph::scheduler::test

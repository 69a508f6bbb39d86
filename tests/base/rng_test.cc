#include "base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace ph {
namespace {

// More than a block, by several threads of one generator: none of them sees a number that another one has had, or had itself.
TEST(SystemRngTest, NoNumberTwice) {
  SystemRng rng;
  std::vector<std::vector<std::uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& numbers : drawn) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) numbers.push_back(rng.next());
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::vector<std::uint64_t> all;
  for (const auto& numbers : drawn) all.insert(all.end(), numbers.begin(), numbers.end());
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  // Every bit is set about half of the time: 4,000 throws of a coin, twelve standard deviations.
  for (int bit = 0; bit < 64; ++bit) {
    const auto set = std::ranges::count_if(all, [&](std::uint64_t number) { return number >> bit & 1; });
    EXPECT_NEAR(static_cast<double>(set), 2000, 400) << "bit " << bit;
  }
}

TEST(SeededRngTest, OneSeedOneHistory) {
  SeededRng one(7), same(7), other(8);
  EXPECT_EQ(one.uuid(), same.uuid());
  EXPECT_EQ(one.text(5, kNameAlphabet), same.text(5, kNameAlphabet));
  EXPECT_NE(one.next(), other.next());
}

}  // namespace
}  // namespace ph

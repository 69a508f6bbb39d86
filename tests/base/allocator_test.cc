// When memory is given back: after a burst, once, and not in the middle of one.
#include "base/allocator.h"

#include <gtest/gtest.h>

#include "tests/base/manual_executor.h"

namespace ph {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;

struct FakeMemory final : ProcessMemory {
  std::size_t used = 30 * kMiB, idle = 0;
  int given = 0;
  std::size_t resident_bytes() override { return used + idle; }
  void give_back() override {
    ++given;
    idle = 0;
  }
};

struct IdleMemoryTest : ::testing::Test {
  testing::ManualClock clock;
  testing::ManualExecutor executor{clock};
  FakeMemory memory;
  IdleMemory keeper{memory, executor};

  // So many looks.
  int after(int looks) {
    for (int i = 0; i < looks; ++i) {
      clock.advance(std::chrono::seconds(10));
      executor.drain();
    }
    return memory.given;
  }
};

TEST_F(IdleMemoryTest, WhatABurstLeavesIsGivenBackOnce) {
  EXPECT_EQ(after(5), 0);
  memory.idle = 100 * kMiB;
  EXPECT_EQ(after(1), 0) << "it has only just come";
  EXPECT_EQ(after(1), 1);
  EXPECT_EQ(after(10), 1);
  memory.idle = 100 * kMiB;
  EXPECT_EQ(after(2), 2);
}

TEST_F(IdleMemoryTest, NotWhileItGrows) {
  for (int i = 0; i < 10; ++i) {
    memory.used += 20 * kMiB;
    EXPECT_EQ(after(1), 0);
  }
  EXPECT_EQ(after(1), 1);
}

TEST_F(IdleMemoryTest, WhatIsInUseIsNotAskedForAgainAndAgain) {
  memory.used += 200 * kMiB;
  EXPECT_EQ(after(10), 1);
  memory.used -= 150 * kMiB;
  EXPECT_EQ(after(2), 1);
  memory.idle = 100 * kMiB;
  EXPECT_EQ(after(2), 2) << "less than there was once, but more than of late";
}

TEST_F(IdleMemoryTest, LittleIsLeftAlone) {
  memory.idle = 10 * kMiB;
  EXPECT_EQ(after(10), 0);
}

}  // namespace
}  // namespace ph

// A task with a limit of time: it ends, fails, or is dropped.
#include "base/within.h"

#include <gtest/gtest.h>

#include "tests/base/manual_executor.h"

namespace ph {
namespace {

using testing::ManualClock;
using testing::ManualExecutor;

class Within : public ::testing::Test {
 public:
  struct Held {
    explicit Held(int& count) : count(count) { ++count; }
    ~Held() { --count; }
    Held(const Held&) = delete;
    int& count;
  };
  static Task<int> seven_after(Duration delay, int* held) {
    const Held here(*held);
    co_await sleep_for(delay);
    co_return 7;
  }
  static Task<int> broken() {
    co_await yield();
    throw std::runtime_error("broken");
  }
  static Task<void> record(Duration limit, Task<int> task, std::string* out) {
    try {
      const auto result = co_await within(limit, std::move(task));
      *out = result ? std::to_string(*result) : "too late";
    } catch (const std::exception& error) {
      *out = error.what();
    }
  }
  static Task<void> ended_after(Duration delay, int* held) { co_await seven_after(delay, held); }
  static Task<void> record(Duration limit, Task<void> task, std::string* out) {
    const bool in_time = co_await within(limit, std::move(task));
    *out = in_time ? "ended" : "too late";
  }
  void advance(Duration by) {
    clock.advance(by);
    executor.drain();
  }

  ManualClock clock;
  ManualExecutor executor{clock};
  Scope scope{executor};
  std::string out;
  int held = 0;
};

TEST_F(Within, ItsResult) {
  scope.spawn(record(2s, seven_after(1s, &held), &out));
  advance(0s);
  EXPECT_EQ(held, 1);
  EXPECT_EQ(out, "");
  advance(1s);
  EXPECT_EQ(out, "7");
  EXPECT_EQ(held, 0);
  EXPECT_EQ(executor.timers(), 0u);
}

TEST_F(Within, WithoutAResultItSaysWhetherItEnded) {
  std::string late;
  scope.spawn(record(2s, ended_after(1s, &held), &out));
  scope.spawn(record(2s, ended_after(3s, &held), &late));
  advance(0s);
  EXPECT_EQ(held, 2);
  advance(2s);
  EXPECT_EQ(out, "ended");
  EXPECT_EQ(late, "too late");
  EXPECT_EQ(held, 0);
}

TEST_F(Within, TooLateItIsDropped) {
  scope.spawn(record(2s, seven_after(3s, &held), &out));
  advance(0s);
  advance(1s);
  EXPECT_EQ(held, 1);
  advance(1s);
  EXPECT_EQ(out, "too late");
  EXPECT_EQ(held, 0);
  EXPECT_EQ(executor.timers(), 0u);
}

TEST_F(Within, ItsError) {
  scope.spawn(record(2s, broken(), &out));
  advance(0s);
  EXPECT_EQ(out, "broken");
  EXPECT_EQ(executor.timers(), 0u);
}

TEST_F(Within, DroppedItself) {
  scope.spawn(record(2s, seven_after(1s, &held), &out));
  advance(0s);
  scope.cancel();
  EXPECT_EQ(held, 0);
  EXPECT_EQ(executor.timers(), 0u);
  advance(5s);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace ph

#include "base/soon.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/sync.h"
#include "tests/sim/executor.h"

namespace ph {
namespace {

Task<int> after(Event* event, int value) {
  co_await event->wait();
  if (value < 0) throw std::runtime_error("negative");
  co_return value;
}
Task<void> after(Event* event) { co_await event->wait(); }

struct SoonTest : ::testing::Test {
  sim::SimExecutor executor;
  Event event;
  Scope scope{executor};
  std::string log;

  Soon<int> number(bool waits, int value) {
    if (waits) return after(&event, value);
    return value;
  }
  Soon<> nothing(bool waits) {
    if (waits) return after(&event);
    return {};
  }
  static Task<void> note(Soon<std::string> text, std::string* log) {
    try {
      *log += co_await text;
    } catch (const std::exception& error) {
      *log += error.what();
    }
  }
};

TEST_F(SoonTest, WhatIsThereIsTakenWithoutATurn) {
  Soon<std::unique_ptr<int>> there = std::make_unique<int>(3);
  ASSERT_TRUE(there.ready());
  EXPECT_EQ(*there.take(), 3);
  const Soon<std::optional<int>> none = std::nullopt;
  EXPECT_TRUE(none.ready());
  EXPECT_FALSE(number(true, 1).ready());
  EXPECT_TRUE(nothing(false).ready());
  EXPECT_FALSE(nothing(true).ready());
}

// Each step may wait or not; what comes out is the same.
TEST_F(SoonTest, StepsFollowEachOther) {
  for (int which = 0; which < 8; ++which) {
    SCOPED_TRACE(which);
    event.reset();
    log.clear();
    Soon<std::string> all = then(number(which & 1, 4), [this, which](int first) {
      log += "a";
      return then(nothing(which & 2), [this, which, first] {
        log += "b";
        return then(number(which & 4, first + 1), [](int second) { return std::to_string(second); });
      });
    });
    EXPECT_EQ(all.ready(), which == 0);
    EXPECT_EQ(log, which == 0 || which == 4 ? "ab" : which & 1 ? "" : "a");
    scope.spawn(note(std::move(all), &log));
    executor.drain();
    event.set();
    executor.drain();
    EXPECT_EQ(log, "ab5");
  }
}

TEST_F(SoonTest, WhatIsThrownComesToWhoeverAwaits) {
  scope.spawn(note(then(number(true, -1), [](int value) { return std::to_string(value); }), &log));
  event.set();
  executor.drain();
  EXPECT_EQ(log, "negative");
  EXPECT_THROW((void)then(number(false, 1), [](int) -> int { throw std::runtime_error("at once"); }), std::runtime_error);
}

TEST_F(SoonTest, ADroppedWaitIsWithdrawn) {
  {
    Scope inner(executor);
    inner.spawn(note(then(number(true, 1), [](int value) { return std::to_string(value); }), &log));
    executor.drain();
  }
  event.set();
  executor.drain();
  EXPECT_EQ(log, "");
}

}  // namespace
}  // namespace ph

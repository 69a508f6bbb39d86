#include "base/executor.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/base/blocking.h"
#include "tests/base/manual_executor.h"

namespace ph {
namespace {

using testing::call_on;

TEST(ThreadExecutor, RunsPostedWorkInOrder) {
  SystemClock clock;
  ThreadExecutor executor("test", clock);
  std::vector<int> seen;
  for (int i = 0; i < 100; ++i) executor.post([&seen, i] { seen.push_back(i); });
  const auto copy = call_on(executor, [&] { return seen; });
  ASSERT_EQ(copy.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(copy));
}

TEST(ThreadExecutor, KnowsItselfOnItsThread) {
  SystemClock clock;
  ThreadExecutor executor("test", clock);
  EXPECT_EQ(Executor::current(), nullptr);
  EXPECT_EQ(call_on(executor, [] { return Executor::current(); }), &executor);
}

TEST(ThreadExecutor, TakesWorkFromManyThreads) {
  SystemClock clock;
  ThreadExecutor executor("test", clock);
  int sum = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) executor.post([&sum] { ++sum; });
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(call_on(executor, [&] { return sum; }), 4000);
}

TEST(ThreadExecutor, TimersOfOneInstantRunInTheOrderOfTheirMaking) {
  SystemClock clock;
  ThreadExecutor executor("test", clock);
  std::vector<int> seen;
  std::promise<void> done;
  executor.post([&] {
    const Steady at = clock.steady() + 1ms;
    executor.run_at(at + 1ns, [&] { done.set_value(); });
    const TimerId dropped = executor.run_at(at, [&] { seen.push_back(-1); });
    for (int i = 0; i < 3; ++i) executor.run_at(at, [&seen, i] { seen.push_back(i); });
    executor.cancel(dropped);
    executor.cancel(dropped);
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector{0, 1, 2}));
}

// What owns a thing that posts when it is destroyed, as remote calls do.
struct PostsWhenDestroyed {
  explicit PostsWhenDestroyed(Executor& executor) : executor(executor) {}
  ~PostsWhenDestroyed() {
    executor.post([] { FAIL() << "work ran after the stop"; });
  }
  Executor& executor;
};

// A stopping executor drops what is posted to it.
void wait_until_stopping(Executor& executor) {
  for (;;) {
    const auto probe = std::make_shared<int>();
    executor.post([probe] {});
    if (probe.use_count() == 1) return;
    std::this_thread::yield();
  }
}

TEST(ThreadExecutor, DropsWhatIsLeftWhenItStops) {
  SystemClock clock;
  auto token = std::make_shared<int>();
  {
    ThreadExecutor executor("test", clock);
    std::promise<void> started;
    executor.post([&] {
      started.set_value();
      wait_until_stopping(executor);
      executor.run_after(1h, [token, p = std::make_shared<PostsWhenDestroyed>(executor)] { FAIL(); });
    });
    started.get_future().wait();
    executor.post([token, p = std::make_shared<PostsWhenDestroyed>(executor)] {});
    executor.stop();
    executor.post([token] { FAIL() << "work ran after the stop"; });
    executor.stop();
    EXPECT_EQ(token.use_count(), 1);
  }
}

TEST(Timers, ADestructorMayCancelAnother) {
  Timers timers;
  struct CancelsWhenDestroyed {
    Timers* timers;
    TimerId id;
    ~CancelsWhenDestroyed() { timers->cancel(id); }
  };
  const TimerId victim = timers.add(Steady(2s), [] {});
  const TimerId first = timers.add(Steady(1s), [c = std::make_shared<CancelsWhenDestroyed>(&timers, victim)] {});
  timers.cancel(first);
  EXPECT_EQ(timers.size(), 0u);
  EXPECT_FALSE(timers.next());
}

TEST(Timers, AreTakenByTimeThenByAge) {
  Timers timers;
  std::vector<int> seen;
  timers.add(Steady(2s), [&] { seen.push_back(3); });
  timers.add(Steady(1s), [&] { seen.push_back(1); });
  timers.add(Steady(1s), [&] { seen.push_back(2); });
  EXPECT_FALSE(timers.take_due(Steady(999ms)));
  EXPECT_EQ(timers.next(), Steady(1s));
  while (auto work = timers.take_due(Steady(2s))) (*work)();
  EXPECT_EQ(seen, (std::vector{1, 2, 3}));
}

}  // namespace
}  // namespace ph

#include "controllers/runtime/work_queue.h"

#include <gmock/gmock.h>

#include "tests/sim/executor.h"

namespace ph::controllers {
namespace {

using testing::ElementsAre, testing::IsEmpty;

class WorkQueueTest : public testing::Test {
 protected:
  // Takes all that can be taken now, without ending any.
  std::vector<std::string> take() {
    std::vector<std::string> out;
    Scope scope(executor_);
    scope.spawn(take_all(queue_, out));
    executor_.drain();
    return out;
  }
  static Task<void> take_all(WorkQueue& queue, std::vector<std::string>& out) {
    while (const auto key = co_await queue.next()) out.push_back(key->text());
  }
  static ObjectKey key(std::string text) { return ObjectKey::parse(text); }

  sim::SimExecutor executor_;
  WorkQueue queue_{executor_};
};

TEST_F(WorkQueueTest, HandsOutInOrderAndOnce) {
  for (const char* name : {"b", "a", "b", "c", "a"}) queue_.add(key(name));
  EXPECT_EQ(queue_.depth(), 3u);
  EXPECT_THAT(take(), ElementsAre("b", "a", "c"));
  EXPECT_EQ(queue_.stats().adds, 3u);
}

TEST_F(WorkQueueTest, AKeyInWorkWaitsForItsEnd) {
  queue_.add(key("a"));
  EXPECT_THAT(take(), ElementsAre("a"));
  queue_.add(key("a"));
  queue_.add(key("b"));
  EXPECT_THAT(take(), ElementsAre("b"));
  queue_.done(key("a"));
  EXPECT_THAT(take(), ElementsAre("a"));
  queue_.done(key("a"));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WorkQueueTest, TheEarliestDelayCounts) {
  queue_.add_after(key("a"), 10s);
  queue_.add_after(key("a"), 2s);
  queue_.add_after(key("a"), 5s);
  executor_.advance(1999ms);
  EXPECT_THAT(take(), IsEmpty());
  executor_.advance(1ms);
  EXPECT_THAT(take(), ElementsAre("a"));
  queue_.done(key("a"));
  executor_.advance(1h);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(WorkQueueTest, FailuresWaitLongerAndLonger) {
  std::vector<Duration> delays;
  for (int i = 0; i < 20; ++i) {
    queue_.add_rate_limited(key("a"));
    const Steady before = executor_.clock().steady();
    executor_.advance(*executor_.next_timer() - before);
    delays.push_back(executor_.clock().steady() - before);
    take();
    queue_.done(key("a"));
  }
  EXPECT_EQ(delays[0], 5ms);
  EXPECT_EQ(delays[1], 10ms);
  EXPECT_EQ(delays[10], 5120ms);
  EXPECT_EQ(delays[17], 655360ms);
  EXPECT_EQ(delays[18], 1000s);
  EXPECT_EQ(delays[19], 1000s);
  queue_.forget(key("a"));
  EXPECT_EQ(queue_.failures(key("a")), 0);
  queue_.add_rate_limited(key("a"));
  EXPECT_EQ(*executor_.next_timer() - executor_.clock().steady(), 5ms);
}

TEST(RateLimiterTest, AllKeysShareABucket) {
  RateLimiter limiter;
  const Steady start{};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limiter.next({"", std::to_string(i)}, start), 5ms) << i;
  EXPECT_EQ(limiter.next({"", "x"}, start), 100ms);
  EXPECT_EQ(limiter.next({"", "y"}, start), 200ms);
  EXPECT_EQ(limiter.next({"", "z"}, start + 10s), 5ms);
}

TEST_F(WorkQueueTest, StopEndsTheWaitOfWorkers) {
  queue_.add_after(key("a"), 1s);
  std::vector<std::string> out;
  Scope scope(executor_);
  scope.spawn(take_all(queue_, out));
  executor_.drain();
  queue_.stop();
  executor_.advance(2s);
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_THAT(out, IsEmpty());
}

TEST_F(WorkQueueTest, CountsUnderUpstreamsNames) {
  Metrics metrics;
  WorkQueue queue(executor_, queue_metrics(RuntimeMetrics{&metrics}, "things"));
  const auto shown = [&] {
    queue.show();
    return metrics.render();
  };
  queue.add(key("a"));
  queue.add(key("a"));
  queue.add(key("b"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_adds_total{name=\"things\"} 2\n"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_depth{name=\"things\"} 2\n"));
  executor_.advance(2s);
  std::vector<std::string> taken;
  Scope scope(executor_);
  scope.spawn(take_all(queue, taken));
  executor_.drain();
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_queue_duration_seconds_sum{name=\"things\"} 4\n"));
  executor_.advance(3s);
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_longest_running_processor_seconds{name=\"things\"} 3\n"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_unfinished_work_seconds{name=\"things\"} 6\n"));
  queue.done(key("a"));
  queue.add_rate_limited(key("a"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_work_duration_seconds_sum{name=\"things\"} 3\n"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_retries_total{name=\"things\"} 1\n"));
  EXPECT_THAT(shown(), testing::HasSubstr("workqueue_unfinished_work_seconds{name=\"things\"} 3\n"));
}

TEST(QueueNames, AreUpstreams) {
  EXPECT_EQ(queue_name("deployment-controller"), "deployment");
  EXPECT_EQ(queue_name("endpointslice-controller"), "endpoint_slice");
  EXPECT_EQ(queue_name("ttl-after-finished-controller"), "ttl_jobs_to_delete");
}

}  // namespace
}  // namespace ph::controllers

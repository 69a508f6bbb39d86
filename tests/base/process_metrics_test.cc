#include "base/process_metrics.h"

#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "tests/base/blocking.h"
#include "tests/base/manual_executor.h"

namespace ph {
namespace {

using ::testing::HasSubstr;

TEST(OwnProcess, IsWhatItIs) {
  const auto before = read_own_process();
  ASSERT_TRUE(before);
  EXPECT_GT(before->resident_bytes, 1e6);
  EXPECT_GT(before->virtual_bytes, before->resident_bytes);
  EXPECT_GE(before->open_fds, 3);
  EXPECT_GE(before->max_fds, before->open_fds);
  EXPECT_GT(before->start_time, 1.6e9);
  const double now = std::chrono::duration<double>(SystemClock().now().time_since_epoch()).count();
  EXPECT_LE(before->start_time, now + 1);

  std::ifstream one("/proc/self/stat"), two("/proc/self/stat");
  EXPECT_EQ(read_own_process()->open_fds, before->open_fds + 2);
}

TEST(ProcessMetrics, AreReadBeforeEachScrape) {
  ph::testing::ManualClock clock;
  ph::testing::ManualExecutor executor(clock);
  Metrics metrics;
  std::optional<ProcessSample> sample = ProcessSample{.cpu_seconds = 1.25, .open_fds = 5};
  const ProcessMetrics process(metrics, executor, [&] { return sample; });
  EXPECT_THAT(metrics.render(), HasSubstr("\nprocess_cpu_seconds_total 1.25\n"));
  EXPECT_THAT(metrics.render(), HasSubstr("# TYPE process_cpu_seconds_total counter\n"));

  const auto scrape = [&] {
    std::string text;
    Scope scope(executor);
    scope.spawn([](Metrics& metrics, std::string& text) -> Task<void> { text = co_await metrics.scrape(); }(metrics, text));
    executor.drain();
    return text;
  };
  sample->cpu_seconds = 2.5;
  EXPECT_THAT(scrape(), HasSubstr("\nprocess_cpu_seconds_total 2.5\n"));
  sample.reset();  // cannot be told: the last word stands
  EXPECT_THAT(scrape(), HasSubstr("\nprocess_cpu_seconds_total 2.5\n"));
}

TEST(BuildInfo, IsOneSeries) {
  Metrics metrics;
  show_build(metrics, {.git_version = "v1.36.2", .git_tree_state = "clean", .major = "1", .minor = "36"});
  EXPECT_THAT(metrics.render(),
              HasSubstr(R"(kubernetes_build_info{build_date="",compiler="",git_commit="",git_tree_state="clean",)"
                        R"(git_version="v1.36.2",go_version="",major="1",minor="36",platform=""} 1)"));
}

// A clock that a test moves while another thread reads it.
class SharedClock final : public Clock {
 public:
  Time now() const override { return Time(Duration(passed_.load())); }
  Steady steady() const override { return Steady(Duration(passed_.load())); }
  void advance(Duration by) { passed_ += by.count(); }

 private:
  std::atomic<std::int64_t> passed_{0};
};

TEST(ExecutorMetrics, TheLongestTurnStays) {
  SharedClock clock;
  Metrics metrics;
  ThreadExecutor executor("loops", clock, &metrics);
  const auto turn = [&](Duration takes) { ph::testing::call_on(executor, [&] { clock.advance(takes); }); };
  turn(2s);
  turn(50ms);
  ph::testing::call_on(executor, [] {});  // the turn before has been counted when this one runs
  EXPECT_THAT(metrics.render(), HasSubstr("\npilothouse_executor_longest_turn_seconds{executor=\"loops\"} 2\n"));
}

}  // namespace
}  // namespace ph

#include "base/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <optional>
#include <thread>

#include "base/sync.h"
#include "tests/base/blocking.h"
#include "tests/base/manual_executor.h"

namespace ph {
namespace {

using ph::testing::ManualClock;
using ph::testing::ManualExecutor;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// What `render` shows besides the metrics of metrics.
std::string shown(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    const std::string line = text.substr(at, end - at);
    if (line.find("registered_metrics_total") == line.npos) out += line;
    at = end;
  }
  return out;
}

std::string shown(const Metrics& metrics) { return shown(metrics.render()); }

TEST(Metrics, AreShownByNameThenByLabelValues) {
  Metrics metrics;
  const Family<Gauge> depth(&metrics, {Stability::Beta, "queue_depth", "Keys that wait.", {"name"}});
  const Family<Counter> adds(&metrics, {Stability::Stable, "adds_total", "Keys that came.", {"name", "how"}});
  depth.with({"b"}).set(2);
  depth.with({"a"}).set(0.5);
  adds.with({"a", "late"}).add(3);
  adds.with({"a", "early"}).add();
  EXPECT_EQ(shown(metrics),
            "# HELP adds_total [STABLE] Keys that came.\n"
            "# TYPE adds_total counter\n"
            "adds_total{how=\"early\",name=\"a\"} 1\n"
            "adds_total{how=\"late\",name=\"a\"} 3\n"
            "# HELP queue_depth [BETA] Keys that wait.\n"
            "# TYPE queue_depth gauge\n"
            "queue_depth{name=\"a\"} 0.5\n"
            "queue_depth{name=\"b\"} 2\n");
}

TEST(Metrics, AFamilyWithoutSeriesIsNotShown) {
  Metrics metrics;
  const Family<Counter> family(&metrics, {Stability::Alpha, "never_total", "Never.", {"name"}});
  EXPECT_EQ(shown(metrics), "");
}

TEST(Metrics, HistogramsCountWhatIsAtMostTheBound) {
  Metrics metrics;
  const auto histogram = single<Histogram>(&metrics, {Stability::None, "took_seconds", "How long.", {}, {0.1, 1, 1e6}});
  histogram.observe(0.1);
  histogram.observe(0.5);
  histogram.observe(2500ms);
  histogram.observe(4e6);
  EXPECT_EQ(shown(metrics),
            "# HELP took_seconds How long.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"0.1\"} 1\n"
            "took_seconds_bucket{le=\"1\"} 2\n"
            "took_seconds_bucket{le=\"1e+06\"} 3\n"
            "took_seconds_bucket{le=\"+Inf\"} 4\n"
            "took_seconds_sum 4.0000031e+06\n"
            "took_seconds_count 4\n");
}

TEST(Metrics, NumbersAreShortAndReadBackAsTheyWere) {
  struct Case {
    double value;
    const char* text;
  };
  const Case kCases[] = {
      {0, "0"},
      {-1, "-1"},
      {131072, "131072"},
      {999999, "999999"},
      {1000000, "1e+06"},
      {4194304, "4.194304e+06"},
      {1780000000.25, "1.78000000025e+09"},
      {0.0001, "0.0001"},
      {1e-5, "1e-05"},
      {9.999999999999999e-06, "9.999999999999999e-06"},
      {0.0012974633789062506, "0.0012974633789062506"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::nan(""), "NaN"},
  };
  for (const Case& c : kCases) {
    Metrics metrics;
    single<Gauge>(&metrics, {Stability::None, "g", "A number.", {}}).set(c.value);
    EXPECT_THAT(metrics.render(), HasSubstr(std::string("\ng ") + c.text + "\n"));
  }
}

TEST(Metrics, LabelValuesAndHelpAreEscaped) {
  Metrics metrics;
  Family<Gauge>(&metrics, {Stability::None, "g", "back\\slash \"and\"\nline", {"path"}}).with({"a\"b\\c\nd"}).set(1);
  EXPECT_EQ(shown(metrics),
            "# HELP g back\\\\slash \"and\"\\nline\n"
            "# TYPE g gauge\n"
            "g{path=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Metrics, DeprecatedOnesSaySo) {
  Metrics metrics;
  single<Gauge>(&metrics, {.stability = Stability::Stable, .name = "old", .help = "Old.", .deprecated = "1.34.0"}).set(1);
  EXPECT_THAT(metrics.render(), HasSubstr("# HELP old [STABLE] (Deprecated since 1.34.0) Old.\n"));
}

TEST(Metrics, WhatIsDeclaredTwiceIsOneFamily) {
  Metrics metrics;
  const MetricSpec spec{Stability::Alpha, "adds_total", "Keys that came.", {"name"}};
  const Counter one = Family<Counter>(&metrics, spec).with({"a"});
  const Counter two = Family<Counter>(&metrics, spec).with({"a"});
  one.add(2);
  two.add(3);
  EXPECT_EQ(one.value(), 5);
}

TEST(MetricsDeathTest, WhatIsDeclaredTwiceIsDeclaredAlike) {
  Metrics metrics;
  const Family<Counter> one(&metrics, {Stability::Alpha, "adds_total", "Keys that came.", {"name"}});
  EXPECT_DEATH(Family<Gauge>(&metrics, {Stability::Alpha, "adds_total", "Keys that came.", {"name"}}), "declared_like");
  EXPECT_DEATH(Family<Counter>(&metrics, {Stability::Alpha, "adds_total", "Keys that came.", {"key"}}), "declared_like");
  EXPECT_DEATH(one.with({"a", "b"}), "labels.size");
}

TEST(Metrics, OfNoMetricsNothingIsCounted) {
  const Family<Counter> family(nullptr, {Stability::Alpha, "adds_total", "Keys that came.", {"name"}});
  const Counter counter = family.with({"a"});
  counter.add();
  EXPECT_FALSE(counter);
  EXPECT_EQ(counter.value(), 0);
  const Histogram histogram;
  histogram.observe(1.0);
  const Counted counted{Gauge()};
}

TEST(Metrics, ATotalIsACounterThatIsToldItsValue) {
  Metrics metrics;
  const auto total = single<Total>(&metrics, {Stability::None, "cpu_seconds_total", "Time.", {}});
  total.set(1.25);
  total.set(2.5);
  EXPECT_EQ(shown(metrics), "# HELP cpu_seconds_total Time.\n# TYPE cpu_seconds_total counter\ncpu_seconds_total 2.5\n");
}

TEST(Metrics, CountedIsOneWhileItLives) {
  Metrics metrics;
  const auto gauge = single<Gauge>(&metrics, {Stability::None, "g", "Now.", {}});
  {
    Counted one(gauge), two(gauge);
    EXPECT_EQ(gauge.value(), 2);
    two = std::move(one);
    EXPECT_EQ(gauge.value(), 1);
  }
  EXPECT_EQ(gauge.value(), 0);
}

TEST(Metrics, CountThemselves) {
  Metrics metrics;
  single<Gauge>(&metrics, {Stability::Beta, "b", "B.", {}});
  single<Gauge>(&metrics, {.stability = Stability::Stable, .name = "old", .help = "Old.", .deprecated = "1.34.0"});
  const std::string text = metrics.render();
  EXPECT_THAT(text, HasSubstr("registered_metrics_total{deprecated_version=\"\",stability_level=\"BETA\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("registered_metrics_total{deprecated_version=\"1.34.0\",stability_level=\"STABLE\"} 1\n"));
}

TEST(Metrics, NothingIsLostBetweenThreads) {
  Metrics metrics;
  const auto counter = single<Counter>(&metrics, {Stability::None, "c_total", "All.", {}});
  const auto histogram = single<Histogram>(&metrics, {Stability::None, "h", "All.", {}, {1, 2}});
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) {
          counter.add();
          histogram.observe(n % 3 + 0.5);
          if (n % 1000 == 0) (void)metrics.render();
        }
      });
    }
  }
  EXPECT_EQ(counter.value(), 40'000);
  EXPECT_THAT(metrics.render(), HasSubstr("h_count 40000\n"));
}

// -- Hooks

Task<void> keep_scrape(Metrics* metrics, std::optional<std::string>* out) { *out = co_await metrics->scrape(); }

TEST(MetricsScrape, RunsTheHooksFirst) {
  ManualClock clock;
  ManualExecutor executor(clock);
  Metrics metrics;
  const auto gauge = single<Gauge>(&metrics, {Stability::None, "g", "Now.", {}});
  int owned = 7;
  ScrapeHook hook = metrics.on_scrape(executor, [&] { gauge.set(owned); });
  Scope scope(executor);
  std::optional<std::string> text;
  scope.spawn(keep_scrape(&metrics, &text));
  executor.drain();
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("\ng 7\n"));
  EXPECT_EQ(executor.timers(), 0);

  hook = {};  // what it referred to may go now
  owned = 8;
  scope.spawn(keep_scrape(&metrics, &text));
  executor.drain();
  EXPECT_THAT(*text, HasSubstr("\ng 7\n"));
}

TEST(MetricsScrape, AHookIsAskedOnItsOwnExecutor) {
  SystemClock clock;
  ThreadExecutor asking("asking", clock), owning("owning", clock);
  Metrics metrics;
  const auto gauge = single<Gauge>(&metrics, {Stability::None, "g", "Now.", {}});
  ScrapeHook hook;
  ph::testing::call_on(owning,
                       [&] { hook = metrics.on_scrape(owning, [&] { gauge.set(Executor::current() == &owning ? 1 : 0); }); });
  EXPECT_THAT(ph::testing::run_on(asking, metrics.scrape()), HasSubstr("\ng 1\n"));
  ph::testing::call_on(owning, [&] { hook = {}; });
}

TEST(MetricsScrape, AnExecutorThatHangsIsNotWaitedFor) {
  ManualClock clock;
  ManualExecutor executor(clock), hung(clock);
  Metrics metrics;
  const auto gauge = single<Gauge>(&metrics, {Stability::None, "g", "Now.", {}});
  gauge.set(3);
  const ScrapeHook hook = metrics.on_scrape(hung, [&] { gauge.set(4); });
  Scope scope(executor);
  std::optional<std::string> text;
  scope.spawn(keep_scrape(&metrics, &text));
  executor.drain();
  EXPECT_FALSE(text);
  clock.advance(1s);
  executor.drain();
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("\ng 3\n"));
  hung.drain();  // late, and harmless
  EXPECT_EQ(gauge.value(), 4);
}

TEST(MetricsScrape, AnExecutorThatEndsIsNotWaitedFor) {
  SystemClock clock;
  ThreadExecutor asking("asking", clock), ended("ended", clock);
  Metrics metrics;
  const ScrapeHook hook = metrics.on_scrape(ended, [] {});
  ended.stop();
  EXPECT_THAT(ph::testing::run_on(asking, metrics.scrape()), EndsWith("\n"));
}

TEST(MetricsScrape, MayBeDropped) {
  ManualClock clock;
  ManualExecutor executor(clock), hung(clock);
  Metrics metrics;
  const ScrapeHook hook = metrics.on_scrape(hung, [] {});
  std::optional<std::string> text;
  {
    Scope scope(executor);
    scope.spawn(keep_scrape(&metrics, &text));
    executor.drain();
  }
  EXPECT_EQ(executor.timers(), 0);
  hung.drain();
  executor.drain();
  EXPECT_FALSE(text);
}

}  // namespace
}  // namespace ph

// Metrics: what a process counts and measures, in families with upstream's names, shown to Prometheus as text.
//
//   struct QueueMetrics {
//     Metrics* in = nullptr;
//     Family<Counter> adds{in, {Stability::Beta, "workqueue_adds_total", "Keys that were added.", {"name"}}};
//   };
//   const Counter adds = QueueMetrics{&metrics}.adds.with({"deployment"});  // once
//   adds.add();                                                              // whenever it happens
//
// A component declares its families in a struct of its own, one line each, and resolves series when it is made; what is
// counted later costs one relaxed atomic addition. Families of no Metrics hand out series that do nothing. There are no
// globals: a process may hold many Metrics. A Metrics outlives the components that use it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/task.h"

namespace ph {

// What upstream promises of a metric; shown at the head of its help. None: the head is left out (process_*).
enum class Stability { None, Alpha, Beta, Stable };

// Names are literals: they are not copied.
struct MetricSpec {
  Stability stability = Stability::Alpha;
  const char* name = nullptr;
  const char* help = nullptr;
  std::vector<const char*> labels = {};
  std::vector<double> buckets = {};  // of histograms: upper bounds, growing, without +Inf
  const char* deprecated = nullptr;  // since this version
};

// `count` bounds: first, first * factor, first * factor * factor, …
std::vector<double> exponential_buckets(double first, double factor, int count);

namespace detail {

enum class MetricType { Counter, Gauge, Histogram };

// The values of one series. It lives as long as its Metrics.
struct Cell {
  std::atomic<std::uint64_t> count{0};                      // Counter
  std::atomic<double> value{0};                             // Gauge, Total; Histogram: the sum
  std::span<const double> bounds;                           // Histogram
  std::unique_ptr<std::atomic<std::uint64_t>[]> in_bucket;  // one more than there are bounds
};

class FamilyState;

}  // namespace detail

// Series are pointers: copy them. One that was default-made, or comes from no Metrics, does nothing and is false. Threads: any.
class Series {
 public:
  Series() = default;
  explicit Series(detail::Cell* cell) : cell_(cell) {}
  explicit operator bool() const { return cell_ != nullptr; }

 protected:
  detail::Cell* cell_ = nullptr;
};

// Only grows.
class Counter : public Series {
 public:
  static constexpr auto kType = detail::MetricType::Counter;
  using Series::Series;
  void add(std::uint64_t n = 1) const {
    if (cell_) cell_->count.fetch_add(n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return cell_ ? cell_->count.load(std::memory_order_relaxed) : 0; }
};

// A counter that is counted elsewhere: it is told the total, from a scrape hook as a rule.
class Total : public Series {
 public:
  static constexpr auto kType = detail::MetricType::Counter;
  using Series::Series;
  void set(double total) const {
    if (cell_) cell_->value.store(total, std::memory_order_relaxed);
  }
};

class Gauge : public Series {
 public:
  static constexpr auto kType = detail::MetricType::Gauge;
  using Series::Series;
  void set(double value) const {
    if (cell_) cell_->value.store(value, std::memory_order_relaxed);
  }
  void add(double n) const {
    if (cell_) cell_->value.fetch_add(n, std::memory_order_relaxed);
  }
  double value() const { return cell_ ? cell_->value.load(std::memory_order_relaxed) : 0; }
};

class Histogram : public Series {
 public:
  static constexpr auto kType = detail::MetricType::Histogram;
  using Series::Series;
  void observe(double value) const {
    if (!cell_) return;
    const auto bound = std::ranges::lower_bound(cell_->bounds, value);
    cell_->in_bucket[bound - cell_->bounds.begin()].fetch_add(1, std::memory_order_relaxed);
    cell_->value.fetch_add(value, std::memory_order_relaxed);
  }
  // In seconds.
  void observe(Duration duration) const { observe(std::chrono::duration<double>(duration).count()); }
};

// One more while it lives.
class Counted {
 public:
  Counted() = default;
  explicit Counted(Gauge gauge) : gauge_(gauge) { gauge_.add(1); }
  Counted(Counted&& other) noexcept : gauge_(std::exchange(other.gauge_, Gauge())) {}
  Counted& operator=(Counted&& other) noexcept {
    gauge_.add(-1);
    gauge_ = std::exchange(other.gauge_, Gauge());
    return *this;
  }
  ~Counted() { gauge_.add(-1); }

 private:
  Gauge gauge_;
};

// Work that stands until it is dropped: see Metrics::on_scrape.
class ScrapeHook {
 public:
  ScrapeHook() = default;
  ScrapeHook(ScrapeHook&&) noexcept = default;
  ScrapeHook& operator=(ScrapeHook&&) noexcept = default;

 private:
  friend class Metrics;
  explicit ScrapeHook(std::shared_ptr<void> registration) : registration_(std::move(registration)) {}
  std::shared_ptr<void> registration_;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // `update` runs on `executor` before each scrape: it sets series from what a component owns there. Drop the hook on
  // that executor, before what `update` refers to; `executor` outlives the hook. Threads: any.
  [[nodiscard]] ScrapeHook on_scrape(Executor& executor, std::function<void()> update);

  // Runs the hooks, each on its executor, and renders. An executor that does not come round to it within a second shows
  // what it showed before. Threads: from work of any executor.
  Task<std::string> scrape();

  // What the series hold, without the hooks: text format 0.0.4, ordered by name, then by label values. Threads: any.
  std::string render() const;

  // What `render` makes is of this type.
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

  // -- For Family. The family of that name; made when there is none. Declared twice, it must be declared alike.
  detail::FamilyState* family(detail::MetricType type, bool total, const MetricSpec& spec);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

namespace detail {
// Threads: any.
Cell* series_of(FamilyState& family, std::span<const std::string_view> values);
}  // namespace detail

template <class S>
class Family {
 public:
  Family() = default;
  // `metrics` may be null.
  Family(Metrics* metrics, const MetricSpec& spec)
      : state_(metrics ? metrics->family(S::kType, std::is_same_v<S, Total>, spec) : nullptr) {}

  // The series with these label values, in the order of the labels; made when there is none. Takes a lock and looks them
  // up: not for hot paths. Threads: any.
  S with(std::span<const std::string_view> values) const { return state_ ? S(detail::series_of(*state_, values)) : S(); }
  S with(std::initializer_list<std::string_view> values) const {
    return with(std::span<const std::string_view>(values.begin(), values.size()));
  }
  explicit operator bool() const { return state_ != nullptr; }

 private:
  detail::FamilyState* state_ = nullptr;
};

// A family without labels is its only series.
template <class S>
S single(Metrics* metrics, const MetricSpec& spec) {
  return Family<S>(metrics, spec).with({});
}

}  // namespace ph

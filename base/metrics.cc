#include "base/metrics.h"

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/serializer.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <ostream>

#include "base/passing_series.h"
#include "base/sync.h"

namespace ph {
namespace detail {

// Its cells stay where they are.
class FamilyState {
 public:
  FamilyState(MetricType type, bool total, const MetricSpec& spec) : type_(type), total_(total), spec_(spec) {
    PH_ASSERT(std::ranges::is_sorted(spec.buckets));
    PH_ASSERT((type == MetricType::Histogram) == !spec.buckets.empty());
  }

  bool declared_like(MetricType type, bool total, const MetricSpec& spec) const {
    return type == type_ && total == total_ && spec.buckets == spec_.buckets &&
           std::ranges::equal(spec.labels, spec_.labels, [](const char* a, const char* b) { return !std::strcmp(a, b); });
  }

  Cell* series(std::span<const std::string_view> values) {
    const std::lock_guard lock(mutex_);
    return &cell_of(values);
  }

  // Whoever has it must not use it any more.
  void drop(std::span<const std::string_view> values) {
    const std::lock_guard lock(mutex_);
    series_.erase(std::vector<std::string>(values.begin(), values.end()));
  }

  void show(std::span<const std::string_view> values, double value) {
    const std::lock_guard lock(mutex_);
    cell_of(values).value.store(value, kRelaxed);
  }

  prometheus::MetricFamily collect() const {
    prometheus::MetricFamily out;
    out.name = spec_.name;
    out.help = help();
    out.type = prometheus_type();
    const std::lock_guard lock(mutex_);
    out.metric.reserve(series_.size());
    for (const auto& [values, cell] : series_) {
      prometheus::ClientMetric& metric = out.metric.emplace_back();
      for (std::size_t i = 0; i < values.size(); ++i) metric.label.push_back({spec_.labels[i], values[i]});
      std::ranges::sort(metric.label, {}, &prometheus::ClientMetric::Label::name);
      read(*cell, metric);
    }
    return out;
  }

  const MetricSpec& spec() const { return spec_; }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  // Under the lock.
  Cell& cell_of(std::span<const std::string_view> values) {
    PH_ASSERT(values.size() == spec_.labels.size());
    std::unique_ptr<Cell>& cell = series_[std::vector<std::string>(values.begin(), values.end())];
    if (!cell) {
      cell = std::make_unique<Cell>();
      if (type_ == MetricType::Histogram) {
        cell->bounds = spec_.buckets;
        cell->in_bucket = std::make_unique<std::atomic<std::uint64_t>[]>(spec_.buckets.size() + 1);
      }
    }
    return *cell;
  }

  std::string help() const {
    static constexpr const char* kHeads[] = {"", "[ALPHA] ", "[BETA] ", "[STABLE] "};
    std::string out = kHeads[static_cast<int>(spec_.stability)];
    if (spec_.deprecated) out += fmt::format("(Deprecated since {}) ", spec_.deprecated);
    return out + spec_.help;
  }

  prometheus::MetricType prometheus_type() const {
    switch (type_) {
      case MetricType::Counter: return prometheus::MetricType::Counter;
      case MetricType::Gauge: return prometheus::MetricType::Gauge;
      case MetricType::Histogram: return prometheus::MetricType::Histogram;
    }
    return prometheus::MetricType::Untyped;
  }

  void read(const Cell& cell, prometheus::ClientMetric& out) const {
    const double value = cell.value.load(kRelaxed);
    if (type_ == MetricType::Counter) {
      out.counter.value = total_ ? value : static_cast<double>(cell.count.load(kRelaxed));
    } else if (type_ == MetricType::Gauge) {
      out.gauge.value = value;
    } else {
      std::uint64_t so_far = 0;
      for (std::size_t i = 0; i <= cell.bounds.size(); ++i) {
        so_far += cell.in_bucket[i].load(kRelaxed);
        const double bound = i < cell.bounds.size() ? cell.bounds[i] : std::numeric_limits<double>::infinity();
        out.histogram.bucket.push_back({so_far, bound});
      }
      out.histogram.sample_count = so_far;
      out.histogram.sample_sum = value;
    }
  }

  const MetricType type_;
  const bool total_;  // a counter of totals
  const MetricSpec spec_;
  mutable std::mutex mutex_;  // guards the map, not the cells
  std::map<std::vector<std::string>, std::unique_ptr<Cell>> series_;
};

Cell* series_of(FamilyState& family, std::span<const std::string_view> values) { return family.series(values); }

}  // namespace detail

void PassingGauge::show(std::span<const std::string_view> values, double value) const {
  if (state_) state_->show(values, value);
}

void PassingGauge::hide(std::span<const std::string_view> values) const {
  if (state_) state_->drop(values);
}

namespace {

constexpr Duration kHookPatience = 1s;

// The text format with numbers as upstream's programs print them. The library's own serializer rounds bounds to 16
// digits and writes 1e+06 as 1000000; bounds are label values, and dashboards compare those as text.
class TextWriter final : public prometheus::Serializer {
 public:
  std::string Serialize(const std::vector<prometheus::MetricFamily>& families) const override {
    std::string out;
    for (const auto& family : families) write_family(out, family);
    return out;
  }
  void Serialize(std::ostream& out, const std::vector<prometheus::MetricFamily>& families) const override {
    out << Serialize(families);
  }

 private:
  using Metric = prometheus::ClientMetric;

  static void write_family(std::string& out, const prometheus::MetricFamily& family) {
    out.append("# HELP ").append(family.name).append(" ");
    write_escaped(out, family.help, false);
    out.append("\n# TYPE ").append(family.name).append(" ").append(type_name(family.type)).append("\n");
    for (const Metric& metric : family.metric) {
      if (family.type == prometheus::MetricType::Histogram) {
        write_histogram(out, family.name, metric);
      } else {
        write_head(out, family.name, "", metric, nullptr);
        write_number(out, family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value);
        out += '\n';
      }
    }
  }

  static void write_histogram(std::string& out, const std::string& name, const Metric& metric) {
    for (const Metric::Bucket& bucket : metric.histogram.bucket) {
      write_head(out, name, "_bucket", metric, &bucket.upper_bound);
      out.append(fmt::format_int(bucket.cumulative_count).c_str()).append("\n");
    }
    write_head(out, name, "_sum", metric, nullptr);
    write_number(out, metric.histogram.sample_sum);
    out += '\n';
    write_head(out, name, "_count", metric, nullptr);
    out.append(fmt::format_int(metric.histogram.sample_count).c_str()).append("\n");
  }

  // `name_suffix{label="value",le="bound"} `
  static void write_head(std::string& out, const std::string& name, const char* suffix, const Metric& metric,
                         const double* bound) {
    out.append(name).append(suffix);
    char next = '{';
    for (const Metric::Label& label : metric.label) {
      out += std::exchange(next, ',');
      out.append(label.name).append("=\"");
      write_escaped(out, label.value, true);
      out += '"';
    }
    if (bound) {
      out += std::exchange(next, ',');
      out += "le=\"";
      write_number(out, *bound);
      out += '"';
    }
    out += next == '{' ? " " : "} ";
  }

  static void write_escaped(std::string& out, std::string_view text, bool quoted) {
    for (const char c : text) {
      if (c == '\n') out += "\\n";
      else if (c == '\\' || (quoted && c == '"')) (out += '\\') += c;
      else out += c;
    }
  }

  // The shortest text that reads back as the same number, with an exponent below 1e-4 and from 1e+06 on.
  static void write_number(std::string& out, double value) {
    if (std::isnan(value)) {
      out += "NaN";
      return;
    }
    if (std::isinf(value)) {
      out += value > 0 ? "+Inf" : "-Inf";
      return;
    }
    char text[32];
    const double size = std::abs(value);
    const bool plain = size == 0 || (size >= 1e-4 && size < 1e6);
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    out.append(text, std::to_chars(text, text + sizeof text, value, format).ptr);
  }

  static const char* type_name(prometheus::MetricType type) {
    if (type == prometheus::MetricType::Counter) return "counter";
    return type == prometheus::MetricType::Gauge ? "gauge" : "histogram";
  }
};

// Says once that a hook has run, or never will: the work that would have run it has been dropped.
class HookAnswer {
 public:
  explicit HookAnswer(std::shared_ptr<std::atomic<bool>> said, Completion<bool> done)
      : said_(std::move(said)), done_(std::move(done)) {}
  HookAnswer(HookAnswer&&) = default;
  ~HookAnswer() {
    if (said_ && !said_->exchange(true)) done_.set(true);
  }

 private:
  std::shared_ptr<std::atomic<bool>> said_;
  Completion<bool> done_;
};

}  // namespace

struct Metrics::Impl : prometheus::Collectable {
  struct Hook {
    Hook(std::weak_ptr<Impl> owner, Executor& executor, std::function<void()> update)
        : owner(std::move(owner)), executor(executor), update(std::move(update)) {}
    ~Hook() {
      if (const auto impl = owner.lock()) impl->forget(id);
    }
    std::uint64_t id = 0;
    const std::weak_ptr<Impl> owner;
    Executor& executor;
    const std::function<void()> update;
  };

  void forget(std::uint64_t hook) {
    const std::lock_guard lock(mutex);
    hooks.erase(hook);
  }

  using Answers = std::vector<std::pair<std::shared_ptr<std::atomic<bool>>, Completion<bool>>>;

  // Has each hook run soon; what will say so.
  Answers run_hooks() {
    Answers out;
    const std::lock_guard lock(mutex);  // while it is held no hook goes, and its executor outlives a hook
    for (const auto& [id, entry] : hooks) {
      const auto& [hook, weak] = entry;
      auto& [said, done] = out.emplace_back(std::make_shared<std::atomic<bool>>(false), Completion<bool>());
      hook->executor.post([weak = weak, answer = HookAnswer(said, done)] {
        if (const auto alive = weak.lock()) alive->update();
      });
    }
    return out;
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> out;
    const std::lock_guard lock(mutex);
    for (const auto& [name, family] : families) {
      auto collected = family->collect();
      if (!collected.metric.empty()) out.push_back(std::move(collected));
    }
    return out;
  }

  mutable std::mutex mutex;  // guards the maps
  std::map<std::string_view, std::unique_ptr<detail::FamilyState>> families;
  Family<Counter> registered;
  std::map<std::uint64_t, std::pair<Hook*, std::weak_ptr<Hook>>> hooks;  // in the order they were made
  std::uint64_t last_hook = 0;
};

Metrics::Metrics() : impl_(std::make_shared<Impl>()) {
  impl_->registered = Family<Counter>(this, {Stability::Beta,
                                             "registered_metrics_total",
                                             "Metrics that have been declared, by stability.",
                                             {"deprecated_version", "stability_level"}});
  impl_->registered.with({"", "BETA"}).add();  // itself
}
Metrics::~Metrics() = default;

detail::FamilyState* Metrics::family(detail::MetricType type, bool total, const MetricSpec& spec) {
  detail::FamilyState* out = nullptr;
  {
    const std::lock_guard lock(impl_->mutex);
    auto& family = impl_->families[spec.name];
    if (family) {
      PH_ASSERT(family->declared_like(type, total, spec));
      return family.get();
    }
    family = std::make_unique<detail::FamilyState>(type, total, spec);
    out = family.get();
  }
  static constexpr const char* kLevels[] = {"", "ALPHA", "BETA", "STABLE"};
  impl_->registered.with({spec.deprecated ? spec.deprecated : "", kLevels[static_cast<int>(spec.stability)]}).add();
  return out;
}

ScrapeHook Metrics::on_scrape(Executor& executor, std::function<void()> update) {
  auto hook = std::make_shared<Impl::Hook>(impl_, executor, std::move(update));
  const std::lock_guard lock(impl_->mutex);
  hook->id = ++impl_->last_hook;
  impl_->hooks.emplace(hook->id, std::pair(hook.get(), hook));
  return ScrapeHook(std::move(hook));
}

Task<std::string> Metrics::scrape() {
  Executor& executor = *Executor::current();
  const auto answers = impl_->run_hooks();
  // Whoever does not answer is not waited for: a metric may be looked at because something hangs.
  struct Timer {
    Executor& executor;
    TimerId id;
    ~Timer() { executor.cancel(id); }
  };
  const Timer timer{executor, executor.run_after(kHookPatience, [&answers] {
                      for (const auto& [said, done] : answers) {
                        if (!said->exchange(true)) done.set(false);
                      }
                    })};
  for (const auto& [said, done] : answers) co_await done.get();
  co_return render();
}

std::string Metrics::render() const { return TextWriter().Serialize(impl_->Collect()); }

std::vector<double> exponential_buckets(double first, double factor, int count) {
  std::vector<double> out;
  for (double bound = first; count > 0; --count, bound *= factor) out.push_back(bound);
  return out;
}

}  // namespace ph

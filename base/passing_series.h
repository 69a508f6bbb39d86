// Series that come and go with what they tell of, where others stay as long as the process does.
#pragma once

#include <span>
#include <string_view>

#include "base/metrics.h"

namespace ph {

// A gauge for things that are there for a while: conflicts, say. No series is handed out, so that none is held when it has gone.
class PassingGauge {
 public:
  PassingGauge() = default;
  // `metrics` may be null; then nothing is shown. No other Family may have the name.
  PassingGauge(Metrics* metrics, const MetricSpec& spec)
      : state_(metrics ? metrics->family(detail::MetricType::Gauge, false, spec) : nullptr) {}

  // The series with these label values, in the order of the labels. Threads: any.
  void show(std::span<const std::string_view> values, double value) const;
  // It is there no more. Threads: any.
  void hide(std::span<const std::string_view> values) const;

 private:
  detail::FamilyState* state_ = nullptr;
};

}  // namespace ph

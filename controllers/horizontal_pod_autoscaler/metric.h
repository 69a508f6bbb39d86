// One metric of an autoscaler: what is asked for it, what came of it, and how it is told. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autoscaling/v2.pb.h"
#include "controllers/horizontal_pod_autoscaler/replicas.h"

namespace ph::controllers::horizontal_pod_autoscaler {

using autoscaling::v2::MetricSpec, autoscaling::v2::MetricStatus;

// What the metrics API said of it.
struct Measured {
  Samples samples;         // of each pod: Resource, ContainerResource, Pods
  std::int64_t value = 0;  // Object, External: the sum; thousandths
  std::string failure;     // why there is nothing, in upstream's words; empty: there is
};

struct Judgement {
  std::int32_t replicas = 0;
  std::string name;     // "cpu resource utilization (percentage of request)"
  MetricStatus status;  // empty when it failed
  // Of one that failed: the reason and message of the event about it, and how the whole is told.
  std::string reason, why, told;

  bool failed() const { return !reason.empty(); }
};

// Why nobody need be asked for a metric: it says nothing that could be asked. Empty: ask.
std::string unaskable(const MetricSpec& metric);

Judgement judge(const MetricSpec& metric, Measured measured, const Situation& situation, std::string_view namespace_name);

// A quantity as a fraction, roughly; nothing when it is none.
std::optional<double> fraction(const meta::v1::Quantity& quantity);

// A selector as Go prints it: "nil" when there is none.
std::string go_text(const autoscaling::v2::MetricIdentifier& metric);

// What all metrics together ask for.
struct Verdict {
  std::int32_t replicas = 0;
  std::string name;             // of the metric that asks for the most
  bool valid = true;            // the condition ScalingActive
  std::string reason, message;  // of that condition
  std::string failure;          // of those that failed; empty: none did. With a valid verdict it is only told.
};
Verdict verdict(const std::vector<Judgement>& judgements, std::int32_t spec_replicas);

}  // namespace ph::controllers::horizontal_pod_autoscaler

// Kinds that are shown as another kind than they are stored as: a table of conversions, one line a pair.
#pragma once

#include "api/object.h"

#include "autoscaling/v1.pb.h"
#include "autoscaling/v2.pb.h"
#include "core/v1.pb.h"
#include "events/v1.pb.h"

namespace ph::api {

// Events are one resource under two groups, stored as core/v1's. Nothing is lost either way.
events::v1::Event convert_event(const core::v1::Event& event);
core::v1::Event convert_event(const events::v1::Event& event);

// Autoscalers are stored as v2. What v1 has no fields for it carries in annotations, which are not stored (convert_autoscaler.cc).
autoscaling::v1::HorizontalPodAutoscaler convert_autoscaler(const autoscaling::v2::HorizontalPodAutoscaler& scaler);
autoscaling::v2::HorizontalPodAutoscaler convert_autoscaler(const autoscaling::v1::HorizontalPodAutoscaler& scaler);

// The annotation of v1 with v2's metrics, but for the utilization of the CPU.
inline constexpr const char* kAutoscalerMetrics = "autoscaling.alpha.kubernetes.io/metrics";
// The metric that v1 has a field for.
autoscaling::v2::MetricSpec cpu_utilization(std::int32_t percent);

// The object as another kind: a new object, which loses nothing that the way back would need.
using Conversion = Object (*)(const Object&);
// Null when there is none.
Conversion conversion(const GroupVersionKind& from, const GroupVersionKind& to);

}  // namespace ph::api

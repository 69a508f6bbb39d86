// Upstream: pkg/scheduler/framework/plugins/noderesources (resource_allocation, least_allocated, most_allocated,
// requested_to_capacity_ratio, balanced_allocation)
#include "scheduler/plugins/node_resources.h"

#include <algorithm>
#include <cmath>

namespace ph::scheduler {

Usage usage_of(std::string_view resource, const PodInfo& pod, const NodeInfo& node, bool scored) {
  if (scored && resource == "cpu") return {node.allocatable().milli_cpu, node.scored_milli_cpu(), pod.scored_milli_cpu};
  if (scored && resource == "memory") return {node.allocatable().memory, node.scored_memory(), pod.scored_memory};
  const std::int64_t wanted = pod.requests.amount(resource);
  if (wanted == 0 && is_scalar_resource(resource)) return {};
  return {node.allocatable().amount(resource), node.requested().amount(resource), wanted};
}

Usages::Usages(std::span<const WeightedResource> resources, const PodInfo& pod, const NodeInfo& node, bool scored) {
  if (resources.size() > few_.size()) {
    many_.resize(resources.size());
    usages_ = many_;
  }
  usages_ = usages_.first(resources.size());
  for (std::size_t i = 0; i < usages_.size(); ++i) usages_[i] = usage_of(resources[i].name, pod, node, scored);
}

namespace {

// The weighted mean over the resources that count, rounded down.
template <class ScoreOne>
Score weighted(std::span<const WeightedResource> resources, std::span<const Usage> usage, ScoreOne score_one) {
  std::int64_t sum = 0, weights = 0;
  for (std::size_t i = 0; i < usage.size(); ++i) {
    if (usage[i].allocatable == 0) continue;
    sum += score_one(usage[i]) * resources[i].weight;
    weights += resources[i].weight;
  }
  return weights == 0 ? 0 : sum / weights;
}

// The score of a utilization by the line through the points of the shape (scores there are 0..10).
std::int64_t on_shape(std::span<const UtilizationPoint> shape, std::int64_t utilization) {
  constexpr std::int64_t kScale = kMaxNodeScore / 10;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (utilization > shape[i].utilization) continue;
    if (i == 0) return shape[0].score * kScale;
    const UtilizationPoint &from = shape[i - 1], &to = shape[i];
    return from.score * kScale +
           (to.score - from.score) * kScale * (utilization - from.utilization) / (to.utilization - from.utilization);
  }
  return shape.empty() ? 0 : shape.back().score * kScale;
}

// 100: all resources are used to the same part; 50: one not at all, the other wholly.
std::int64_t balance(std::span<const Usage> usage, bool with_pod) {
  double sum = 0, squares = 0, first = 0, last = 0;
  int count = 0;
  const auto fraction = [&](const Usage& u) {
    const double used = static_cast<double>(with_pod ? u.total() : u.used);
    return std::min(used / static_cast<double>(u.allocatable), 1.0);
  };
  for (const Usage& u : usage) {
    if (u.allocatable == 0) continue;
    last = fraction(u);
    if (count++ == 0) first = last;
    sum += last;
  }
  double deviation = 0;
  if (count == 2) {
    deviation = std::abs((first - last) / 2);
  } else if (count > 2) {
    const double mean = sum / count;
    for (const Usage& u : usage) {
      if (u.allocatable != 0) squares += (fraction(u) - mean) * (fraction(u) - mean);
    }
    deviation = std::sqrt(squares / count);
  }
  return static_cast<std::int64_t>((1 - deviation) * static_cast<double>(kMaxNodeScore));
}

}  // namespace

Score least_allocated(std::span<const WeightedResource> resources, std::span<const Usage> usage) {
  return weighted(resources, usage, [](const Usage& u) {
    return u.total() > u.allocatable ? 0 : (u.allocatable - u.total()) * kMaxNodeScore / u.allocatable;
  });
}

Score most_allocated(std::span<const WeightedResource> resources, std::span<const Usage> usage) {
  // Defaults for containers without requests may sum up to more than there is.
  return weighted(resources, usage,
                  [](const Usage& u) { return std::min(u.total(), u.allocatable) * kMaxNodeScore / u.allocatable; });
}

Score requested_to_capacity_ratio(std::span<const WeightedResource> resources, std::span<const Usage> usage,
                                  std::span<const UtilizationPoint> shape) {
  std::int64_t sum = 0, weights = 0;
  for (std::size_t i = 0; i < usage.size(); ++i) {
    const Usage& u = usage[i];
    if (u.allocatable == 0) continue;
    const std::int64_t utilization = u.total() > u.allocatable ? 100 : u.total() * 100 / u.allocatable;
    const std::int64_t score = on_shape(shape, utilization);
    if (score <= 0) continue;  // upstream leaves such resources out of the mean
    sum += score * resources[i].weight;
    weights += resources[i].weight;
  }
  if (weights == 0) return 0;
  return static_cast<Score>(std::round(static_cast<double>(sum) / static_cast<double>(weights)));
}

Score balanced_allocation(std::span<const Usage> usage) {
  constexpr Score kHalf = kMaxNodeScore / 2;
  return kHalf + (kHalf + balance(usage, true) - balance(usage, false)) / 2;
}

}  // namespace ph::scheduler

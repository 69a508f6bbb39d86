// What the plugins about resources share: how much of a resource is there, and would be used with the pod.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

struct Usage {
  std::int64_t allocatable = 0;  // 0: the resource does not count on this node
  std::int64_t used = 0;         // by the pods that are there
  std::int64_t wanted = 0;       // by the pod that is placed
  // At most what can be counted.
  std::int64_t total() const {
    std::int64_t sum = 0;
    return __builtin_add_overflow(used, wanted, &sum) ? INT64_MAX : sum;
  }
};

// `scored`: containers without a cpu or memory request count with the defaults for scoring. Extended resources that the
// pod does not ask for do not count.
Usage usage_of(std::string_view resource, const PodInfo& pod, const NodeInfo& node, bool scored);

// The usage of each of `resources`, beside them. A score is given for every node: the usual number of resources costs no
// allocation.
class Usages {
 public:
  Usages(std::span<const WeightedResource> resources, const PodInfo& pod, const NodeInfo& node, bool scored);
  Usages(const Usages&) = delete;
  Usages& operator=(const Usages&) = delete;
  operator std::span<const Usage>() const { return usages_; }

 private:
  static constexpr std::size_t kInline = 8;
  std::array<Usage, kInline> few_;
  std::vector<Usage> many_;
  std::span<Usage> usages_{few_};
};

// The scores of the three strategies. `resources` and `usage` run side by side.
Score least_allocated(std::span<const WeightedResource> resources, std::span<const Usage> usage);
Score most_allocated(std::span<const WeightedResource> resources, std::span<const Usage> usage);
Score requested_to_capacity_ratio(std::span<const WeightedResource> resources, std::span<const Usage> usage,
                                  std::span<const UtilizationPoint> shape);
// 50..100: how the pod changes the balance between the resources of a node; 75: not at all.
Score balanced_allocation(std::span<const Usage> usage);

}  // namespace ph::scheduler

// Gangs: pods that are of use only together, and are placed all or none. Which pods these are is said by two labels, as the coscheduling
// plugin of kubernetes-sigs/scheduler-plugins has them (KEP-2 there): what makes groups in Kubernetes itself is an alpha that v1.36 does
// not serve as it comes.
//
//   pod-group.scheduling.sigs.k8s.io/name            the gang; of one namespace
//   pod-group.scheduling.sigs.k8s.io/min-available   so many of its pods at least run, or none
//
// A pod with one of the labels alone belongs to no gang. Where pods of a gang do not agree, the highest number counts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scheduler/cluster/pod_info.h"
#include "scheduler/flow/network.h"

namespace ph::scheduler::flow {

inline constexpr std::string_view kGangLabel = "pod-group.scheduling.sigs.k8s.io/name";
inline constexpr std::string_view kGangLeastLabel = "pod-group.scheduling.sigs.k8s.io/min-available";

struct GangClaim {
  std::string key;   // namespace/name
  Amount least = 0;  // 0: the label does not say a whole number above zero
};

// Absent: in no gang.
std::optional<GangClaim> gang_of(const PodInfo& pod);

// A gang of a batch that has not enough placed pods yet.
struct Gang {
  Amount least = 0;      // pods
  Amount placed = 0;     // that have a node
  Amount here = 0;       // in the batch
  std::size_t rank = 0;  // its place among those of its batch: the lower goes first
  Amount missing() const { return least - placed; }
  bool complete() const { return placed + here >= least; }
};
using Gangs = std::map<std::string, Gang, std::less<>>;

}  // namespace ph::scheduler::flow

// What a ReplicaSet's state asks for: pure functions, no I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/common/pods.h"

namespace ph::controllers::replicaset {

using apps::v1::ReplicaSet;
using apps::v1::ReplicaSetStatus;

// At most so many pods are made or deleted in one go.
inline constexpr int kBurst = 500;

struct Observed {
  std::vector<Ref<PodView>> active;       // owned and counted
  std::vector<Ref<PodView>> terminating;  // owned, on their way out
};

int wanted_replicas(const ReplicaSet& set);

// > 0: so many pods are too many, < 0: missing. Bounded by kBurst; zero for a set that is being deleted.
int surplus(const ReplicaSet& set, const Observed& observed);

// A failure to reach the wanted number, as the ReplicaFailure condition tells it.
struct Failure {
  int surplus = 0;
  std::string message;
};

// The status to write. `failure`: of this reconcile's creations and deletions.
ReplicaSetStatus status_of(const ReplicaSet& set, const Observed& observed, const std::optional<Failure>& failure, Time now);

// When the next ready pod becomes available by waiting alone.
std::optional<Time> next_available(const ReplicaSet& set, const Observed& observed, Time now);

}  // namespace ph::controllers::replicaset

// What a Deployment's state asks for: which ReplicaSet is made, how each is scaled, which old ones go. Pure: a function of what
// was observed. The strategies are in rollout.cc, the status in status.cc.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controllers/deployment/replica_sets.h"

namespace ph::controllers::deployment {

struct Observed {
  Deployment deployment;
  Sets sets;                      // owned by it, ordered by name
  bool old_pods_running = false;  // of any set but the new one (strategy Recreate asks)
  Time now;
};

// A change of one existing set, in one write.
struct Change {
  Ref<ReplicaSet> set;
  std::optional<int> replicas;                     // when it differs
  std::map<std::string, std::string> annotations;  // to be set
  std::optional<std::int32_t> min_ready_seconds;
  bool empty() const { return !replicas && annotations.empty() && !min_ready_seconds; }
};

struct Plan {
  std::optional<ReplicaSet> create;
  std::vector<Change> changes;  // in this order
  std::vector<Ref<ReplicaSet>> cleanup;
  std::int64_t revision = 0;  // to be annotated on the deployment; 0: leave it
  Ref<ReplicaSet> new_set;    // as it is, or as it will be created; null: none
  Sets old_sets;
  bool selects_all = false;  // nothing is done for it
  bool rolls_out = false;    // the rollout's progress is to be told

  Sets all_sets() const;
};

Plan plan(const Observed& observed);

// The set a rollout to the deployment's template begins with.
ReplicaSet make_new_set(const Deployment& deployment, const Sets& old_sets, std::int64_t revision);

// What the annotations of the new set should be; only what differs. `exists`: it is there already.
std::map<std::string, std::string> annotations_for(const Deployment& deployment, const ReplicaSet& set, std::int64_t revision,
                                                   bool exists);

// How many replicas the new set should want now, given what all sets want.
int new_set_replicas(const Deployment& deployment, const Sets& all, int current);

// -- Steps of `plan`, for their tests.
// The wanted sizes of the old sets in a rolling update; only those that change.
std::vector<std::pair<Ref<ReplicaSet>, int>> scale_down_old(const Deployment& deployment, const Sets& old_sets,
                                                            const ReplicaSet& new_set);
// The sizes after the deployment itself was scaled, of all sets that have a part in it.
std::vector<std::pair<Ref<ReplicaSet>, int>> scale(const Deployment& deployment, const Ref<ReplicaSet>& new_set,
                                                   const Sets& old_sets);
// The old sets that the history limit no longer covers.
Sets beyond_history(const Deployment& deployment, const Sets& old_sets);

// -- Status
// What this reconcile has done, as far as the conditions tell of it.
struct Done {
  bool created = false;                       // the new set was made now
  std::optional<std::string> create_failure;  // its message
};
apps::v1::DeploymentStatus status_of(const Observed& observed, const Plan& plan, const Done& done);
bool is_complete(const Deployment& deployment, const apps::v1::DeploymentStatus& status);
// When the progress deadline is to be looked at again; nothing when it does not matter.
std::optional<Time> next_deadline(const Deployment& deployment, const apps::v1::DeploymentStatus& status, Time now);

}  // namespace ph::controllers::deployment

// replicaset: keeps as many pods of a template as a ReplicaSet wants.
//
//   reads     apps/v1 ReplicaSet, v1 Pod   informers; the set once live before it adopts
//   writes    v1 Pod                       create, delete (pinned to the UID), patch of owner references
//             apps/v1 ReplicaSet           status
//             v1 Event                     SuccessfulCreate, SuccessfulDelete, FailedCreate, FailedDelete
//   upstream  pkg/controller/replicaset
//
// What it does is in replica_loop.cc, which serves ReplicationControllers too; what it decides in plan.cc.
#include "controllers/replicaset/replica_loop.h"

namespace ph::controllers {

using apps::v1::ReplicaSet;

namespace replicaset {

template <>
struct ReplicaKind<ReplicaSet> {
  static Ref<ReplicaSet> as_set(const Ref<ReplicaSet>& set) { return set; }
  static api::LabelSelector selector(const ReplicaSet& set) { return owner_selector(set.spec().selector()); }
  static ReplicaSetStatus status(const ReplicaSetStatus& status) { return status; }
};

}  // namespace replicaset

void replica_set(LoopBuilder& loop) { replicaset::keep_replicas<ReplicaSet>(loop); }

}  // namespace ph::controllers

// replicationcontroller: keeps as many pods of a template as a ReplicationController wants; ReplicaSets came after it.
//
//   reads     v1 ReplicationController, v1 Pod   informers; the controller once live before it adopts
//   writes    v1 Pod                             create, delete (pinned to the UID), patch of owner references
//             v1 ReplicationController           status
//             v1 Event                           SuccessfulCreate, SuccessfulDelete, FailedCreate, FailedDelete
//   upstream  pkg/controller/replication
//
// The loop is the ReplicaSets' (controllers/replicaset/replica_loop.h); here is what it takes to tell one kind as the other.
#include "controllers/replicaset/replica_loop.h"
#include "controllers/replication_controller/convert.h"

namespace ph::controllers {

using core::v1::ReplicationController;

namespace replicaset {

template <>
struct ReplicaKind<ReplicationController> {
  static Ref<ReplicaSet> as_set(const Ref<ReplicationController>& controller) {
    return std::make_shared<const ReplicaSet>(replication_controller::as_set(*controller));
  }
  static api::LabelSelector selector(const ReplicationController& controller) {
    meta::v1::LabelSelector terms;
    *terms.mutable_match_labels() = controller.spec().selector();
    return owner_selector(terms);
  }
  static core::v1::ReplicationControllerStatus status(const ReplicaSetStatus& status) {
    return replication_controller::status(status);
  }
};

}  // namespace replicaset

void replication_controller_loop(LoopBuilder& loop) {
  loop.event_source("replication-controller");
  replicaset::keep_replicas<ReplicationController>(loop);
}

}  // namespace ph::controllers

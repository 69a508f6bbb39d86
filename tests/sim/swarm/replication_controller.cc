#include "tests/sim/swarm/replicas.h"

namespace ph::sim::swarm {

using core::v1::ReplicationController;

template <>
struct ReplicaKind<ReplicationController> {
  static constexpr const char* kLoop = "replicationcontroller";
  static constexpr const char* kAccount = ":replication-controller";
  static std::string app(const ReplicationController& controller) { return controller.spec().selector().at("app"); }
  static ReplicationController make(const std::string& key, const std::string& app) {
    ReplicationController controller = make_replication_controller(key, 1);
    (*controller.mutable_spec()->mutable_selector())["app"] = app;
    (*controller.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = app;
    return controller;
  }
};

std::unique_ptr<Swarm> replication_controller() { return std::make_unique<Replicas<ReplicationController>>(); }

}  // namespace ph::sim::swarm

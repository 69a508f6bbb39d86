#include "tests/sim/swarm/replicas.h"

namespace ph::sim::swarm {

using apps::v1::ReplicaSet;

template <>
struct ReplicaKind<ReplicaSet> {
  static constexpr const char* kLoop = "replicaset";
  static constexpr const char* kAccount = ":replicaset-controller";
  static std::string app(const ReplicaSet& set) { return set.spec().selector().match_labels().at("app"); }
  static ReplicaSet make(const std::string& key, const std::string& app) {
    ReplicaSet set = make_replica_set(key);
    (*set.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = app;
    (*set.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = app;
    return set;
  }
};

std::unique_ptr<Swarm> replica_set() { return std::make_unique<Replicas<ReplicaSet>>(); }

}  // namespace ph::sim::swarm

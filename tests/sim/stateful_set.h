// The smallest valid StatefulSet, as builders.h has other kinds.
#pragma once

#include "tests/sim/builders.h"

namespace ph::sim {

class StatefulSetBuilder {
 public:
  explicit StatefulSetBuilder(const std::string& key) : set_(WorkloadBuilder<apps::v1::StatefulSet>(key)) {
    set_.mutable_spec()->set_service_name(set_.metadata().name());
    set_.mutable_spec()->set_pod_management_policy("OrderedReady");
    set_.mutable_spec()->mutable_update_strategy()->set_type("RollingUpdate");
  }
  StatefulSetBuilder& replicas(int count) { return set_.mutable_spec()->set_replicas(count), *this; }
  StatefulSetBuilder& parallel() { return set_.mutable_spec()->set_pod_management_policy("Parallel"), *this; }
  StatefulSetBuilder& partition(int least) {
    return set_.mutable_spec()->mutable_update_strategy()->mutable_rolling_update()->set_partition(least), *this;
  }
  StatefulSetBuilder& on_delete() { return set_.mutable_spec()->mutable_update_strategy()->set_type("OnDelete"), *this; }
  StatefulSetBuilder& start(int ordinal) { return set_.mutable_spec()->mutable_ordinals()->set_start(ordinal), *this; }
  StatefulSetBuilder& min_ready(int seconds) { return set_.mutable_spec()->set_min_ready_seconds(seconds), *this; }
  StatefulSetBuilder& image(std::string image) {
    return set_.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(std::move(image)), *this;
  }
  // One claim a pod, `data-<pod>`, with what becomes of it: "Retain" or "Delete".
  StatefulSetBuilder& claims(const std::string& when_deleted, const std::string& when_scaled) {
    auto& claim = *set_.mutable_spec()->add_volume_claim_templates();
    claim.mutable_metadata()->set_name("data");
    claim.mutable_spec()->add_access_modes("ReadWriteOnce");
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    auto& policy = *set_.mutable_spec()->mutable_persistent_volume_claim_retention_policy();
    policy.set_when_deleted(when_deleted);
    policy.set_when_scaled(when_scaled);
    return *this;
  }
  operator apps::v1::StatefulSet() const { return set_; }
  apps::v1::StatefulSet object() const { return set_; }

 private:
  apps::v1::StatefulSet set_;
};
inline StatefulSetBuilder make_stateful_set(const std::string& key) { return StatefulSetBuilder(key); }

}  // namespace ph::sim

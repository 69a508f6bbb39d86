// Pods: phase and QoS class, and deletion in grace when a node runs them.
#include <algorithm>

#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/registry/label_keys.h"
#include "apiserver/registry/qos.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using core::v1::Pod;

bool ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

void mark_gated(Pod& pod, Time now) {
  if (pod.spec().scheduling_gates_size() == 0 || pod.status().conditions_size() > 0) return;
  auto& condition = *pod.mutable_status()->add_conditions();
  condition.set_type("PodScheduled");
  condition.set_status("False");
  condition.set_reason("SchedulingGated");
  condition.set_message("Scheduling is blocked due to non-empty scheduling gates");
  api::set_time(condition.mutable_last_transition_time(), now);
}

class PodRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    Pod& pod = object.as<Pod>();
    pod.mutable_status()->set_phase("Pending");
    pod.mutable_status()->set_qos_class(qos_class(pod));
    mark_gated(pod, context.now);
    merge_label_keys(pod);
  }

  void prepare_status(WriteContext&, api::Object& object, const api::Object& old) override {
    Pod& pod = object.as<Pod>();
    auto& status = *pod.mutable_status();
    if (status.qos_class().empty()) status.set_qos_class(old.as<Pod>().status().qos_class());
    // The one address and the list of them say the same, whichever the node wrote.
    if (status.pod_ip().empty() && status.pod_ips_size() > 0) status.set_pod_ip(status.pod_ips(0).ip());
    if (!status.pod_ip().empty() && status.pod_ips_size() == 0) status.add_pod_ips()->set_ip(status.pod_ip());
  }

  DeletePlan plan_delete(const api::Object& object, std::optional<std::int64_t> requested) override {
    const Pod& pod = object.as<Pod>();
    // Nobody would confirm the end of a pod that no node has, or that has ended.
    if (pod.spec().node_name().empty() || ended(pod)) return {0};
    std::int64_t grace = pod.spec().termination_grace_period_seconds();
    if (requested) grace = *requested;
    return {grace < 0 ? 1 : grace};
  }
};

}  // namespace

std::unique_ptr<ResourceRules> pods(const ServerOptions&) { return std::make_unique<PodRules>(); }

}  // namespace ph::apiserver

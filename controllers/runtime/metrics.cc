#include "controllers/runtime/metrics.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ph::controllers {
namespace {

// Queues that are not called what their loop is, without "-controller". Dashboards know them by these names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kQueues{{
    {"bootstrap-signer-controller", "bootstrap_signer_queue"},
    {"certificatesigningrequest-approving-controller", "certificate"},
    {"clusterrole-aggregation-controller", "ClusterRoleAggregator"},
    {"endpoints-controller", "endpoint"},
    {"endpointslice-controller", "endpoint_slice"},
    {"endpointslice-mirroring-controller", "endpoint_slice_mirroring"},
    {"ephemeral-volume-controller", "ephemeral_volume"},
    {"garbage-collector-controller", "garbage_collector_attempt_to_delete"},
    {"horizontal-pod-autoscaler-controller", "horizontalpodautoscaler"},
    {"node-ipam-controller", "cidrallocator_node"},
    {"node-lifecycle-controller", "node_lifecycle_controller"},
    {"persistentvolume-binder-controller", "claims"},
    {"persistentvolume-expander-controller", "volume_expand"},
    {"persistentvolume-protection-controller", "pvprotection"},
    {"persistentvolumeclaim-protection-controller", "pvcprotection"},
    {"replicationcontroller-controller", "replicationmanager"},
    {"resourceclaim-controller", "resource_claim"},
    {"resourcequota-controller", "resourcequota_primary"},
    {"root-ca-certificate-publisher-controller", "root_ca_cert_publisher"},
    {"selinux-warning-controller", "selinux_warning"},
    {"service-cidr-controller", "ipaddresses"},
    {"token-cleaner-controller", "token_cleaner"},
    {"ttl-after-finished-controller", "ttl_jobs_to_delete"},
    {"ttl-controller", "ttlcontroller"},
    {"validatingadmissionpolicy-status-controller", "validating_admission_policy_status"},
    {"volumeattributesclass-protection-controller", "vacprotection"},
}};
static_assert(std::ranges::is_sorted(kQueues));

}  // namespace

std::string_view queue_name(std::string_view loop) {
  const auto found = std::ranges::lower_bound(kQueues, loop, {}, [](const auto& entry) { return entry.first; });
  if (found != kQueues.end() && found->first == loop) return found->second;
  constexpr std::string_view kEnd = "-controller";
  if (loop.ends_with(kEnd)) loop.remove_suffix(kEnd.size());
  return loop;
}

QueueMetrics queue_metrics(const RuntimeMetrics& metrics, std::string_view queue) {
  return {.adds = metrics.adds.with({queue}),
          .retries = metrics.retries.with({queue}),
          .depth = metrics.depth.with({queue}),
          .unfinished_work = metrics.unfinished_work.with({queue}),
          .longest_running = metrics.longest_running.with({queue}),
          .queue_duration = metrics.queue_duration.with({queue}),
          .work_duration = metrics.work_duration.with({queue})};
}

LoopMetrics loop_metrics(const RuntimeMetrics& metrics, std::string_view loop) {
  return {.running = metrics.running.with({"kube-controller-manager", loop}),
          .done = metrics.reconciles.with({loop, "done"}),
          .failed = metrics.reconciles.with({loop, "failed"}),
          .again = metrics.reconciles.with({loop, "again"}),
          .held = metrics.held.with({loop})};
}

}  // namespace ph::controllers

// Options of the control loops; names and defaults are kube-controller-manager's flags.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controllers/cloud/options.h"

namespace ph::controllers {

class Certificates;          // controllers/common/certificates.h
class CertificateAuthority;  // the same

// Of the loop certificatesigningrequest-signing: --cluster-signing-…
struct SigningOptions {
  Duration duration = std::chrono::hours(8760);
  // By signer: what signs for it at this moment, from files that may be renewed. Signers without one sign nothing.
  std::map<std::string, std::function<std::shared_ptr<const CertificateAuthority>()>, std::less<>> authorities;
};

// Of the loop horizontalpodautoscaling: --horizontal-pod-autoscaler-…
struct AutoscalerOptions {
  Duration sync_period = 15s;
  Duration downscale_stabilization = 5min;
  Duration cpu_initialization_period = 5min;
  Duration initial_readiness_delay = 30s;
  double tolerance = 0.1;
};

// Of the loop nodeipam: which ranges of addresses nodes are given for their pods, as the flags say it (controllers/node_ipam/settings.h).
struct NodeIpamOptions {
  bool allocate_node_cidrs = false;  // --allocate-node-cidrs; without it the loop does nothing
  std::string cidr_allocator_type = "RangeAllocator";
  std::string cluster_cidr;              // --cluster-cidr: one range, or one of each family with a comma between them
  std::string service_cluster_ip_range;  // --service-cluster-ip-range: what of them is not given
  // --node-cidr-mask-size, …-ipv4, …-ipv6; 0: not said.
  int mask_size = 0, mask_size_ipv4 = 0, mask_size_ipv6 = 0;
};

// Of the loop nodelifecycle: --node-monitor-period and so on.
struct NodeLifecycleOptions {
  Duration monitor_period = 5s;
  Duration monitor_grace_period = 50s;  // of a node that has ever told its status
  Duration startup_grace_period = 1min;
  double eviction_rate = 0.1;  // nodes a second, in each zone
  double secondary_eviction_rate = 0.01;
  int large_cluster_size_threshold = 50;  // nodes of a zone; with no more of them the secondary rate is none
  double unhealthy_zone_threshold = 0.55;
};

// Of the loop persistentvolume-binder.
struct VolumeBinderOptions {
  Duration sync_period = 15s;  // --pvclaimbinder-sync-period
  bool provisions = true;      // --enable-dynamic-provisioning
};

struct Options {
  std::vector<std::string> controllers{"*"};        // --controllers
  std::map<std::string, int, std::less<>> workers;  // by loop name; of --concurrent-…-syncs. Absent: the registry's number

  std::string root_ca;  // the apiserver's authority, PEM; of --root-ca-file
  bool enable_garbage_collector = true;
  Duration namespace_sync_period = 5min;
  Duration endpoint_updates_batch_period = 0s;                  // --endpoint-updates-batch-period
  Duration endpoint_slice_updates_batch_period = 0s;            // --endpointslice-updates-batch-period
  Duration mirroring_endpoint_slice_updates_batch_period = 0s;  // --mirroring-endpointslice-updates-batch-period
  int max_endpoints_per_slice = 100;
  int mirroring_max_endpoints_per_subset = 1000;  // --mirroring-max-endpoints-per-subset
  int terminated_pod_gc_threshold = 12500;        // 0 or less: finished pods stay
  bool stateful_set_max_unavailable = false;      // the gate MaxUnavailableStatefulSet
  Duration resource_quota_sync_period = 5min;     // --resource-quota-sync-period
  AutoscalerOptions autoscaler;
  NodeIpamOptions node_ipam;
  NodeLifecycleOptions node_lifecycle;
  VolumeBinderOptions volume_binder;
  CloudOptions cloud;
  SigningOptions signing;
  // With --service-account-private-key-file; not set: Secrets get no tokens.
  std::function<std::string(std::string_view payload)> sign_token;
  Duration legacy_service_account_token_clean_up_period =
      std::chrono::hours(8760);                      // --legacy-service-account-token-clean-up-period
  std::shared_ptr<const Certificates> certificates;  // reads X.509; not set: nothing can be read
  bool disable_force_detach_on_timeout = false;      // --disable-force-detach-on-timeout

  // The file of a time zone, as tzdata has it; nothing: there is none of that name. Not set: only UTC is known.
  std::function<std::optional<std::string>(const std::string& name)> time_zone_file;
};

// The flags that set a loop's number of workers, e.g. {"concurrent-deployment-syncs", "deployment-controller"}.
struct WorkersFlag {
  const char* flag;
  const char* loop;
};
inline constexpr WorkersFlag kWorkersFlags[] = {
    {"concurrent-cron-job-syncs", "cronjob-controller"},
    {"concurrent-daemonset-syncs", "daemonset-controller"},
    {"concurrent-deployment-syncs", "deployment-controller"},
    {"concurrent-device-taint-eviction-syncs", "device-taint-eviction-controller"},
    {"concurrent-endpoint-syncs", "endpoints-controller"},
    {"concurrent-service-endpoint-syncs", "endpointslice-controller"},
    {"mirroring-concurrent-service-endpoint-syncs", "endpointslice-mirroring-controller"},
    {"concurrent-ephemeralvolume-syncs", "ephemeral-volume-controller"},
    {"concurrent-gc-syncs", "garbage-collector-controller"},
    {"concurrent-horizontal-pod-autoscaler-syncs", "horizontal-pod-autoscaler-controller"},
    {"concurrent-job-syncs", "job-controller"},
    {"concurrent-namespace-syncs", "namespace-controller"},
    {"concurrent-replicaset-syncs", "replicaset-controller"},
    {"concurrent-rc-syncs", "replicationcontroller-controller"},
    {"concurrent-resourceclaim-syncs", "resourceclaim-controller"},
    {"concurrent-resource-quota-syncs", "resourcequota-controller"},
    {"concurrent-service-syncs", "service-lb-controller"},
    {"concurrent-serviceaccount-token-syncs", "serviceaccount-token-controller"},
    {"concurrent-statefulset-syncs", "statefulset-controller"},
    {"concurrent-ttl-after-finished-syncs", "ttl-after-finished-controller"},
};

}  // namespace ph::controllers

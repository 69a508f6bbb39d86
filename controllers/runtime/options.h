// Options of the control loops; names and defaults are kube-controller-manager's flags.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace ph::controllers {

// Of the loop horizontalpodautoscaling: --horizontal-pod-autoscaler-…
struct AutoscalerOptions {
  Duration sync_period = 15s;
  Duration downscale_stabilization = 5min;
  Duration cpu_initialization_period = 5min;
  Duration initial_readiness_delay = 30s;
  double tolerance = 0.1;
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
  bool disable_force_detach_on_timeout = false;  // --disable-force-detach-on-timeout

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
    {"concurrent-statefulset-syncs", "statefulset-controller"},
    {"concurrent-ttl-after-finished-syncs", "ttl-after-finished-controller"},
};

}  // namespace ph::controllers

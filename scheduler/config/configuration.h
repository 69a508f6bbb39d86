// The scheduler's configuration: kubescheduler.config.k8s.io/v1, KubeSchedulerConfiguration.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "scheduler/extender/spec.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

// What is wrong with a configuration, one line each, in upstream's words where it has them.
class ConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct LeaderElectionConfiguration {
  bool leader_elect = true;
  Duration lease_duration = 15s, renew_deadline = 10s, retry_period = 2s;
  std::string resource_lock = "leases", resource_name = "kube-scheduler", resource_namespace = "kube-system";
};

struct ClientConnectionConfiguration {
  std::string kubeconfig, accept_content_types;
  std::string content_type = "application/vnd.kubernetes.protobuf";
  double qps = 50;
  int burst = 100;
};

struct Configuration {
  int parallelism = 16;                  // accepted; a cycle runs on one thread
  int percentage_of_nodes_to_score = 0;  // 0: adaptive
  Duration pod_initial_backoff = 1s, pod_max_backoff = 10s;
  Duration unschedulable_max =
      5min;  // a pod is tried again after so long, whatever has happened; no document says it, but a flag
  bool enable_profiling = true, enable_contention_profiling = true;
  bool delay_cache_until_active = false;
  LeaderElectionConfiguration leader_election;
  ClientConnectionConfiguration client_connection;
  std::vector<ProfileSpec> profiles;    // at least one
  std::vector<ExtenderSpec> extenders;  // of all profiles
  std::string document;                 // all of it with its defaults, as JSON

  // What a scheduler without a configuration file runs: one profile, "default-scheduler", all plugins.
  static Configuration defaults();
  // From YAML or JSON. Unknown fields, bad values, plugins that do not exist (here) are ConfigurationErrors. `more`: plugins beside those of
  // the registry; whoever makes a scheduler of it gives it the same ones.
  static Configuration parse(std::string_view text, std::span<const PluginEntry> more = {});
};

// The plugins of the default profile at their points.
ProfileSpec default_profile();

}  // namespace ph::scheduler

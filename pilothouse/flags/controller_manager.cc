#include "pilothouse/flags/controller_manager.h"

#include <algorithm>
#include <stdexcept>

#include "controllers/cloud/local.h"
#include "controllers/node_ipam/settings.h"
#include "controllers/registry.h"
#include "controllers/runtime/selection.h"
#include "daemon/feature_gates.h"
#include "pilothouse/flags/inert.h"
#include "pilothouse/forwarding.h"

namespace ph::pilothouse {
namespace {

void add_autoscaler_flags(daemon::FlagSet& flags, controllers::AutoscalerOptions& options) {
  flags.add("horizontal-pod-autoscaler-sync-period", options.sync_period, "How often an autoscaler is looked at");
  flags.add("horizontal-pod-autoscaler-downscale-stabilization", options.downscale_stabilization,
            "So long what was recommended lately keeps a workload from being scaled down, unless its autoscaler says otherwise");
  flags.add("horizontal-pod-autoscaler-cpu-initialization-period", options.cpu_initialization_period,
            "So long after its start a pod's use of the CPU counts only while it is ready");
  flags.add("horizontal-pod-autoscaler-initial-readiness-delay", options.initial_readiness_delay,
            "So long after its start a pod that becomes unready is taken never to have been ready");
  flags
      .add("horizontal-pod-autoscaler-tolerance", options.tolerance,
           "How far a metric may be from its target, as a part of it, unless the autoscaler says otherwise")
      .typed("float");
}

void add_node_ipam_flags(daemon::FlagSet& flags, controllers::NodeIpamOptions& options) {
  flags.add("allocate-node-cidrs", options.allocate_node_cidrs, "Nodes are given ranges of addresses for their pods");
  flags.add("cidr-allocator-type", options.cidr_allocator_type, "How: RangeAllocator, the only one");
  flags.add(
      "cluster-cidr", options.cluster_cidr,
      "The addresses of all pods, of which nodes are given parts: a range, or one of each family with a comma between them");
  flags.add("service-cluster-ip-range", options.service_cluster_ip_range,
            "The addresses of services, of which nodes are given none: a range, or one of each family with a comma between them");
  flags.add("node-cidr-mask-size", options.mask_size, "How many bits tell a node's range; by default 24 of IPv4, 64 of IPv6")
      .typed("int32");
  flags.add("node-cidr-mask-size-ipv4", options.mask_size_ipv4, "The same of IPv4 alone, where there is a range of each family")
      .typed("int32");
  flags.add("node-cidr-mask-size-ipv6", options.mask_size_ipv6, "The same of IPv6 alone, where there is a range of each family")
      .typed("int32");
}

void add_node_flags(daemon::FlagSet& flags, controllers::NodeLifecycleOptions& options) {
  flags.add("node-monitor-grace-period", options.monitor_grace_period,
            "How long a node may tell nothing of itself, and renew no lease, before it is said to be unknown");
  flags.add("node-startup-grace-period", options.startup_grace_period, "The same of a node that has never told its status");
  flags.add("node-eviction-rate", options.eviction_rate, "How many nodes of a zone are given up in a second").typed("float32");
  flags
      .add("secondary-node-eviction-rate", options.secondary_eviction_rate,
           "The same of a zone too many of whose nodes are not ready, if it is a large one")
      .typed("float32");
  flags
      .add("unhealthy-zone-threshold", options.unhealthy_zone_threshold,
           "Which part of a zone's nodes, and three at least, are too many not to be ready")
      .typed("float32");
  flags
      .add("large-cluster-size-threshold", options.large_cluster_size_threshold,
           "A zone with no more nodes than this gives none up while too many of them are not ready")
      .typed("int32");
}

void add_cloud_flags(daemon::FlagSet& flags, ControllerManagerOptions& all) {
  controllers::CloudOptions& options = all.controllers.cloud;
  flags.add("cloud-provider", all.cloud_provider,
            "Who provides load balancers and routes, and knows the machines: local, or nobody");
  flags.add("cloud-config", all.cloud_config, "What the cloud provider is told: a file of YAML");
  flags.add("forward-load-balancers", all.forward_load_balancers,
            "Where this process sends on what comes to load balancers: own, at their addresses and ports, or an address of this "
            "machine, at their node ports");
  flags.add("cluster-name", options.cluster_name, "The cluster's name at its cloud");
  flags.add("configure-cloud-routes", options.configures_routes,
            "Routes to the ranges of nodes are made at the cloud, where --allocate-node-cidrs gives them");
  flags.add("route-reconciliation-period", options.route_reconciliation_period, "How often routes are looked at");
}

void add_batch_flags(daemon::FlagSet& flags, controllers::Options& options) {
  flags.add("endpoint-updates-batch-period", options.endpoint_updates_batch_period,
            "How long changes of pods are gathered before Endpoints are written");
  flags.add("endpointslice-updates-batch-period", options.endpoint_slice_updates_batch_period,
            "How long changes of pods are gathered before slices are written");
  flags.add("mirroring-endpointslice-updates-batch-period", options.mirroring_endpoint_slice_updates_batch_period,
            "How long changes of Endpoints are gathered before they are shown in slices");
}

void add_loop_flags(daemon::FlagSet& flags, ControllerManagerOptions& all) {
  controllers::Options& options = all.controllers;
  flags.section("Loops");
  for (const controllers::WorkersFlag& each : controllers::kWorkersFlags) {
    const controllers::LoopEntry* loop = controllers::find_loop(each.loop);
    if (!loop) continue;
    int& workers = options.workers[each.loop] = loop->workers;
    flags.add(each.flag, workers, std::string("How many keys of the ") + each.loop + " are worked on at once").typed("int32");
  }
  flags.add("enable-garbage-collector", options.enable_garbage_collector, "Runs the garbage collector; as on the apiserver");
  flags.add("namespace-sync-period", options.namespace_sync_period, "How long a namespace that cannot be emptied waits");
  add_batch_flags(flags, options);
  flags.add("max-endpoints-per-slice", options.max_endpoints_per_slice, "How many endpoints a slice holds at most")
      .typed("int32");
  flags
      .add("mirroring-max-endpoints-per-subset", options.mirroring_max_endpoints_per_subset,
           "How many addresses of a subset of Endpoints are shown in slices")
      .typed("int32");
  add_autoscaler_flags(flags, options.autoscaler);
  add_node_ipam_flags(flags, options.node_ipam);
  add_cloud_flags(flags, all);
  add_node_flags(flags, options.node_lifecycle);
  flags.add("enable-dynamic-provisioning", options.volume_binder.provisions,
            "Claims without a volume are told who is to make one, where their class has a provisioner");
  flags.add("pvclaimbinder-sync-period", options.volume_binder.sync_period,
            "How often claims and volumes that wait are looked at");
  flags.add("resource-quota-sync-period", options.resource_quota_sync_period, "How often every quota is counted anew");
  flags.add("root-ca-file", all.root_ca_file,
            "The apiserver's authority, as every namespace's kube-root-ca.crt has it; by default the kubeconfig's");
  add_cluster_signing_flags(flags, all.cluster_signing, options.signing.duration);
  flags.add("service-account-private-key-file", all.service_account_private_key_file,
            "The key that signs tokens of service accounts which are kept in Secrets, PEM; without it there are none");
  flags.add("legacy-service-account-token-clean-up-period", options.legacy_service_account_token_clean_up_period,
            "So long a token that is kept in a Secret may be unused before it becomes invalid, and so long after that it goes");
  flags.add("terminated-pod-gc-threshold", options.terminated_pod_gc_threshold, "How many finished pods may stay; 0 or less: all")
      .typed("int32");
  flags.add(
      "disable-force-detach-on-timeout", options.disable_force_detach_on_timeout,
      "A node in trouble that does not let its volumes go keeps them, however long it takes, unless it is taken out of service");
  flags.add(inert_loop_flags());
}

// As upstream, which finds most of it out when it starts the loop.
void check_node_ipam(const controllers::Options& options) {
  const auto loops = controllers::select_loops(options.controllers, controllers::registry());
  const bool runs = loops && std::ranges::any_of(*loops, [](const auto* loop) { return loop->name == "node-ipam-controller"; });
  try {
    controllers::node_ipam::check_service_ranges(options.node_ipam);
    if (runs && options.node_ipam.allocate_node_cidrs) controllers::node_ipam::read_settings(options.node_ipam);
  } catch (const std::invalid_argument& error) {
    throw daemon::FlagError(error.what());
  }
}

void check_cloud(const ControllerManagerOptions& options) {
  const std::string& provider = options.cloud_provider;
  if (provider == "external") {
    throw daemon::FlagError(
        "--cloud-provider=external is not supported: no provider outside of this program is asked; without the flag the loops of "
        "a "
        "cloud do not run here, and a cloud controller manager may run them");
  }
  if (!provider.empty() && provider != controllers::cloud::kLocal)
    throw daemon::FlagError("unknown cloud provider \"" + provider + "\": there is local");
  if (provider.empty() && !options.cloud_config.empty()) throw daemon::FlagError("--cloud-config needs --cloud-provider");
  const std::string& forwards = options.forward_load_balancers;
  if (!forwards.empty() && provider.empty()) throw daemon::FlagError("--forward-load-balancers needs --cloud-provider");
  if (!forwards.empty() && !check_forward_address(forwards).empty())
    throw daemon::FlagError("--forward-load-balancers: " + check_forward_address(forwards));
  if (options.controllers.cloud.route_reconciliation_period <= Duration::zero())
    throw daemon::FlagError("--route-reconciliation-period must be positive");
}

}  // namespace

void add_flags(daemon::FlagSet& flags, ControllerManagerOptions& options) {
  flags.section("Generic");
  flags.add("kubeconfig", options.access.kubeconfig, "How to reach the apiserver; without it, as a pod does");
  flags.add("master", options.access.master, "The apiserver's address, instead of the kubeconfig's");
  flags
      .add("controllers", options.controllers.controllers,
           "Loops to run: '*' is all that are on by default, 'foo' and '-foo' one more or less")
      .default_value = "*";
  flags.add("use-service-account-credentials", options.use_service_account_credentials,
            "Each loop acts as its own service account");
  flags.add("hardened", options.hardened,
            "Flags that are not given say what the CIS Kubernetes Benchmark asks, as `pilothouse cis` checks it; keys beside the "
            "kubeconfig "
            "are used");
  flags.add("node-monitor-period", options.controllers.node_lifecycle.monitor_period, "How often all nodes are looked at");
  daemon::add_election_flags(flags, options.election);
  flags.add(inert_controller_manager_flags());
  add_loop_flags(flags, options);
  daemon::add_serving_flags(flags, options.serving);
  daemon::add_gate_flags(flags, options.gates);
  daemon::add_metrics_flags(flags);
  daemon::add_log_flags(flags, options.log);
}

void check(const ControllerManagerOptions& options) {
  daemon::check(options.serving);
  daemon::check(options.election);
  daemon::check_gates(options.gates);
  check(options.cluster_signing);
  for (const auto& [loop, workers] : options.controllers.workers) {
    if (workers < 1) throw daemon::FlagError("the number of workers of " + loop + " must be at least 1");
  }
  if (options.controllers.node_lifecycle.monitor_period <= Duration::zero()) {
    throw daemon::FlagError("--node-monitor-period must be positive");
  }
  if (options.controllers.volume_binder.sync_period <= Duration::zero()) {
    throw daemon::FlagError("--pvclaimbinder-sync-period must be greater than 0");
  }
  if (options.controllers.legacy_service_account_token_clean_up_period <= Duration::zero())
    throw daemon::FlagError("--legacy-service-account-token-clean-up-period must be longer than 0");
  if (options.controllers.max_endpoints_per_slice < 1 || options.controllers.max_endpoints_per_slice > 1000) {
    throw daemon::FlagError("--max-endpoints-per-slice must be between 1 and 1000");
  }
  if (options.controllers.mirroring_max_endpoints_per_subset < 1 ||
      options.controllers.mirroring_max_endpoints_per_subset > 1000) {
    throw daemon::FlagError("--mirroring-max-endpoints-per-subset must be between 1 and 1000");
  }
  check_node_ipam(options.controllers);
  check_cloud(options);
}

void apply_gates(ControllerManagerOptions& options) {
  options.controllers.stateful_set_max_unavailable = daemon::is_on(options.gates, daemon::kMaxUnavailableStatefulSet);
}

}  // namespace ph::pilothouse

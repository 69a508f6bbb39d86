#include "pilothouse/flags/controller_manager.h"

#include "controllers/registry.h"
#include "daemon/feature_gates.h"
#include "pilothouse/flags/inert.h"

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
  flags.add("resource-quota-sync-period", options.resource_quota_sync_period, "How often every quota is counted anew");
  flags.add("root-ca-file", all.root_ca_file,
            "The apiserver's authority, as every namespace's kube-root-ca.crt has it; by default the kubeconfig's");
  flags.add("terminated-pod-gc-threshold", options.terminated_pod_gc_threshold, "How many finished pods may stay; 0 or less: all")
      .typed("int32");
  flags.add(
      "disable-force-detach-on-timeout", options.disable_force_detach_on_timeout,
      "A node in trouble that does not let its volumes go keeps them, however long it takes, unless it is taken out of service");
  flags.add(inert_loop_flags());
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
  for (const auto& [loop, workers] : options.controllers.workers) {
    if (workers < 1) throw daemon::FlagError("the number of workers of " + loop + " must be at least 1");
  }
  if (options.controllers.max_endpoints_per_slice < 1 || options.controllers.max_endpoints_per_slice > 1000) {
    throw daemon::FlagError("--max-endpoints-per-slice must be between 1 and 1000");
  }
  if (options.controllers.mirroring_max_endpoints_per_subset < 1 ||
      options.controllers.mirroring_max_endpoints_per_subset > 1000) {
    throw daemon::FlagError("--mirroring-max-endpoints-per-subset must be between 1 and 1000");
  }
}

void apply_gates(ControllerManagerOptions& options) {
  options.controllers.stateful_set_max_unavailable = daemon::is_on(options.gates, daemon::kMaxUnavailableStatefulSet);
}

}  // namespace ph::pilothouse

#include "pilothouse/flags/scheduler.h"

#include <fmt/format.h>

#include "daemon/files.h"
#include "pilothouse/flags/inert.h"

namespace ph::pilothouse {

void add_flags(daemon::FlagSet& flags, SchedulerOptions& options) {
  flags.section("Misc");
  flags.add("config", options.config, "A KubeSchedulerConfiguration file");
  flags.add("write-config-to", options.write_config_to, "Writes the configuration with its defaults to this file, and exits");
  flags.add("kubeconfig", options.access.kubeconfig,
            "How to reach the apiserver, when the configuration does not say; without either, as a pod does");
  flags.add("master", options.access.master, "The apiserver's address, instead of the kubeconfig's");
  flags.add("hardened", options.hardened,
            "Flags that are not given say what the CIS Kubernetes Benchmark asks, as `pilothouse cis` checks it");
  flags.add("pod-max-in-unschedulable-pods-duration", options.unschedulable_max,
            "A pod that no node takes is tried again after so long, even if nothing has happened that could help it");
  flags.add_array("plugin", options.plugin_files,
                  "A shared object with one more plugin, for profiles that name it; may be given several times");
  flags.add(inert_scheduler_flags());
  flags.section("Leader election");
  daemon::add_election_flags(flags, options.election);
  daemon::add_serving_flags(flags, options.serving);
  daemon::add_gate_flags(flags, options.gates);
  daemon::add_metrics_flags(flags);
  daemon::add_log_flags(flags, options.log);
}

scheduler::Configuration resolve(const daemon::FlagSet& flags, SchedulerOptions& options) {
  try {
    options.plugins = ForeignPlugins(options.plugin_files);
  } catch (const scheduler::ForeignPluginError& error) {
    throw scheduler::ForeignPluginError(fmt::format("--plugin {}", error.what()));
  }
  scheduler::Configuration out = scheduler::Configuration::defaults();
  if (!options.config.empty()) {
    const auto text = daemon::read_file(options.config);
    if (!text) throw daemon::FileError(fmt::format("--config: there is no file {}", options.config));
    try {
      out = scheduler::Configuration::parse(*text, options.plugins.entries());
      options.config_text = *text;
    } catch (const scheduler::ConfigurationError& error) {
      throw scheduler::ConfigurationError(fmt::format("--config {}: {}", options.config, error.what()));
    }
    const auto take = [&flags](const char* flag, auto& option, const auto& configured) {
      if (!flags.given(flag)) option = configured;
    };
    const scheduler::LeaderElectionConfiguration& lease = out.leader_election;
    take("leader-elect", options.election.leader_elect, lease.leader_elect);
    take("leader-elect-lease-duration", options.election.lease_duration, lease.lease_duration);
    take("leader-elect-renew-deadline", options.election.renew_deadline, lease.renew_deadline);
    take("leader-elect-retry-period", options.election.retry_period, lease.retry_period);
    take("leader-elect-resource-lock", options.election.resource_lock, lease.resource_lock);
    take("leader-elect-resource-name", options.election.resource_name, lease.resource_name);
    take("leader-elect-resource-namespace", options.election.resource_namespace, lease.resource_namespace);
    // Upstream ignores the deprecated --kubeconfig when there is a configuration; a file that names none is more often a slip
    // than a wish to run as a pod.
    if (!out.client_connection.kubeconfig.empty()) options.access.kubeconfig = out.client_connection.kubeconfig;
  }
  out.unschedulable_max = options.unschedulable_max;
  daemon::check(options.serving);
  daemon::check(options.election);
  daemon::check_gates(options.gates);
  return out;
}

}  // namespace ph::pilothouse

#include "pilothouse/scheduler_program.h"

#include <nlohmann/json.hpp>

#include "api/times.h"
#include "daemon/program.h"
#include "pilothouse/elected_daemon.h"
#include "pilothouse/extenders.h"
#include "pilothouse/flags/scheduler.h"
#include "pilothouse/limits.h"
#include "pilothouse/scheduler_component.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

constexpr char kComponent[] = "kube-scheduler";

// The scheduler on its thread, and its one connection.
struct Placing {
  Placing(Executor& executor, ElectedDaemon& daemon, const scheduler::Configuration& configuration)
      : own(daemon.access().connect(executor, {.user_agent = kComponent, .token = {}})),
        connector([this](Executor&, Identity) { return daemon::sharing_transport(*own); }, daemon.access().host()),
        component(executor, connector, configuration, daemon.clock(), daemon.rng(), daemon.log(), &daemon.metrics(),
                  daemon.leadership(), extender_transports(daemon.io(), executor)),
        scope(executor) {
    scope.spawn(mark_ready(daemon));
  }

  std::unique_ptr<Transport> own;
  Connector connector;
  SchedulerComponent component;
  Scope scope;

 private:
  Task<void> mark_ready(ElectedDaemon& daemon) {
    co_await component.informers.wait_synced();
    daemon.set_ready(true);
  }
};

nlohmann::json profile_json(const scheduler::ProfileSpec& profile) {
  using nlohmann::json;
  json plugins = json::object();
  for (const auto& [point, names] : profile.points) {
    json enabled = json::array();
    for (const std::string& name : names) {
      json entry{{"name", name}};
      const auto weight = profile.weights.find(name);
      if (point == scheduler::Point::Score && weight != profile.weights.end()) entry["weight"] = weight->second;
      enabled.push_back(std::move(entry));
    }
    plugins[std::string(to_string(point))] = {{"enabled", std::move(enabled)}};
  }
  json out{{"schedulerName", profile.scheduler_name}, {"plugins", std::move(plugins)}};
  if (profile.percentage_of_nodes_to_score) out["percentageOfNodesToScore"] = *profile.percentage_of_nodes_to_score;
  return out;
}

// What is secret is left out.
nlohmann::json extender_json(const scheduler::ExtenderSpec& extender) {
  using nlohmann::json;
  json out{{"urlPrefix", extender.url_prefix},
           {"filterVerb", extender.filter_verb},
           {"preemptVerb", extender.preempt_verb},
           {"prioritizeVerb", extender.prioritize_verb},
           {"weight", extender.weight},
           {"bindVerb", extender.bind_verb},
           {"enableHTTPS", extender.enable_https},
           {"tlsConfig",
            {{"insecure", extender.tls.insecure},
             {"serverName", extender.tls.server_name},
             {"certFile", extender.tls.cert_file},
             {"keyFile", extender.tls.key_file},
             {"caFile", extender.tls.ca_file}}},
           {"httpTimeout", api::duration_text(extender.http_timeout)},
           {"nodeCacheCapable", extender.node_cache_capable},
           {"managedResources", json::array()},
           {"ignorable", extender.ignorable}};
  for (const auto& resource : extender.managed_resources) {
    out["managedResources"].push_back({{"name", resource.name}, {"ignoredByScheduler", resource.ignored_by_scheduler}});
  }
  return out;
}

std::string config_json(const scheduler::Configuration& configuration, const election::ElectionOptions& election) {
  using nlohmann::json;
  const auto seconds = [](Duration d) { return std::chrono::duration_cast<std::chrono::seconds>(d).count(); };
  json out{{"apiVersion", "kubescheduler.config.k8s.io/v1"},
           {"kind", "KubeSchedulerConfiguration"},
           {"parallelism", configuration.parallelism},
           {"percentageOfNodesToScore", configuration.percentage_of_nodes_to_score},
           {"podInitialBackoffSeconds", seconds(configuration.pod_initial_backoff)},
           {"podMaxBackoffSeconds", seconds(configuration.pod_max_backoff)},
           {"delayCacheUntilActive", configuration.delay_cache_until_active},
           {"leaderElection",
            {{"leaderElect", election.leader_elect},
             {"leaseDuration", api::duration_text(election.lease_duration)},
             {"renewDeadline", api::duration_text(election.renew_deadline)},
             {"retryPeriod", api::duration_text(election.retry_period)},
             {"resourceLock", election.resource_lock},
             {"resourceName", election.resource_name},
             {"resourceNamespace", election.resource_namespace}}},
           {"profiles", json::array()}};
  for (const scheduler::ProfileSpec& profile : configuration.profiles) out["profiles"].push_back(profile_json(profile));
  for (const scheduler::ExtenderSpec& extender : configuration.extenders) out["extenders"].push_back(extender_json(extender));
  return out.dump();
}

int run(SchedulerOptions& options, daemon::FlagSet& flags) {
  daemon::Signals signals;
  const scheduler::Configuration configuration = resolve(flags, options);
  const Log log = daemon::make_log(options.log);
  daemon::log_flags_without_effect(flags, log);
  warn_of_limits({.scheduler = true}, log);
  ElectedDaemon daemon({.component = kComponent,
                        .access = options.access,
                        .serving = options.serving,
                        .election = options.election,
                        .flags = flags,
                        .config_group = "kubescheduler.config.k8s.io",
                        .config_json = [&] { return config_json(configuration, options.election); },
                        .log = log});
  daemon::Part<Placing> placing(
      "scheduler", daemon.clock(), [&](Executor& executor) { return std::make_unique<Placing>(executor, daemon, configuration); },
      &daemon.metrics());
  log.info("started", "version", kVersion, "server", daemon.access().server(), "profiles", configuration.profiles.size(),
           "leader election", options.election.leader_elect);
  daemon.lead(placing.executor(), [&placing] { placing->component.start(); }, [&placing] { placing->component.stop(); });
  signals.wait();
  log.info("stopping");
  daemon.stop();
  return 0;
}

}  // namespace

int scheduler_program(const std::string& program, std::span<const std::string> args) {
  SchedulerOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options, flags); });
}

}  // namespace ph::pilothouse

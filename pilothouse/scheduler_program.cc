#include "pilothouse/scheduler_program.h"

#include <fmt/format.h>

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/codec.h"
#include "api/times.h"
#include "daemon/files.h"
#include "daemon/program.h"
#include "pilothouse/elected_daemon.h"
#include "pilothouse/extenders.h"
#include "pilothouse/flags/hardened.h"
#include "pilothouse/flags/scheduler.h"
#include "pilothouse/limits.h"
#include "pilothouse/scheduler_component.h"
#include "pilothouse/time_zones.h"
#include "pilothouse/version.h"
#include "pilothouse/why_page.h"

namespace ph::pilothouse {
namespace {

constexpr char kComponent[] = "kube-scheduler";

// The scheduler on its thread, and its one connection.
struct Placing {
  Placing(Executor& executor, ElectedDaemon& daemon, const scheduler::Configuration& configuration, const ForeignPlugins& plugins)
      : own(daemon.access().connect(executor, {.user_agent = kComponent, .token = {}})),
        connector([this](Executor&, Identity) { return daemon::sharing_transport(*own); }, daemon.access().host()),
        component(executor, connector, configuration, daemon.clock(), daemon.rng(), daemon.log(), &daemon.metrics(),
                  daemon.leadership(), extender_transports(daemon.io(), executor), plugins.entries(), racing_solvers()),
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

// Looks at the configuration's file every ten seconds, and when it is asked to.
class ConfigFile {
 public:
  // `options` outlive it. `take` is called on this object's executor.
  ConfigFile(Executor& executor, const SchedulerOptions& options, std::function<void(scheduler::Configuration)> take, Log log)
      : file_(options.config),
        text_(options.config_text),
        plugins_(options.plugins.entries()),
        take_(std::move(take)),
        log_(std::move(log)),
        scope_(executor) {
    if (!file_.empty()) scope_.spawn(watch());
  }

  void look(bool asked) {
    if (file_.empty()) return;
    try {
      std::optional<std::string> text = daemon::read_file(file_);
      if (!text && !asked && std::exchange(missing_, true)) return;  // once is enough
      if (!text) throw daemon::FileError("there is no such file");
      missing_ = false;
      if (*text == text_ && !asked) return;
      text_ = std::move(*text);
      take_(scheduler::Configuration::parse(text_, plugins_));
    } catch (const std::exception& error) {
      log_.error("the configuration's file is not taken: the old one stays in force", "file", file_, "error", error.what());
    }
  }

 private:
  Task<void> watch() {
    for (;;) {
      co_await sleep_for(10s);
      look(false);
    }
  }

  const std::string file_;
  std::string text_;
  const std::span<const scheduler::PluginEntry> plugins_;
  const std::function<void(scheduler::Configuration)> take_;
  const Log log_;
  bool missing_ = false;
  Scope scope_;
};

// The configuration in force, as /configz shows it. Threads: any.
class Shown {
 public:
  Shown(const scheduler::Configuration& configuration, const election::ElectionOptions& election) : election_(election) {
    set(configuration);
  }
  void set(const scheduler::Configuration& configuration) {
    const std::lock_guard lock(mutex_);
    text_ = config_json(configuration, election_);
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  const election::ElectionOptions& election_;
  mutable std::mutex mutex_;
  std::string text_;
};

Task<void> reconfigure(Placing& placing, scheduler::Configuration next, Shown& shown, Log log) {
  try {
    co_await placing.component.reconfigure(next);
    shown.set(next);
    log.info("the configuration's file has changed, and is taken", "profiles", next.profiles.size());
  } catch (const std::exception& error) {
    log.error("the configuration's file is not taken: the old one stays in force", "error", error.what());
  }
}

int write_config(const scheduler::Configuration& configuration, const std::string& file) {
  daemon::write_file(file, api::json_to_yaml(nlohmann::json::parse(configuration.document)), false);
  return 0;
}

// What a configuration asks for and does not get.
void warn_of_extenders(const scheduler::Configuration& configuration, const Log& log) {
  for (const scheduler::ExtenderSpec& extender : configuration.extenders) {
    if (!extender.preempt_verb.empty()) log.warning("preemptVerb is never called", "extender", extender.url_prefix);
  }
}

void warn_of_plugins(const scheduler::Configuration& configuration, const ForeignPlugins& plugins, const Log& log) {
  for (const std::string& name : plugins.idle_in(configuration.profiles)) {
    log.warning("a plugin is loaded that stands in no profile", "plugin", name);
  }
}

int run(SchedulerOptions& options, daemon::FlagSet& flags) {
  std::function<void()> look;  // set before anybody waits for signals
  daemon::Signals signals([&look] { look(); });
  harden(flags, options);
  tell_expressions_time_zones();
  const scheduler::Configuration configuration = resolve(flags, options);
  if (!options.write_config_to.empty()) return write_config(configuration, options.write_config_to);
  const Log log = daemon::make_log(options.log);
  daemon::log_flags_without_effect(flags, log);
  warn_of_limits({.scheduler = true}, log);
  warn_of_extenders(configuration, log);
  warn_of_plugins(configuration, options.plugins, log);
  Shown shown(configuration, options.election);
  WhyDoor why;
  ElectedDaemon daemon({.component = kComponent,
                        .access = options.access,
                        .serving = options.serving,
                        .election = options.election,
                        .flags = flags,
                        .config_group = "kubescheduler.config.k8s.io",
                        .config_json = [&] { return shown.text(); },
                        .log = log,
                        .pages = {why_page(why)}});
  daemon::Part<Placing> placing(
      "scheduler", daemon.clock(),
      [&](Executor& executor) { return std::make_unique<Placing>(executor, daemon, configuration, options.plugins); },
      &daemon.metrics());
  const WhyDoor::Open open(why, placing.executor(), placing->component);
  log.info("started", "version", kVersion, "server", daemon.access().server(), "profiles", configuration.profiles.size(),
           "leader election", options.election.leader_elect);
  daemon.lead(placing.executor(), [&placing] { placing->component.start(); }, [&placing] { placing->component.stop(); });
  const auto take = [&](scheduler::Configuration next) {
    next.unschedulable_max = configuration.unschedulable_max;  // the flag counts as before
    placing.executor().post([&placing, &shown, &log, next = std::move(next)]() mutable {
      placing->scope.spawn(reconfigure(*placing, std::move(next), shown, log));
    });
  };
  {
    daemon::Part<ConfigFile> file("config", daemon.clock(),
                                  [&](Executor& executor) { return std::make_unique<ConfigFile>(executor, options, take, log); });
    look = [&file] { file.executor().post([&file] { file->look(true); }); };
    signals.wait();
  }
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

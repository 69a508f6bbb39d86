#include "pilothouse/controller_manager.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "controllers/cloud/local.h"
#include "daemon/files.h"
#include "daemon/program.h"
#include "net/pki.h"
#include "pilothouse/elected_daemon.h"
#include "pilothouse/flags/controller_manager.h"
#include "pilothouse/flags/hardened.h"
#include "pilothouse/forwarding.h"
#include "pilothouse/limits.h"
#include "pilothouse/loop_tokens.h"
#include "pilothouse/manager_component.h"
#include "pilothouse/signing.h"
#include "pilothouse/time_zones.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

constexpr char kComponent[] = "kube-controller-manager";
using Loops = std::vector<const controllers::LoopEntry*>;

// The loops on their thread, with their way to the server: one connection for all; with service accounts a second one that
// shows no certificate, so that each request's token counts.
struct Manager {
  Manager(Executor& executor, ElectedDaemon& daemon, const ControllerManagerOptions& options, const Loops& loops)
      : log(daemon.log()),
        own(daemon.access().connect(executor, {.user_agent = kComponent, .token = {}})),
        accounts(daemon.access().connect(
            executor, {.user_agent = kComponent, .client_certificate = false, .token = [] { return std::string(); }})),
        own_client(*own, std::string(kComponent) + "/" + kVersion),
        tokens(own_client, executor, options.use_service_account_credentials ? accounts_of(loops) : std::vector<std::string>(),
               log.named("tokens")),
        connector(
            [this, with_accounts = options.use_service_account_credentials](Executor&, Identity identity) {
              constexpr std::string_view kPrefix = "system:serviceaccount:kube-system:";
              if (!with_accounts || !identity.name.starts_with(kPrefix)) return daemon::sharing_transport(*own);
              return daemon::sharing_transport(
                  *accounts, [this, account = identity.name.substr(kPrefix.size())] { return tokens.token(account); });
            },
            daemon.access().host()),
        scope(executor, [log = log](std::exception_ptr) { log.error("a task of the controller manager ended"); }),
        component(executor, connector, options.controllers, loops, daemon.rng(), log, &daemon.metrics(), daemon.leadership()) {
    scope.spawn(tokens.run());
    scope.spawn(mark_ready(daemon));
  }

  static std::vector<std::string> accounts_of(const Loops& loops) {
    std::vector<std::string> out;
    for (const controllers::LoopEntry* loop : loops) {
      if (has_account(loop->name)) out.emplace_back(loop_account(loop->name));
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  void start() {
    term = std::make_unique<Scope>(scope_executor());
    term->spawn(begin());
  }
  void stop() {
    term.reset();
    component.host->stop();
  }

  const Log log;
  std::unique_ptr<Transport> own, accounts;
  informers::Client own_client;
  LoopTokens tokens;
  Connector connector;
  Scope scope;
  ManagerComponent component;
  std::unique_ptr<Scope> term;

 private:
  static Executor& scope_executor() { return *Executor::current(); }

  Task<void> mark_ready(ElectedDaemon& daemon) {
    co_await component.informers.wait_synced();
    daemon.set_ready(true);
  }

  Task<void> begin() {
    co_await tokens.wait_complete();
    component.host->start();
    log.info("loops started");
  }
};

std::string config_json(const ControllerManagerOptions& options) {
  using nlohmann::json;
  const auto duration = [](Duration d) { return api::duration_text(d); };
  json generic{{"Controllers", options.controllers.controllers},
               {"LeaderElection",
                {{"LeaderElect", options.election.leader_elect},
                 {"LeaseDuration", duration(options.election.lease_duration)},
                 {"RenewDeadline", duration(options.election.renew_deadline)},
                 {"RetryPeriod", duration(options.election.retry_period)},
                 {"ResourceLock", options.election.resource_lock},
                 {"ResourceName", options.election.resource_name},
                 {"ResourceNamespace", options.election.resource_namespace}}}};
  json out{{"Generic", std::move(generic)}};
  const controllers::NodeIpamOptions& ipam = options.controllers.node_ipam;
  out["KubeCloudShared"] = {{"AllocateNodeCIDRs", ipam.allocate_node_cidrs},
                            {"CIDRAllocatorType", ipam.cidr_allocator_type},
                            {"ClusterCIDR", ipam.cluster_cidr},
                            {"CloudProvider", {{"Name", options.cloud_provider}, {"CloudConfigFile", options.cloud_config}}},
                            {"ClusterName", options.controllers.cloud.cluster_name},
                            {"ConfigureCloudRoutes", options.controllers.cloud.configures_routes},
                            {"RouteReconciliationPeriod", duration(options.controllers.cloud.route_reconciliation_period)}};
  out["NodeIPAMController"] = {{"ServiceCIDR", ipam.service_cluster_ip_range},
                               {"NodeCIDRMaskSize", ipam.mask_size},
                               {"NodeCIDRMaskSizeIPv4", ipam.mask_size_ipv4},
                               {"NodeCIDRMaskSizeIPv6", ipam.mask_size_ipv6}};
  if (!options.root_ca_file.empty()) out["SAController"] = {{"RootCAFile", options.root_ca_file}};
  for (const auto& [loop, workers] : options.controllers.workers) out["Workers"][loop] = workers;
  return out.dump();
}

// Of --service-account-private-key-file.
std::function<std::string(std::string_view)> read_token_signer(const std::string& file) {
  try {
    auto text = daemon::read_file(file);
    if (!text) throw daemon::FileError("there is no such file");
    return token_signer(*text);
  } catch (const std::exception& error) {
    throw daemon::FileError(fmt::format("error reading key for service account token controller: {}: {}", file, error.what()));
  }
}

// Of --root-ca-file.
std::string read_root_ca(const std::string& file) {
  try {
    auto text = daemon::read_file(file);
    if (!text) throw daemon::FileError("there is no such file");
    net::inspect_certificate(*text);
    return *std::move(text);
  } catch (const std::exception& error) {
    throw daemon::FileError(fmt::format("error parsing root-ca-file at {}: {}", file, error.what()));
  }
}

bool asks_cloud(const controllers::LoopEntry& loop) {
  return loop.name == "node-route-controller" || loop.name == "service-lb-controller" || loop.name.starts_with("cloud-node-");
}

// Loops that a flag of their own keeps from being started, whatever --controllers says.
bool is_switched_off(const controllers::LoopEntry& loop, const controllers::Options& options) {
  if (loop.name == "garbage-collector-controller") return !options.enable_garbage_collector;
  if (loop.name == "node-ipam-controller") return !options.node_ipam.allocate_node_cidrs;
  if (loop.name == "node-route-controller" && !(options.node_ipam.allocate_node_cidrs && options.cloud.configures_routes))
    return true;
  return asks_cloud(loop) && !options.cloud.provider;
}

// Of --cloud-config.
controllers::cloud::LocalConfig read_cloud_config(const std::string& file) {
  if (file.empty()) return {};
  try {
    const auto text = daemon::read_file(file);
    if (!text) throw daemon::FileError("there is no such file");
    return controllers::cloud::read_local_config(*text);
  } catch (const std::exception& error) {
    throw daemon::FileError(fmt::format("--cloud-config: {}: {}", file, error.what()));
  }
}

int run(ControllerManagerOptions& options, daemon::FlagSet& flags) {
  daemon::Signals signals;
  harden(flags, options);
  check(options);
  apply_gates(options);
  if (!options.root_ca_file.empty()) options.controllers.root_ca = read_root_ca(options.root_ca_file);
  options.controllers.time_zone_file = read_time_zone;
  const Log log = daemon::make_log(options.log);
  for (const auto& [signer, files] : files_by_signer(options.cluster_signing))
    options.controllers.signing.authorities[signer] = file_authority(files.cert, files.key, log);
  if (!options.service_account_private_key_file.empty())
    options.controllers.sign_token = read_token_signer(options.service_account_private_key_file);
  if (!options.cloud_provider.empty())
    options.controllers.cloud.provider = controllers::cloud::local_provider(read_cloud_config(options.cloud_config));
  std::string selection;
  for (const std::string& item : options.controllers.controllers) selection += (selection.empty() ? "" : ",") + item;
  if (!options.forward_load_balancers.empty()) {
    selection += fmt::format(",{}", kForwarderLoop);
    options.controllers.cloud.forward_address = options.forward_load_balancers;
  }
  Loops loops = chosen_loops(selection);
  std::erase_if(loops, [&](const auto* loop) { return is_switched_off(*loop, options.controllers); });
  tell_of_idle_loops(selection, log);
  if (!options.controllers.sign_token) {
    const auto signs = [](const auto* loop) { return loop->name == "serviceaccount-token-controller"; };
    if (std::erase_if(loops, signs) > 0)
      log.warning("no loop serviceaccount-token-controller: there is no --service-account-private-key-file");
  }
  daemon::log_flags_without_effect(flags, log);
  // Who names loops one by one knows which these are.
  const auto& asked = options.controllers.controllers;
  warn_of_limits({.loops = std::ranges::find(asked, "*") != asked.end()}, log);
  ElectedDaemon daemon({.component = kComponent,
                        .access = options.access,
                        .serving = options.serving,
                        .election = options.election,
                        .flags = flags,
                        .config_group = "kubecontrollermanager.config.k8s.io",
                        .config_json = [&options] { return config_json(options); },
                        .log = log});
  if (options.root_ca_file.empty()) options.controllers.root_ca = daemon.access().ca();
  if (!options.forward_load_balancers.empty()) options.controllers.cloud.forwarding = socket_forwarding(daemon.io(), log);
  daemon::Part<Manager> manager(
      "loops", daemon.clock(), [&](Executor& executor) { return std::make_unique<Manager>(executor, daemon, options, loops); },
      &daemon.metrics());
  log.info("started", "version", kVersion, "server", daemon.access().server(), "loops", loops.size(), "leader election",
           options.election.leader_elect);
  daemon.lead(manager.executor(), [&manager] { manager->start(); }, [&manager] { manager->stop(); });
  signals.wait();
  log.info("stopping");
  daemon.stop();
  return 0;
}

}  // namespace

int controller_manager(const std::string& program, std::span<const std::string> args) {
  ControllerManagerOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options, flags); });
}

}  // namespace ph::pilothouse

#include "pilothouse/control_plane.h"

#include <fmt/format.h>

#include "controllers/cloud/local.h"
#include "controllers/common/certificate_requests.h"
#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "daemon/part.h"
#include "net/event_loop.h"
#include "pilothouse/components.h"
#include "pilothouse/extenders.h"
#include "pilothouse/flags/apiserver.h"
#include "pilothouse/flags/hardened.h"
#include "pilothouse/foreign_plugins.h"
#include "pilothouse/node_options.h"
#include "pilothouse/signing.h"
#include "pilothouse/time_zones.h"
#include "pilothouse/version.h"
#include "pilothouse/why_page.h"

namespace ph::pilothouse {

using daemon::Part;
using daemon::wait_for;

namespace {

constexpr Duration kGrace = 5s;

daemon::DataDirOptions data_dir_options(const UpOptions& options) {
  daemon::DataDirOptions out{.path = options.data_dir};
  if (options.bind_address != "0.0.0.0" && options.bind_address != "::") out.extra_names.push_back(options.bind_address);
  return out;
}

using CloudMaker = decltype(controllers::CloudOptions::provider);

// Of --cloud-provider; not set: there is none.
CloudMaker cloud_of(const UpOptions& options) {
  if (options.cloud_provider.empty() && !options.load_balancer_pools.empty())
    throw std::invalid_argument("--load-balancer-pool needs --cloud-provider");
  if (options.cloud_provider.empty()) return {};
  controllers::cloud::LocalConfig config;
  if (!options.load_balancer_pools.empty()) config.pools.emplace_back();
  try {
    for (const std::string& range : options.load_balancer_pools)
      config.pools.front().addresses.push_back(controllers::cloud::read_addresses(range));
    controllers::cloud::check_pools(config.pools);
  } catch (const controllers::cloud::ConfigError& error) {
    throw std::invalid_argument(std::string("--load-balancer-pool: ") + error.what());
  }
  return controllers::cloud::local_provider(std::move(config));
}

// The apiserver as its program would be with the same words: its flags are resolved by the same rules, and shown by /flagz.
struct ServerFlags {
  ServerFlags(const UpOptions& options, Rng& rng) {
    add_flags(flags, program);
    if (!options.runs("apiserver")) return;
    flags.parse(std::vector<std::string>{"--data-dir=" + options.data_dir.string(), "--bind-address=" + options.bind_address,
                                         "--secure-port=" + std::to_string(options.secure_port), "--store=" + options.store,
                                         "--io-threads=" + std::to_string(options.io_threads),
                                         // Nothing here sends packets on to a service's own address.
                                         "--enable-aggregator-routing", options.hardened ? "--hardened" : "--hardened=false"});
    harden(flags, program, rng);
    resolve(program);
  }

  // With what `up` alone can be told.
  daemon::FlagValues values(const UpOptions& options) const {
    daemon::FlagValues out = daemon::flag_values(flags);
    out.insert(options.flags.begin(), options.flags.end());
    return out;
  }

  ApiServerProgramOptions program;
  daemon::FlagSet flags{"kube-apiserver"};
};

// The cluster's authority signs for all built-in signers, as with kubeadm.
controllers::Options options_of_loops(const daemon::ClusterKeys& keys, const CloudMaker& cloud) {
  controllers::Options out;
  out.cloud.provider = cloud;
  out.root_ca = keys.ca.cert_pem;
  out.time_zone_file = read_time_zone;
  out.sign_token = token_signer(keys.service_account_key);
  const AuthoritySource authority = fixed_authority(keys.ca);
  for (const char* signer : {controllers::kApiserverClientSigner, controllers::kKubeletClientSigner,
                             controllers::kKubeletServingSigner, controllers::kLegacyUnknownSigner})
    out.signing.authorities[signer] = authority;
  return out;
}

ForeignPlugins scheduler_plugins(const UpOptions& options) {
  try {
    return ForeignPlugins(options.scheduler_plugins);
  } catch (const scheduler::ForeignPluginError& error) {
    throw std::invalid_argument(std::string("--plugin ") + error.what());
  }
}

scheduler::Configuration scheduler_configuration(const UpOptions& options, const ForeignPlugins& plugins) {
  if (options.scheduler_config.empty()) return scheduler::Configuration::defaults();
  try {
    return scheduler::Configuration::parse(options.scheduler_config, plugins.entries());
  } catch (const scheduler::ConfigurationError& error) {
    throw std::invalid_argument("--config " + options.scheduler_config_path + ": " + error.what());
  }
}

}  // namespace

struct ControlPlane::Impl {
  Impl(UpOptions options, const Clock& clock, Rng& rng, Log log)
      : options(std::move(options)),
        clock(clock),
        rng(rng),
        log(std::move(log)),
        // What can be refused is refused before anything is made or started.
        loops(chosen_loops(this->options.controllers)),
        plugins(scheduler_plugins(this->options)),
        configuration(scheduler_configuration(this->options, plugins)),
        cloud(cloud_of(this->options)),
        stages(read_stages(this->options.stages)),
        server_flags(this->options, rng),
        dir(data_dir_options(this->options), clock, rng, this->log),
        controller_options(options_of_loops(dir.keys(), cloud)),
        io(static_cast<unsigned>(this->options.io_threads)) {
    show_build(metrics, build_info());
  }

  ApiServerOptions apiserver_options() {
    const daemon::ClusterKeys& keys = dir.keys();
    ApiServerOptions out;
    out.bind_address = options.bind_address;
    out.secure_port = options.secure_port;
    out.store = options.store;
    out.store_path = dir.store_path().string();
    out.tls = {.cert_pem = keys.server.cert_pem, .key_pem = keys.server.key_pem, .client_ca_pem = keys.ca.cert_pem};
    out.server = server_flags.program.server;
    out.standard = server_flags.program.standard;
    out.audit = server_flags.program.audit;
    out.encryption = server_flags.program.encryption;
    out.encryption_text = server_flags.program.encryption_text;
    if (server_flags.program.encryption_reload) out.encryption_file = server_flags.program.encryption_file;
    out.standard.service_account_key = keys.service_account_key;
    out.standard.client_ca = keys.ca.cert_pem;
    out.pages = apiserver_pages([this] { return server_flags.values(options); }, clock);
    // Where the scheduler is in the same process, so that nobody has to look for it.
    if (options.runs("scheduler")) out.pages.push_back(why_page(why));
    out.kubelets.io = &io;
    out.serves_metrics = options.runs("node");
    out.kubelets.credential = dir.client_credential("kube-apiserver-kubelet-client", {"system:masters"});
    if (!server_flags.program.kubelet_ca_file.empty()) out.kubelets.ca_pem = keys.ca.cert_pem;
    return out;
  }

  void start_apiserver(const Progress& progress, daemon::Signals& signals) {
    apiserver.emplace(
        "apiserver", clock,
        [this](Executor& executor) {
          return std::make_unique<ApiServerComponent>(executor, io, apiserver_options(), rng, log, logs, &metrics);
        },
        &metrics);
    wait_for(apiserver->executor(), [this]() -> Task<void> { return (*apiserver)->serve(); }, &signals);
    url = fmt::format("https://{}:{}", reachable(options.bind_address), (*apiserver)->https->port());
    dir.write_kubeconfigs(url);
    connector = std::make_unique<Connector>(*(*apiserver)->server, apiserver->executor());
    progress("apiserver", fmt::format("{}, {} store", url, options.store));
  }

  void connect_elsewhere() {
    const auto text = daemon::read_file(dir.admin_kubeconfig());
    const auto config = text ? daemon::read_kubeconfig(*text) : std::nullopt;
    if (!config) {
      throw daemon::FileError(
          fmt::format("there is no apiserver among --components, and {} does not say where one runs: start "
                      "`pilothouse up --components=apiserver` on this directory first",
                      dir.admin_kubeconfig().string()));
    }
    url = config->server;
    connector = std::make_unique<Connector>(io, dir, url);
  }

  void start_manager(const Progress& progress, daemon::Signals& signals) {
    manager.emplace(
        "loops", clock,
        [this](Executor& executor) {
          auto component =
              std::make_unique<ManagerComponent>(executor, *connector, controller_options, loops, rng, log, &metrics);
          component->host->start();
          return component;
        },
        &metrics);
    wait_for(manager->executor(), [this] { return (*manager)->host->wait_running(); }, &signals);
    progress("controller-manager", fmt::format("{} loops", loops.size()));
  }

  void start_scheduler(const Progress& progress, daemon::Signals& signals) {
    scheduler.emplace(
        "scheduler", clock,
        [this](Executor& executor) {
          return std::make_unique<SchedulerComponent>(executor, *connector, configuration, clock, rng, log, &metrics, nullptr,
                                                      extender_transports(io, executor), plugins.entries(), racing_solvers());
        },
        &metrics);
    for (const std::string& name : plugins.idle_in(configuration.profiles)) {
      log.warning("a plugin is loaded that stands in no profile", "plugin", name);
    }
    wait_for(scheduler->executor(), [this] { return (*scheduler)->informers.wait_synced(); }, &signals);
    why_open.emplace(why, scheduler->executor(), **scheduler);
    progress("scheduler",
             fmt::format("{} profile{}", configuration.profiles.size(), configuration.profiles.size() == 1 ? "" : "s"));
  }

  void start_nodes(const Progress& progress, daemon::Signals& signals) {
    nodes.emplace("nodes", clock, [this](Executor& executor) {
      const node::HollowOptions hollow{.count = options.nodes, .ends_after = node::kEndsAfter, .stages = stages};
      return std::make_unique<NodeComponent>(executor, *connector, hollow, rng, log, &metrics, options.static_pods);
    });
    logs.attach(&nodes->executor(), &(*nodes)->nodes);
    wait_for(nodes->executor(), [this] { return (*nodes)->nodes.start(); }, &signals);
    progress("node", fmt::format("{} hollow node{}", options.nodes, options.nodes == 1 ? "" : "s"));
  }

  void stop() {
    logs.attach(nullptr, nullptr);
    nodes.reset();
    why_open.reset();
    scheduler.reset();
    manager.reset();
    if (!apiserver) return;
    // Watches are told to end first, so that their connections can.
    wait_for(apiserver->executor(), [this] { return (*apiserver)->server->stop(); });
    (*apiserver)->https->stop(kGrace);
    apiserver.reset();
  }

  Metrics metrics;  // of all components: one process, one /metrics
  const UpOptions options;
  const Clock& clock;
  Rng& rng;
  const Log log;
  const std::vector<const controllers::LoopEntry*> loops;
  const ForeignPlugins plugins;
  const scheduler::Configuration configuration;
  const CloudMaker cloud;
  const std::shared_ptr<const node::Stages> stages;
  const ServerFlags server_flags;
  daemon::DataDir dir;
  const controllers::Options controller_options;
  NodeLogs logs;
  WhyDoor why;
  net::IoThreads io;
  std::string url;
  std::unique_ptr<Connector> connector;
  std::optional<Part<ApiServerComponent>> apiserver;
  std::optional<Part<ManagerComponent>> manager;
  std::optional<Part<SchedulerComponent>> scheduler;
  std::optional<WhyDoor::Open> why_open;  // ends before the scheduler does
  std::optional<Part<NodeComponent>> nodes;
};

ControlPlane::ControlPlane(UpOptions options, const Clock& clock, Rng& rng, Log log)
    : impl_(std::make_unique<Impl>(std::move(options), clock, rng, std::move(log))) {}

ControlPlane::~ControlPlane() { stop(); }

void ControlPlane::start(const Progress& progress, daemon::Signals& signals) {
  if (impl_->options.runs("apiserver")) {
    impl_->start_apiserver(progress, signals);
  } else {
    impl_->connect_elsewhere();
  }
  if (impl_->options.runs("controller-manager")) impl_->start_manager(progress, signals);
  if (impl_->options.runs("scheduler")) impl_->start_scheduler(progress, signals);
  if (impl_->options.runs("node")) impl_->start_nodes(progress, signals);
}

void ControlPlane::stop() { impl_->stop(); }
const daemon::DataDir& ControlPlane::data_dir() const { return impl_->dir; }
std::string ControlPlane::url() const { return impl_->url; }

}  // namespace ph::pilothouse

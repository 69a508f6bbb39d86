#include "tests/sim/cluster.h"

#include <fmt/format.h>

#include "apiserver/authn/token_keys.h"
#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "base/log.h"
#include "controllers/registry.h"
#include "controllers/runtime/host.h"
#include "controllers/runtime/selection.h"
#include "informers/informer.h"
#include "node/hollow.h"
#include "pilothouse/connector.h"
#include "scheduler/scheduler.h"

namespace ph::sim {
namespace {

// Long enough that no two values a test tells apart share it; short enough to read in a diff.
std::uint64_t digest(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const unsigned char c : bytes) hash = (hash ^ c) * 0x100000001b3ull;
  return hash;
}

// Set PH_SIM_LOG to see what the components say.
Log sim_log() { return std::getenv("PH_SIM_LOG") ? Log(stderr_sink(), LogLevel::Debug) : Log(); }

bool is_heartbeat(std::string_view key) {
  return key.starts_with("/registry/leases/kube-node-lease/") || key.starts_with("/registry/minions/");
}

std::vector<const controllers::LoopEntry*> chosen(const std::string& names) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at < names.size();) {
    const auto comma = std::min(names.find(',', at), names.size());
    items.push_back(names.substr(at, comma - at));
    at = comma + 1;
  }
  auto loops = controllers::select_loops(items, controllers::registry());
  if (!loops) throw std::invalid_argument(loops.error());
  return *loops;
}

}  // namespace

// The loops of a controller manager, with its clients and caches: what one crash takes.
struct Manager {
  Manager(Executor& executor, HttpHandler& server, Rng& rng, Log log, const std::string& names, const controllers::Options& options)
      : transport(in_process_transport(server, executor, pilothouse::controller_manager_identity())),
        client(*transport, "kube-controller-manager/v1.36.2"),
        informers(executor, client, rng, log.named("informers")) {
    std::vector<const controllers::LoopEntry*> entries = chosen(names);
    for (const controllers::LoopEntry* entry : entries) {
      transports.emplace(entry->name, in_process_transport(server, executor, pilothouse::loop_identity(entry->name)));
    }
    controllers::HostParts parts{.executor = executor,
                                 .transport = [this](std::string_view loop) -> Transport& { return *transports.find(loop)->second; },
                                 .informers = informers,
                                 .rng = rng,
                                 .log = log,
                                 .options = options};
    host = std::make_unique<controllers::LoopHost>(std::move(parts), std::move(entries));
    host->start();
  }
  std::unique_ptr<Transport> transport;
  std::map<std::string, std::unique_ptr<Transport>, std::less<>> transports;
  informers::Client client;
  informers::Informers informers;
  std::unique_ptr<controllers::LoopHost> host;
};

struct SchedulerProcess {
  SchedulerProcess(Executor& executor, HttpHandler& server, Rng& rng, Log log, const std::string& config)
      : transport(in_process_transport(server, executor, pilothouse::scheduler_identity())),
        client(*transport, "kube-scheduler/v1.36.2"),
        informers(executor, client, rng, log.named("informers")),
        scheduler({.executor = executor,
                   .clock = executor.clock(),
                   .rng = rng,
                   .client = client,
                   .informers = informers,
                   .log = log.named("scheduler")},
                  config.empty() ? scheduler::Configuration::defaults() : scheduler::Configuration::parse(config)),
        scope(executor) {
    scope.spawn(scheduler.run());
  }
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  scheduler::Scheduler scheduler;
  Scope scope;
};

struct Nodes {
  Nodes(Executor& executor, HttpHandler& server, Rng& rng, Log log, int count)
      : transport(in_process_transport(server, executor, pilothouse::nodes_identity())),
        client(*transport, "kubelet/v1.36.2"),
        informers(executor, client, rng, log.named("informers")),
        nodes({executor, client, informers, log.named("node")}, {.count = count}) {}
  std::unique_ptr<Transport> transport;
  informers::Client client;
  informers::Informers informers;
  node::HollowNodes nodes;
};

struct Cluster::Impl {
  explicit Impl(const Setup& setup) : setup(setup), rng(setup.seed_value), log(sim_log()) {
    store = apiserver::memory_store(executor, executor.clock());
    store->follow([this](std::span<const apiserver::Change> changes) {
      for (const apiserver::Change& change : changes) note(change);
    });
    server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, log.named("apiserver"),
                                                    apiserver::ServerOptions{.keep_kubernetes_service = setup.with_access});
    if (setup.with_access) {
      apiserver::StandardOptions standard;
      standard.token_keys = apiserver::make_simulated_token_keys();
      server->install(apiserver::standard_extensions(*server, executor.clock(), rng, std::move(standard)));
    }
    admin_transport = in_process_transport(*server, executor,
                                           Identity{.name = "admin", .uid = {}, .groups = {"system:masters", "system:authenticated"}, .extra = {}});
    admin = std::make_unique<informers::Client>(*admin_transport, "kubectl/v1.36.2");
  }

  void note(const apiserver::Change& change) {
    history.push_back(fmt::format("{} {} {} {} {:016x}", change.revision.value, change.time.time_since_epoch().count(),
                                  change.author.empty() ? "-" : change.author, change.key,
                                  change.value ? digest(*change.value) : 0));
    if (!is_heartbeat(change.key)) last_write = executor.clock().steady();
    if (watchers.empty()) return;
    Write write{.revision = change.revision, .key = change.key, .object = {}, .created = !change.previous};
    if (change.value) write.object = std::string(api::open_envelope(*change.value).raw);
    for (const auto& watcher : watchers) watcher(write);
  }

  const Setup setup;
  SimExecutor executor;
  SeededRng rng;
  const Log log;
  const controllers::Options options;
  std::vector<std::string> history;
  std::vector<std::function<void(const Write&)>> watchers;
  Steady last_write{};
  std::unique_ptr<apiserver::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<Transport> admin_transport;
  std::unique_ptr<informers::Client> admin;
  std::unique_ptr<Manager> manager;
  std::unique_ptr<SchedulerProcess> scheduler;
  std::unique_ptr<Nodes> nodes;
};

Cluster::Cluster(const Setup& setup) : impl_(std::make_unique<Impl>(setup)) {
  Impl& impl = *impl_;
  run(impl.server->start());
  if (!setup.with_access) {
    for (const char* name : {"default", "kube-system", "kube-node-lease"}) {
      core::v1::Namespace space;
      space.mutable_metadata()->set_name(name);
      create(std::move(space));
    }
  }
  if (setup.node_count > 0) {
    impl.nodes = std::make_unique<Nodes>(impl.executor, *impl.server, impl.rng, impl.log, setup.node_count);
    run(impl.nodes->nodes.start());
  }
  if (!setup.loop_names.empty()) restart_loops();
  if (setup.with_scheduler) {
    impl.scheduler = std::make_unique<SchedulerProcess>(impl.executor, *impl.server, impl.rng, impl.log, setup.scheduler_config);
  }
  impl.executor.drain();
}

Cluster::~Cluster() {
  // From the clients to the store, as processes would end; what they posted is dropped with them.
  impl_->nodes.reset();
  impl_->scheduler.reset();
  impl_->manager.reset();
  impl_->executor.clear();
  impl_->admin.reset();
  impl_->server.reset();
  impl_->executor.clear();
  impl_->store.reset();
  impl_->executor.clear();
}

void Cluster::restart_loops() {
  impl_->manager.reset();
  impl_->manager = std::make_unique<Manager>(impl_->executor, *impl_->server, impl_->rng, impl_->log, impl_->setup.loop_names,
                                             impl_->options);
  impl_->executor.drain();
}

Time Cluster::now() const { return impl_->executor.clock().now(); }
void Cluster::advance(Duration by) { impl_->executor.advance(by); }
informers::Client& Cluster::client() { return *impl_->admin; }
const std::vector<std::string>& Cluster::history() const { return impl_->history; }
void Cluster::on_write(std::function<void(const Write&)> watcher) { impl_->watchers.push_back(std::move(watcher)); }

std::string Cluster::history_text() const {
  std::string out;
  for (const std::string& line : impl_->history) out += line + "\n";
  return out;
}

bool Cluster::run_until(const std::function<bool()>& holds, Duration limit) {
  const Steady end = impl_->executor.clock().steady() + limit;
  impl_->executor.drain();
  while (!holds()) {
    const Steady now = impl_->executor.clock().steady();
    if (now >= end) return false;
    const auto next = impl_->executor.next_timer();
    impl_->executor.advance(std::max(Duration(1ms), std::min(next.value_or(end), end) - now));
  }
  return true;
}

bool Cluster::run_until_quiet(Duration limit, Duration quiet) {
  return run_until([&] { return impl_->executor.clock().steady() - impl_->last_write >= quiet; }, limit);
}

void Cluster::run(Task<void> task) {
  std::exception_ptr error;
  bool ended = false;
  Scope scope(impl_->executor);
  scope.spawn([](Task<void> task, std::exception_ptr& error, bool& ended) -> Task<void> {
    try {
      co_await task;
    } catch (...) {
      error = std::current_exception();
    }
    ended = true;
  }(std::move(task), error, ended));
  impl_->executor.drain();
  // What waits for time (a retry, say) gets it.
  for (int i = 0; i < 100'000 && !ended; ++i) {
    const auto next = impl_->executor.next_timer();
    if (!next) break;
    impl_->executor.advance(std::max(Duration(1ms), *next - impl_->executor.clock().steady()));
  }
  PH_ASSERT(ended);
  if (error) std::rethrow_exception(error);
}

}  // namespace ph::sim

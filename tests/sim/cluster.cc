#include "tests/sim/cluster.h"

#include <fmt/format.h>

#include "apiserver/authn/token_keys.h"
#include "apiserver/server.h"
#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "base/log.h"
#include "pilothouse/components.h"
#include "pilothouse/connector.h"

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

}  // namespace

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
    connector.emplace(*server, executor);
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
  std::optional<pilothouse::Connector> connector;
  std::unique_ptr<pilothouse::ManagerComponent> manager;
  std::unique_ptr<pilothouse::SchedulerComponent> scheduler;
  std::unique_ptr<pilothouse::NodeComponent> nodes;
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
    impl.nodes = std::make_unique<pilothouse::NodeComponent>(impl.executor, *impl.connector, setup.node_count, impl.rng, impl.log);
    run(impl.nodes->nodes.start());
  }
  if (!setup.loop_names.empty()) restart_loops();
  if (setup.with_scheduler) {
    impl.scheduler = std::make_unique<pilothouse::SchedulerComponent>(
        impl.executor, *impl.connector,
        setup.scheduler_config.empty() ? scheduler::Configuration::defaults() : scheduler::Configuration::parse(setup.scheduler_config),
        impl.executor.clock(), impl.rng, impl.log, setup.extender_transports);
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
  impl_->manager = std::make_unique<pilothouse::ManagerComponent>(impl_->executor, *impl_->connector, impl_->options,
                                                                  pilothouse::chosen_loops(impl_->setup.loop_names), impl_->rng,
                                                                  impl_->log);
  impl_->manager->host->start();
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

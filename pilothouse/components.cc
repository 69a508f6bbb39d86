#include "pilothouse/components.h"

#include <cstdlib>

#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "pilothouse/pod_logs.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

std::string user_agent(const char* program) { return std::string(program) + "/" + kVersion; }

}  // namespace

void NodeLogs::attach(Executor* executor, node::HollowNodes* nodes) {
  const std::lock_guard lock(mutex_);
  executor_ = executor;
  nodes_ = nodes;
}

Task<std::optional<std::string>> NodeLogs::read(ObjectKey pod, std::string container) const {
  Completion<std::optional<std::string>> answer;
  {
    const std::lock_guard lock(mutex_);
    if (!executor_) co_return std::nullopt;
    executor_->post([this, answer, pod = std::move(pod), container = std::move(container)] {
      // On the nodes' thread: they cannot go away while this runs.
      answer.set(nodes_ ? nodes_->log(pod, container) : std::nullopt);
    });
  }
  co_return co_await answer.get();
}

ApiServerComponent::ApiServerComponent(Executor& executor, const UpOptions& options, const DataDir& dir, const Clock& clock, Rng& rng,
                                       Log log, NodeLogs& logs) {
  if (options.store == "memory") {
    store = apiserver::memory_store(executor, clock);
  } else {
    store = apiserver::open_rocksdb_store(dir.store_path().string(), executor, clock, {.log = log.named("store")});
  }
  apiserver::ServerOptions server_options;
  server_options.advertise_address = options.bind_address;
  server_options.advertise_port = options.secure_port;
  server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, log.named("apiserver"), server_options);
  apiserver::StandardOptions standard;
  standard.service_account_key = dir.keys().service_account_key;
  standard.client_ca = dir.keys().ca.cert_pem;
  apiserver::Extensions extensions = apiserver::standard_extensions(*server, executor.clock(), rng, standard);
  extensions.subresources.emplace("pods/log", pod_logs(logs, server->reader()));
  server->install(std::move(extensions));
}

ApiServerComponent::~ApiServerComponent() = default;

ManagerComponent::ManagerComponent(Executor& executor, const Connector& connector, const controllers::Options& options,
                                   std::vector<const controllers::LoopEntry*> loops, Rng& rng, Log log)
    : transport(connector.connect(executor, controller_manager_identity())),
      client(*transport, user_agent("kube-controller-manager")),
      informers(executor, client, rng, log.named("informers")) {
  for (const controllers::LoopEntry* loop : loops) {
    loop_transports.emplace(loop->name, connector.connect(executor, loop_identity(loop->name)));
  }
  controllers::HostParts parts{.executor = executor,
                               .transport = [this](std::string_view loop) -> Transport& { return *loop_transports.find(loop)->second; },
                               .informers = informers,
                               .rng = rng,
                               .log = log,
                               .options = options,
                               .version = kVersion};
  host = std::make_unique<controllers::LoopHost>(std::move(parts), std::move(loops));
}

ManagerComponent::~ManagerComponent() = default;

SchedulerComponent::SchedulerComponent(Executor& executor, const Connector& connector, scheduler::Configuration configuration,
                                       const Clock& clock, Rng& rng, Log log)
    : transport(connector.connect(executor, scheduler_identity())),
      client(*transport, user_agent("kube-scheduler")),
      informers(executor, client, rng, log.named("informers")),
      scheduler({.executor = executor, .clock = clock, .rng = rng, .client = client, .informers = informers, .log = log.named("scheduler")},
                std::move(configuration)),
      scope(executor, [log](std::exception_ptr error) {
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          log.error("the scheduler ended", "error", e.what());
        }
      }) {
  scope.spawn(scheduler.run());
}

SchedulerComponent::~SchedulerComponent() = default;

NodeComponent::NodeComponent(Executor& executor, const Connector& connector, int count, Rng& rng, Log log)
    : transport(connector.connect(executor, nodes_identity())),
      client(*transport, user_agent("kubelet")),
      informers(executor, client, rng, log.named("informers")),
      nodes({executor, client, informers, log.named("node")}, {.count = count}) {}

NodeComponent::~NodeComponent() = default;

}  // namespace ph::pilothouse

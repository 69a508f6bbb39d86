#include "pilothouse/components.h"

#include <cstdlib>

#include "apiserver/standard.h"
#include "apiserver/storage/memory.h"
#include "apiserver/storage/rocksdb.h"
#include "controllers/runtime/selection.h"
#include "net/interfaces.h"
#include "pilothouse/pod_logs.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

std::string user_agent(const char* program) { return std::string(program) + "/" + kVersion; }

// The apiserver's own limit is 3 MiB, and it says so with a Status; what is much larger is cut off before.
constexpr std::size_t kBodyBytesMax = 8 << 20;

// Where pods find the server: the address it listens on, or the machine's when that is the loopback or all of them.
std::string advertised(const std::string& bind_address) {
  const bool own = bind_address != "0.0.0.0" && bind_address != "::" && bind_address != "::1" && !bind_address.starts_with("127.");
  return own ? bind_address : net::primary_address();
}

}  // namespace

std::vector<const controllers::LoopEntry*> chosen_loops(const std::string& text) {
  std::vector<std::string> items;
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    if (comma > at) items.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  auto loops = controllers::select_loops(items, controllers::registry());
  if (!loops) throw std::invalid_argument("--controllers: " + loops.error());
  return *loops;
}

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

Task<HttpResponse> Door::handle(HttpRequest request) {
  if (handler_) co_return co_await handler_->handle(std::move(request));
  HttpResponse response{.status = 503};
  response.headers.add("Retry-After", "1");
  co_return response;
}

ApiServerComponent::ApiServerComponent(Executor& executor, net::IoThreads& io, const UpOptions& options, const DataDir& dir,
                                       const Clock& clock, Rng& rng, Log log, NodeLogs& logs) {
  // The port first: it is what most often is not to be had, and costs nothing.
  net::ServerOptions net_options;
  net_options.bind_address = options.bind_address;
  net_options.port = static_cast<std::uint16_t>(options.secure_port);
  net_options.tls = net::TlsServerOptions{dir.keys().server.cert_pem, dir.keys().server.key_pem, dir.keys().ca.cert_pem};
  net_options.body_bytes_max = kBodyBytesMax;
  https = std::make_unique<net::HttpsServer>(io, door, executor, net_options, log.named("https"));

  if (options.store == "memory") {
    store = apiserver::memory_store(executor, clock);
  } else {
    store = apiserver::open_rocksdb_store(dir.store_path().string(), executor, clock, {.log = log.named("store")});
  }
  apiserver::ServerOptions server_options;
  server_options.advertise_address = advertised(options.bind_address);
  server_options.advertise_port = https->port();
  server = std::make_unique<apiserver::ApiServer>(executor, rng, *store, log.named("apiserver"), server_options);
  apiserver::StandardOptions standard;
  standard.service_account_key = dir.keys().service_account_key;
  standard.client_ca = dir.keys().ca.cert_pem;
  apiserver::Extensions extensions = apiserver::standard_extensions(*server, executor.clock(), rng, standard);
  extensions.subresources.emplace("pods/log", pod_logs(logs, server->reader()));
  server->install(std::move(extensions));
}

ApiServerComponent::~ApiServerComponent() = default;

Task<void> ApiServerComponent::serve() {
  co_await server->start();
  door.open(*server);
}

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
                                       const Clock& clock, Rng& rng, Log log, scheduler::ExtenderTransports extenders)
    : transport(connector.connect(executor, scheduler_identity())),
      client(*transport, user_agent("kube-scheduler")),
      informers(executor, client, rng, log.named("informers")),
      scheduler({.executor = executor, .clock = clock, .rng = rng, .client = client, .informers = informers, .log = log.named("scheduler"),
                 .extender_transports = std::move(extenders)},
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

#include "pilothouse/node_program.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "daemon/common_flags.h"
#include "daemon/part.h"
#include "daemon/program.h"
#include "daemon/serving.h"
#include "net/interfaces.h"
#include "pilothouse/metrics_server.h"
#include "pilothouse/node_component.h"
#include "pilothouse/node_options.h"
#include "pilothouse/pod_logs.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {
namespace {

constexpr char kComponent[] = "ph-node";

struct NodeOptions {
  daemon::AccessOptions access;
  daemon::ServingOptions serving{.bind_address = "127.0.0.1", .secure_port = 10250};
  daemon::LogOptions log;
  node::HollowOptions hollow;
  std::string node_ip, stages, static_pods;
};

void add_flags(daemon::FlagSet& flags, NodeOptions& options) {
  flags.section("Nodes");
  flags.add("kubeconfig", options.access.kubeconfig, "How to reach the apiserver; without it, as a pod does");
  flags.add("master", options.access.master, "The apiserver's address, instead of the kubeconfig's");
  flags.add("nodes", options.hollow.count, "How many hollow nodes");
  flags.add("node-name-prefix", options.hollow.name_prefix, "Nodes are named by this and a number");
  flags.add("node-ip", options.node_ip, "The address nodes say they have; where the apiserver fetches logs").typed("ip");
  flags.add("stages", options.stages, "A file that says what nodes and pods do, and when");
  flags.add("pod-manifest-path", options.static_pods,
            "A folder of static pods, which run on every node; in a folder called by a node, on that one");
  flags.section("Serving");
  flags.add("bind-address", options.serving.bind_address, "The address the kubelets' API listens on").typed("ip");
  flags.add("secure-port", options.serving.secure_port, "Its port; 0 takes any free one");
  flags.add("client-ca-file", options.serving.client_ca_file,
            "Whose client certificates are believed; by default the kubeconfig's authority");
  flags.add("tls-cert-file", options.serving.tls_cert_file, "The certificate to show; self-made by default");
  flags.add("tls-private-key-file", options.serving.tls_private_key_file, "Its key");
  daemon::add_log_flags(flags, options.log);
}

// /containerLogs/NAMESPACE/POD/CONTAINER; nothing when the path is none.
struct LogPath {
  ObjectKey pod;
  std::string container;
};
std::optional<LogPath> log_path(std::string_view path) {
  constexpr std::string_view kPrefix = "/containerLogs/";
  std::vector<std::string> parts;
  for (std::string_view rest = path.substr(kPrefix.size());;) {
    const auto slash = rest.find('/');
    parts.emplace_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (parts.size() != 3) return std::nullopt;
  return LogPath{{parts[0], parts[1]}, parts[2]};
}

HttpResponse in_words(int status, std::string text) {
  HttpResponse response{.status = status};
  response.headers.add("Content-Type", "text/plain");
  response.body.push_back(share(std::move(text)));
  return response;
}

Task<HttpResponse> answer_log(const NodeLogs* logs, const HttpRequest* request) {
  const auto at = log_path(request->path());
  if (!at) co_return in_words(404, "there is no such path here\n");
  LogRequest asked;
  try {
    asked = read_log_request(request->query(), at->pod.name, Executor::current()->clock().now());
  } catch (const api::ApiError& error) {
    co_return in_words(error.status().code(), error.status().message());
  }
  const auto log = co_await logs->read(at->pod, at->container, asked.previous);
  if (!log) co_return in_words(404, "there is no such pod here\n");
  if (!log->refusal.empty()) co_return in_words(400, log->refusal);
  co_return log_response(*log, std::move(asked), {*logs, at->pod, at->container});
}

Task<HttpResponse> answer_use(const NodeLogs* nodes, const HttpRequest* request) {
  auto answer = co_await nodes->ask<HttpResponse>(
      [target = *request](const node::HollowNodes& all) { return answer_metrics(all, target); });
  co_return answer ? std::move(*answer) : in_words(503, "there are no nodes here\n");
}

// The nodes on their thread, and their one connection.
struct Nodes {
  Nodes(Executor& executor, daemon::ServerAccess& access, const NodeOptions& options, Rng& rng, const Log& log)
      : own(access.connect(executor, {.user_agent = "kubelet", .token = {}})),
        connector([this](Executor&, Identity) { return daemon::sharing_transport(*own); }, access.host()),
        component(executor, connector, options.hollow, rng, log, nullptr, options.static_pods),
        scope(executor) {
    scope.spawn(access.follow_files());
  }
  std::unique_ptr<Transport> own;
  Connector connector;
  NodeComponent component;
  Scope scope;
};

int run(NodeOptions& options, const daemon::FlagSet& flags) {
  daemon::Signals signals;
  if (options.hollow.count < 0 || options.hollow.count > 16000) throw daemon::FlagError("--nodes must be between 0 and 16000");
  daemon::check(options.serving);
  try {
    options.hollow.stages = read_stages(options.stages);
  } catch (const std::invalid_argument& error) {
    throw daemon::FlagError(error.what());
  }
  options.hollow.ends_after = node::kEndsAfter;
  const Log log = daemon::make_log(options.log);
  daemon::log_flags_without_effect(flags, log);
  const SystemClock clock;
  SystemRng rng;
  net::IoThreads io;
  daemon::ServerAccess access(io, options.access, log.named("access"));
  options.serving.authentication_kubeconfig = options.serving.authorization_kubeconfig = options.access.kubeconfig;
  options.serving.authentication_skip_lookup = true;

  NodeLogs logs;
  std::vector<daemon::Route> routes{
      {"/containerLogs/",
       [](const HttpRequest& request) {
         return daemon::Wish{
             .verb = "get", .path = std::string(request.path()), .resource = "nodes", .subresource = "proxy", .name = {}};
       },
       [&logs](const HttpRequest& request) { return answer_log(&logs, &request); }},
      {fmt::format("/apis/{}/", kMetricsVersion),
       [](const HttpRequest& request) {
         return daemon::Wish{
             .verb = "get", .path = std::string(request.path()), .resource = "nodes", .subresource = "metrics", .name = {}};
       },
       [&logs](const HttpRequest& request) { return answer_use(&logs, &request); }}};
  daemon::Part<daemon::Serving> serving("serving", clock, [&](Executor& executor) {
    return std::make_unique<daemon::Serving>(
        daemon::ServingParts{executor, io, clock, rng, log.named("serving"), kComponent, daemon::host_name(), access.ca()},
        options.serving, std::vector<HealthCheck>{healthy("ping")}, std::vector<daemon::Page>(), std::move(routes));
  });
  options.hollow.address = options.node_ip.empty() ? options.serving.bind_address : options.node_ip;
  if (options.hollow.address == "0.0.0.0" || options.hollow.address == "::") options.hollow.address = net::primary_address();
  options.hollow.kubelet_port = serving->port();

  daemon::Part<Nodes> nodes("nodes", clock,
                            [&](Executor& executor) { return std::make_unique<Nodes>(executor, access, options, rng, log); });
  logs.attach(&nodes.executor(), &nodes->component.nodes);
  log.info("started", "version", kVersion, "server", access.server(), "nodes", options.hollow.count, "port", serving->port());
  std::unique_ptr<Scope> registering;
  daemon::run_on(nodes.executor(), [&] {
    registering = std::make_unique<Scope>(nodes.executor());
    registering->spawn([](Nodes* all, Log log) -> Task<void> {
      co_await all->component.nodes.start();
      log.info("all nodes are registered");
    }(&*nodes, log));
  });
  signals.wait();
  log.info("stopping");
  logs.attach(nullptr, nullptr);
  daemon::run_on(nodes.executor(), [&] { registering.reset(); });
  return 0;
}

}  // namespace

int node_program(const std::string& program, std::span<const std::string> args) {
  NodeOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options, flags); });
}

}  // namespace ph::pilothouse

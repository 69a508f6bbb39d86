#include "daemon/serving.h"

#include "core/v1.pb.h"
#include "net/server.h"

namespace ph::daemon {
namespace {

constexpr Duration kLookAgain = 10s;  // at files
constexpr Duration kAskAgain = 60s;   // for the published authority
constexpr Duration kAskAgainAfterFailure = 2s;

}  // namespace

struct Serving::Impl {
  Impl(ServingParts parts, const ServingOptions& options, std::vector<HealthCheck> checks, std::vector<Page> pages,
       std::vector<Route> routes)
      : parts(parts),
        options(options),
        certificates(options, parts.component, parts.host, parts.clock, parts.rng),
        scope(parts.executor, [log = parts.log](std::exception_ptr error) {
          try {
            std::rethrow_exception(error);
          } catch (const std::exception& e) {
            log.error("a task of the secure port ended", "err", e.what());
          }
        }) {
    certificates.set_published_client_ca(parts.client_ca);
    // Upstream's two kubeconfigs are one file in practice; who is asked about tokens is asked about rights as well.
    const std::string& kubeconfig =
        options.authentication_kubeconfig.empty() ? options.authorization_kubeconfig : options.authentication_kubeconfig;
    if (!kubeconfig.empty()) {
      access.emplace(parts.io, AccessOptions{.kubeconfig = kubeconfig, .master = {}}, parts.log);
      transport = access->connect(parts.executor, {.user_agent = parts.component});
      client.emplace(*transport, parts.component);
      scope.spawn(access->follow_files());
    }
    guard.emplace(options, client ? &*client : nullptr, parts.clock, parts.log);
    handler.emplace(*guard, std::move(checks), std::move(pages), std::move(routes));
    net::ServerOptions net_options;
    net_options.bind_address = options.bind_address;
    net_options.port = static_cast<std::uint16_t>(options.secure_port);
    net_options.tls = certificates.tls();
    server.emplace(parts.io, *handler, parts.executor, net_options, parts.log);
    scope.spawn(follow_files());
    if (client && options.client_ca_file.empty() && !options.authentication_skip_lookup)
      scope.spawn(follow_published_authority());
  }

  Task<void> follow_files() {
    for (;;) {
      co_await sleep_for(kLookAgain);
      try {
        if (certificates.reload()) show();
      } catch (const std::exception& error) {
        parts.log.error("a certificate cannot be read; the last good one stays in use", "err", error.what());
      }
    }
  }

  // The apiserver publishes the authority of client certificates for other servers.
  Task<void> follow_published_authority() {
    for (;;) {
      Duration pause = kAskAgain;
      try {
        const auto published = co_await client->find<core::v1::ConfigMap>({"kube-system", "extension-apiserver-authentication"});
        std::string pem;
        if (published) {
          const auto& data = published->data();
          if (const auto found = data.find("client-ca-file"); found != data.end()) pem = found->second;
        }
        if (certificates.set_published_client_ca(std::move(pem))) show();
      } catch (const std::exception& error) {
        parts.log.warning("the cluster's client authority could not be looked up", "err", error.what());
        pause = kAskAgainAfterFailure;
      }
      co_await sleep_for(pause);
    }
  }

  void show() {
    server->set_certificate(certificates.tls());
    parts.log.info("the secure port shows new certificates");
  }

  const ServingParts parts;
  const ServingOptions& options;
  PortCertificates certificates;
  std::optional<ServerAccess> access;
  std::unique_ptr<Transport> transport;
  std::optional<informers::Client> client;
  std::optional<DelegatedAccess> guard;
  std::optional<PortHandler> handler;
  Scope scope;
  std::optional<net::HttpsServer> server;  // ends first
};

Serving::Serving(ServingParts parts, const ServingOptions& options, std::vector<HealthCheck> checks, std::vector<Page> pages,
                 std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(std::move(parts), options, std::move(checks), std::move(pages), std::move(routes))) {}

Serving::~Serving() = default;

std::uint16_t Serving::port() const { return impl_->server->port(); }

}  // namespace ph::daemon

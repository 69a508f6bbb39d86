#include "daemon/serving.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/sorted.h"
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
    informers::Client* const tokens = ask(for_tokens, options.authentication_kubeconfig);
    informers::Client* const rights = options.authorization_kubeconfig == options.authentication_kubeconfig
                                          ? tokens
                                          : ask(for_rights, options.authorization_kubeconfig);
    guard.emplace(options, tokens, rights, parts.clock, parts.log);
    guard->set_front_proxy(certificates.proxy());
    handler.emplace(*guard, std::move(checks), std::move(pages), std::move(routes));
    net::ServerOptions net_options;
    net_options.bind_address = options.bind_address;
    net_options.port = static_cast<std::uint16_t>(options.secure_port);
    net_options.tls = certificates.tls();
    server.emplace(parts.io, *handler, parts.executor, net_options, parts.log);
    scope.spawn(follow_files());
    const bool told = !options.client_ca_file.empty() && !options.proxy_ca_file.empty();
    if (tokens && !told && !options.authentication_skip_lookup) scope.spawn(follow_published_trust(*tokens));
  }

  // A server that is asked; nobody is without a kubeconfig, but for a pod.
  struct Asked {
    std::optional<ServerAccess> access;
    std::unique_ptr<Transport> transport;
    std::optional<informers::Client> client;
  };
  informers::Client* ask(Asked& asked, const std::string& kubeconfig) {
    if (kubeconfig.empty() && !in_cluster()) return nullptr;
    asked.access.emplace(parts.io, AccessOptions{.kubeconfig = kubeconfig, .master = {}}, parts.log);
    asked.transport = asked.access->connect(parts.executor, {.user_agent = parts.component});
    asked.client.emplace(*asked.transport, parts.component);
    scope.spawn(asked.access->follow_files());
    return &*asked.client;
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

  // The apiserver publishes for other servers whom it believes.
  Task<void> follow_published_trust(informers::Client& client) {
    for (;;) {
      Duration pause = kAskAgain;
      try {
        const auto published = co_await client.find<core::v1::ConfigMap>({"kube-system", "extension-apiserver-authentication"});
        std::map<std::string, std::string> data;
        if (published) {
          for (const auto* entry : sorted(published->data())) data.emplace(entry->first, entry->second);
        }
        PublishedTrust trust = read_published_trust(data);
        const bool clients = certificates.set_published_client_ca(std::move(trust.client_ca));
        const bool proxies = certificates.set_published_proxy(std::move(trust.proxy));
        if (clients || proxies) show();
      } catch (const std::exception& error) {
        parts.log.warning("the cluster's client authority could not be looked up", "err", error.what());
        pause = kAskAgainAfterFailure;
      }
      co_await sleep_for(pause);
    }
  }

  void show() {
    server->set_certificate(certificates.tls());
    guard->set_front_proxy(certificates.proxy());
    parts.log.info("the secure port shows new certificates");
  }

  const ServingParts parts;
  const ServingOptions& options;
  PortCertificates certificates;
  Asked for_tokens, for_rights;
  std::optional<DelegatedAccess> guard;
  std::optional<PortHandler> handler;
  Scope scope;
  std::optional<net::HttpsServer> server;  // ends first
};

PublishedTrust read_published_trust(const std::map<std::string, std::string>& data) {
  const auto text = [&](const char* key) {
    const auto found = data.find(key);
    return found == data.end() ? std::string() : found->second;
  };
  const auto list = [&](const char* key) -> std::vector<std::string> {
    const std::string json = text(key);
    if (json.empty()) return {};
    try {
      return nlohmann::json::parse(json).get<std::vector<std::string>>();
    } catch (const nlohmann::json::exception& error) {
      throw std::runtime_error(fmt::format("{} is no list of texts: {}", key, error.what()));
    }
  };
  return {.client_ca = text("client-ca-file"),
          .proxy = {.ca_pem = text("requestheader-client-ca-file"),
                    .allowed_names = list("requestheader-allowed-names"),
                    .username_headers = list("requestheader-username-headers"),
                    .uid_headers = list("requestheader-uid-headers"),
                    .group_headers = list("requestheader-group-headers"),
                    .extra_prefixes = list("requestheader-extra-headers-prefix")}};
}

Serving::Serving(ServingParts parts, const ServingOptions& options, std::vector<HealthCheck> checks, std::vector<Page> pages,
                 std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(std::move(parts), options, std::move(checks), std::move(pages), std::move(routes))) {}

Serving::~Serving() = default;

std::uint16_t Serving::port() const { return impl_->server->port(); }

}  // namespace ph::daemon

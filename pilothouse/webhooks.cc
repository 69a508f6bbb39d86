#include "pilothouse/webhooks.h"

#include <algorithm>

#include "net/outbound.h"

namespace ph::pilothouse {
namespace {

// The plugins have their own limit; this one ends what they have given up.
constexpr Duration kGrace = 5s;

}  // namespace

net::TlsClientOptions tls_of(const apiserver::WebhookAddress& address) {
  net::TlsClientOptions out;
  out.server_name = address.server_name;
  out.ca_pem = address.ca_pem;
  out.cert_pem = address.cert_pem;
  out.key_pem = address.key_pem;
  out.skip_verify = address.skip_verify;
  return out;
}

apiserver::WebhookTransports webhook_transports(net::IoThreads& io, Executor& executor) {
  return [&io, &executor](const apiserver::WebhookAddress& address) {
    net::OutboundOptions options;
    options.url = address.url;
    options.user_agent = "kube-apiserver-admission";
    options.timeout = apiserver::kWebhookTimeoutMax + kGrace;
    options.response_bytes_max = apiserver::kWebhookAnswerBytes;
    options.tls = tls_of(address);
    return net::outbound_transport(io, executor, std::move(options));
  };
}

apiserver::WebhookBackend backend_of(const daemon::ClientConfig& config) {
  const auto scheme = config.server.find("://");
  const auto path = std::min(config.server.find('/', scheme == std::string::npos ? 0 : scheme + 3), config.server.size());
  apiserver::WebhookBackend backend;
  backend.address = {.url = config.server.substr(0, path),
                     .server_name = config.server_name,
                     .ca_pem = config.ca_pem,
                     .cert_pem = config.client.cert_pem,
                     .key_pem = config.client.key_pem,
                     .skip_verify = config.skip_verify};
  backend.path = path == config.server.size() ? "/" : config.server.substr(path);
  backend.token = config.token;
  return backend;
}

apiserver::WebhookBackends webhook_backends() {
  return [](const std::string& kubeconfig) { return backend_of(daemon::load_kubeconfig(kubeconfig)); };
}

}  // namespace ph::pilothouse

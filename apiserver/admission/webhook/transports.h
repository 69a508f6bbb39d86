// How admission webhooks are reached. The server only says where; who made it knows how to get there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/transport.h"

namespace ph::apiserver {

struct WebhookAddress {
  std::string url;                // https://HOST:PORT, without a path
  std::string server_name;        // which the certificate must be for
  std::string ca_pem;             // whose certificates are believed; empty: those that the machine believes
  std::string cert_pem, key_pem;  // what is shown there; empty: nothing
  bool skip_verify = false;       // anybody's certificate is believed
  auto operator<=>(const WebhookAddress&) const = default;
};

// An answer larger than this is not read.
inline constexpr std::size_t kWebhookAnswerBytes = 8 << 20;
// The most that a webhook may be waited for.
inline constexpr Duration kWebhookTimeoutMax = std::chrono::seconds(30);

// Makes the transport to one address: it follows no redirects and uses no proxies. Results arrive on the server's executor. Throws
// std::invalid_argument or std::runtime_error for an address or certificates that cannot be used.
using WebhookTransports = std::function<std::unique_ptr<Transport>(const WebhookAddress&)>;

// One that a kubeconfig names.
struct WebhookBackend {
  WebhookAddress address;
  std::string path;   // "/", "/below"
  std::string token;  // that is shown; empty: none
};
// Reads a kubeconfig, by its path. Throws std::runtime_error: it cannot be used.
using WebhookBackends = std::function<WebhookBackend(const std::string& kubeconfig)>;

}  // namespace ph::apiserver

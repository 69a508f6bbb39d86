#include "pilothouse/webhooks.h"

#include "net/outbound.h"

namespace ph::pilothouse {
namespace {

// The plugins have their own limit; this one ends what they have given up.
constexpr Duration kGrace = 5s;

}  // namespace

apiserver::WebhookTransports webhook_transports(net::IoThreads& io, Executor& executor) {
  return [&io, &executor](const apiserver::WebhookAddress& address) {
    net::OutboundOptions options;
    options.url = address.url;
    options.user_agent = "kube-apiserver-admission";
    options.timeout = apiserver::kWebhookTimeoutMax + kGrace;
    options.response_bytes_max = apiserver::kWebhookAnswerBytes;
    options.tls.server_name = address.server_name;
    options.tls.ca_pem = address.ca_pem;
    return net::outbound_transport(io, executor, std::move(options));
  };
}

}  // namespace ph::pilothouse

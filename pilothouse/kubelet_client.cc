#include "pilothouse/kubelet_client.h"

#include <fmt/format.h>

#include "api/errors.h"
#include "daemon/server_access.h"
#include "net/client.h"

namespace ph::pilothouse {
namespace {

constexpr std::size_t kTransportsMax = 512;

// The node's first address of the best type.
std::string address_of(const core::v1::Node& node, const std::vector<std::string>& types) {
  for (const std::string& type : types) {
    for (const auto& address : node.status().addresses()) {
      if (address.type() == type && !address.address().empty()) return address.address();
    }
  }
  return {};
}

}  // namespace

Task<HttpResponse> KubeletClient::get(const core::v1::Node& node, std::string target) {
  const std::string host = address_of(node, options_.address_types);
  const int port = node.status().daemon_endpoints().kubelet_endpoint().port();
  const std::string name = node.metadata().name();
  if (host.empty() || port <= 0) throw api::internal(fmt::format("no address of the kubelet is known for node {}", name));
  co_return co_await get_at(host, static_cast<std::uint16_t>(port), std::move(target));
}

Task<HttpResponse> KubeletClient::get_at(std::string host, std::uint16_t port, std::string target) {
  const std::string at = fmt::format("{}:{}", host, port);
  if (transports_.size() >= kTransportsMax) transports_.clear();
  std::shared_ptr<Transport>& known = transports_[at];
  if (!known) {
    net::ClientOptions options;
    options.host = host;
    options.port = port;
    options.tls.ca_pem = options_.ca_pem;
    options.tls.skip_verify = options_.ca_pem.empty();
    options.tls.cert_pem = options_.credential.cert_pem;
    options.tls.key_pem = options_.credential.key_pem;
    options.connect_timeout = std::chrono::seconds(5);
    known = net::https_transport(*options_.io, executor_, std::move(options));
  }
  const std::shared_ptr<Transport> transport = known;
  std::string trouble;
  try {
    HttpRequest request{.method = "GET", .target = target, .headers = {}, .body = {}, .peer = {}};
    HttpResponse response = co_await transport->send(std::move(request), true);
    if (response.stream) response.stream = daemon::held(transport, std::move(response.stream));
    co_return response;
  } catch (const TransportError& error) {
    trouble = error.what();
  }
  throw api::internal(fmt::format("Get \"https://{}{}\": {}", at, target, trouble));
}

}  // namespace ph::pilothouse

#include "pilothouse/connector.h"

#include <charconv>
#include <stdexcept>

#include "net/client.h"

namespace ph::pilothouse {
namespace {

Identity user(std::string name, std::vector<std::string> groups = {}) {
  groups.push_back("system:authenticated");
  return {.name = std::move(name), .uid = {}, .groups = std::move(groups), .extra = {}};
}

// Some loops use an account of another name than their own (upstream's client names).
std::string_view account_of(std::string_view loop) {
  if (loop == "bootstrap-signer-controller") return "bootstrap-signer";
  if (loop == "garbage-collector-controller") return "generic-garbage-collector";
  if (loop == "pod-garbage-collector-controller") return "pod-garbage-collector";
  if (loop == "replicationcontroller-controller") return "replication-controller";
  if (loop == "serviceaccount-controller") return "service-account-controller";
  if (loop == "token-cleaner-controller") return "token-cleaner";
  return loop;
}

struct HostPort {
  std::string host;
  std::uint16_t port = 443;
};

HostPort split(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) throw std::invalid_argument("not an https address: " + std::string(url));
  url.remove_prefix(kScheme.size());
  url = url.substr(0, url.find('/'));
  HostPort out;
  const auto colon = url.rfind(':');
  if (colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos) {
    const std::string_view port = url.substr(colon + 1);
    std::from_chars(port.data(), port.data() + port.size(), out.port);
    url = url.substr(0, colon);
  }
  if (url.starts_with('[')) url = url.substr(1, url.size() - 2);
  out.host = std::string(url);
  return out;
}

}  // namespace

Connector::Connector(HttpHandler& handler, Executor& server) : handler_(&handler), server_(&server) {}
Connector::Connector(net::IoThreads& io, const DataDir& dir, std::string url) : io_(&io), dir_(&dir), url_(std::move(url)) {}

std::unique_ptr<Transport> Connector::connect(Executor& executor, Identity identity) const {
  if (handler_) return in_process_transport(*handler_, *server_, std::move(identity));
  // A certificate's groups are those of its user but the one every authenticated user has.
  std::vector<std::string> groups;
  for (const std::string& group : identity.groups) {
    if (group != "system:authenticated") groups.push_back(group);
  }
  const net::Credential credential = dir_->client_credential(identity.name, groups);
  HostPort at = split(url_);
  net::ClientOptions options;
  options.host = std::move(at.host);
  options.port = at.port;
  options.tls.ca_pem = dir_->keys().ca.cert_pem;
  options.tls.cert_pem = credential.cert_pem;
  options.tls.key_pem = credential.key_pem;
  return net::https_transport(*io_, executor, std::move(options));
}

Identity controller_manager_identity() { return user("system:kube-controller-manager"); }
Identity scheduler_identity() { return user("system:kube-scheduler"); }
Identity nodes_identity() { return user("pilothouse:hollow-nodes"); }
Identity loop_identity(std::string_view name) {
  return user("system:serviceaccount:kube-system:" + std::string(account_of(name)),
              {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
}

}  // namespace ph::pilothouse

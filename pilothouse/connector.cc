#include "pilothouse/connector.h"

#include "daemon/server_access.h"
#include "net/client.h"

namespace ph::pilothouse {
namespace {

Identity user(std::string name, std::vector<std::string> groups = {}) {
  groups.push_back("system:authenticated");
  return {.name = std::move(name), .uid = {}, .groups = std::move(groups), .extra = {}};
}

}  // namespace

Connector::Connector(HttpHandler& handler, Executor& server) : handler_(&handler), server_(&server) {}
Connector::Connector(net::IoThreads& io, const daemon::DataDir& dir, std::string url)
    : io_(&io), dir_(&dir), url_(std::move(url)) {}

Connector::Connector(std::function<std::unique_ptr<Transport>(Executor&, Identity)> make, std::string host)
    : make_(std::move(make)), host_(std::move(host)) {}

std::string Connector::host() const {
  if (make_) return host_;
  const auto scheme_end = url_.find("//");
  return scheme_end == std::string::npos ? "in-process" : url_.substr(scheme_end + 2);
}

std::unique_ptr<Transport> Connector::connect(Executor& executor, Identity identity) const {
  if (make_) return make_(executor, std::move(identity));
  if (handler_) return in_process_transport(*handler_, *server_, std::move(identity));
  // A certificate's groups are those of its user but the one every authenticated user has.
  std::vector<std::string> groups;
  for (const std::string& group : identity.groups) {
    if (group != "system:authenticated") groups.push_back(group);
  }
  const net::Credential credential = dir_->client_credential(identity.name, groups);
  daemon::HostPort at = daemon::host_port(url_);
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
// Some loops use an account of another name than their own (upstream's client names).
std::string_view loop_account(std::string_view loop) {
  if (loop == "bootstrap-signer-controller") return "bootstrap-signer";
  if (loop.starts_with("certificatesigningrequest-")) return "certificate-controller";
  if (loop.starts_with("cloud-node-")) return "node-controller";
  if (loop == "daemonset-controller") return "daemon-set-controller";
  if (loop == "endpoints-controller") return "endpoint-controller";
  if (loop == "endpointslice-mirroring-controller") return "endpointslicemirroring-controller";
  if (loop == "garbage-collector-controller") return "generic-garbage-collector";
  if (loop == "horizontal-pod-autoscaler-controller") return "horizontal-pod-autoscaler";
  if (loop == "legacy-serviceaccount-token-cleaner-controller") return "legacy-service-account-token-cleaner";
  // What it reads, and no more accounts than upstream has.
  if (loop == "load-balancer-forwarder") return "endpointslice-controller";
  if (loop == "node-ipam-controller" || loop == "node-lifecycle-controller" || loop == "taint-eviction-controller") {
    return "node-controller";
  }
  if (loop == "node-route-controller") return "route-controller";
  if (loop == "persistentvolume-attach-detach-controller") return "attachdetach-controller";
  if (loop == "persistentvolume-binder-controller") return "persistent-volume-binder";
  if (loop == "persistentvolume-expander-controller") return "expand-controller";
  if (loop == "persistentvolume-protection-controller") return "pv-protection-controller";
  if (loop == "persistentvolumeclaim-protection-controller") return "pvc-protection-controller";
  if (loop == "pod-garbage-collector-controller") return "pod-garbage-collector";
  if (loop == "replicationcontroller-controller") return "replication-controller";
  if (loop == "resourceclaim-controller") return "resource-claim-controller";
  if (loop == "root-ca-certificate-publisher-controller") return "root-ca-cert-publisher";
  if (loop == "service-cidr-controller") return "service-cidrs-controller";
  if (loop == "service-lb-controller") return "service-controller";
  if (loop == "serviceaccount-controller") return "service-account-controller";
  if (loop == "token-cleaner-controller") return "token-cleaner";
  return loop;
}

// It makes tokens of accounts: its own would be one of them.
bool has_account(std::string_view loop) { return loop != "serviceaccount-token-controller"; }

Identity loop_identity(std::string_view name) {
  if (!has_account(name)) return controller_manager_identity();
  return user("system:serviceaccount:kube-system:" + std::string(loop_account(name)),
              {"system:serviceaccounts", "system:serviceaccounts:kube-system"});
}

}  // namespace ph::pilothouse

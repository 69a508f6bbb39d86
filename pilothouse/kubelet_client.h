// The apiserver's way to kubelets, for `kubectl logs`: over HTTPS to a node's address and kubelet port, as upstream's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/transport.h"
#include "core/v1.pb.h"
#include "net/event_loop.h"
#include "net/pki.h"

namespace ph::pilothouse {

struct KubeletClientOptions {
  net::IoThreads* io = nullptr;
  net::Credential credential;  // what kubelets are shown
  std::string ca_pem;          // whose kubelets are believed; empty: any, as upstream's default
  std::vector<std::string> address_types{"Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"};
};

// Belongs to one executor, on which answers arrive.
class KubeletClient {
 public:
  KubeletClient(Executor& executor, KubeletClientOptions options) : executor_(executor), options_(std::move(options)) {}

  // GET of a path on the node's kubelet. The body comes as a stream. Throws ApiError when the node has no usable address, or
  // cannot be reached.
  Task<HttpResponse> get(const core::v1::Node& node, std::string target);
  // The same of whoever answers there.
  Task<HttpResponse> get_at(std::string host, std::uint16_t port, std::string target);

 private:
  Executor& executor_;
  const KubeletClientOptions options_;
  std::map<std::string, std::shared_ptr<Transport>> transports_;  // by host:port
};

}  // namespace ph::pilothouse

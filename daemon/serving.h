// A daemon's secure port, running: the socket, its certificates kept fresh, and whom it asks about its callers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/health.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/sync.h"
#include "daemon/secure_port.h"
#include "daemon/server_access.h"
#include "daemon/serving_options.h"

namespace ph::daemon {

struct ServingParts {
  Executor& executor;  // answers are made here: one of the port's own, so that no loop delays a health check
  net::IoThreads& io;
  const Clock& clock;
  Rng& rng;
  Log log;
  std::string component;       // "kube-scheduler"
  std::string host;            // of this machine: in a self-made certificate
  std::string client_ca = {};  // PEM: whose client certificates are believed when neither a file nor the cluster says
};

// What the config map kube-system/extension-apiserver-authentication says of clients and of front proxies.
struct PublishedTrust {
  std::string client_ca;
  net::FrontProxyOptions proxy;
};
// Throws std::runtime_error: a list in it is none.
PublishedTrust read_published_trust(const std::map<std::string, std::string>& data);

class Serving {
 public:
  // Binds and serves. Throws std::runtime_error, FileError or KubeconfigError in words for an administrator. `options` must
  // outlive it. Made and destroyed on the executor.
  Serving(ServingParts parts, const ServingOptions& options, std::vector<HealthCheck> checks, std::vector<Page> pages,
          std::vector<Route> routes = {});
  ~Serving();

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::daemon

// How the components of a process reach the apiserver: directly when it runs in the same process, else over TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/transport.h"
#include "daemon/data_dir.h"
#include "net/event_loop.h"

namespace ph::pilothouse {

class Connector {
 public:
  // The server runs in this process, on `server`.
  Connector(HttpHandler& handler, Executor& server);
  // It runs elsewhere at `url` (https://host:port). The certificates are made by the data directory's authority.
  Connector(net::IoThreads& io, const daemon::DataDir& dir, std::string url);

  // However `make` does: a daemon with a kubeconfig, or the simulation with its faults in between.
  explicit Connector(std::function<std::unique_ptr<Transport>(Executor&, Identity)> make, std::string host = "in-process");

  // Where the server is, as metrics have it: 127.0.0.1:6443; "in-process" for one in this process.
  std::string host() const;

  // A transport for work on `executor` that acts as `identity`.
  std::unique_ptr<Transport> connect(Executor& executor, Identity identity) const;

 private:
  std::function<std::unique_ptr<Transport>(Executor&, Identity)> make_;
  HttpHandler* handler_ = nullptr;
  Executor* server_ = nullptr;
  net::IoThreads* io_ = nullptr;
  const daemon::DataDir* dir_ = nullptr;
  std::string url_, host_;
};

// Who the components are; RBAC's bootstrap roles know them by these names.
Identity controller_manager_identity();
Identity scheduler_identity();
Identity nodes_identity();
// A loop acts as its own service account in kube-system: `name` is the loop's, e.g. "deployment-controller". One has none, and acts as the
// controller manager itself.
std::string_view loop_account(std::string_view name);
bool has_account(std::string_view loop);
Identity loop_identity(std::string_view name);

}  // namespace ph::pilothouse

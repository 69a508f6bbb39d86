// ServerAccess: a daemon's way to the apiserver. It reads a kubeconfig (or, in a pod, the service account's files), looks at the
// files again now and then, and hands out transports that follow: renewed certificates and tokens are used from the next
// request on, and nobody restarts.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/sync.h"
#include "base/transport.h"
#include "daemon/kubeconfig.h"
#include "net/event_loop.h"

namespace ph::net {
struct ClientOptions;
}

namespace ph::daemon {

struct AccessOptions {
  std::string kubeconfig;  // --kubeconfig; empty: the pod's service account
  std::string master;      // --master; overrides the server's address
};

// Whether the environment says where a cluster's server is, as a pod's does.
bool in_cluster();

struct ConnectOptions {
  std::string user_agent = "pilothouse";
  bool client_certificate = true;  // false: for requests that carry a token of their own
  // A connection on which nothing has arrived for `ping_after` is asked for a sign of life, and given up when none comes
  // within `ping_timeout`.
  Duration ping_after = 30s, ping_timeout = 15s;
  Duration connect_timeout = 30s;
  // Overrides the kubeconfig's token; called on the transport's executor for each request.
  std::function<std::string()> token;
};

class ServerAccess {
 public:
  // Reads the configuration. Throws KubeconfigError or FileError. `io` must outlive all transports.
  ServerAccess(net::IoThreads& io, AccessOptions options, Log log);

  // A transport for work on `executor`; the access must outlive it. Threads: any.
  std::unique_ptr<Transport> connect(Executor& executor, ConnectOptions options);

  // Looks at the files every ten seconds, on the executor that runs it, until dropped. A configuration that cannot be read
  // is logged, and the last good one stays.
  Task<void> follow_files();

  // Looks at the files now. What cannot be read is logged, and the last good configuration stays.
  void look_again();

  std::string server() const;
  // host:port, as metrics have it.
  std::string host() const;
  // The authority of the server's certificate, PEM; empty: the machine's roots.
  std::string ca() const { return current().config->ca_pem; }

 private:
  friend class FollowingTransport;
  struct Current {
    std::shared_ptr<const ClientConfig> config;
    std::uint64_t generation;  // grows when connections have to be made anew
  };
  Current current() const;
  ClientConfig load() const;
  void reload();

  net::IoThreads& io_;
  const AccessOptions options_;
  const Log log_;
  mutable std::mutex mutex_;
  Current current_;  // guarded
};

// Sends over `inner`, which others use too and which must outlive it; what `token` returns, unless empty, is the request's
// bearer token.
std::unique_ptr<Transport> sharing_transport(Transport& inner, std::function<std::string()> token = {});

// The stream, which keeps the transport it came from.
std::unique_ptr<BodyStream> held(std::shared_ptr<Transport> transport, std::unique_ptr<BodyStream> stream);

// How to connect to what a configuration names, and as whom; without its token.
net::ClientOptions client_options(const ClientConfig& config);

struct HostPort {
  std::string host;
  std::uint16_t port = 443;
};
// Of https://host[:port][/]. Throws KubeconfigError.
HostPort host_port(std::string_view url);

}  // namespace ph::daemon

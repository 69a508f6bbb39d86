// kubeconfig files: how to reach an apiserver, and who we are. Reference: "Organizing Cluster Access Using kubeconfig Files".
#pragma once

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "net/pki.h"

namespace ph::daemon {

// One cluster, one user, one context, everything embedded: what a data directory's files hold.
struct Kubeconfig {
  std::string server;  // https://host:port
  std::string ca_pem;
  std::string user;
  net::Credential client;
};

std::string to_yaml(const Kubeconfig& config);

// The current context of a kubeconfig; nothing when it is not one, or holds something else than embedded certificates.
std::optional<Kubeconfig> read_kubeconfig(std::string_view yaml);

// What a client needs; files have been read.
struct ClientConfig {
  std::string server;       // https://host:port[/]
  std::string server_name;  // what the certificate is to name; empty: the host
  std::string ca_pem;       // empty: the machine's roots
  bool skip_verify = false;
  net::Credential client;      // empty: no certificate
  std::string token;           // empty: none
  std::string namespace_name;  // that the context means; empty: none in particular
  // What was read: when one of these changes, the configuration is to be loaded again.
  std::vector<std::filesystem::path> files;

  bool same_connection(const ClientConfig& other) const;
};

// Words for an administrator: which file, which part, what is wrong with it.
class KubeconfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The current context of the file at `path`; relative paths in it are relative to its folder. Credential plugins (exec,
// auth-provider), passwords and impersonation are refused. `master`: overrides the server's address, unless empty. `context`: that
// one instead of the current one, unless empty.
ClientConfig load_kubeconfig(const std::filesystem::path& path, const std::string& master = {}, const std::string& context = {});

// In a pod: the address from the environment's KUBERNETES_SERVICE_HOST and _PORT, the service account's token and CA from its
// mounted folder.
ClientConfig load_in_cluster(const std::string& host, const std::string& port,
                             const std::filesystem::path& account = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace ph::daemon

// kubeconfig files with everything embedded, as `kubectl` reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/pki.h"

namespace ph::daemon {

// One cluster, one user, one context.
struct Kubeconfig {
  std::string server;   // https://host:port
  std::string ca_pem;
  std::string user;
  net::Credential client;
};

std::string to_yaml(const Kubeconfig& config);

// The current context of a kubeconfig; nothing when it is not one, or holds something else than embedded certificates.
std::optional<Kubeconfig> read_kubeconfig(std::string_view yaml);

}  // namespace ph::daemon

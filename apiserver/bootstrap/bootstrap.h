// The objects of a fresh cluster, made at each start where they are missing.
#pragma once

#include <string>

#include "apiserver/server.h"

namespace ph::apiserver {

struct BootstrapOptions {
  std::string client_ca;  // PEM; published in the config map extension-apiserver-authentication
};

// Namespaces, RBAC policy, priority classes, flow schemas and priority levels, configuration. For a server that has started. Throws ApiError.
Task<void> bootstrap_cluster(ApiServer& server, const Clock& clock, BootstrapOptions options);

}  // namespace ph::apiserver

// The objects of a fresh cluster, made at each start where they are missing.
#pragma once

#include "apiserver/bootstrap/authentication_trust.h"
#include "apiserver/server.h"

namespace ph::apiserver {

struct BootstrapOptions {
  AuthenticationTrust trust;
};

// Namespaces, RBAC policy, priority classes, flow schemas and priority levels, configuration. For a server that has started. Throws ApiError.
Task<void> bootstrap_cluster(ApiServer& server, const Clock& clock, BootstrapOptions options);

}  // namespace ph::apiserver

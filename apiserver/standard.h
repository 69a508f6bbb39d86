// Everything that makes a server of generic verbs a Kubernetes apiserver: who may do what, admission, discovery, OpenAPI,
// health, tables, reviews, and the objects of a fresh cluster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/webhook/transports.h"
#include "apiserver/authn/token_keys.h"
#include "apiserver/extensions.h"
#include "apiserver/server.h"
#include "base/health.h"
#include "base/log.h"
#include "base/rng.h"

namespace ph::apiserver {

struct StandardOptions {
  // What signs service account tokens: a private key in PEM, and older keys whose tokens are still good; or `token_keys`
  // instead of both. With neither there are no tokens.
  std::string service_account_key;
  std::vector<std::string> more_service_account_keys;
  std::shared_ptr<const TokenKeys> token_keys;
  std::string service_account_issuer;      // empty: https://kubernetes.default.svc.CLUSTER_DOMAIN
  std::vector<std::string> api_audiences;  // empty: the issuer
  bool extend_token_expiration = true;

  std::string static_tokens;  // lines of token, user, uid, groups (authn/static_tokens.h)
  std::string client_ca;      // PEM, published for other servers
  bool anonymous = true;      // not where AlwaysAllow is asked: who is let do everything must be somebody
  // Asked in this order, until one decides.
  enum class Authorization { Node, Rbac, AlwaysAllow, AlwaysDeny };
  std::vector<Authorization> authorization{Authorization::Node, Authorization::Rbac};
  std::vector<std::string> enable_admission, disable_admission;
  // How admission webhooks are reached; empty: their calls fail. Those that are named as services are called at the addresses of their
  // endpoints, not at the service's own.
  WebhookTransports webhooks;
  bool webhooks_at_endpoints = false;
  std::vector<HealthCheck> health;        // besides the server's own
  std::vector<std::string> listed_paths;  // at /, besides the server's own: somebody else answers them
  Log log;
};

// For `server.install`, before `server.start`. The objects of a fresh cluster are made by the start. The references must
// outlive the server. Throws std::runtime_error when a key cannot be read.
Extensions standard_extensions(ApiServer& server, const Clock& clock, Rng& rng, StandardOptions options);

}  // namespace ph::apiserver

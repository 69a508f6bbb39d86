// Everything that makes a server of generic verbs a Kubernetes apiserver: who may do what, admission, discovery, OpenAPI,
// health, tables, reviews, and the objects of a fresh cluster.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/admission/configuration.h"
#include "apiserver/admission/webhook/transports.h"
#include "apiserver/authn/authentication.h"
#include "apiserver/authn/token_keys.h"
#include "apiserver/authz/configuration.h"
#include "apiserver/authz/webhook.h"
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
  AuthenticationOptions authentication;
  // Asked in this order, until one decides.
  using Authorization = AuthorizerConfig::Type;
  AuthorizerConfigs authorization{Authorization::Node, Authorization::Rbac};
  std::string abac_policies;  // the text of --authorization-policy-file
  // How authorization webhooks are reached; empty: the configuration may have none.
  ConnectAuthorizer authorization_services;
  // Filled in when it is there: asks others from now on, those that are given. On the executor; throws std::runtime_error.
  std::shared_ptr<std::function<void(AuthorizerConfigs)>> change_authorization;
  std::vector<std::string> enable_admission, disable_admission;
  AdmissionConfigurations admission_configurations;
  // How admission webhooks are reached; empty: their calls fail. Those that are named as services are called at the addresses of their
  // endpoints, not at the service's own.
  WebhookTransports webhooks;
  bool webhooks_at_endpoints = false;
  WebhookBackends webhook_backends;       // reads the kubeconfigs that plugins' configurations name; empty: none can be used
  std::vector<HealthCheck> health;        // besides the server's own
  ForeignGroups foreign;                  // groups that somebody else serves
  std::vector<std::string> listed_paths;  // at /, besides the server's own: somebody else answers them
  Log log;
};

// For `server.install`, before `server.start`. The objects of a fresh cluster are made by the start. The references must
// outlive the server. Throws std::runtime_error when a key cannot be read, an authorization webhook not be reached, or an admission plugin
// not be as it is configured.
Extensions standard_extensions(ApiServer& server, const Clock& clock, Rng& rng, StandardOptions options);

}  // namespace ph::apiserver

// The chain of authorizers that a configuration names, which may be replaced by another one while requests wait.
#pragma once

#include <memory>
#include <string>

#include "apiserver/access.h"
#include "apiserver/authz/abac.h"
#include "apiserver/authz/configuration.h"
#include "apiserver/authz/rbac.h"
#include "apiserver/authz/webhook.h"
#include "base/log.h"
#include "base/published.h"

namespace ph::apiserver {

// What authorizers are made of; all references outlive them.
struct AuthorizerParts {
  RbacAuthorizer& rbac;
  Authorizer& node;
  const Clock& clock;
  std::string abac_policies;  // the text of --authorization-policy-file, which has been checked
  ConnectAuthorizer connect;  // empty: webhooks cannot be reached
  Log log;
};

// Members of system:masters may do everything; for others the first with an opinion decides.
class AuthorizerChain final : public Authorizer {
 public:
  // Throws std::runtime_error when a webhook has no way to its service.
  AuthorizerChain(AuthorizerParts parts, AuthorizerConfigs configs);
  ~AuthorizerChain() override;

  // Who is asked from now on; who is being asked still answers. Webhooks that stay as they are keep what they have been answered.
  // Throws std::runtime_error, and nothing has changed then. On the executor.
  void replace(AuthorizerConfigs configs);

  Soon<Decision> authorize_soon(Attributes attributes) override;
  std::optional<Decision> authorize_here(const Attributes& attributes) const override;
  void add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) override;

 private:
  struct Links;
  std::shared_ptr<const Links> made(AuthorizerConfigs configs, const Links* before) const;
  static Task<Decision> kept(std::shared_ptr<const Links> links, Soon<Decision> answer);

  const AuthorizerParts parts_;
  Published<Links> links_;
};

}  // namespace ph::apiserver

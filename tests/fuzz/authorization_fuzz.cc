// Files of an administrator about who may do what: AuthorizationConfiguration and ABAC's policies. Refused in words, or usable.
#include "apiserver/authz/abac.h"
#include "apiserver/authz/configuration.h"
#include "base/assert.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::apiserver;

void check_configuration(std::string_view text) {
  AuthorizerConfigs configs;
  try {
    configs = parse_authorization_config(text);
  } catch (const AuthorizationConfigError& error) {
    PH_ASSERT(*error.what() != '\0');
    return;
  }
  PH_ASSERT(!configs.empty());
  PH_ASSERT(reload_problem(configs, configs).empty());
  for (const AuthorizerConfig& config : configs) {
    PH_ASSERT(!config.name.empty());
    AuthorizerConfig::Type type{};
    PH_ASSERT(type_of(name_of(config.type), type) && type == config.type);
    if (config.type != AuthorizerConfig::Type::Webhook) continue;
    PH_ASSERT(config.webhook.timeout > Duration::zero() && config.webhook.authorized_ttl > Duration::zero());
    for (const std::string& condition : config.webhook.match_conditions) (void)compile_authorization_condition(condition);
  }
}

// Who is nobody in particular is let do nothing, but by a policy that says so.
void check_policies(std::string_view text) {
  auto read = AbacPolicies::parse(text, "file");
  if (!read) {
    PH_ASSERT(read.error().starts_with("error reading policy file file, line "));
    return;
  }
  PH_ASSERT(read->unversioned_lines <= read->policies.size());
  bool names_nobody = true;
  for (const AbacPolicy& policy : read->policies) names_nobody &= policy.user.empty() && policy.group.empty();
  AbacAuthorizer authorizer(std::move(*read));
  RequestInfo request;
  request.verb = "get";
  request.path = "/version";
  const Identity nobody{.name = "a name that is in no file \x01", .groups = {"a group \x01"}};
  const auto decision = authorizer.authorize_here({nobody, request});
  PH_ASSERT(decision);
  if (names_nobody) PH_ASSERT(decision->kind == Decision::Kind::NoOpinion);
}

}  // namespace

void authorization(std::string_view text) {
  check_configuration(text);
  check_policies(text);
}

}  // namespace ph::fuzz

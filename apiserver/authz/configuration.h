// Who is asked whether a request may pass, and in which order: what flags and the AuthorizationConfiguration file
// (apiserver.config.k8s.io/v1) say. Reference: "Authorization", "Configuring the API Server using an Authorization Config File".
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "api/cel/expression.h"
#include "base/time.h"

namespace ph::apiserver {

struct AuthorizationWebhook {
  Duration authorized_ttl = std::chrono::minutes(5), unauthorized_ttl = std::chrono::seconds(30);
  bool keep_allowed = true, keep_others = true;  // what is answered is kept so long
  Duration timeout = std::chrono::seconds(30);   // of one question
  std::string review_version = "v1";             // or "v1beta1"
  bool deny_on_failure = false;                  // else there is no opinion
  std::string kubeconfig;                        // the file that says where; empty: as in a pod of the cluster
  // CEL; the service is asked when all hold of `request`.
  std::vector<std::string> match_conditions;
  bool operator==(const AuthorizationWebhook&) const = default;
};

struct AuthorizerConfig {
  enum class Type { Node, Rbac, Abac, Webhook, AlwaysAllow, AlwaysDeny };
  using Webhook = AuthorizationWebhook;

  Type type = Type::Rbac;
  std::string name = {};
  Webhook webhook = {};  // of that type
  AuthorizerConfig() = default;
  AuthorizerConfig(Type type, std::string name = {}, Webhook webhook = {})  // NOLINT: most are nothing but their type
      : type(type), name(std::move(name)), webhook(std::move(webhook)) {}
  bool operator==(const AuthorizerConfig&) const = default;
};
using AuthorizerConfigs = std::vector<AuthorizerConfig>;

// What is wrong with a configuration, in upstream's words.
class AuthorizationConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads the file's text, YAML or JSON; whether files exist that it names is not looked at. Throws AuthorizationConfigError.
AuthorizerConfigs parse_authorization_config(std::string_view text);

// Why `next` cannot take the place of `present` while the server runs: of those that are no webhooks none may come or go. Empty: it can.
std::string reload_problem(const AuthorizerConfigs& present, const AuthorizerConfigs& next);

// "Node", "RBAC", "ABAC", "Webhook", "AlwaysAllow", "AlwaysDeny".
std::string_view name_of(AuthorizerConfig::Type type);
// False: there is none of that name.
bool type_of(std::string_view name, AuthorizerConfig::Type& type);

// An expression over `request`, a SubjectAccessReview's spec. Throws cel::Error: what is wrong with it, or not known here.
api::cel::Expression compile_authorization_condition(std::string_view text);

}  // namespace ph::apiserver

#include "pilothouse/flags/authorization.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apiserver/authz/abac.h"
#include "daemon/common_flags.h"
#include "daemon/files.h"

namespace ph::pilothouse {

using apiserver::AuthorizerConfig, apiserver::AuthorizerConfigs;
using Type = AuthorizerConfig::Type;

namespace {

bool has(const AuthorizerConfigs& configs, Type type) {
  return std::ranges::find(configs, type, &AuthorizerConfig::type) != configs.end();
}

// Whether something is asked for that a configuration file says as well.
bool are_legacy_flags_set(const AuthorizationOptions& options) {
  const AuthorizationOptions otherwise;
  return !options.modes.empty() || !options.webhook_config_file.empty() || options.webhook_version != otherwise.webhook_version ||
         options.webhook_authorized_ttl != otherwise.webhook_authorized_ttl ||
         options.webhook_unauthorized_ttl != otherwise.webhook_unauthorized_ttl;
}

AuthorizerConfig config_of(Type type, const AuthorizationOptions& options) {
  AuthorizerConfig out(type);
  if (type != Type::Webhook) return out;
  out.name = "webhook";
  out.webhook.kubeconfig = options.webhook_config_file;
  out.webhook.review_version = options.webhook_version;
  out.webhook.authorized_ttl = options.webhook_authorized_ttl;
  out.webhook.unauthorized_ttl = options.webhook_unauthorized_ttl;
  return out;
}

AuthorizerConfigs read_modes(const AuthorizationOptions& options) {
  const std::vector<std::string> modes = options.modes.empty() ? std::vector<std::string>{"Node", "RBAC"} : options.modes;
  std::vector<std::string> problems;
  AuthorizerConfigs out;
  for (const std::string& mode : modes) {
    Type type{};
    if (apiserver::type_of(mode, type)) out.push_back(config_of(type, options));
    else problems.push_back(fmt::format("authorization-mode \"{}\" is not a valid mode", mode));
    if (mode == "ABAC" && options.policy_file.empty())
      problems.emplace_back("authorization-mode ABAC's authorization policy file not passed");
    if (mode == "Webhook" && options.webhook_config_file.empty())
      problems.emplace_back("authorization-mode Webhook's authorization config file not passed");
  }
  if (!options.policy_file.empty() && !has(out, Type::Abac))
    problems.emplace_back("cannot specify --authorization-policy-file without mode ABAC");
  if (!options.webhook_config_file.empty() && !has(out, Type::Webhook))
    problems.emplace_back("cannot specify --authorization-webhook-config-file without mode Webhook");
  if (std::set(modes.begin(), modes.end()).size() != modes.size()) {
    problems.push_back(fmt::format("authorization-mode [\"{}\"] has mode specified more than once", fmt::join(modes, "\" \"")));
  }
  if (options.webhook_version != "v1" && options.webhook_version != "v1beta1") {
    problems.push_back(fmt::format("--authorization-webhook-version: {} is neither v1 nor v1beta1", options.webhook_version));
  }
  daemon::refuse(problems);
  return out;
}

}  // namespace

void add_authorization_flags(daemon::FlagSet& flags, AuthorizationOptions& options) {
  flags.section("Authorization");
  flags.add("authorization-config", options.config_file,
            "An AuthorizationConfiguration file, instead of --authorization-mode and --authorization-webhook-*; looked at again "
            "every ten seconds");
  flags.add("authorization-mode", options.modes,
            "Who is asked, in this order: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny; Node,RBAC when empty");
  flags.add("authorization-policy-file", options.policy_file, "The policies of ABAC, a JSON object a line");
  flags.add("authorization-webhook-cache-authorized-ttl", options.webhook_authorized_ttl, "How long a webhook's yes is kept");
  flags.add("authorization-webhook-cache-unauthorized-ttl", options.webhook_unauthorized_ttl, "How long a webhook's no is kept");
  flags.add("authorization-webhook-config-file", options.webhook_config_file,
            "A kubeconfig that says where the webhook is, and who asks it");
  flags.add("authorization-webhook-version", options.webhook_version,
            "Of the SubjectAccessReview that it is sent: v1 or v1beta1");
}

AuthorizerConfigs read_authorization_config(std::string_view text) {
  AuthorizerConfigs out = apiserver::parse_authorization_config(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::string& file = out[i].webhook.kubeconfig;
    if (out[i].type != Type::Webhook || file.empty()) continue;
    std::error_code error;
    const auto status = std::filesystem::status(file, error);
    std::string why;
    if (!std::filesystem::exists(status)) why = fmt::format("error loading file: stat {}: no such file or directory", file);
    else if (!std::filesystem::is_regular_file(status)) why = "must be a regular file";
    if (why.empty()) continue;
    throw apiserver::AuthorizationConfigError(
        fmt::format("authorizers[{}].connectionInfo.kubeConfigFile: Invalid value: \"{}\": {}", i, file, why));
  }
  return out;
}

AuthorizerConfigs read_authorization(const AuthorizationOptions& options) {
  if (options.config_file.empty()) return read_modes(options);
  if (are_legacy_flags_set(options)) {
    throw daemon::FlagError(
        "--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined");
  }
  const auto text = daemon::read_file(options.config_file);
  if (!text) throw daemon::FlagError(fmt::format("--authorization-config: there is no file {}", options.config_file));
  try {
    AuthorizerConfigs out = read_authorization_config(*text);
    if (has(out, Type::Abac) && options.policy_file.empty()) {
      throw daemon::FlagError("authorization-mode ABAC's authorization policy file not passed");
    }
    return out;
  } catch (const apiserver::AuthorizationConfigError& error) {
    throw daemon::FlagError(fmt::format("--authorization-config: {}: {}", options.config_file, error.what()));
  }
}

std::string read_policies(const AuthorizationOptions& options) {
  if (options.policy_file.empty()) return {};
  const auto text = daemon::read_file(options.policy_file);
  if (!text) throw daemon::FlagError(fmt::format("--authorization-policy-file: there is no file {}", options.policy_file));
  const auto policies = apiserver::AbacPolicies::parse(*text, options.policy_file);
  if (!policies) throw daemon::FlagError(policies.error());
  return *text;
}

}  // namespace ph::pilothouse

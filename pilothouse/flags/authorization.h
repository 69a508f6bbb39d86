// kube-apiserver's flags of authorization, and the files that they name.
#pragma once

#include <string>
#include <vector>

#include "apiserver/authz/configuration.h"
#include "daemon/flags.h"

namespace ph::pilothouse {

struct AuthorizationOptions {
  std::vector<std::string> modes;  // empty: Node, RBAC
  std::string config_file, policy_file;
  std::string webhook_config_file, webhook_version = "v1beta1";
  Duration webhook_authorized_ttl = std::chrono::minutes(5), webhook_unauthorized_ttl = std::chrono::seconds(30);
};

// The options must outlive the set.
void add_authorization_flags(daemon::FlagSet& flags, AuthorizationOptions& options);

// Who is asked, as the flags say or the file does. Throws FlagError.
apiserver::AuthorizerConfigs read_authorization(const AuthorizationOptions& options);

// The text of the policy file; empty without one. Throws FlagError, FileError.
std::string read_policies(const AuthorizationOptions& options);

// The authorizers of a configuration file's text; the kubeconfigs that it names must be there. Throws AuthorizationConfigError.
apiserver::AuthorizerConfigs read_authorization_config(std::string_view text);

}  // namespace ph::pilothouse

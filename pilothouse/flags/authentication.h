// kube-apiserver's flags of authentication, but for those of service accounts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apiserver/authn/authentication.h"
#include "daemon/flags.h"

namespace ph::pilothouse {

struct AuthenticationFlags {
  std::string config_file;  // --authentication-config
  std::string config_text;  // … as it was read
  std::string request_header_ca_file;
  net::FrontProxyOptions front_proxy;
  bool bootstrap_tokens = false;

  std::string webhook_file, webhook_version = "v1beta1";
  Duration webhook_cache_ttl = 2min;

  std::string oidc_issuer, oidc_client, oidc_ca_file, oidc_username_claim = "sub", oidc_username_prefix, oidc_groups_claim,
                                                      oidc_groups_prefix;
  std::map<std::string, std::string> oidc_required_claims;
  std::vector<std::string> oidc_algorithms{"RS256"};

  std::vector<std::string> own_issuers;              // of service accounts' tokens
  const daemon::FlagSet::Flag* anonymous = nullptr;  // --anonymous-auth
};

// The flags must outlive the set.
void add_flags(daemon::FlagSet& flags, AuthenticationFlags& into);

// What they say; files are read. Throws FlagError or FileError.
apiserver::AuthenticationOptions resolve(AuthenticationFlags& flags);

// The text of an authentication configuration, as these flags let it be. Throws AuthenticationConfigurationError.
apiserver::AuthenticationConfiguration read_configuration(const AuthenticationFlags& flags, const std::string& text);

}  // namespace ph::pilothouse

#include "pilothouse/flags/authentication.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/common_flags.h"
#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "net/jwk_set.h"
#include "pilothouse/webhooks.h"

namespace ph::pilothouse {
namespace {

using apiserver::AuthenticationConfiguration, apiserver::AuthenticationConfigurationError, apiserver::AuthenticationOptions;
using daemon::FlagError;

std::string must_read(const char* flag, const std::string& path) {
  auto text = daemon::read_file(path);
  if (!text) throw daemon::FileError(fmt::format("--{}: there is no file {}", flag, path));
  return *text;
}

bool uses_oidc(const AuthenticationFlags& flags) {
  return !flags.oidc_issuer.empty() || !flags.oidc_client.empty() || !flags.oidc_ca_file.empty() ||
         !flags.oidc_username_prefix.empty() || !flags.oidc_groups_claim.empty() || !flags.oidc_groups_prefix.empty() ||
         !flags.oidc_required_claims.empty();
}

// The same as a configuration says it.
AuthenticationConfiguration of_oidc(const AuthenticationFlags& flags) {
  if (flags.oidc_issuer.empty() || flags.oidc_client.empty()) {
    throw FlagError("oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set");
  }
  AuthenticationConfiguration out;
  apiserver::JwtConfiguration& jwt = out.jwt.emplace_back();
  jwt.url = flags.oidc_issuer;
  jwt.audiences = {flags.oidc_client};
  if (!flags.oidc_ca_file.empty()) jwt.ca_pem = must_read("oidc-ca-file", flags.oidc_ca_file);
  jwt.username.claim = flags.oidc_username_claim;
  // An e-mail address is somebody's name anywhere; others' names are told apart by who says them.
  if (flags.oidc_username_prefix == "-") jwt.username.prefix = "";
  else if (flags.oidc_username_prefix.empty() && flags.oidc_username_claim != "email")
    jwt.username.prefix = flags.oidc_issuer + "#";
  else jwt.username.prefix = flags.oidc_username_prefix;
  if (!flags.oidc_groups_claim.empty()) {
    jwt.groups.claim = flags.oidc_groups_claim;
    jwt.groups.prefix = flags.oidc_groups_prefix;
  }
  for (const auto& [claim, value] : flags.oidc_required_claims) {
    jwt.claim_rules.push_back({.claim = claim, .required_value = value, .expression = {}, .message = {}});
  }
  jwt.algorithms = flags.oidc_algorithms;
  const auto known = net::signing_algorithms();
  for (const std::string& each : jwt.algorithms) {
    if (std::ranges::find(known, each) == known.end())
      throw FlagError(fmt::format("oidc: unsupported signing alg: \"{}\"", each));
  }
  if (const std::string problems = apiserver::configuration_problems(out, flags.own_issuers); !problems.empty()) {
    throw FlagError(problems);
  }
  return out;
}

apiserver::TokenWebhook webhook_of(const AuthenticationFlags& flags) {
  if (flags.webhook_version != "v1" && flags.webhook_version != "v1beta1") {
    throw FlagError(fmt::format("unsupported authentication webhook version \"{}\", supported versions are \"v1\", \"v1beta1\"",
                                flags.webhook_version));
  }
  daemon::ClientConfig client;
  try {
    client = daemon::load_kubeconfig(flags.webhook_file);
  } catch (const daemon::KubeconfigError& error) {
    throw FlagError(fmt::format("--authentication-token-webhook-config-file: {}", error.what()));
  }
  const apiserver::UrlParts url = apiserver::split_url(client.server);
  if (url.base.empty()) {
    throw FlagError(fmt::format("--authentication-token-webhook-config-file: {} is no address of https", client.server));
  }
  apiserver::TokenWebhook out;
  out.address = backend_of(client).address;
  out.address.url = url.base;
  if (out.address.server_name.empty()) out.address.server_name = url.name;
  out.host = url.host;
  out.path = url.path;
  out.bearer = client.token;
  out.version = flags.webhook_version;
  out.cache_ttl = flags.webhook_cache_ttl;
  return out;
}

void check_headers(const AuthenticationFlags& flags) {
  const std::pair<const char*, const std::vector<std::string>&> lists[] = {
      {"requestheader-username-headers", flags.front_proxy.username_headers},
      {"requestheader-uid-headers", flags.front_proxy.uid_headers},
      {"requestheader-group-headers", flags.front_proxy.group_headers},
      {"requestheader-extra-headers-prefix", flags.front_proxy.extra_prefixes},
      {"requestheader-allowed-names", flags.front_proxy.allowed_names}};
  for (const auto& [name, values] : lists) {
    const bool empty =
        std::ranges::any_of(values, [](const std::string& each) { return each.find_first_not_of(" \t") == each.npos; });
    if (empty) throw FlagError(fmt::format("empty value in \"{}\"", name));
  }
}

}  // namespace

void add_flags(daemon::FlagSet& flags, AuthenticationFlags& into) {
  flags.add(
      "authentication-config", into.config_file,
      "Issuers of tokens, and where requests need no credentials: an AuthenticationConfiguration; it is followed as it changes");
  flags.add("authentication-token-webhook-config-file", into.webhook_file,
            "A kubeconfig: who is asked about tokens that nobody here knows");
  flags.add("authentication-token-webhook-cache-ttl", into.webhook_cache_ttl, "How long what he says is good");
  flags.add("authentication-token-webhook-version", into.webhook_version, "Of the TokenReview that he is sent: v1 or v1beta1");
  flags.add("enable-bootstrap-token-auth", into.bootstrap_tokens,
            "Bootstrap tokens of kube-system let machines ask for certificates");
  flags.add("oidc-ca-file", into.oidc_ca_file, "Whose certificate the issuer shows; those that the machine believes by default");
  flags.add("oidc-client-id", into.oidc_client, "The audience that the issuer's tokens are for");
  flags.add("oidc-groups-claim", into.oidc_groups_claim, "The claim that names the user's groups");
  flags.add("oidc-groups-prefix", into.oidc_groups_prefix, "What stands before them here");
  flags.add("oidc-issuer-url", into.oidc_issuer, "Who issues tokens by OpenID Connect, whose keys are found below it");
  flags.add("oidc-required-claim", into.oidc_required_claims, "Claims that a token must have, with their values");
  flags.add("oidc-signing-algs", into.oidc_algorithms, "How tokens may be signed: RS, ES or PS, with 256, 384 or 512");
  flags.add("oidc-username-claim", into.oidc_username_claim, "The claim that names the user");
  flags.add("oidc-username-prefix", into.oidc_username_prefix,
            "What stands before it here; the issuer and # by default, unless it is the claim email; -: nothing");
  flags.add("requestheader-allowed-names", into.front_proxy.allowed_names,
            "Common names of the front proxy's certificate; any by default");
  flags.add("requestheader-client-ca-file", into.request_header_ca_file,
            "Whose certificates are a front proxy's, which says in headers who asks");
  flags.add("requestheader-extra-headers-prefix", into.front_proxy.extra_prefixes,
            "Its headers with more about the user begin so");
  flags.add("requestheader-group-headers", into.front_proxy.group_headers, "Its headers with his groups");
  flags.add("requestheader-uid-headers", into.front_proxy.uid_headers, "Its headers with his UID");
  flags.add("requestheader-username-headers", into.front_proxy.username_headers, "Its headers with his name");
}

AuthenticationConfiguration read_configuration(const AuthenticationFlags& flags, const std::string& text) {
  AuthenticationConfiguration out = apiserver::parse_authentication_configuration(text, flags.own_issuers);
  if (out.anonymous && flags.anonymous && flags.anonymous->given) {
    throw AuthenticationConfigurationError("--anonymous-auth flag cannot be set when anonymous field is configured in the file");
  }
  return out;
}

AuthenticationOptions resolve(AuthenticationFlags& flags) {
  AuthenticationOptions out;
  check_headers(flags);
  out.front_proxy = flags.front_proxy;
  if (!flags.request_header_ca_file.empty()) {
    out.front_proxy.ca_pem = must_read("requestheader-client-ca-file", flags.request_header_ca_file);
  }
  out.bootstrap_tokens = flags.bootstrap_tokens;
  if (!flags.webhook_file.empty()) out.webhook = webhook_of(flags);
  const bool oidc = uses_oidc(flags);
  if (oidc && !flags.config_file.empty()) throw FlagError("authentication-config file and oidc-* flags are mutually exclusive");
  if (oidc) out.configuration = std::make_shared<apiserver::CurrentAuthentication>(of_oidc(flags));
  if (flags.config_file.empty()) return out;
  flags.config_text = must_read("authentication-config", flags.config_file);
  try {
    out.configuration = std::make_shared<apiserver::CurrentAuthentication>(read_configuration(flags, flags.config_text));
  } catch (const AuthenticationConfigurationError& error) {
    throw FlagError(fmt::format("--authentication-config: {}: {}", flags.config_file, error.what()));
  }
  return out;
}

}  // namespace ph::pilothouse

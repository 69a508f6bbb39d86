// What an AuthenticationConfiguration must hold to. Paths and messages are upstream's.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/cel/expression.h"
#include "api/error_text.h"
#include "api/names.h"
#include "api/pem.h"
#include "api/rules.h"
#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/oidc/expressions.h"
#include "apiserver/authn/outside.h"
#include "net/pki.h"

namespace ph::apiserver {
namespace {

using api::Errors, api::Path;

constexpr std::size_t kIssuersMax = 64;
constexpr const char* kMatchAny = "MatchAny";
constexpr const char* kBoth = "claim and expression can't both be set";
constexpr const char* kEither = "claim or expression is required";

std::string_view without_slashes(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  return url;
}

void check_url(const std::string& url, const Path& at, Errors& errors) {
  if (!url.starts_with("https://")) return errors.invalid_text(at, url, "URL scheme must be https");
  const std::string_view authority = std::string_view(url).substr(8, url.find_first_of("/?#", 8) - 8);
  if (authority.find('@') != authority.npos) errors.invalid_text(at, url, "URL must not contain a username or password");
  if (const auto mark = url.find('?');
      mark != url.npos && mark < url.find('#') && mark + 1 < std::min(url.size(), url.find('#'))) {
    errors.invalid_text(at, url, "URL must not contain a query");
  }
  if (const auto mark = url.find('#'); mark != url.npos && mark + 1 < url.size()) {
    errors.invalid_text(at, url, "URL must not contain a fragment");
  }
  if (authority.find('@') == authority.npos && split_url(url).base.empty()) errors.invalid_text(at, url, "URL must name a host");
}

void check_authority(const std::string& pem, const Path& at, Errors& errors) {
  if (pem.empty()) return;
  try {
    net::inspect_certificate(pem);
  } catch (const std::runtime_error&) {
    errors.invalid_text(at, "<omitted>", "data does not contain any valid RSA or ECDSA certificates");
  }
}

void check_audiences(const JwtConfiguration& jwt, const Path& issuer, Errors& errors) {
  const Path at = issuer.member("audiences"), policy = issuer.member("audienceMatchPolicy");
  if (jwt.audiences.empty()) return errors.required(at, fmt::format("at least one {} is required", at.text()));
  const std::string& said = jwt.audience_match_policy;
  if (jwt.audiences.size() > 1 && said != kMatchAny) {
    errors.invalid_text(policy, said, "audienceMatchPolicy must be MatchAny for multiple audiences");
  }
  if (jwt.audiences.size() == 1 && !said.empty() && said != kMatchAny) {
    errors.invalid_text(policy, said, "audienceMatchPolicy must be empty or MatchAny for single audience");
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < jwt.audiences.size(); ++i) {
    if (jwt.audiences[i].empty()) errors.required(at.index(i), "audience can't be empty");
    if (!seen.insert(jwt.audiences[i]).second) errors.duplicate(at.index(i), jwt.audiences[i]);
  }
}

void check_issuer(const JwtConfiguration& jwt, const Path& at, const std::vector<std::string>& own_issuers, Errors& errors) {
  if (jwt.url.empty()) errors.required(at.member("url"), "URL is required");
  else check_url(jwt.url, at.member("url"), errors);
  if (std::ranges::find(own_issuers, jwt.url) != own_issuers.end()) {
    errors.invalid_text(at.member("url"), jwt.url,
                        fmt::format("URL must not overlap with disallowed issuers: [{}]", fmt::join(own_issuers, " ")));
  }
  if (!jwt.discovery_url.empty()) {
    const Path discovery = at.member("discoveryURL");
    if (!jwt.url.empty() && without_slashes(jwt.url) == without_slashes(jwt.discovery_url)) {
      errors.invalid_text(discovery, jwt.discovery_url, "discoveryURL must be different from URL");
    }
    check_url(jwt.discovery_url, discovery, errors);
  }
  check_audiences(jwt, at, errors);
  check_authority(jwt.ca_pem, at.member("certificateAuthority"), errors);
  if (!jwt.egress_selector.empty()) {
    errors.invalid_text(at.member("egressSelectorType"), jwt.egress_selector,
                        "egress selectors are not there: connections leave directly");
  }
}

void check_expression(const std::string& text, const Path& at, oidc::Of of, Errors& errors) {
  if (const std::string why = oidc::expression_problem(text, of); !why.empty()) errors.invalid_text(at, text, why);
}

void check_claim_rules(const JwtConfiguration& jwt, const Path& rules, Errors& errors) {
  std::set<std::string> claims, expressions;
  for (std::size_t i = 0; i < jwt.claim_rules.size(); ++i) {
    const auto& rule = jwt.claim_rules[i];
    const Path at = rules.index(i);
    if (!rule.claim.empty() && !rule.expression.empty()) {
      errors.invalid_text(at, rule.claim, kBoth);
    } else if (rule.claim.empty() && rule.expression.empty()) {
      errors.required(at, kEither);
    } else if (!rule.claim.empty()) {
      if (!rule.message.empty()) {
        errors.invalid_text(at.member("message"), rule.message, "message can't be set when claim is set");
      }
      if (!claims.insert(rule.claim).second) errors.duplicate(at.member("claim"), rule.claim);
    } else {
      if (!rule.required_value.empty()) {
        errors.invalid_text(at.member("requiredValue"), rule.required_value, "requiredValue can't be set when expression is set");
      }
      if (!expressions.insert(rule.expression).second) errors.duplicate(at.member("expression"), rule.expression);
      else check_expression(rule.expression, at.member("expression"), oidc::Of::Claims, errors);
    }
  }
}

void check_mapping(const ClaimMapping& mapping, const Path& at, bool prefixed, Errors& errors) {
  if (!mapping.claim.empty() && !mapping.expression.empty()) errors.invalid_text(at, "", kBoth);
  if (!mapping.expression.empty()) check_expression(mapping.expression, at.member("expression"), oidc::Of::Claims, errors);
  if (!prefixed) return;
  if (!mapping.expression.empty() && mapping.prefix) {
    errors.invalid_text(at.member("prefix"), *mapping.prefix, "prefix can't be set when expression is set");
  }
  if (!mapping.claim.empty() && mapping.expression.empty() && !mapping.prefix) {
    errors.required(at.member("prefix"),
                    "prefix is required when claim is set. It can be set to an empty string to disable prefixing");
  }
}

bool is_reserved(std::string_view key) {
  const std::string_view domain = key.substr(0, key.find('/'));
  return std::ranges::any_of(std::initializer_list<std::string_view>{"k8s.io", "kubernetes.io"}, [&](std::string_view own) {
    return domain == own || (domain.ends_with(own) && domain[domain.size() - own.size() - 1] == '.');
  });
}

void check_extra_key(const std::string& key, const Path& at, Errors& errors) {
  if (key.empty()) return errors.required(at, "");
  const auto slash = key.find('/');
  if (slash == key.npos || slash == 0 || slash + 1 == key.size()) {
    return errors.invalid_text(at, key, "must be a domain-prefixed path (such as \"acme.io/foo\")");
  }
  errors.invalid_each(at, key.substr(0, slash), api::check_dns1123_subdomain(key.substr(0, slash)));
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~!$&'()*+,;=:@%/").find(c) != std::string_view::npos;
  };
  if (!std::ranges::all_of(key.substr(slash + 1), is_plain)) {
    errors.invalid_text(at, key.substr(slash + 1), "the path has characters that none may have");
  }
  if (std::ranges::any_of(key, [](char c) { return c >= 'A' && c <= 'Z'; }))
    errors.invalid_text(at, key, "key must be lowercase");
  if (is_reserved(key)) {
    errors.invalid_text(at, key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use");
  }
}

// Whose e-mail address is his name must have shown that it is his.
void check_email(const JwtConfiguration& jwt, const Path& username, Errors& errors) {
  if (!oidc::mentions(jwt.username.expression, "email")) return;
  bool verified = oidc::mentions(jwt.username.expression, "email_verified");
  for (const auto& extra : jwt.extra) verified |= oidc::mentions(extra.expression, "email_verified");
  for (const auto& rule : jwt.claim_rules) verified |= oidc::mentions(rule.expression, "email_verified");
  if (verified) return;
  errors.invalid_text(username.member("expression"), jwt.username.expression,
                      "claims.email_verified must be used in claimMappings.username.expression or "
                      "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in "
                      "claimMappings.username.expression");
}

void check_mappings(const JwtConfiguration& jwt, const Path& at, Errors& errors) {
  const Path username = at.member("username");
  if (jwt.username.empty()) errors.required(username, kEither);
  check_mapping(jwt.username, username, true, errors);
  check_email(jwt, username, errors);
  check_mapping(jwt.groups, at.member("groups"), true, errors);
  check_mapping(jwt.uid, at.member("uid"), false, errors);
  std::set<std::string> keys;
  for (std::size_t i = 0; i < jwt.extra.size(); ++i) {
    const Path extra = at.member("extra").index(i);
    check_extra_key(jwt.extra[i].key, extra.member("key"), errors);
    if (!jwt.extra[i].key.empty() && !keys.insert(jwt.extra[i].key).second) {
      errors.duplicate(extra.member("key"), jwt.extra[i].key);
    }
    const Path expression = extra.member("valueExpression");
    if (jwt.extra[i].expression.empty()) errors.required(expression, "");
    else check_expression(jwt.extra[i].expression, expression, oidc::Of::Claims, errors);
  }
}

void check_user_rules(const JwtConfiguration& jwt, const Path& rules, Errors& errors) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < jwt.user_rules.size(); ++i) {
    const std::string& text = jwt.user_rules[i].expression;
    const Path at = rules.index(i).member("expression");
    if (text.empty()) errors.required(at, "expression is required");
    else if (!seen.insert(text).second) errors.duplicate(at, text);
    else check_expression(text, at, oidc::Of::User, errors);
  }
}

}  // namespace

std::string configuration_problems(const AuthenticationConfiguration& configuration,
                                   const std::vector<std::string>& own_issuers) {
  Errors errors;
  const Path list("jwt");
  if (configuration.jwt.size() > kIssuersMax) errors.too_many(list, configuration.jwt.size(), kIssuersMax);
  std::set<std::string> urls, discovery_urls;
  for (std::size_t i = 0; i < std::min(configuration.jwt.size(), kIssuersMax); ++i) {
    const JwtConfiguration& jwt = configuration.jwt[i];
    const Path at = list.index(i);
    check_issuer(jwt, at.member("issuer"), own_issuers, errors);
    check_claim_rules(jwt, at.member("claimValidationRules"), errors);
    check_mappings(jwt, at.member("claimMappings"), errors);
    check_user_rules(jwt, at.member("userValidationRules"), errors);
    if (!jwt.url.empty() && !urls.insert(jwt.url).second) errors.duplicate(at.member("issuer").member("url"), jwt.url);
    if (!jwt.discovery_url.empty() && !discovery_urls.insert(jwt.discovery_url).second) {
      errors.duplicate(at.member("issuer").member("discoveryURL"), jwt.discovery_url);
    }
  }
  if (const auto& anonymous = configuration.anonymous; anonymous && !anonymous->enabled && !anonymous->paths.empty()) {
    errors.invalid(Path("anonymous").member("conditions"), std::string_view(),
                   "enabled should be set to true when conditions are defined");
  }
  return errors.empty() ? std::string() : api::text_of(errors.list());
}

}  // namespace ph::apiserver

// Who may say who asks: the document of --authentication-config (AuthenticationConfiguration, apiserver.config.k8s.io/v1).
// Reference: "Using Authentication Configuration".
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ph::apiserver {

// Of claimMappings: a claim's name or an expression in CEL; neither: nothing is mapped.
struct ClaimMapping {
  std::string claim, expression;
  std::optional<std::string> prefix;  // of the claim's values
  bool empty() const { return claim.empty() && expression.empty(); }
};

struct JwtConfiguration {
  std::string url, discovery_url;
  std::string ca_pem;  // empty: those that the machine believes
  std::vector<std::string> audiences;
  std::string audience_match_policy;
  std::string egress_selector;  // there are none: one that is named is refused
  struct ClaimRule {
    std::string claim, required_value, expression, message;
  };
  std::vector<ClaimRule> claim_rules;
  ClaimMapping username, groups, uid;
  struct Extra {
    std::string key, expression;
  };
  std::vector<Extra> extra;
  struct UserRule {
    std::string expression, message;
  };
  std::vector<UserRule> user_rules;
  // By which tokens may be signed; no member of the document.
  std::vector<std::string> algorithms;
};

struct AnonymousConfiguration {
  bool enabled = false;
  std::vector<std::string> paths;  // empty: all
};

struct AuthenticationConfiguration {
  std::vector<JwtConfiguration> jwt;
  std::optional<AnonymousConfiguration> anonymous;  // nothing: --anonymous-auth says it
};

// In upstream's words, in one line.
class AuthenticationConfigurationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// YAML or JSON, v1 or v1beta1. Throws AuthenticationConfigurationError: it is no such document, has members that there are not, or does
// not hold (as `configuration_problems` says). `own_issuers`: of service accounts' tokens.
AuthenticationConfiguration parse_authentication_configuration(std::string_view text,
                                                               const std::vector<std::string>& own_issuers);

// What is wrong with one, in one line with upstream's paths and messages; empty: nothing.
std::string configuration_problems(const AuthenticationConfiguration& configuration, const std::vector<std::string>& own_issuers);

// The configuration that is in force, which others may replace. Threads: any.
class CurrentAuthentication {
 public:
  using Held = std::shared_ptr<const AuthenticationConfiguration>;
  explicit CurrentAuthentication(AuthenticationConfiguration first)
      : held_(std::make_shared<const AuthenticationConfiguration>(std::move(first))) {}

  Held get() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }
  void set(AuthenticationConfiguration next) {
    auto held = std::make_shared<const AuthenticationConfiguration>(std::move(next));
    const std::lock_guard lock(mutex_);
    held_.swap(held);
  }

 private:
  mutable std::mutex mutex_;
  Held held_;  // guarded
};

}  // namespace ph::apiserver

// What a token of an issuer must say, and whom that makes its bearer. No I/O, and no signatures: those have been checked.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/cel/expression.h"
#include "apiserver/authn/oidc/configuration.h"
#include "base/time.h"
#include "base/transport.h"

namespace ph::apiserver::oidc {

// Immutable.
class Mapping {
 public:
  // Of a configuration that holds. Throws api::cel::Error.
  explicit Mapping(JwtConfiguration configuration);

  const JwtConfiguration& configuration() const { return configuration_; }
  // Or what is wrong with the claims.
  std::expected<Identity, std::string> user_of(const std::string& payload, Time now) const;

 private:
  // Compiled beside what it was; nothing: there is no expression.
  using Compiled = std::optional<api::cel::Expression>;

  void check_token(const nlohmann::json& claims, Time now) const;
  void check_claims(const nlohmann::json& claims) const;
  void check_user(const Identity& user) const;
  std::string username(const nlohmann::json& claims) const;
  std::vector<std::string> groups(const nlohmann::json& claims) const;
  std::string uid(const nlohmann::json& claims) const;
  void add_extra(const nlohmann::json& claims, Identity& user) const;

  const JwtConfiguration configuration_;
  Compiled username_, groups_, uid_;
  std::vector<Compiled> extra_, claim_rules_, user_rules_;
};

}  // namespace ph::apiserver::oidc

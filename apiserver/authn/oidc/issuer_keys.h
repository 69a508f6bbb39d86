// The keys that an issuer publishes: found by its discovery document, fetched when they are needed, and again when a token names one that
// is not among them. Reference: "OpenID Connect Discovery 1.0", RFC 7517.
#pragma once

#include <expected>
#include <string>

#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/outside.h"
#include "base/log.h"
#include "base/sync.h"
#include "net/jwk_set.h"

namespace ph::apiserver::oidc {

// Where an issuer's discovery document says that its keys are. Throws NoAnswer: it is no such document, or another issuer's.
std::string keys_url(const std::string& document, const JwtConfiguration& issuer);

// Belongs to the server's executor, and outlives its tasks.
class IssuerKeys {
 public:
  // The references outlive it.
  IssuerKeys(const JwtConfiguration& issuer, Outside& outside, const Clock& clock, Log log)
      : issuer_(issuer), outside_(outside), clock_(clock), log_(std::move(log)), scope_(*Executor::current()) {}

  // The payload of a token that one of the keys has signed, or why it cannot be told that one has.
  Task<std::expected<std::string, std::string>> verify(std::string token);

 private:
  bool is_due() const;
  void begin_fetch();
  Task<void> fetch();
  Task<std::string> get(std::string url);

  const JwtConfiguration& issuer_;
  Outside& outside_;
  const Clock& clock_;
  const Log log_;

  net::JwkSet keys_;
  bool known_ = false;  // they have been fetched once
  std::string problem_ = "oidc: the issuer's keys have not been fetched";
  std::optional<Steady> asked_;  // when they were last asked for
  bool asking_ = false;
  Event answered_;
  Scope scope_;  // the fetch, which many may wait for: it goes on when they have gone
};

}  // namespace ph::apiserver::oidc

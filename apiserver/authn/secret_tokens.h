// Tokens of service accounts that are kept in Secrets (kubernetes.io/service-account-token) and have no end: good as long as the Secret
// holds them. Their use is noted at the Secret, so that those that nobody uses can be cleaned away.
// Reference: "Managing Service Accounts", "Legacy ServiceAccount token tracking" (KEP-2799).
#pragma once

#include <functional>
#include <memory>

#include "apiserver/authn/token_keys.h"
#include "apiserver/authn/token_source.h"
#include "base/log.h"
#include "base/metrics.h"

namespace ph::apiserver {

struct SecretTokensWorld {
  const TokenKeys& keys;
  ObjectReader& reader;
  const Clock& clock;
  Audiences api_audiences;
  // Sets a label of a Secret: the day of its last use. Does not throw.
  std::function<Task<void>(ObjectKey secret, std::string label, std::string day)> set_label;
  Log log;
  Metrics* metrics = nullptr;
};

// The references outlive it.
std::unique_ptr<TokenSource> secret_token_source(SecretTokensWorld world);

}  // namespace ph::apiserver

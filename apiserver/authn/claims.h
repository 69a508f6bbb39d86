// What a service account token says. Reference: "Managing Service Accounts", "Bound service account tokens".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/transport.h"

namespace ph::apiserver {

// An object a token is only good for as long as it exists.
struct ClaimedObject {
  std::string name, uid;
};

struct Claims {
  std::string issuer, subject, id;
  std::vector<std::string> audiences;
  Time issued, not_before, expires;
  std::string namespace_name;
  ClaimedObject service_account;
  std::optional<ClaimedObject> pod, secret, node;
  std::optional<Time> warn_after;  // a token of extended life: its holder should have asked for a new one by then
};

std::string encode_claims(const Claims& claims);
// Nothing when the payload is not of a service account token.
std::optional<Claims> parse_claims(std::string_view payload);

// Whom the token makes its bearer.
Identity identity_of(const Claims& claims);

// "system:serviceaccount:NAMESPACE:NAME"
std::string service_account_user(std::string_view namespace_name, std::string_view name);

}  // namespace ph::apiserver

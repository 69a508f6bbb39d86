// Who asks: the client certificate says it, or a service account token.
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authn/service_account_tokens.h"

namespace ph::apiserver {

struct AuthenticatorOptions {
  bool anonymous = true;  // off: requests without credentials get 401 instead of being nobody's
};

// `tokens` must outlive it; null: tokens are not accepted.
std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options);

}  // namespace ph::apiserver

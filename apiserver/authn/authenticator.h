// Who asks: the client certificate says it, a service account token, or one of a file.
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authn/service_account_tokens.h"
#include "apiserver/authn/static_tokens.h"

namespace ph::apiserver {

struct AuthenticatorOptions {
  bool anonymous = true;  // off: requests without credentials get 401 instead of being nobody's
  const StaticTokens* static_tokens = nullptr;
};

// The tokens must outlive it; null: such tokens are not accepted.
std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, AuthenticatorOptions options);

}  // namespace ph::apiserver

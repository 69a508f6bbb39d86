// Who asks: the client certificate says it, or a service account token, or he is anonymous. A known user may then speak for
// another one (Impersonate-User and its kin), if he is allowed to.
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authn/service_account_tokens.h"

namespace ph::apiserver {

struct AuthenticatorOptions {
  bool anonymous = true;  // off: requests without credentials get 401
};

// The references must outlive it. `authorizer` is asked whether impersonation is allowed; null: it is not.
std::unique_ptr<Authenticator> make_authenticator(ServiceAccountTokens* tokens, Authorizer* authorizer,
                                                  AuthenticatorOptions options);

// The user of requests without credentials.
Identity anonymous();

}  // namespace ph::apiserver

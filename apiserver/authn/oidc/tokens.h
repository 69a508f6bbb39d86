// Tokens of the issuers that the authentication configuration names.
#pragma once

#include <memory>

#include "apiserver/authn/oidc/configuration.h"
#include "apiserver/authn/outside.h"
#include "apiserver/authn/token_source.h"
#include "base/log.h"

namespace ph::apiserver {

// Follows the configuration as it changes. The clock outlives it.
std::unique_ptr<TokenSource> jwt_token_source(std::shared_ptr<const CurrentAuthentication> current, WebhookTransports transports,
                                              const Clock& clock, Log log, Audiences api_audiences);

}  // namespace ph::apiserver

// Tokens with which machines join: Secrets of type bootstrap.kubernetes.io/token in kube-system.
// Reference: "Authenticating with Bootstrap Tokens".
#pragma once

#include <memory>

#include "apiserver/authn/token_source.h"

namespace ph::apiserver {

// The references outlive it.
std::unique_ptr<TokenSource> bootstrap_token_source(ObjectReader& reader, const Clock& clock, Audiences api_audiences);

}  // namespace ph::apiserver

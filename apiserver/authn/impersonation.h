// Impersonation: acting as somebody else by request headers. Reference: "Authenticating", "User impersonation".
#pragma once

#include <optional>

#include "apiserver/access.h"

namespace ph::apiserver {

// Whom the request wants to act as; nothing when it does not say. Throws ApiError when `user` may not, or the headers are
// incomplete.
std::optional<Identity> impersonated(const HttpRequest& request, const Identity& user, Authorizer& authorizer);

}  // namespace ph::apiserver

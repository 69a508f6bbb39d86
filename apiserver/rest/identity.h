// Who asks, on whose behalf, and whether he may.
#pragma once

#include "apiserver/rest/core.h"

namespace ph::apiserver {

// All references outlive the wait.

// Throws ApiError (401).
Soon<Identity> authenticate(const Core& core, const HttpRequest& request);
// The identity named by Impersonate-* headers, or `user` itself; throws ApiError (403, 400).
Soon<Identity> impersonate(const Core& core, const HttpRequest& request, Identity user);
// Throws ApiError (403).
Soon<> authorize(const Core& core, const Identity& user, const RequestInfo& info);

}  // namespace ph::apiserver

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

// -- On any thread (base/anywhere.h)

// As `authenticate`; nothing when only the executor can tell.
std::optional<Identity> authenticate_here(const Front& front, const HttpRequest& request);
// As `authorize`; false when only the executor can tell.
bool authorize_here(const Front& front, const Identity& user, const RequestInfo& info);
// Whether somebody wants to be somebody else.
bool is_impersonation(const HttpRequest& request);

}  // namespace ph::apiserver

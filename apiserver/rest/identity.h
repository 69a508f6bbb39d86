// Who asks, on whose behalf, and whether he may.
#pragma once

#include "api/errors.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

inline constexpr std::string_view kAnonymous = "system:anonymous";
inline constexpr std::string_view kUnauthenticated = "system:unauthenticated", kAuthenticated = "system:authenticated";

void add_group(Identity& user, std::string_view group);

// All references outlive the wait.

// Throws ApiError (401).
Soon<Identity> authenticate(const Core& core, const HttpRequest& request);
// The identity named by Impersonate-* headers, or `user` itself; `info` is what the request is for. Throws ApiError (403, 400).
Soon<Identity> impersonate(const Core& core, const HttpRequest& request, const RequestInfo& info, Identity user);
// What is decided, and why, goes into the trail; null: there is none. Throws ApiError (403).
Soon<> authorize(const Core& core, const Identity& user, const RequestInfo& info, audit::Trail* trail = nullptr);
// What whoever may not is told.
api::ApiError forbidden_to(const Identity& user, const RequestInfo& info, std::string_view reason);

// The rule that would let him, and who would have to be bound to it, in words.
std::string missing_right(const Identity& user, const RequestInfo& info);
// Within a catch: of a refusal (403), and for a client that sends "Pilothouse-Explain: true", says as a warning what right is missing.
void explain_refusal(Call& call);

// -- On any thread (base/anywhere.h)

// As `authenticate`; nothing when only the executor can tell.
std::optional<Identity> authenticate_here(const Front& front, const HttpRequest& request);
// As `authorize`; false when only the executor can tell.
bool authorize_here(const Front& front, const Identity& user, const RequestInfo& info, audit::Trail* trail = nullptr);
// Whether somebody wants to be somebody else.
bool is_impersonation(const HttpRequest& request);

}  // namespace ph::apiserver

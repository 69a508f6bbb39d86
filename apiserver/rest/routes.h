// Which paths there are, and what can be done there: a resource's scope and verbs decide, as discovery tells them.
#pragma once

#include <string_view>

#include "api/schema.h"
#include "apiserver/access.h"

namespace ph::apiserver {

// Throws ApiError: 404 for a path that does not exist (that of a cluster's resource below a namespace among them: a right in one
// namespace must not reach it), 405 for what cannot be done there, 400 for a name that no object can have.
void check_route(const api::Resource& resource, const RequestInfo& info, std::string_view method);

}  // namespace ph::apiserver

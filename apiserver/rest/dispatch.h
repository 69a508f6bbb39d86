// From a request to its verb: authentication, impersonation, authorization, negotiation, and errors as answers.
#pragma once

#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Never throws: whatever goes wrong is an answer. The core outlives the task.
Task<HttpResponse> dispatch(Core& core, HttpRequest request);

}  // namespace ph::apiserver

// From a request to its verb: authentication, impersonation, authorization, negotiation, and errors as answers.
#pragma once

#include "apiserver/rest/core.h"

namespace ph::apiserver {

// Never throws: whatever goes wrong is an answer. The core outlives the task.
Task<HttpResponse> dispatch(Core& core, HttpRequest request);

// Whether somebody's body is to be read at all, by the head of his request. Never throws.
Task<HeadVerdict> judge_head(Core& core, HttpRequest head);

}  // namespace ph::apiserver

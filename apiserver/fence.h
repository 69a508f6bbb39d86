// A write's fence: what the lease it names must be for the write to be made (docs/election.md).
#pragma once

#include <optional>

#include "api/fence.h"
#include "apiserver/rest/core.h"

namespace ph::apiserver {

// The fence a request asks for, if it does. Throws 400 when it cannot be read.
std::optional<api::Fence> fence_of_request(const HttpRequest& request);

// That the lease stays as it is now, when that is as the fence says; else throws 409 Conflict with the cause FenceDoesNotHold.
// The words are the same whatever does not hold: a fence is no way to read leases.
Precondition held(Core& core, const api::Fence& fence);

}  // namespace ph::apiserver

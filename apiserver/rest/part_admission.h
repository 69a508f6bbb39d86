// Admission of what a request brings that is no object which is stored: a Binding, an Eviction, a review.
#pragma once

#include "apiserver/rest/core.h"
#include "base/soon.h"

namespace ph::apiserver {

// Asks the plugins that judge such things (PartAdmission), which may put another one in the place of `brought`. Throws ApiError. All
// outlive the wait.
Soon<> admit_part(Core& core, Call& call, api::Object& brought, bool dry_run);

}  // namespace ph::apiserver

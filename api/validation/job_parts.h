// The parts of a Job's validation that only its own files share.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

void check_failure_policy(const batch::v1::JobSpec& spec, const Path& path, Errors& errors);
void check_success_policy(const batch::v1::JobSpec& spec, const Path& path, Errors& errors);

}  // namespace ph::api

// What questions about access must be like. Pure. Upstream: pkg/apis/authorization/validation
#pragma once

#include "api/kinds.h"
#include "api/rules.h"

namespace ph::apiserver {

void check_review(const authorization::v1::SubjectAccessReview& review, api::Errors& errors);
void check_review(const authorization::v1::SelfSubjectAccessReview& review, api::Errors& errors);
// Its namespace is that of the request.
void check_review(const authorization::v1::LocalSubjectAccessReview& review, api::Errors& errors);

}  // namespace ph::apiserver

// What a request asks for, as reviews of access write it down, and back. Pure. Threads: any.
#pragma once

#include "api/kinds.h"
#include "apiserver/access.h"

namespace ph::apiserver {

// The question that somebody else is asked, a webhook: in the words of authorization.k8s.io/v1.
authorization::v1::SubjectAccessReviewSpec spec_of(const Attributes& attributes);

// What the attributes of a review ask for. Selectors that cannot be read narrow nothing.
void read_attributes(const authorization::v1::ResourceAttributes& from, RequestInfo& into);

}  // namespace ph::apiserver

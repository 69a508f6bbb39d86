// What pods/x/resize may change of a pod: the amounts of cpu and memory of its containers, and of itself as a whole.
// Reference: KEP-1287, KEP-5419 (of the pod as a whole), KEP-5532 (init containers).
#pragma once

#include "api/kinds.h"
#include "api/rules.h"

namespace ph::apiserver {

// The pod as it is to be: `stored`, with the resources and policies of `wanted`; where their containers are not the same ones,
// `wanted` as it is, for `check_resize` to refuse.
core::v1::Pod resized(const core::v1::Pod& stored, const core::v1::Pod& wanted);

void check_resize(const core::v1::Pod& now, const core::v1::Pod& old, api::Errors& errors);

}  // namespace ph::apiserver

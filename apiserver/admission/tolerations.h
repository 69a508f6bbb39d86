// Sets of tolerations. Upstream: pkg/util/tolerations
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include "core/v1.pb.h"

namespace ph::apiserver::admission {

using Tolerations = google::protobuf::RepeatedPtrField<core::v1::Toleration>;

// Whatever `narrow` tolerates `wide` does too, at least as long.
bool covers(const core::v1::Toleration& wide, const core::v1::Toleration& narrow);
// `more` behind what is there, without those that others make needless; of equal ones the first stays.
void merge(Tolerations& into, const Tolerations& more);

}  // namespace ph::apiserver::admission

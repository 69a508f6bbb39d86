// matchLabelKeys and mismatchLabelKeys of affinity: the pod's own values of these labels become part of the selectors beside them,
// when the pod is made. (Those of spread constraints are left to the scheduler.) Reference: KEP-3633.
#pragma once

#include "api/kinds.h"

namespace ph::apiserver {

void merge_label_keys(core::v1::Pod& pod);

}  // namespace ph::apiserver

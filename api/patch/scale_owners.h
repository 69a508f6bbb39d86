// Who owns the replicas of a workload, as its scale tells it and is told.
#pragma once

#include <string_view>

#include "meta/v1.pb.h"

namespace ph::api {

// The managed fields of a scale: those of the workload that have its replicas, a dotted path there.
void owners_to_scale(const meta::v1::ObjectMeta& workload, std::string_view replicas, meta::v1::ObjectMeta& scale);
// And back, after the scale was changed: whoever has the replicas there has them here, and nobody else. As upstream's, owners
// that came through the scale have no time.
void owners_from_scale(const meta::v1::ObjectMeta& scale, std::string_view replicas, std::string_view api_version,
                       meta::v1::ObjectMeta& workload);

}  // namespace ph::api

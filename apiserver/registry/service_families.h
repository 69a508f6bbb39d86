// The address families of a service, as its cluster settles them. Done before the service is judged: what does not fit the cluster is
// refused alone.
#pragma once

#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::apiserver {

using ServiceFamilies = std::vector<std::string_view>;  // those of the cluster, its own first

// Fills in families and their policy. Throws ApiError (422).
void settle_families(core::v1::Service& service, const ServiceFamilies& of_cluster);
// What an update may not ask of ports, and no two ports of one service may have. Throws ApiError (422).
void refuse_ports_of_others(const core::v1::Service& service);
void refuse_health_check_change(const core::v1::Service& service, const core::v1::Service& old);

}  // namespace ph::apiserver

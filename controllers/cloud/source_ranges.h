// Who may send to a load balancer.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "controllers/cloud/provider.h"

namespace ph::controllers::cloud {

// As upstream: those of the service's field, or else of its annotation; none: everybody. Or what is wrong with them.
Answer<std::vector<std::string>> source_ranges_of(const core::v1::Service& service);

}  // namespace ph::controllers::cloud

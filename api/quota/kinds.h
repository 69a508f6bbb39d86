// The resources that quotas know more of than their number. Internal to api/quota/.
#pragma once

#include <memory>
#include <string>

#include "api/quota/quota.h"

namespace ph::api::quota {

std::unique_ptr<Counted> counted_pods(std::string count_name);
std::unique_ptr<Counted> counted_services(std::string count_name);
std::unique_ptr<Counted> counted_volume_claims(std::string count_name);
std::unique_ptr<Counted> counted_device_claims(std::string count_name);

// Whether a scope that asks for a name (In, NotIn, Exists, DoesNotExist) holds of an object that has this one; empty: it has none.
bool holds_of_name(const ScopedResourceSelectorRequirement& scope, std::string_view name);

}  // namespace ph::api::quota

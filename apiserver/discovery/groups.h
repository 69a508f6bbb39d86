// Which groups, versions and resources are served, in the forms clients ask for. Pure functions of a list of resources that
// is ordered by group, version and name, as Scheme::resources() is. Reference: "API Discovery".
#pragma once

#include <span>
#include <string>

#include "api/kinds.h"
#include "api/schema.h"

namespace ph::apiserver {

using api::Resources;

// /api. `server_address`: host:port, left out when empty.
meta::v1::APIVersions core_versions(const std::string& server_address);
// /apis: all groups but the core one.
meta::v1::APIGroupList group_list(Resources resources);
// /apis/GROUP; empty name when there is no such group.
meta::v1::APIGroup group(Resources resources, std::string_view name);
// /api/v1, /apis/GROUP/VERSION; no resources when there is no such version.
meta::v1::APIResourceList resource_list(Resources resources, std::string_view group, std::string_view version);
// /api and /apis in the aggregated form.
apidiscovery::v2::APIGroupDiscoveryList aggregated(Resources resources, bool core);

}  // namespace ph::apiserver

// The cluster IPs and families of a service, which are judged before they are given out, too.
#pragma once

#include "api/kinds.h"
#include "api/rules.h"

namespace ph::api {

// They fit each other. Nothing is said of services of type ExternalName. `path`: the spec's.
void check_service_addresses(const core::v1::ServiceSpec& spec, const Path& path, Errors& errors);

}  // namespace ph::api

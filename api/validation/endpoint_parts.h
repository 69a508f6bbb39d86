// What Endpoints, EndpointSlices and Services say about addresses.
#pragma once

#include "api/validation/validation.h"

namespace ph::api {

// Addresses that lead nowhere outside a host: unspecified, loopback, link-local.
void check_endpoint_ip(std::string_view ip, const Path& path, Errors& errors);

}  // namespace ph::api

// Whole OpenAPI documents as JSON texts. Each takes some milliseconds to make. Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/openapi/operations.h"

namespace ph::apiserver {

// Version 3, one for each group version.
std::string openapi_v3(Resources resources, std::string_view group, std::string_view version);
// … and of what is about no resource.
std::string openapi_v3(const OtherPath& other);
// Version 2 ("swagger"), one for everything.
std::string openapi_v2(Resources resources);

}  // namespace ph::apiserver

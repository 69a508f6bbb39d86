// An OpenAPI 2.0 document in the protobuf form of google/gnostic (openapiv2/OpenAPIv2.proto), which older clients insist on.
#pragma once

#include <string>
#include <string_view>

namespace ph::apiserver {

// `document`: as openapi_v2 makes it. Members the form has no place for are left out.
std::string gnostic_v2(std::string_view document);

}  // namespace ph::apiserver

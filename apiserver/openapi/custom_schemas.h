// Definitions of custom kinds: their schemas as they were written, with what every object has.
// Reference: "CustomResourceDefinitions", publishing of validation schemas.
#pragma once

#include <functional>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"
#include "apiserver/openapi/schemas.h"

namespace ph::apiserver {

// {"$ref": …} to a built-in type.
using ReferTo = std::function<nlohmann::json(const api::Schema&)>;

// Of a kind's root or of its list. Version 2 is told less: it knows neither alternatives nor null.
nlohmann::json custom_definition(const api::Schema& schema, OpenApiVersion version, const ReferTo& refer);

}  // namespace ph::apiserver

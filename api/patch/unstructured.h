// What upstream's converter from maps to structs says of a document that does not fit a type.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"

namespace ph::api {

// The first mismatch, without its place, as upstream tells it; empty when the shape of the document fits. Texts that are more
// than texts (times, quantities) are not looked at.
std::string unstructured_error(const Schema& schema, const nlohmann::json& document);

}  // namespace ph::api

// What a custom kind does not type, seen as what it is. Internal to api/.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"

namespace ph::api {

// The schema itself; of a custom RawJson that is not atomic, one of what the document is: objects field by field, lists as a
// whole.
const Schema& as_it_is(const Schema& schema, const nlohmann::json& document);

}  // namespace ph::api

// The annotation in which kubectl keeps what it applied before servers could: read to let it take over its own fields, and kept
// true for those who still go by it. Internal to api/patch/.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/object.h"
#include "api/patch/field_set.h"
#include "api/patch/literal.h"

namespace ph::api {

// The manager it is done for. Others leave the annotation alone.
inline constexpr const char* kKubectl = "kubectl";

// What the annotation says and `live` still has as it says; nothing when there is none that could be read. `live` is `object`.
FieldSet last_applied_fields(const Object& object, const Literal& live);
// Makes an annotation that is there say what has been applied now.
void renew_last_applied(Object& object, nlohmann::json config);

}  // namespace ph::api

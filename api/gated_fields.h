// Fields of features that v1.36 has turned off by default: what is written loses them before it is judged, unless the object has
// such a field already. Gates of our own flags are not among them. Reference: "Adding a field behind a feature gate" in Kubernetes'
// API changes guide.
#pragma once

#include <span>
#include <string_view>

#include "api/object.h"

namespace ph::api {

// Gates that are off, by name.
std::span<const std::string_view> gates_that_are_off();

// `old`: the object before, or null. Custom objects have no such fields. Threads: any.
void drop_gated_fields(Object& now, const Object* old);

}  // namespace ph::api

// Go's names of types, as messages of upstream's decoder tell them.
#pragma once

#include <string_view>

#include "api/schema.h"

namespace ph::api {

// Of a member whose type has a name of its own there ("v1.Protocol", "[]v1.KeyUsage", "map[v1.QualifiedName]v1.DeviceCapacity");
// empty: it has none.
std::string_view go_type_of(const Field& member);
// Of the items or values of such a type: "[]v1.KeyUsage" → "v1.KeyUsage"; empty where the name does not tell.
std::string_view go_item_type(std::string_view type);

}  // namespace ph::api

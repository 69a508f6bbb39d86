// The order of API versions: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, v11alpha2, foo1, foo10.
// Reference: "Versions in CustomResourceDefinitions", version priority.
#pragma once

#include <string_view>

namespace ph::api {

// Whether `a` comes before `b`: it is what clients prefer.
bool is_newer_version(std::string_view a, std::string_view b);

}  // namespace ph::api

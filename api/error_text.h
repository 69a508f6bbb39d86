// What is wrong with an object, as text.
#pragma once

#include <string>
#include <vector>

#include "api/errors.h"

namespace ph::api {

// In one line: the same is told once, and one thing alone stands without brackets.
std::string text_of(const std::vector<FieldError>& errors);

}  // namespace ph::api

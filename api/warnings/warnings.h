// What is taken as it is, and told to be old or risky, in upstream's words: texts of `Warning` headers. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "api/object.h"

namespace ph::api {

using Warnings = std::vector<std::string>;

// Of an object that has been created (`old`: null) or updated, by its kind's line in warnings.def. Kinds without one have none.
Warnings warnings_of(const Object& object, const Object* old);

}  // namespace ph::api

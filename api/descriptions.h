// What types and fields mean, in a sentence or two: the comments in api/proto. They are constants of the program, looked up when
// somebody asks; nothing is kept of them. Of custom kinds nothing is known here: their schemas bring their own. Threads: any.
#pragma once

#include <string_view>

#include "api/schema.h"

namespace ph::api {

// Empty when there is none.
std::string_view description(const Schema& schema);
// A field without a description of its own, such as a kind's metadata, has that of its type.
std::string_view description(const Field& field);

}  // namespace ph::api

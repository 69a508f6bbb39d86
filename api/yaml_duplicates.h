// What a strict reader says of a YAML text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ph::api {

// Keys that a mapping has twice, in the words of Go's library: `line 7: key "a" already set in map`. Nothing for a text that
// cannot be read. No more than a hundred are told.
std::vector<std::string> yaml_duplicates(std::string_view text);

}  // namespace ph::api

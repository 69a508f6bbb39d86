// YAML as the bodies of requests have it, and what a strict reader says of such a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ph::api {

// Keys that a mapping has twice, in the words of Go's library: `line 7: key "a" already set in map`. Nothing for a text that
// cannot be read. No more than a hundred are told.
std::vector<std::string> yaml_duplicates(std::string_view text);

// The first document as JSON, as upstream makes it: members in the order of their names, of several of one name the last; "null"
// where there is none. Throws DecodeError.
std::string yaml_body_to_json(std::string_view text);

}  // namespace ph::api

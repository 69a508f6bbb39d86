// YAML as a document, for files and bodies that are looked at member by member.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ph::api {

// The first document of a text; null where there is none. Throws DecodeError, also for a text that is not UTF-8.
nlohmann::json yaml_document(std::string_view text);

}  // namespace ph::api

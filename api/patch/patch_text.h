// The text of a patch as upstream reads it, and documents as Go prints them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ph::api {

struct PatchText {
  nlohmann::json document;
  // `duplicate field "data.a"`; the last one of them counts. No more than a hundred are told.
  std::vector<std::string> duplicates;
};

// Of a text that is JSON and not deeper than the codecs allow: see json_syntax_error.
PatchText parse_patch(const std::string& text);

// Whole numbers that were written with a fraction or an exponent become integers: what upstream's converter makes of them.
void make_whole(nlohmann::json& document);

// As Go's %v prints maps and slices: map[a:1 b:[x y] c:<nil>].
std::string go_text(const nlohmann::json& document);
// "map[string]interface {}", "[]interface {}", "int64", …
std::string_view go_type(const nlohmann::json& value);
// "map", "slice", "int64", …: the kind of that type.
std::string_view go_kind(const nlohmann::json& value);

}  // namespace ph::api

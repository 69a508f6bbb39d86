// JSON as text: what is wrong with it in Go's words, compact and indented forms, escaping. Internal to the codecs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ph::api {

// What Go's encoding/json says about a text that is not one JSON value, e.g. `invalid character 'x' looking for beginning of
// value`; empty when it is one. Nesting deeper than `depth_max` is an error too.
std::string json_syntax_error(std::string_view text, int depth_max);

// What Go's encoding/json calls the type of a value: "bool", "number", "string", "array", "object", "null".
std::string_view json_type_name(const nlohmann::json& value);

// Appends a valid text without white space; with `escape`, < > & U+2028 U+2029 are escaped, as Go does when it embeds one.
void append_compact_json(std::string_view text, bool escape, std::string& out);
// Appends a string literal. What is not UTF-8 becomes \ufffd.
void append_json_string(std::string_view text, std::string& out);
void append_json_double(double value, std::string& out);
// A compact text with a member a line, and that many spaces a level.
std::string indent_json(std::string_view compact, std::size_t spaces = 2);

// The text with every byte that is not UTF-8, and every escape of half a surrogate pair, replaced by U+FFFD, as Go reads them.
std::string mend_json(std::string_view text);
// The document of a text that a codec wrote. Only raw JSON within it can need mending.
nlohmann::json parse_written(const std::string& text);

// The length of the UTF-8 sequence at `at`; 0 when it is none.
std::size_t utf8_length(std::string_view text, std::size_t at);
bool is_utf8(std::string_view text);

// Standard base64 with padding.
void append_base64(std::string_view bytes, std::string& out);
// Empty on success, else Go's words.
std::string decode_base64(std::string_view text, std::string& out);

}  // namespace ph::api

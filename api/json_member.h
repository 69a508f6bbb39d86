// Members of JSON by their names. Of text, found without reading the rest: it must be JSON: one that a codec wrote or judged. Names are
// compared as they are written, which is how codecs write them: without escapes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace ph::api {

// The text of one member of an object; nothing when it has none of that name, or is no object. A view into `text`.
std::optional<std::string_view> json_member(std::string_view text, std::string_view name);
// The same by names of objects within each other, separated by dots.
std::optional<std::string_view> json_at(std::string_view text, std::string_view dotted);
// Calls `use(name, value)` for every member, in the order of the text.
template <class Use>
void for_each_json_member(std::string_view text, Use&& use);

// The same of a document: by names separated by dots; null when there is none.
const nlohmann::json* document_at(const nlohmann::json& document, std::string_view dotted);
// The text that stands there; empty when there is none.
std::string document_text(const nlohmann::json& document, std::string_view dotted);

// What a value's text means as plain text: of a string its content, else the text itself; null is empty.
std::string json_plain(std::string_view value);

namespace json_scan {

void skip_space(std::string_view text, std::size_t& at);
// The value at `at`, which then stands behind it.
std::string_view value(std::string_view text, std::size_t& at);
// At an object's `{` or behind a member: the next member's name without its quotes; nothing at the end. `at` then stands at its value.
std::optional<std::string_view> next_name(std::string_view text, std::size_t& at);

}  // namespace json_scan

template <class Use>
void for_each_json_member(std::string_view text, Use&& use) {
  std::size_t at = 0;
  while (const auto name = json_scan::next_name(text, at)) {
    const std::string_view value = json_scan::value(text, at);
    use(*name, value);
  }
}

}  // namespace ph::api

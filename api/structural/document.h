// Documents of custom kinds as JSON text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/codec.h"

namespace ph::api::structural {

// An object of a custom kind from its text. Numbers are as Go has them: whole ones that fit 64 bits are integers, all others
// (1.0 and 1e1 among them) are doubles. Members named twice are complained about as options say, `duplicate field "spec.foo"`;
// the last one counts. Throws DecodeError for text that is not an object.
nlohmann::json read_document(std::string_view text, const DecodeOptions& options = {});

// Throws DecodeError for what is nested deeper than a text may be. Patches can make such a document: to be asked of their result
// before anything else is done with it.
void check_depth(const nlohmann::json& document, int depth_max = DecodeOptions().depth_max);

// Appends compact JSON as Go writes it: members sorted, doubles that are whole without a point, <, > and & escaped.
void append_document(const nlohmann::json& document, std::string& out);

// A value as Go's %v shows it: 1e+06, true, text as it is; objects and lists as JSON.
std::string plain_text(const nlohmann::json& value);
// … and as messages about invalid values do: text in quotes.
std::string value_text(const nlohmann::json& value);
std::string go_double(double value);

}  // namespace ph::api::structural

// The formats of texts that upstream checks. Internal to api/structural.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ph::api::structural {

// The format as it is checked for a value of these types, without dashes ("datetime"); empty when upstream does not know it.
std::string checked_format(const std::vector<std::string>& types, std::string_view format);

// Whether a text is of a format that `checked_format` gave.
bool has_format(std::string_view text, std::string_view format);

}  // namespace ph::api::structural

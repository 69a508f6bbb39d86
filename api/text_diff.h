// What differs between two texts, line by line, as upstream's messages tell it: hunks of a unified diff with three lines around a
// change, found by Ratcliff and Obershelp's longest matches (as Python's difflib does, popular lines of long texts left out).
#pragma once

#include <string>
#include <string_view>

namespace ph::api {

// Empty when they are the same. Every line ends with a newline, the last one, too. What would take too long to compare counts as
// changed. Threads: any.
std::string diff_lines(std::string_view old_text, std::string_view new_text);

}  // namespace ph::api

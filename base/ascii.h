// Texts whose letters are ASCII's: names, keys, headers. No locale matters.
#pragma once

#include <string>
#include <string_view>

namespace ph {

// Other bytes stay as they are.
inline std::string lower_ascii(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace ph

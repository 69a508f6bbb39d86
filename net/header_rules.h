// Rules of header fields that hold in both versions of HTTP.
#pragma once

#include <algorithm>
#include <string_view>

namespace ph::net {

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline bool same_token(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// Fields about one connection, which messages must not carry along.
inline bool belongs_to_connection(std::string_view name) {
  for (const std::string_view other : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}) {
    if (same_token(name, other)) return true;
  }
  return false;
}

// Nothing that would end the field and begin another.
inline bool is_field(std::string_view name, std::string_view value) {
  static constexpr std::string_view kBreaks("\r\n\0", 3);
  return !name.empty() && name.find_first_of(": \t\r\n") == name.npos && value.find_first_of(kBreaks) == value.npos;
}

}  // namespace ph::net

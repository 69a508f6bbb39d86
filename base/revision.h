// The store's number of a change: it grows with every commit, and orders everything.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace ph {

struct Revision {
  std::uint64_t value = 0;
  auto operator<=>(const Revision&) const = default;
};

inline std::string to_string(Revision revision) { return std::to_string(revision.value); }
inline auto format_as(Revision revision) { return revision.value; }

}  // namespace ph

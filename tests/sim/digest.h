// A digest of bytes that is the same in every process and every build (FNV-1a). No secret is safe with it.
#pragma once

#include <cstdint>
#include <string_view>

namespace ph::sim {

inline constexpr std::uint64_t kDigestBegin = 0xcbf29ce484222325ull;

// `so_far`: of what comes before these bytes.
inline std::uint64_t digest(std::string_view bytes, std::uint64_t so_far = kDigestBegin) {
  for (const unsigned char c : bytes) so_far = (so_far ^ c) * 0x100000001b3ull;
  return so_far;
}

}  // namespace ph::sim

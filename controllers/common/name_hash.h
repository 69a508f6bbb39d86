// Hashes as they stand in the names of what loops make (upstream: rand.SafeEncodeString).
#pragma once

#include <cstdint>
#include <string>

#include "base/rng.h"

namespace ph::controllers {

// The digits of a hash as letters and digits that spell no words.
inline std::string spelled_hash(std::uint32_t hash) {
  std::string out = std::to_string(hash);
  for (char& c : out) c = kNameAlphabet[static_cast<unsigned char>(c) % kNameAlphabet.size()];
  return out;
}

}  // namespace ph::controllers

#include "base/rng.h"

#include <sys/random.h>

#include <bit>
#include <utility>

#include "base/assert.h"

namespace ph {

std::uint64_t Rng::below(std::uint64_t bound) {
  PH_ASSERT(bound > 0);
  // Rejection keeps the result uniform: the first `2^64 mod bound` values are thrown away.
  const std::uint64_t threshold = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= threshold) return value % bound;
  }
}

double Rng::fraction() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::string Rng::text(std::size_t length, std::string_view alphabet) {
  std::string out(length, '\0');
  for (char& c : out) c = alphabet[below(alphabet.size())];
  return out;
}

std::string Rng::uuid() {
  static constexpr char kHex[] = "0123456789abcdef";
  std::uint64_t words[2] = {next(), next()};
  words[0] = (words[0] & ~0xf000ull) | 0x4000ull;
  words[1] = (words[1] & ~(3ull << 62)) | (2ull << 62);
  std::string out;
  out.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) out.push_back('-');
    out.push_back(kHex[(words[digit / 16] >> (60 - 4 * (digit % 16))) & 0xf]);
  }
  return out;
}

SeededRng::SeededRng(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15ull;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

namespace {

// What the kernel gives in one call, and so a thread at a time.
class Entropy {
 public:
  std::uint64_t next() {
    if (at_ == kCount) refill();
    return std::exchange(numbers_[at_++], 0);  // who reads this memory later learns nothing of what was handed out
  }

 private:
  static constexpr std::size_t kCount = 32;  // 256 bytes: more is not to be had at once

  void refill() {
    PH_ASSERT(::getentropy(numbers_, sizeof numbers_) == 0);  // only if there is no such call
    at_ = 0;
  }

  std::uint64_t numbers_[kCount] = {};
  std::size_t at_ = kCount;
};

}  // namespace

std::uint64_t SystemRng::next() {
  thread_local Entropy entropy;
  return entropy.next();
}

}  // namespace ph

// The only source of randomness. A daemon gets `SystemRng`; the simulation gets `SeededRng`, so that one seed gives one history.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ph {

// Threads: an instance belongs to one executor, except SystemRng, which any thread may use.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1).
  double fraction();
  // `length` characters of `alphabet`.
  std::string text(std::size_t length, std::string_view alphabet);
  // A version 4 UUID in the usual 36 characters.
  std::string uuid();
};

// xoshiro256** seeded by splitmix64: fast, and the same on every machine.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::uint64_t state_[4];
};

// The operating system's generator; fit for keys and UIDs. A thread takes its numbers from the kernel in blocks. Not across a fork:
// both sides would go on with the same block.
class SystemRng final : public Rng {
 public:
  std::uint64_t next() override;
};

// The alphabet of generated names: no vowels, nothing that reads like another character.
inline constexpr std::string_view kNameAlphabet = "bcdfghjklmnpqrstvwxz2456789";

}  // namespace ph

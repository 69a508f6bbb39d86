// A range of IPv4 addresses, and which numbers of a range are in use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/rng.h"

namespace ph::apiserver {

// "10.96.0.0/12". Addresses are offsets from its first one.
class IpRange {
 public:
  // Throws std::invalid_argument.
  static IpRange parse(std::string_view cidr);

  std::uint32_t size() const { return size_; }
  std::string text(std::uint32_t offset) const;
  // Nothing when the address is not a usable one of the range (network and broadcast address are not).
  std::optional<std::uint32_t> offset(std::string_view address) const;
  const std::string& cidr() const { return cidr_; }

 private:
  std::string cidr_;
  std::uint32_t base_ = 0, size_ = 0;
};

// Numbers in [first, last] that are taken. New ones come from above a band that is left to those who ask for a certain
// number; the band is used when nothing else is free.
class NumberPool {
 public:
  NumberPool(std::uint32_t first, std::uint32_t last, std::uint32_t band) : first_(first), last_(last), band_(band) {}

  bool contains(std::uint32_t number) const { return number >= first_ && number <= last_; }
  bool taken(std::uint32_t number) const { return taken_.contains(number); }
  void take(std::uint32_t number) { taken_.insert(number); }
  void release(std::uint32_t number) { taken_.erase(number); }
  // A free number, at random; nothing when all are taken. It is not taken by this.
  std::optional<std::uint32_t> pick(Rng& rng) const;

 private:
  std::optional<std::uint32_t> pick_between(Rng& rng, std::uint32_t first, std::uint32_t last) const;

  std::uint32_t first_, last_, band_;
  std::unordered_set<std::uint32_t> taken_;  // never iterated
};

}  // namespace ph::apiserver

// A range of addresses of one family, and which numbers of a range are in use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "api/addresses.h"
#include "base/rng.h"

namespace ph::apiserver {

// "10.96.0.0/12" or "fd00::/108". Addresses are offsets from its first one.
class IpRange {
 public:
  // Throws std::invalid_argument. Of IPv4 from /8 to /30, of IPv6 from /100 to /126.
  static IpRange parse(std::string_view cidr);
  // One range, or one of each family with a comma between them; the first one's is the cluster's own.
  static std::vector<IpRange> parse_all(std::string_view cidrs);

  bool is_v6() const { return base_.is_v6; }
  std::string_view family() const { return is_v6() ? "IPv6" : "IPv4"; }
  std::uint32_t size() const { return size_; }
  // The last usable offset; the first one is 1, the network's address being none. IPv6 has no broadcast address.
  std::uint32_t last() const { return is_v6() ? size_ - 1 : size_ - 2; }
  std::string text(std::uint32_t offset) const;
  // Nothing when the address is not a usable one of the range.
  std::optional<std::uint32_t> offset(std::string_view address) const;
  const std::string& cidr() const { return cidr_; }

 private:
  std::string cidr_;
  api::Address base_;
  std::uint32_t size_ = 0;
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

#include "apiserver/registry/ip_range.h"

#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace ph::apiserver {
namespace {

std::optional<std::uint32_t> parse_address(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value > 255) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    address = address << 8 | value;
  }
  if (!text.empty()) return std::nullopt;
  return address;
}

}  // namespace

IpRange IpRange::parse(std::string_view cidr) {
  const auto slash = cidr.find('/');
  const auto base = parse_address(cidr.substr(0, slash));
  int bits = -1;
  if (slash != std::string_view::npos) std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), bits);
  if (!base || bits < 8 || bits > 30) throw std::invalid_argument(fmt::format("not an IPv4 service range: {}", cidr));
  IpRange range;
  range.size_ = 1u << (32 - bits);
  range.base_ = *base & ~(range.size_ - 1);
  range.cidr_ = fmt::format("{}/{}", range.text(0), bits);
  return range;
}

std::string IpRange::text(std::uint32_t offset) const {
  const std::uint32_t address = base_ + offset;
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

std::optional<std::uint32_t> IpRange::offset(std::string_view address) const {
  const auto parsed = parse_address(address);
  if (!parsed || *parsed <= base_ || *parsed - base_ >= size_ - 1) return std::nullopt;
  return *parsed - base_;
}

std::optional<std::uint32_t> NumberPool::pick(Rng& rng) const {
  if (const auto upper = pick_between(rng, first_ + band_, last_)) return upper;
  return pick_between(rng, first_, first_ + band_ - 1);
}

std::optional<std::uint32_t> NumberPool::pick_between(Rng& rng, std::uint32_t first, std::uint32_t last) const {
  if (first > last) return std::nullopt;
  const std::uint32_t count = last - first + 1;
  // From a random place onwards, so that a full stretch is walked at most once.
  const auto start = static_cast<std::uint32_t>(rng.below(count));
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t number = first + (start + i) % count;
    if (!taken_.contains(number)) return number;
  }
  return std::nullopt;
}

}  // namespace ph::apiserver

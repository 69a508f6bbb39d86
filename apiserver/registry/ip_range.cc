#include "apiserver/registry/ip_range.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace ph::apiserver {
namespace {

// The last four bytes of an address of its family, as a number; what the ranges here are of ends in them.
constexpr std::size_t kTail = 4;

std::size_t tail_at(const api::Address& address) { return (address.is_v6 ? 16 : 4) - kTail; }

std::uint32_t tail(const api::Address& address) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < kTail; ++i) out = out << 8 | address.bytes[tail_at(address) + i];
  return out;
}

void set_tail(api::Address& address, std::uint32_t number) {
  for (std::size_t i = kTail; i > 0; --i, number >>= 8)
    address.bytes[tail_at(address) + i - 1] = static_cast<std::uint8_t>(number & 255);
}

bool is_as_long_as_ranges_are(const api::AddressRange& range) {
  return range.address.is_v6 ? range.bits >= 100 && range.bits <= 126 : range.bits >= 8 && range.bits <= 30;
}

}  // namespace

IpRange IpRange::parse(std::string_view cidr) {
  const auto read = api::read_address_range(cidr);
  if (!read || !is_as_long_as_ranges_are(*read)) throw std::invalid_argument(fmt::format("not a service range: {}", cidr));
  IpRange range;
  range.base_ = read->network();
  range.size_ = 1u << ((read->address.is_v6 ? 128 : 32) - read->bits);
  range.cidr_ = read->text();
  return range;
}

std::vector<IpRange> IpRange::parse_all(std::string_view cidrs) {
  std::vector<IpRange> out;
  const auto comma = cidrs.find(',');
  out.push_back(parse(cidrs.substr(0, comma)));
  if (comma == cidrs.npos) return out;
  out.push_back(parse(cidrs.substr(comma + 1)));
  if (out[0].is_v6() == out[1].is_v6()) throw std::invalid_argument(fmt::format("two service ranges of one family: {}", cidrs));
  return out;
}

std::string IpRange::text(std::uint32_t offset) const {
  api::Address address = base_;
  set_tail(address, tail(base_) + offset);
  return address.text();
}

std::optional<std::uint32_t> IpRange::offset(std::string_view text) const {
  const auto address = api::read_address(text);
  if (!address || address->is_v6 != is_v6()) return std::nullopt;
  const auto head = static_cast<std::ptrdiff_t>(tail_at(base_));
  if (!std::equal(base_.bytes.begin(), base_.bytes.begin() + head, address->bytes.begin())) return std::nullopt;
  const std::uint32_t number = tail(*address), first = tail(base_);
  if (number <= first || number - first > last()) return std::nullopt;
  return number - first;
}

std::optional<std::uint32_t> NumberPool::pick(Rng& rng) const {
  if (const auto upper = pick_between(rng, first_ + band_, last_)) return upper;
  return pick_between(rng, first_, std::min(last_, first_ + band_ - 1));
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

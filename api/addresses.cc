#include "api/addresses.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ph::api {
namespace {

constexpr std::size_t kV4Bytes = 4, kMappedAt = 10;

// A decimal number up to `max`.
std::optional<unsigned> read_number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool starts_with_zero(std::string_view number) { return number.size() > 1 && number.front() == '0'; }

std::optional<Address> read_v4(std::string_view text) {
  Address out;
  for (std::size_t part = 0; part < kV4Bytes; ++part) {
    const auto dot = part + 1 < kV4Bytes ? text.find('.') : text.size();
    if (dot == text.npos) return std::nullopt;
    const std::string_view number = text.substr(0, dot);
    const auto value = read_number(number, 255);
    if (!value) return std::nullopt;
    out.bytes[part] = static_cast<std::uint8_t>(*value);
    out.has_leading_zeros |= starts_with_zero(number);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out;
}

std::string v4_text(const std::uint8_t* bytes) { return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]); }

std::string v6_text(const Address& address) {
  constexpr std::size_t kGroups = 8;
  const auto group = [&](std::size_t i) { return address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]; };
  // The first of the longest runs of zeros is left out, if it is one of two at least.
  std::size_t from = kGroups, length = 1;
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t end = i;
    while (end < kGroups && group(end) == 0) ++end;
    if (end - i <= length) continue;
    from = i;
    length = end - i;
  }
  std::string out;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (i == from) {
      out += "::";
      i += length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    out += fmt::format("{:x}", group(i));
  }
  return out;
}

}  // namespace

bool Address::is_mapped() const {
  const auto zero = [](std::uint8_t byte) { return byte == 0; };
  return is_v6 && std::all_of(bytes.begin(), bytes.begin() + kMappedAt, zero) && bytes[kMappedAt] == 0xff &&
         bytes[kMappedAt + 1] == 0xff;
}

std::string Address::text() const {
  if (!is_v6) return v4_text(bytes.data());
  return is_mapped() ? v4_text(bytes.data() + kMappedAt + 2) : v6_text(*this);
}

bool AddressRange::is_standard() const { return !has_leading_zeros && !address.has_leading_zeros && !address.is_mapped(); }

Address AddressRange::network() const {
  Address out = address;
  for (unsigned i = 0; i < out.bytes.size(); ++i) {
    const unsigned kept = std::clamp(bits, 8 * i, 8 * i + 8) - 8 * i;
    out.bytes[i] = static_cast<std::uint8_t>(out.bytes[i] & 0xff00 >> kept);
  }
  return out;
}

std::string AddressRange::text() const { return fmt::format("{}/{}", network().text(), bits); }

bool AddressRange::contains(const Address& other) const {
  if (address.is_v6 != other.is_v6) return false;
  return AddressRange{.address = other, .bits = bits}.network().bytes == network().bytes;
}

std::optional<Address> read_address(std::string_view text) {
  if (text.find(':') == text.npos) return read_v4(text);
  Address out{.is_v6 = true};
  const std::string terminated(text);
  if (text.find('\0') != text.npos || inet_pton(AF_INET6, terminated.c_str(), out.bytes.data()) != 1) return std::nullopt;
  return out;
}

std::optional<AddressRange> read_address_range(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto address = read_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view number = text.substr(slash + 1);
  const auto bits = read_number(number, address->is_v6 ? 128 : 32);
  if (!bits) return std::nullopt;
  return AddressRange{.address = *address, .bits = *bits, .has_leading_zeros = starts_with_zero(number)};
}

}  // namespace ph::api

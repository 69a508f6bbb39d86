// IP addresses and ranges of them in texts. Read leniently, as Kubernetes has always read them (decimal numbers may begin with
// zeros); who takes new ones asks whether they are in the standard form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ph::api {

struct Address {
  std::array<std::uint8_t, 16> bytes{};  // of IPv4: the first four
  bool is_v6 = false;
  bool has_leading_zeros = false;

  bool is_mapped() const;    // an IPv4 address in the clothes of an IPv6 one
  std::string text() const;  // canonical: RFC 5952
};

// "10.0.0.0/8": an address, and how many of its bits tell the network.
struct AddressRange {
  Address address;  // as written: bits beyond the prefix may be set
  unsigned bits = 0;
  bool has_leading_zeros = false;  // in the number of bits

  bool is_standard() const;  // no leading zeros, no address of one family written as of the other
  Address network() const;
  std::string text() const;  // canonical, of the network
  // Of the same family, and within.
  bool contains(const Address& other) const;
};

// Nothing when it is none.
std::optional<Address> read_address(std::string_view text);
std::optional<AddressRange> read_address_range(std::string_view text);

}  // namespace ph::api

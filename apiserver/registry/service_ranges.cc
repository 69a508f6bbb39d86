#include "apiserver/registry/service_ranges.h"

#include <algorithm>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/cache/cache.h"

namespace ph::apiserver {
namespace {

using networking::v1::ServiceCIDR;

bool gives_addresses(const ServiceCIDR& range) {
  if (range.metadata().has_deletion_timestamp()) return false;
  return std::ranges::any_of(range.status().conditions(),
                             [](const auto& c) { return c.type() == "Ready" && c.status() == "True"; });
}

unsigned length_of(const api::Address& address) { return address.is_v6 ? 128 : 32; }

void set_bit(api::Address& address, unsigned at, bool value) {
  const auto mask = static_cast<std::uint8_t>(1u << (7 - at % 8));
  address.bytes[at / 8] = static_cast<std::uint8_t>(value ? address.bytes[at / 8] | mask : address.bytes[at / 8] & ~mask);
}

}  // namespace

std::vector<api::AddressRange> ready_service_ranges(ObjectReader& reader, std::string_view family) {
  std::vector<api::AddressRange> out;
  const Snapshot snapshot = reader.cache(*reader.resource(api::schema_of<ServiceCIDR>()))->snapshot();
  for (const EntryRef& entry : *snapshot.entries) {
    ServiceCIDR object;
    api::decode_envelope(*entry->protobuf, object);
    if (!gives_addresses(object)) continue;
    for (const std::string& cidr : object.spec().cidrs()) {
      const auto range = api::read_address_range(cidr);
      if (range && (range->address.is_v6 ? "IPv6" : "IPv4") == family) out.push_back(*range);
    }
  }
  return out;
}

bool is_usable(const api::AddressRange& range, const api::Address& address) {
  if (!range.contains(address) || address.bytes == range.network().bytes) return false;
  if (address.is_v6) return true;
  api::Address last = range.network();
  for (unsigned at = range.bits; at < length_of(last); ++at) set_bit(last, at, true);
  return address.bytes != last.bytes;
}

std::optional<api::Address> random_address(const api::AddressRange& range, Rng& rng) {
  // With two bits there are addresses besides the first and the last.
  if (range.bits + 2 > length_of(range.address)) return std::nullopt;
  for (;;) {
    api::Address out = range.network();
    for (unsigned at = range.bits; at < length_of(out); ++at) set_bit(out, at, rng.below(2) == 1);
    if (is_usable(range, out)) return out;
  }
}

}  // namespace ph::apiserver

// The ranges of service addresses that ServiceCIDR objects add to those the server was started with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/addresses.h"
#include "apiserver/access.h"
#include "base/rng.h"

namespace ph::apiserver {

// Of one family, in the order of the objects' names: what is ready and stays. Those that the server was started with may be among them.
std::vector<api::AddressRange> ready_service_ranges(ObjectReader& reader, std::string_view family);

// One that a service may have: neither the network's own nor, of IPv4, the one for all.
bool is_usable(const api::AddressRange& range, const api::Address& address);

// Any of them; of a range without any, nothing.
std::optional<api::Address> random_address(const api::AddressRange& range, Rng& rng);

}  // namespace ph::apiserver

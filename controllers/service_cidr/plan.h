// Which ranges of service addresses may go, and what their condition Ready says. Pure.
// Reference: "Virtual IPs and Service Proxies", "Extend Service IP Ranges" in the Kubernetes documentation; KEP-1880.
#pragma once

#include <string>
#include <vector>

#include "controllers/runtime/loop.h"
#include "networking/v1.pb.h"

namespace ph::controllers::service_cidr {

using networking::v1::IPAddress;
using networking::v1::ServiceCIDR;

inline constexpr const char* kFinalizer = "networking.k8s.io/service-cidr-finalizer";
inline constexpr const char* kManager = "service-cidr-controller";
// So long a deleted range stays at least: until then somebody may still give an address of it.
inline constexpr Duration kGrace = 10s;

using Ranges = std::vector<Ref<ServiceCIDR>>;
using Addresses = std::vector<Ref<IPAddress>>;

// A service's: not one that somebody keeps by hand.
bool is_given(const IPAddress& address);

// Have addresses in common.
bool overlap(const ServiceCIDR& a, const ServiceCIDR& b);
bool contains(const ServiceCIDR& range, const IPAddress& address);

// Whether each address that is given of a deleted range is also of another one, which stays. `all`: every range, this one too.
bool may_go(const ServiceCIDR& range, const Ranges& all, const Addresses& addresses);

meta::v1::Condition ready(Time now);
meta::v1::Condition waiting_for_addresses(Time now);
// The condition of that type says the same already, whenever it came to do so.
bool says(const ServiceCIDR& range, const meta::v1::Condition& condition);

}  // namespace ph::controllers::service_cidr

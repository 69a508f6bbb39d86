#include "controllers/service_cidr/plan.h"

#include <algorithm>

#include "api/addresses.h"
#include "api/times.h"
#include "controllers/common/conditions.h"

namespace ph::controllers::service_cidr {
namespace {

constexpr const char* kManagedBy = "ipaddress.kubernetes.io/managed-by";
constexpr const char* kAllocator = "ipallocator.k8s.io";
constexpr const char* kReady = "Ready";

// What nobody can read is no range.
std::vector<api::AddressRange> ranges_of(const ServiceCIDR& of) {
  std::vector<api::AddressRange> out;
  for (const std::string& cidr : of.spec().cidrs()) {
    if (const auto range = api::read_address_range(cidr)) out.push_back(*range);
  }
  return out;
}

bool is_within(const api::AddressRange& inner, const api::AddressRange& outer) {
  return inner.bits >= outer.bits && outer.contains(inner.address);
}

bool stays(const ServiceCIDR& other, const ServiceCIDR& than) {
  return other.metadata().name() != than.metadata().name() && !other.metadata().has_deletion_timestamp();
}

// All that could ever be given of it is of ranges that stay.
bool is_covered(const ServiceCIDR& range, const Ranges& all) {
  return std::ranges::all_of(ranges_of(range), [&](const api::AddressRange& part) {
    return std::ranges::any_of(all, [&](const Ref<ServiceCIDR>& other) {
      const auto parts = ranges_of(*other);
      return stays(*other, range) && std::ranges::any_of(parts, [&](const auto& each) { return is_within(part, each); });
    });
  });
}

meta::v1::Condition condition(const char* status, const char* reason, const char* message, Time now) {
  meta::v1::Condition out;
  out.set_type(kReady);
  out.set_status(status);
  out.set_reason(reason);
  out.set_message(message);
  api::set_time(out.mutable_last_transition_time(), now);
  return out;
}

}  // namespace

bool is_given(const IPAddress& address) {
  const auto found = address.metadata().labels().find(kManagedBy);
  return found != address.metadata().labels().end() && found->second == kAllocator;
}

bool overlap(const ServiceCIDR& a, const ServiceCIDR& b) {
  const auto of_a = ranges_of(a), of_b = ranges_of(b);
  return std::ranges::any_of(of_a, [&](const auto& x) {
    return std::ranges::any_of(of_b, [&](const auto& y) { return is_within(x, y) || is_within(y, x); });
  });
}

bool contains(const ServiceCIDR& range, const IPAddress& address) {
  const auto read = api::read_address(address.metadata().name());
  const auto parts = ranges_of(range);
  return read && std::ranges::any_of(parts, [&](const auto& part) { return part.contains(*read); });
}

bool may_go(const ServiceCIDR& range, const Ranges& all, const Addresses& addresses) {
  if (is_covered(range, all)) return true;
  return std::ranges::all_of(addresses, [&](const Ref<IPAddress>& address) {
    if (!is_given(*address) || !contains(range, *address)) return true;
    return std::ranges::any_of(all, [&](const auto& other) { return stays(*other, range) && contains(*other, *address); });
  });
}

meta::v1::Condition ready(Time now) { return condition("True", "", "Kubernetes Service CIDR is ready", now); }

meta::v1::Condition waiting_for_addresses(Time now) {
  return condition("False", "Terminating",
                   "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR",
                   now);
}

bool says(const ServiceCIDR& range, const meta::v1::Condition& condition) {
  const meta::v1::Condition* const there = find_condition(range.status(), condition.type());
  return there && there->status() == condition.status() && there->reason() == condition.reason() &&
         there->message() == condition.message();
}

}  // namespace ph::controllers::service_cidr

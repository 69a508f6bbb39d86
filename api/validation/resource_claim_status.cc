// The status of a resource.k8s.io/v1 ResourceClaim: what was allocated to it, who has it reserved, what drivers say of its devices.
#include <fmt/format.h>

#include "api/addresses.h"
#include "api/validation/device_parts.h"

namespace ph::api {

using namespace resources::v1;

namespace {

constexpr std::size_t kReservedMax = 256, kResultsMax = 32, kAllocationConfigMax = 64;
constexpr std::size_t kConditionsMax = 8, kDataMax = 10 * 1024;
constexpr std::size_t kInterfaceNameMax = 256, kHardwareAddressMax = 128, kIpsMax = 16;

void check_consumer(const ResourceClaimConsumerReference& consumer, const Path& path, Errors& errors) {
  if (!consumer.api_group().empty()) check_subdomain(consumer.api_group(), path.member("apiGroup"), errors);
  if (consumer.resource().empty()) errors.required(path.member("resource"));
  if (consumer.name().empty()) errors.required(path.member("name"));
  if (consumer.uid().empty()) errors.required(path.member("uid"));
}

void check_reservations(const ResourceClaim& now, const ResourceClaim& old, const Path& path, Errors& errors) {
  const auto uid_of = [](const ResourceClaimConsumerReference& consumer) -> std::string_view { return consumer.uid(); };
  const auto& reserved = now.status().reserved_for();
  check_set(reserved, kReservedMax, path, errors, uid_of,
            [&](const ResourceClaimConsumerReference& consumer, const Path& here) { check_consumer(consumer, here, errors); });
  if (reserved.empty()) return;
  if (!now.status().has_allocation()) return errors.forbidden(path, "may not be specified when `allocated` is not set");
  if (!now.metadata().has_deletion_timestamp()) return;
  std::set<std::string_view> before;
  for (const ResourceClaimConsumerReference& consumer : old.status().reserved_for()) before.insert(consumer.uid());
  const bool grows = !std::ranges::all_of(reserved, [&](const auto& consumer) { return before.contains(consumer.uid()); });
  if (grows) errors.forbidden(path, "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set");
}

void check_result(const DeviceRequestAllocationResult& result, const RequestNames& names, const Path& path, Errors& errors) {
  check_request_reference(result.request(), names, path.member("request"), errors);
  check_driver_name(result.driver(), path.member("driver"), errors);
  check_pool(result.pool(), path.member("pool"), errors);
  check_label(result.device(), path.member("device"), errors);
  check_binding_conditions(result.binding_conditions(), path.member("bindingConditions"), errors);
  check_binding_conditions(result.binding_failure_conditions(), path.member("bindingFailureConditions"), errors);
}

void check_allocation(const AllocationResult& allocation, const RequestNames& names, const Path& path, Errors& errors) {
  const DeviceAllocationResult& devices = allocation.devices();
  check_items(devices.results(), kResultsMax, path.member("devices").member("results"), errors,
              [&](const DeviceRequestAllocationResult& one, const Path& here) { check_result(one, names, here, errors); });
  const Path config = path.member("devices").member("config");
  check_items(devices.config(), kAllocationConfigMax, config, errors,
              [&](const DeviceAllocationConfiguration& one, const Path& here) {
                if (one.source().empty()) errors.required(here.member("source"));
                else check_one_of(one.source(), {"FromClaim", "FromClass"}, here.member("source"), errors);
                check_request_references(one.requests(), names, here.member("requests"), errors);
                check_device_configuration(one.device_configuration(), here, errors);
              });
  if (allocation.has_node_selector()) check_node_selector(allocation.node_selector(), path.member("nodeSelector"), errors);
}

// driver/pool/device, and the share of it.
template <class Device>
std::string id_of(const Device& device) {
  std::string out = fmt::format("{}/{}/{}", device.driver(), device.pool(), device.device());
  return device.has_share_id() ? out + "/" + device.share_id() : out;
}

void check_network(const NetworkDeviceData& data, const Path& path, Errors& errors) {
  if (data.interface_name().size() > kInterfaceNameMax) errors.too_long(path.member("interfaceName"), kInterfaceNameMax);
  if (data.hardware_address().size() > kHardwareAddressMax) errors.too_long(path.member("hardwareAddress"), kHardwareAddressMax);
  check_set(
      data.ips(), kIpsMax, path.member("ips"), errors, [](const std::string& ip) -> std::string_view { return ip; },
      [&](const std::string& ip, const Path& here) {
        if (read_address_range(ip)) return;
        errors.invalid_text(here, ip, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)");
      });
}

void check_device_status(const AllocatedDeviceStatus& device, const std::set<std::string>& allocated, const Path& path,
                         Errors& errors) {
  check_driver_name(device.driver(), path.member("driver"), errors);
  check_pool(device.pool(), path.member("pool"), errors);
  check_label(device.device(), path.member("device"), errors);
  const std::string id = id_of(device);
  if (!allocated.contains(id)) errors.invalid_text(path, id, "must be an allocated device in the claim");
  const auto count = static_cast<std::size_t>(device.conditions_size());
  if (count > kConditionsMax) errors.too_many(path.member("conditions"), count, kConditionsMax);
  if (device.has_data() && !device.data().raw().empty()) check_raw_object(device.data(), kDataMax, path.member("data"), errors);
  if (device.has_network_data()) check_network(device.network_data(), path.member("networkData"), errors);
}

void check_device_statuses(const ResourceClaimStatus& status, const Path& path, Errors& errors) {
  std::set<std::string> allocated, seen;
  for (const auto& result : status.allocation().devices().results()) allocated.insert(id_of(result));
  for (int i = 0; i < status.devices_size(); ++i) {
    const Path here = path.index(static_cast<std::size_t>(i));
    check_device_status(status.devices(i), allocated, here, errors);
    const std::string id = id_of(status.devices(i));
    if (!seen.insert(id).second) errors.duplicate(here, id);
  }
}

}  // namespace

void validate_status(const ResourceClaim& now, const ResourceClaim& old, Errors& errors) {
  const Path path("status"), allocation = path.member("allocation");
  check_reservations(now, old, path.member("reservedFor"), errors);
  check_device_statuses(now.status(), path.member("devices"), errors);
  if (!now.status().has_allocation()) return;
  // Given once; it may be taken away, and another one given then.
  if (old.status().has_allocation()) check_immutable(now.status().allocation(), old.status().allocation(), allocation, errors);
  else check_allocation(now.status().allocation(), request_names(now.spec().devices()), allocation, errors);
}

}  // namespace ph::api

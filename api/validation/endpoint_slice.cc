// discovery.k8s.io/v1 EndpointSlice.
#include <fmt/format.h>

#include "api/validation/endpoint_parts.h"

namespace ph::api {

using namespace discovery::v1;

namespace {

constexpr int kEndpointsMax = 1000, kAddressesMax = 100, kPortsMax = 20000, kZoneHintsMax = 8, kNodeHintsMax = 8;

void check_domain(const std::string& name, const Path& path, Errors& errors) {
  if (name.empty()) return errors.required(path);
  const std::size_t before = errors.size();
  check_subdomain(name, path, errors);
  if (errors.size() == before && name.find('.') == name.npos) {
    errors.invalid_text(path, name, "should be a domain with at least two segments separated by dots");
  }
}

// `list`: where all of them stand, which upstream names where the family is the wrong one.
void check_address(const std::string& address, std::string_view type, const Path& list, const Path& path, Errors& errors) {
  if (type == "FQDN") return check_domain(address, path, errors);
  const bool six = address.find(':') != std::string::npos;
  const std::size_t before = errors.size();
  check_ip_text(address, path, errors);
  if (errors.size() == before && six != (type == "IPv6")) {
    errors.invalid_text(list, address, fmt::format("must be an {} address", type));
  }
  check_endpoint_ip(address, path, errors);
}

void check_hints(const EndpointHints& hints, const Path& path, Errors& errors) {
  if (hints.for_zones_size() > kZoneHintsMax) errors.too_many(path.member("forZones"), hints.for_zones_size(), kZoneHintsMax);
  std::set<std::string_view> zones;
  for (int i = 0; i < hints.for_zones_size(); ++i) {
    const Path at = path.member("forZones").index(i).member("name");
    if (!zones.insert(hints.for_zones(i).name()).second) errors.duplicate(at, hints.for_zones(i).name());
    errors.invalid_each(at, hints.for_zones(i).name(), check_label_value(hints.for_zones(i).name()));
  }
  if (hints.for_nodes_size() > kNodeHintsMax) errors.too_many(path.member("forNodes"), hints.for_nodes_size(), kNodeHintsMax);
  std::set<std::string_view> nodes;
  for (int i = 0; i < hints.for_nodes_size(); ++i) {
    const Path at = path.member("forNodes").index(i).member("name");
    if (!nodes.insert(hints.for_nodes(i).name()).second) errors.duplicate(at, hints.for_nodes(i).name());
    check_subdomain(hints.for_nodes(i).name(), at, errors);
  }
}

void check_endpoint(const Endpoint& endpoint, std::string_view type, const Path& path, Errors& errors) {
  const Path addresses = path.member("addresses");
  if (endpoint.addresses().empty()) {
    errors.required(addresses, "must contain at least 1 address");
  } else if (endpoint.addresses_size() > kAddressesMax) {
    errors.too_many(addresses, endpoint.addresses_size(), kAddressesMax);
  }
  for (int i = 0; i < endpoint.addresses_size(); ++i)
    check_address(endpoint.addresses(i), type, addresses, addresses.index(i), errors);
  if (endpoint.has_node_name()) check_subdomain(endpoint.node_name(), path.member("nodeName"), errors);
  check_labels(endpoint.deprecated_topology(), path.member("deprecatedTopology"), errors);
  if (endpoint.has_hostname()) check_label(endpoint.hostname(), path.member("hostname"), errors);
  if (endpoint.has_hints()) check_hints(endpoint.hints(), path.member("hints"), errors);
}

void check_slice_ports(const EndpointSlice& slice, Errors& errors) {
  const Path path("ports");
  if (slice.ports_size() > kPortsMax) errors.too_many(path, slice.ports_size(), kPortsMax);
  std::set<std::string_view> names;
  for (int i = 0; i < slice.ports_size(); ++i) {
    const EndpointPort& port = slice.ports(i);
    const Path at = path.index(i);
    if (!port.name().empty()) check_label(port.name(), at.member("name"), errors);
    if (!names.insert(port.name()).second) errors.duplicate(at.member("name"), port.name());
    if (!port.has_protocol()) {
      errors.required(at.member("protocol"));
    } else {
      check_one_of(port.protocol(), {"SCTP", "TCP", "UDP"}, at.member("protocol"), errors);
    }
    if (port.has_port() && (port.port() < 1 || port.port() > 65535)) check_port(port.port(), at.member("port"), errors);
    if (port.has_app_protocol()) check_qualified(port.app_protocol(), at.member("appProtocol"), errors);
  }
}

}  // namespace

void validate(const EndpointSlice& slice, Errors& errors) {
  if (slice.address_type().empty()) {
    errors.required(Path("addressType"));
  } else {
    check_one_of(slice.address_type(), {"FQDN", "IPv4", "IPv6"}, Path("addressType"), errors);
  }
  if (slice.endpoints_size() > kEndpointsMax) errors.too_many(Path("endpoints"), slice.endpoints_size(), kEndpointsMax);
  for (int i = 0; i < slice.endpoints_size(); ++i) {
    check_endpoint(slice.endpoints(i), slice.address_type(), Path("endpoints").index(i), errors);
  }
  check_slice_ports(slice, errors);
}

void validate_update(const EndpointSlice& now, const EndpointSlice& old, Errors& errors) {
  validate(now, errors);
  check_immutable(now.address_type(), old.address_type(), Path("addressType"), errors);
}

}  // namespace ph::api

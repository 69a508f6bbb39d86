// v1 Endpoints.
#include "api/addresses.h"
#include "api/validation/endpoint_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

void check_address(const EndpointAddress& address, const Path& path, Errors& errors) {
  check_ip_text(address.ip(), path.member("ip"), errors);
  if (!address.hostname().empty()) check_label(address.hostname(), path.member("hostname"), errors);
  if (address.has_node_name()) check_subdomain(address.node_name(), path.member("nodeName"), errors);
  // Judged once more by where it leads.
  if (!read_address(address.ip())) return errors.invalid_text(path.member("ip"), address.ip(), "must be a valid IP address");
  check_endpoint_ip(address.ip(), path.member("ip"), errors);
}

void check_endpoint_port(const EndpointPort& port, bool needs_name, const Path& path, Errors& errors) {
  if (needs_name && port.name().empty()) {
    errors.required(path.member("name"));
  } else if (!port.name().empty()) {
    check_label(port.name(), path.member("name"), errors);
  }
  check_port(port.port(), path.member("port"), errors);
  if (port.protocol().empty()) {
    errors.required(path.member("protocol"));
  } else {
    check_one_of(port.protocol(), {"SCTP", "TCP", "UDP"}, path.member("protocol"), errors);
  }
  if (port.has_app_protocol()) check_qualified(port.app_protocol(), path.member("appProtocol"), errors);
}

}  // namespace

void validate(const Endpoints& endpoints, Errors& errors) {
  for (int s = 0; s < endpoints.subsets_size(); ++s) {
    const EndpointSubset& subset = endpoints.subsets(s);
    const Path at = Path("subsets").index(s);
    if (subset.addresses().empty() && subset.not_ready_addresses().empty()) {
      errors.required(at, "must specify `addresses` or `notReadyAddresses`");
    }
    for (int i = 0; i < subset.addresses_size(); ++i) check_address(subset.addresses(i), at.member("addresses").index(i), errors);
    for (int i = 0; i < subset.not_ready_addresses_size(); ++i) {
      check_address(subset.not_ready_addresses(i), at.member("notReadyAddresses").index(i), errors);
    }
    for (int i = 0; i < subset.ports_size(); ++i) {
      check_endpoint_port(subset.ports(i), subset.ports_size() > 1, at.member("ports").index(i), errors);
    }
  }
}

void validate_update(const Endpoints& now, const Endpoints&, Errors& errors) { validate(now, errors); }

}  // namespace ph::api

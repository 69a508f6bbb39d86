#include <algorithm>

#include "api/codec.h"
#include "controllers/common/services.h"
#include "controllers/endpoint_slice/plan.h"

namespace ph::controllers::endpoint_slice {
namespace {

using core::v1::Service;
using core::v1::ServicePort;
using discovery::v1::Endpoint;
using discovery::v1::EndpointPort;
using informers::PodView;
using informers::Ref;

std::vector<EndpointPort> ports_of(const Service& service, const PodView& pod) {
  std::vector<EndpointPort> out;
  for (const ServicePort& port : service.spec().ports()) {
    const std::int32_t number = target_number(port, pod);
    if (number == 0) continue;
    EndpointPort& made = out.emplace_back();
    made.set_name(port.name());
    made.set_protocol(port.protocol());
    made.set_port(number);
    if (port.has_app_protocol()) made.set_app_protocol(port.app_protocol());
  }
  return out;
}

Endpoint endpoint_of(const Service& service, const PodView& pod, const std::string& address, const std::string& zone) {
  Endpoint out;
  out.add_addresses(address);
  auto* conditions = out.mutable_conditions();
  const bool terminating = pod.deletion.has_value();
  const bool publish = service.spec().publish_not_ready_addresses();
  conditions->set_ready(publish || (pod.ready && !terminating));
  conditions->set_serving(pod.ready);
  conditions->set_terminating(terminating);
  auto* target = out.mutable_target_ref();
  target->set_kind("Pod");
  target->set_namespace_(std::string(pod.namespace_name.view()));
  target->set_name(pod.name);
  target->set_uid(pod.uid);
  if (!pod.node_name.empty()) {
    out.set_node_name(std::string(pod.node_name.view()));
    if (!zone.empty()) out.set_zone(zone);
  }
  if (std::string hostname = hostname_of(service, pod); !hostname.empty()) out.set_hostname(std::move(hostname));
  return out;
}

std::string port_key(const std::vector<EndpointPort>& ports) {
  std::string out;
  for (const EndpointPort& port : ports) {
    const std::string bytes = api::encode_protobuf(port);
    out += std::to_string(bytes.size()) + ":" + bytes;
  }
  return out;
}

}  // namespace

std::vector<std::string> address_types(const Service& service) {
  std::vector<std::string> out(service.spec().ip_families().begin(), service.spec().ip_families().end());
  if (!out.empty()) return out;
  // Written before there were families: its address tells.
  return {is_ipv6(service.spec().cluster_ip()) ? "IPv6" : "IPv4"};
}

Desired desired(const Service& service, const std::vector<Ref<PodView>>& pods, std::string_view address_type,
                const ZoneOf& zone_of) {
  Desired out;
  std::map<std::string, Group> groups;
  for (const Ref<PodView>& pod : pods) {
    if (pod->finished()) continue;
    const std::string address = address_of(*pod, address_type);
    if (address.empty()) continue;
    const std::optional<std::string> zone = zone_of(pod->node_name);
    if (!zone && !service.spec().publish_not_ready_addresses()) {
      out.without_node.push_back(pod);
      continue;
    }
    // A pod without any of the ports is told of all the same, in a slice of its own kind without ports.
    std::vector<EndpointPort> ports = ports_of(service, *pod);
    Group& group = groups[port_key(ports)];
    group.ports = std::move(ports);
    group.endpoints.push_back(endpoint_of(service, *pod, address, zone.value_or("")));
  }
  for (auto& [key, group] : groups) out.groups.push_back(std::move(group));
  return out;
}

}  // namespace ph::controllers::endpoint_slice

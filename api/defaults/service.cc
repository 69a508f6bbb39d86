// v1 Service.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr int kAffinitySeconds = 10800;

void default_port(ServicePort& port) {
  if (port.protocol().empty()) port.set_protocol("TCP");
  const meta::v1::IntOrString& target = port.target_port();
  const bool unset = target.type() == 0 ? target.int_val() == 0 : target.str_val().empty();
  if (!unset) return;
  port.clear_target_port();
  port.mutable_target_port()->set_int_val(port.port());
}

void default_affinity(ServiceSpec& spec) {
  if (spec.session_affinity().empty()) spec.set_session_affinity("None");
  if (spec.session_affinity() == "None") spec.clear_session_affinity_config();
  if (spec.session_affinity() != "ClientIP") return;
  auto& client_ip = *spec.mutable_session_affinity_config()->mutable_client_ip();
  if (!client_ip.has_timeout_seconds()) client_ip.set_timeout_seconds(kAffinitySeconds);
}

}  // namespace

void set_defaults(Service& service) {
  ServiceSpec& spec = *service.mutable_spec();
  default_affinity(spec);
  if (spec.type().empty()) spec.set_type("ClusterIP");
  for (ServicePort& port : *spec.mutable_ports()) default_port(port);

  const bool node_ports = spec.type() == "NodePort" || spec.type() == "LoadBalancer";
  const bool external = node_ports || (spec.type() == "ClusterIP" && !spec.external_ips().empty());
  if (external && spec.external_traffic_policy().empty()) spec.set_external_traffic_policy("Cluster");
  if ((node_ports || spec.type() == "ClusterIP") && !spec.has_internal_traffic_policy()) {
    spec.set_internal_traffic_policy("Cluster");
  }
  if (spec.type() != "LoadBalancer") return;
  if (!spec.has_allocate_load_balancer_node_ports()) spec.set_allocate_load_balancer_node_ports(true);
  for (LoadBalancerIngress& ingress : *service.mutable_status()->mutable_load_balancer()->mutable_ingress()) {
    if (!ingress.ip().empty() && !ingress.has_ip_mode()) ingress.set_ip_mode("VIP");
  }
}

}  // namespace ph::api

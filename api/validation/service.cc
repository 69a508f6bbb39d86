// v1 Service.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "api/addresses.h"
#include "api/validation/endpoint_parts.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr int kAffinitySecondsMax = 86400;
constexpr int kKubeletPort = 10250;

bool is_headless(const ServiceSpec& spec) {
  return spec.cluster_ip() == "None" || (spec.cluster_ips_size() == 1 && spec.cluster_ips(0) == "None");
}
bool is_external(const ServiceSpec& spec) {
  return spec.type() == "NodePort" || spec.type() == "LoadBalancer" ||
         (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}

void check_type(const ServiceSpec& spec, const Path& path, Errors& errors) {
  const Path first = path.member("clusterIPs").index(0);
  if (spec.type() == "LoadBalancer") {
    for (int i = 0; i < spec.ports_size(); ++i) {
      if (spec.ports(i).port() != kKubeletPort) continue;
      errors.invalid(path.member("ports").index(i), spec.ports(i).port(),
                     fmt::format("may not expose port {} externally since it is used by kubelet", kKubeletPort));
    }
    if (is_headless(spec)) errors.invalid_text(first, "None", "may not be set to 'None' for LoadBalancer services");
  }
  if (spec.type() == "NodePort" && is_headless(spec))
    errors.invalid_text(first, "None", "may not be set to 'None' for NodePort services");
  if (spec.type() != "ExternalName") return;
  constexpr std::string_view kNone = "may not be set for ExternalName services";
  if (!spec.cluster_ips().empty() || !spec.cluster_ip().empty()) errors.forbidden(path.member("clusterIPs"), kNone);
  if (!spec.ip_families().empty()) errors.forbidden(path.member("ipFamilies"), kNone);
  if (spec.has_ip_family_policy()) errors.forbidden(path.member("ipFamilyPolicy"), kNone);
  std::string_view name = spec.external_name();
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return errors.required(path.member("externalName"));
  check_subdomain(name, path.member("externalName"), errors);
}

void check_service_port(const ServicePort& port, bool needs_name, std::set<std::string_view>& names, const Path& path,
                        Errors& errors) {
  if (needs_name && port.name().empty()) {
    errors.required(path.member("name"));
  } else if (!port.name().empty()) {
    check_label(port.name(), path.member("name"), errors);
    if (!names.insert(port.name()).second) errors.duplicate(path.member("name"), port.name());
  }
  check_port(port.port(), path.member("port"), errors);
  if (port.protocol().empty()) {
    errors.required(path.member("protocol"));
  } else {
    check_one_of(port.protocol(), {"SCTP", "TCP", "UDP"}, path.member("protocol"), errors);
  }
  check_port_or_name(port.target_port(), path.member("targetPort"), errors);
  if (port.has_app_protocol()) check_qualified(port.app_protocol(), path.member("appProtocol"), errors);
  if (port.node_port() != 0) check_port(port.node_port(), path.member("nodePort"), errors);
}

void check_ports(const ServiceSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> names;
  for (int i = 0; i < spec.ports_size(); ++i)
    check_service_port(spec.ports(i), spec.ports_size() > 1, names, path.index(i), errors);
}

void check_port_conflicts(const ServiceSpec& spec, const Path& path, Errors& errors) {
  std::set<std::pair<std::string_view, int>> node_ports, ports;
  if (spec.type() == "ClusterIP") {
    for (int i = 0; i < spec.ports_size(); ++i) {
      if (spec.ports(i).node_port() == 0) continue;
      errors.forbidden(path.index(i).member("nodePort"), "may not be used when `type` is 'ClusterIP'");
    }
  }
  for (int i = 0; i < spec.ports_size(); ++i) {
    const ServicePort& port = spec.ports(i);
    if (port.node_port() == 0 || node_ports.insert({port.protocol(), port.node_port()}).second) continue;
    errors.duplicate_json(path.index(i).member("nodePort"), std::to_string(port.node_port()));
  }
  for (int i = 0; i < spec.ports_size(); ++i) {
    const ServicePort& port = spec.ports(i);
    if (ports.insert({port.protocol(), port.port()}).second) continue;
    errors.duplicate_json(path.index(i),
                          fmt::format("{{\"protocol\":{},\"port\":{},\"targetPort\":0}}", quote(port.protocol()), port.port()));
  }
}

void check_affinity(const ServiceSpec& spec, const Path& path, Errors& errors) {
  if (spec.session_affinity().empty()) {
    errors.required(path.member("sessionAffinity"));
  } else {
    check_one_of(spec.session_affinity(), {"ClientIP", "None"}, path.member("sessionAffinity"), errors);
  }
  const Path config = path.member("sessionAffinityConfig");
  if (spec.session_affinity() == "None" && spec.has_session_affinity_config()) {
    errors.forbidden(config, "must not be set when session affinity is None");
  }
  if (spec.session_affinity() != "ClientIP") return;
  constexpr std::string_view kNeeded = "when session affinity type is ClientIP";
  if (!spec.has_session_affinity_config()) return errors.required(config, kNeeded);
  if (!spec.session_affinity_config().has_client_ip()) return errors.required(config.member("clientIP"), kNeeded);
  const ClientIPConfig& client = spec.session_affinity_config().client_ip();
  const Path seconds = config.member("clientIP").member("timeoutSeconds");
  if (!client.has_timeout_seconds()) return errors.required(seconds, kNeeded);
  if (client.timeout_seconds() > 0 && client.timeout_seconds() <= kAffinitySecondsMax) return;
  errors.invalid(seconds, client.timeout_seconds(), fmt::format("must be greater than 0 and less than {}", kAffinitySecondsMax));
}

void check_families(const ServiceSpec& spec, const Path& path, Errors& errors) {
  std::set<std::string_view> seen;
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    const Path at = path.member("ipFamilies").index(i);
    check_one_of(spec.ip_families(i), {"IPv4", "IPv6"}, at, errors);
    if (!seen.insert(spec.ip_families(i)).second) errors.duplicate(at, spec.ip_families(i));
  }
  if (spec.has_ip_family_policy()) {
    check_one_of(spec.ip_family_policy(), {"PreferDualStack", "RequireDualStack", "SingleStack"}, path.member("ipFamilyPolicy"),
                 errors);
  }
}

// One address of each family, and of the one that is said of it.
void check_families_of_ips(const ServiceSpec& spec, const Path& ips, Errors& errors) {
  std::vector<bool> are_v6;
  for (const std::string& ip : spec.cluster_ips()) {
    const auto address = read_address(ip);
    if (!address) return;
    are_v6.push_back(address->is_v6);
  }
  if (are_v6.size() == 2 && are_v6[0] == are_v6[1])
    errors.invalid(ips, json_of(spec.cluster_ips()), "may specify no more than one IP for each IP family");
  for (int i = 0; i < std::min(spec.cluster_ips_size(), spec.ip_families_size()); ++i) {
    const bool is_v6 = are_v6[static_cast<std::size_t>(i)];
    const std::string& family = spec.ip_families(i);
    if ((family != "IPv4" || !is_v6) && (family != "IPv6" || is_v6)) continue;
    errors.invalid(ips.index(i), json_of(spec.cluster_ips()),
                   fmt::format("expected an {} value as indicated by `ipFamilies[{}]`", family, i));
  }
}

void check_cluster_ips(const ServiceSpec& spec, const Path& path, Errors& errors) {
  const Path ips = path.member("clusterIPs");
  check_families(spec, path, errors);
  if (spec.cluster_ip().empty() && !spec.cluster_ips().empty()) {
    errors.invalid(ips, json_of(spec.cluster_ips()), "must be empty when `clusterIP` is not specified");
  }
  if (!spec.cluster_ip().empty() && !spec.cluster_ips().empty() && spec.cluster_ips(0) != spec.cluster_ip()) {
    errors.invalid(ips, json_of(spec.cluster_ips()), "first value must match `clusterIP`");
  }
  if (spec.cluster_ips_size() > 2) errors.invalid(ips, json_of(spec.cluster_ips()), "may only hold up to 2 values");
  for (int i = 0; i < spec.cluster_ips_size(); ++i) {
    const std::string& ip = spec.cluster_ips(i);
    if (ip == "None" && spec.cluster_ips_size() > 1)
      errors.invalid(ips, json_of(spec.cluster_ips()), "'None' must be the first and only value");
    if (ip != "None") check_ip_text(ip, ips.index(i), errors);
  }
  check_families_of_ips(spec, ips, errors);
}

void check_external_ips(const ServiceSpec& spec, const Path& path, Errors& errors) {
  for (int i = 0; i < spec.external_ips_size(); ++i) {
    check_ip_text(spec.external_ips(i), path.index(i), errors);
    check_endpoint_ip(spec.external_ips(i), path.index(i), errors);
  }
}

void check_load_balancer(const ServiceSpec& spec, const Path& path, Errors& errors) {
  const bool balanced = spec.type() == "LoadBalancer";
  constexpr std::string_view kOnly = "may only be used when `type` is 'LoadBalancer'";
  if (!balanced && !spec.load_balancer_source_ranges().empty()) errors.forbidden(path.member("loadBalancerSourceRanges"), kOnly);
  if (balanced && spec.has_allocate_load_balancer_node_ports() == false)
    errors.required(path.member("allocateLoadBalancerNodePorts"));
  if (!balanced && spec.has_allocate_load_balancer_node_ports())
    errors.forbidden(path.member("allocateLoadBalancerNodePorts"), kOnly);
  if (!spec.has_load_balancer_class()) return;
  if (!balanced) errors.forbidden(path.member("loadBalancerClass"), kOnly);
  check_qualified(spec.load_balancer_class(), path.member("loadBalancerClass"), errors);
}

void check_traffic(const ServiceSpec& spec, const Path& path, Errors& errors) {
  const Path external = path.member("externalTrafficPolicy");
  if (!is_external(spec)) {
    if (!spec.external_traffic_policy().empty()) {
      errors.invalid_text(external, spec.external_traffic_policy(), "may only be set for externally-accessible services");
    }
  } else if (spec.external_traffic_policy().empty()) {
    errors.required(external);
  } else {
    check_one_of(spec.external_traffic_policy(), {"Cluster", "Local"}, external, errors);
  }
  const bool has_health_port = spec.type() == "LoadBalancer" && spec.external_traffic_policy() == "Local";
  if (!has_health_port && spec.health_check_node_port() != 0) {
    errors.invalid(path.member("healthCheckNodePort"), spec.health_check_node_port(),
                   "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
  }
  if (spec.type() == "ExternalName" && spec.has_internal_traffic_policy() == false) return;
  if (!spec.has_internal_traffic_policy()) {
    errors.required(path.member("internalTrafficPolicy"));
  } else {
    check_one_of(spec.internal_traffic_policy(), {"Cluster", "Local"}, path.member("internalTrafficPolicy"), errors);
  }
  if (spec.has_traffic_distribution()) {
    check_one_of(spec.traffic_distribution(), {"PreferClose", "PreferSameNode", "PreferSameZone"},
                 path.member("trafficDistribution"), errors);
  }
}

// It keeps the second one as well, until it is to be of one family.
void check_second_ip(const ServiceSpec& now, const ServiceSpec& old, const Path& path, Errors& errors) {
  const bool for_one = now.ip_family_policy() == "SingleStack";
  const auto needs_policy = [&](std::string_view what) {
    const std::string value = now.has_ip_family_policy() ? quote(now.ip_family_policy()) : "null";
    errors.invalid(path.member("ipFamilyPolicy"), value,
                   fmt::format("must be set to 'SingleStack' when releasing the secondary {}", what));
  };
  if (old.cluster_ips_size() == 2) {
    if (now.cluster_ips_size() == 1 && !for_one) needs_policy("cluster IP");
    if (now.cluster_ips_size() == 2 && now.cluster_ips(1) != old.cluster_ips(1))
      errors.invalid(path.member("clusterIPs").index(1), json_of(now.cluster_ips()), "may not change once set");
  }
  if (old.ip_families_size() == 2) {
    if (now.ip_families_size() == 1 && !for_one) needs_policy("ipFamily");
    if (now.ip_families_size() == 2 && now.ip_families(1) != old.ip_families(1))
      errors.invalid_text(path.member("ipFamilies").index(1), now.ip_families(1), "may not change once set");
  }
}

// A service keeps its first cluster IP as long as it has one.
void check_kept_ips(const ServiceSpec& now, const ServiceSpec& old, const Path& path, Errors& errors) {
  if (now.type() == "ExternalName" || old.type() == "ExternalName") return;
  const auto first = [](const ServiceSpec& spec) { return spec.cluster_ips().empty() ? spec.cluster_ip() : spec.cluster_ips(0); };
  if (!first(old).empty() && !first(now).empty() && first(old) != first(now)) {
    const std::string shown =
        now.cluster_ips().empty() ? fmt::format("[{}]", quote(now.cluster_ip())) : json_of(now.cluster_ips());
    errors.invalid(path.member("clusterIPs").index(0), shown, "may not change once set");
  }
  if (!old.ip_families().empty() && !now.ip_families().empty() && old.ip_families(0) != now.ip_families(0)) {
    errors.invalid_text(path.member("ipFamilies").index(0), now.ip_families(0), "may not change once set");
  }
  check_second_ip(now, old, path, errors);
}

}  // namespace

void validate(const Service& service, Errors& errors) {
  const ServiceSpec& spec = service.spec();
  const Path path("spec");
  if (spec.ports().empty() && !is_headless(spec) && spec.type() != "ExternalName") errors.required(path.member("ports"));
  check_type(spec, path, errors);
  check_ports(spec, path.member("ports"), errors);
  check_labels(spec.selector(), path.member("selector"), errors);
  check_affinity(spec, path, errors);
  check_cluster_ips(spec, path, errors);
  check_external_ips(spec, path.member("externalIPs"), errors);
  if (spec.type().empty()) {
    errors.required(path.member("type"));
  } else {
    check_one_of(spec.type(), {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}, path.member("type"), errors);
  }
  check_port_conflicts(spec, path.member("ports"), errors);
  check_load_balancer(spec, path, errors);
  check_traffic(spec, path, errors);
}

void validate_update(const Service& now, const Service& old, Errors& errors) {
  const Path path("spec");
  check_kept_ips(now.spec(), old.spec(), path, errors);
  if (old.spec().type() == "LoadBalancer" && now.spec().type() == "LoadBalancer" &&
      now.spec().load_balancer_class() != old.spec().load_balancer_class()) {
    errors.invalid_text(path.member("loadBalancerClass"), now.spec().load_balancer_class(), "may not change once set");
  }
  validate(now, errors);
}

void validate_status(const Service& now, const Service&, Errors& errors) {
  const Path path = Path("status").member("loadBalancer").member("ingress");
  const auto& ingress = now.status().load_balancer().ingress();
  for (int i = 0; i < ingress.size(); ++i) {
    const Path at = path.index(i);
    if (!ingress[i].ip().empty()) check_ip_text(ingress[i].ip(), at.member("ip"), errors);
    if (ingress[i].has_ip_mode() && ingress[i].ip().empty()) {
      errors.forbidden(at.member("ipMode"), "may not be specified when `ip` is not set");
    } else if (ingress[i].has_ip_mode()) {
      check_one_of(ingress[i].ip_mode(), {"Proxy", "VIP"}, at.member("ipMode"), errors);
    }
    if (!ingress[i].hostname().empty()) check_subdomain(ingress[i].hostname(), at.member("hostname"), errors);
  }
  if (!ingress.empty() && now.spec().type() != "LoadBalancer") {
    errors.forbidden(path, "may only be used when `spec.type` is \"LoadBalancer\"");
  }
}

}  // namespace ph::api

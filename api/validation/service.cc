// v1 Service.
#include <fmt/format.h>

#include "api/internal_form.h"
#include "api/validation/endpoint_parts.h"
#include "api/validation/service_addresses.h"

namespace ph::api {

using namespace core::v1;

namespace {

constexpr int kAffinitySecondsMax = 86400;

bool is_headless(const ServiceSpec& spec) {
  return spec.cluster_ip() == "None" || (spec.cluster_ips_size() == 1 && spec.cluster_ips(0) == "None");
}
bool is_external(const ServiceSpec& spec) {
  return spec.type() == "NodePort" || spec.type() == "LoadBalancer" ||
         (spec.type() == "ClusterIP" && !spec.external_ips().empty());
}

void check_type(const ServiceSpec& spec, const Path& path, Errors& errors) {
  const Path first = path.member("clusterIPs").index(0);
  if (spec.type() == "LoadBalancer" && is_headless(spec))
    errors.invalid_text(first, "None", "may not be set to 'None' for LoadBalancer services");
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
    ServicePort shown;
    shown.set_protocol(port.protocol());
    shown.set_port(port.port());
    errors.duplicate_json(path.index(i), internal_json(shown));
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

// False: one of them is none.
bool check_cluster_ip_texts(const ServiceSpec& spec, const Path& ips, Errors& errors) {
  const std::size_t before = errors.size();
  for (int i = 0; i < spec.cluster_ips_size(); ++i) {
    if (i > 0 || spec.cluster_ips(i) != "None") {
      check_ip_text(spec.cluster_ips(i), ips.index(i), errors);
    } else if (spec.cluster_ips_size() > 1) {
      errors.invalid(ips, json_of(spec.cluster_ips()), "'None' must be the first and only value");
    }
  }
  const bool fine = errors.size() == before;
  if (spec.cluster_ips_size() > 2) errors.invalid(ips, json_of(spec.cluster_ips()), "may only hold up to 2 values");
  return fine;
}

bool is_v6(std::string_view ip) { return ip.find(':') != ip.npos; }

void check_families_of_ips(const ServiceSpec& spec, const Path& ips, Errors& errors) {
  if (spec.cluster_ips_size() > 1) {
    const bool dual = spec.cluster_ips_size() == 2 && is_v6(spec.cluster_ips(0)) != is_v6(spec.cluster_ips(1));
    if (!dual) errors.invalid(ips, json_of(spec.cluster_ips()), "may specify no more than one IP for each IP family");
  }
  if (is_headless(spec)) return;
  for (int i = 0; i < std::min(spec.cluster_ips_size(), spec.ip_families_size()); ++i) {
    const std::string& ip = spec.cluster_ips(i);
    const std::string_view other = is_v6(ip) ? "IPv4" : "IPv6";
    if (spec.ip_families(i) != other) continue;
    errors.invalid_text(ips.index(i), ip, fmt::format("expected an {} value as indicated by `ipFamilies[{}]`", other, i));
  }
}

void check_external_ips(const ServiceSpec& spec, const Path& path, Errors& errors) {
  for (int i = 0; i < spec.external_ips_size(); ++i) {
    const std::size_t before = errors.size();
    check_ip_text(spec.external_ips(i), path.index(i), errors);
    if (errors.size() == before) check_endpoint_ip(spec.external_ips(i), path.index(i), errors);
  }
}

constexpr std::string_view kOnlyBalanced = "may only be used when `type` is 'LoadBalancer'";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(kSpaces);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// Ranges of clients, or the annotation they come from.
void check_source_ranges(const Service& service, const Path& path, Errors& errors) {
  static const std::string kAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges";
  const auto& ranges = service.spec().load_balancer_source_ranges();
  const bool balanced = service.spec().type() == "LoadBalancer";
  if (!ranges.empty()) {
    if (!balanced) errors.forbidden(path, kOnlyBalanced);
    for (int i = 0; i < ranges.size(); ++i) check_cidr(trimmed(ranges[i]), path.index(i), errors);
    return;
  }
  const auto& annotations = service.metadata().annotations();
  const auto annotation = annotations.find(kAnnotation);
  if (annotation == annotations.end()) return;
  const Path at = Path("metadata").member("annotations").key(kAnnotation);
  if (!balanced) errors.forbidden(at, kOnlyBalanced);
  const std::string_view list = trimmed(annotation->second);
  for (std::size_t from = 0; !list.empty() && from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    check_cidr(trimmed(list.substr(from, comma - from)), at, errors);
    from = comma + 1;
  }
}

void check_load_balancer(const Service& service, const Path& path, Errors& errors) {
  const ServiceSpec& spec = service.spec();
  const bool balanced = spec.type() == "LoadBalancer";
  check_source_ranges(service, path.member("LoadBalancerSourceRanges"), errors);
  const Path ports = path.member("allocateLoadBalancerNodePorts"), its_class = path.member("loadBalancerClass");
  if (balanced && !spec.has_allocate_load_balancer_node_ports()) errors.required(ports);
  if (!balanced && spec.has_allocate_load_balancer_node_ports()) errors.forbidden(ports, kOnlyBalanced);
  if (!spec.has_load_balancer_class()) return;
  balanced ? check_qualified(spec.load_balancer_class(), its_class, errors) : errors.forbidden(its_class, kOnlyBalanced);
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
  const bool is_inside = spec.type() == "ClusterIP" || spec.type() == "NodePort" || spec.type() == "LoadBalancer";
  if (!spec.has_internal_traffic_policy()) {
    if (is_inside) errors.required(path.member("internalTrafficPolicy"));
  } else {
    check_one_of(spec.internal_traffic_policy(), {"Cluster", "Local"}, path.member("internalTrafficPolicy"), errors);
  }
  if (spec.has_traffic_distribution()) {
    check_one_of(spec.traffic_distribution(), {"PreferClose", "PreferSameZone", "PreferSameNode"},
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

void check_service_addresses(const ServiceSpec& spec, const Path& path, Errors& errors) {
  if (spec.type() == "ExternalName") return;
  const Path ips = path.member("clusterIPs");
  if (spec.cluster_ip().empty()) {
    if (!spec.cluster_ips().empty())
      errors.invalid(ips, json_of(spec.cluster_ips()), "must be empty when `clusterIP` is not specified");
  } else if (spec.cluster_ips().empty()) {
    errors.required(ips);
  } else if (spec.cluster_ips(0) != spec.cluster_ip()) {
    errors.invalid(ips, json_of(spec.cluster_ips()), "first value must match `clusterIP`");
  }
  check_families(spec, path, errors);
  // What is no address has no family.
  if (check_cluster_ip_texts(spec, ips, errors)) check_families_of_ips(spec, ips, errors);
}

void validate(const Service& service, Errors& errors) {
  const ServiceSpec& spec = service.spec();
  const Path path("spec");
  if (spec.ports().empty() && !is_headless(spec) && spec.type() != "ExternalName") errors.required(path.member("ports"));
  check_type(spec, path, errors);
  check_ports(spec, path.member("ports"), errors);
  check_labels(spec.selector(), path.member("selector"), errors);
  check_affinity(spec, path, errors);
  check_service_addresses(spec, path, errors);
  check_external_ips(spec, path.member("externalIPs"), errors);
  if (spec.type().empty()) {
    errors.required(path.member("type"));
  } else {
    check_one_of(spec.type(), {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"}, path.member("type"), errors);
  }
  check_port_conflicts(spec, path.member("ports"), errors);
  check_load_balancer(service, path, errors);
  check_traffic(spec, path, errors);
}

void validate_update(const Service& now, const Service& old, Errors& errors) {
  const Path path("spec");
  check_kept_ips(now.spec(), old.spec(), path, errors);
  if (old.spec().type() == "LoadBalancer" && now.spec().type() == "LoadBalancer" &&
      (now.spec().has_load_balancer_class() != old.spec().has_load_balancer_class() ||
       now.spec().load_balancer_class() != old.spec().load_balancer_class())) {
    errors.invalid(path.member("loadBalancerClass"),
                   now.spec().has_load_balancer_class() ? quote(now.spec().load_balancer_class()) : "null",
                   "may not change once set");
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
    errors.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
  }
}

}  // namespace ph::api

#include "apiserver/registry/service_families.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "api/rules.h"
#include "api/validation/quote.h"
#include "api/validation/service_addresses.h"
#include "apiserver/registry/service_numbers.h"

namespace ph::apiserver {
namespace {

using core::v1::Service;
using core::v1::ServicePort;
using core::v1::ServiceSpec;

bool has(const ServiceFamilies& families, std::string_view family) {
  return std::ranges::find(families, family) != families.end();
}

void refuse(const Service& service, const api::Errors& errors) {
  if (!errors.empty()) throw api::invalid("Service", service.metadata().name(), errors.list());
}

bool wants(const ServiceSpec& spec, std::string_view policy) { return spec.ip_family_policy() == policy; }

void check_single(const ServiceSpec& spec, const api::Path& path, api::Errors& errors) {
  if (!wants(spec, "SingleStack")) return;
  const auto complain = [&](std::string_view what) {
    errors.invalid_text(path, spec.ip_family_policy(),
                        fmt::format("must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified", what));
  };
  if (spec.cluster_ips_size() > 1) complain("cluster IPs");
  if (spec.ip_families_size() > 1) complain("IP families");
}

// Addresses tell their families where those are not told.
void infer_families(ServiceSpec& spec, const ServiceFamilies& of_cluster, const api::Path& ips, api::Errors& errors) {
  std::vector<std::string> shown;
  for (const std::string& ip : spec.cluster_ips()) shown.push_back(api::quote(ip));
  for (int i = spec.ip_families_size(); i < spec.cluster_ips_size() && spec.cluster_ips(0) != "None"; ++i) {
    const char* family = spec.cluster_ips(i).find(':') == std::string::npos ? "IPv4" : "IPv6";
    if (has(of_cluster, family)) {
      spec.add_ip_families(family);
    } else {
      errors.invalid(ips.index(static_cast<std::size_t>(i)), fmt::format("[{}]", fmt::join(shown, ",")),
                     fmt::format("{} is not configured on this cluster", family));
    }
  }
}

void check_cluster(const ServiceSpec& spec, const ServiceFamilies& of_cluster, const api::Path& path, api::Errors& errors) {
  if (wants(spec, "RequireDualStack") && of_cluster.size() < 2) {
    errors.invalid_text(path.member("ipFamilyPolicy"), spec.ip_family_policy(),
                        "this cluster is not configured for dual-stack services");
  }
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    if (has(of_cluster, spec.ip_families(i))) continue;
    errors.invalid_text(path.member("ipFamilies").index(static_cast<std::size_t>(i)), spec.ip_families(i),
                        "not configured on this cluster");
  }
}

// One family, the cluster's own; both, where the policy would have them and they can be had.
void complete(ServiceSpec& spec, std::string_view first, bool both) {
  if (spec.ip_families_size() == 0) spec.add_ip_families(std::string(first));
  if (spec.ip_families_size() == 1 && both && !wants(spec, "SingleStack"))
    spec.add_ip_families(spec.ip_families(0) == "IPv4" ? "IPv6" : "IPv4");
}

}  // namespace

void settle_families(Service& service, const ServiceFamilies& of_cluster) {
  ServiceSpec& spec = *service.mutable_spec();
  if (spec.type() == "ExternalName") return;
  const api::Path path("spec");
  api::Errors errors;
  api::check_service_addresses(spec, path, errors);
  refuse(service, errors);
  // Headless, without a selector: its endpoints are somebody else's, of any family.
  const bool free = spec.cluster_ip() == "None" && spec.selector().empty();
  if (!spec.has_ip_family_policy()) spec.set_ip_family_policy(free ? "RequireDualStack" : "SingleStack");
  check_single(spec, path.member("ipFamilyPolicy"), errors);
  infer_families(spec, of_cluster, path.member("clusterIPs"), errors);
  refuse(service, errors);
  if (free) return complete(spec, of_cluster.front(), true);
  check_cluster(spec, of_cluster, path, errors);
  refuse(service, errors);
  complete(spec, of_cluster.front(), of_cluster.size() > 1);
}

// One number of a port, in several protocols, may share a node port; others may not.
void refuse_ports_of_others(const Service& service) {
  std::map<int, int> owners;  // by node port
  for (int i = 0; i < service.spec().ports_size(); ++i) {
    const ServicePort& port = service.spec().ports(i);
    if (port.node_port() <= 0 || !needs_node_ports(service)) continue;
    const auto [owner, fresh] = owners.try_emplace(port.node_port(), port.port());
    if (fresh || owner->second == port.port()) continue;
    api::Errors errors;
    errors.invalid(api::Path("spec").member("ports").index(static_cast<std::size_t>(i)).member("nodePort"), port.node_port(),
                   "provided port is already allocated");
    refuse(service, errors);
  }
}

void refuse_health_check_change(const Service& service, const Service& old) {
  if (!needs_health_check_port(service) || !needs_health_check_port(old)) return;
  if (service.spec().health_check_node_port() == old.spec().health_check_node_port()) return;
  api::Errors errors;
  errors.forbidden(api::Path("spec").member("healthCheckNodePort"), "field is immutable");
  refuse(service, errors);
}

}  // namespace ph::apiserver

#include "controllers/service_lb/plan.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/sorted.h"

namespace ph::controllers::service_lb {

using core::v1::Service;
using informers::NodeView;

namespace {

constexpr const char* kExcluded = "node.kubernetes.io/exclude-from-external-load-balancers";
constexpr const char* kScalesDown = "ToBeDeletedByClusterAutoscaler";
constexpr std::size_t kToldMost = 20;

bool is_excluded(const NodeView& node) { return node.label(kExcluded).has_value(); }

// As Go prints a list of texts.
std::string told(const std::vector<std::string>& list) { return fmt::format("[{}]", fmt::join(list, " ")); }

}  // namespace

bool wants_load_balancer(const Service& service) {
  return service.spec().type() == "LoadBalancer" && !service.spec().has_load_balancer_class();
}

bool has_finalizer(const Service& service) {
  const auto& finalizers = service.metadata().finalizers();
  return std::ranges::find(finalizers, kFinalizer) != finalizers.end();
}

bool needs_cleanup(const Service& service) {
  if (!has_finalizer(service) || service.spec().has_load_balancer_class()) return false;
  return service.metadata().has_deletion_timestamp() || service.spec().type() != "LoadBalancer";
}

Wanted wanted_of(const Service& service) {
  const core::v1::ServiceSpec& spec = service.spec();
  Wanted out{.uid = service.metadata().uid(),
             .type = spec.type(),
             .session_affinity = spec.session_affinity(),
             .load_balancer_ip = spec.load_balancer_ip(),
             .external_traffic_policy = spec.external_traffic_policy(),
             .affinity_timeout = {},
             .health_check_node_port = spec.health_check_node_port(),
             .ports = {},
             .source_ranges = {spec.load_balancer_source_ranges().begin(), spec.load_balancer_source_ranges().end()},
             .external_ips = {spec.external_ips().begin(), spec.external_ips().end()},
             .families = {spec.ip_families().begin(), spec.ip_families().end()},
             .annotations = {}};
  if (spec.has_session_affinity_config()) out.affinity_timeout = spec.session_affinity_config().client_ip().timeout_seconds();
  for (const auto& port : spec.ports())
    out.ports.emplace_back(port.name(), port.protocol(), port.port(), port.node_port(), port.app_protocol());
  for (const auto* each : sorted(service.metadata().annotations())) out.annotations.emplace(each->first, each->second);
  return out;
}

std::vector<std::pair<std::string, std::string>> told_changes(const Wanted& before, const Wanted& after) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto tell = [&](const char* reason, const auto& old, const auto& fresh) {
    if (old != fresh) out.emplace_back(reason, fmt::format("{} -> {}", old, fresh));
  };
  if (before.type != after.type) {
    tell("Type", before.type, after.type);
    return out;
  }
  tell("LoadBalancerSourceRanges", told(before.source_ranges), told(after.source_ranges));
  tell("LoadbalancerIP", before.load_balancer_ip, after.load_balancer_ip);
  if (before.external_ips.size() != after.external_ips.size()) {
    out.emplace_back("ExternalIP", fmt::format("Count: {} -> {}", before.external_ips.size(), after.external_ips.size()));
  } else {
    for (std::size_t i = 0; i < after.external_ips.size(); ++i) {
      if (before.external_ips[i] != after.external_ips[i]) out.emplace_back("ExternalIP", "Added: " + after.external_ips[i]);
    }
  }
  tell("UID", before.uid, after.uid);
  tell("ExternalTrafficPolicy", before.external_traffic_policy, after.external_traffic_policy);
  tell("HealthCheckNodePort", before.health_check_node_port, after.health_check_node_port);
  return out;
}

bool is_behind(const NodeView& node) { return !node.deletion && !is_excluded(node) && !node.taint(kScalesDown); }

bool changes_nodes(const NodeView* before, const NodeView* after) {
  if (!before || !after) return true;
  return is_excluded(*before) != is_excluded(*after) || before->deletion.has_value() != after->deletion.has_value() ||
         before->provider_id != after->provider_id || before->uid != after->uid;
}

std::string told_nodes(const std::vector<std::string>& names) {
  const std::vector<std::string> some(names.begin(),
                                      names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kToldMost)));
  return fmt::format("[{}]", fmt::join(some, " "));
}

}  // namespace ph::controllers::service_lb

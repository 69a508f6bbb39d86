#include "controllers/node_route/plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "api/times.h"

namespace ph::controllers::node_route {

using cloud::Route;
using informers::NodeView;
using nlohmann::json;

std::vector<api::AddressRange> cluster_ranges(const std::string& flag) {
  std::vector<api::AddressRange> out;
  std::string_view rest = flag;
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (const auto range = api::read_address_range(rest.substr(0, comma))) out.push_back(*range);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return out;
}

Plan plan(const cloud::Nodes& nodes, const std::vector<Route>& routes, const std::vector<api::AddressRange>& cluster) {
  std::map<std::string, std::set<std::string>> wanted, present;  // by node: destinations
  for (const auto& node : nodes) wanted[node->name] = {node->pod_cidrs.begin(), node->pod_cidrs.end()};
  Plan out;
  for (const Route& route : routes) {
    const auto of_node = wanted.find(route.node);
    const bool leads = !route.leads_nowhere && of_node != wanted.end() && of_node->second.contains(route.destination);
    if (leads) {
      present[route.node].insert(route.destination);
      continue;
    }
    const auto range = api::read_address_range(route.destination);
    const bool is_ours = range && std::ranges::any_of(cluster, [&](const auto& each) { return each.contains(range->address); });
    if (is_ours) out.obsolete.push_back(route);
  }
  for (const auto& node : nodes) {
    for (const std::string& destination : node->pod_cidrs) {
      if (!present[node->name].contains(destination)) out.missing.push_back({node, destination});
    }
  }
  return out;
}

std::optional<std::string> condition_patch(const NodeView& node, bool has_routes, Time now) {
  const char* const status = has_routes ? "False" : "True";
  const informers::NodeConditionView* present = node.condition("NetworkUnavailable");
  if (present && present->status == status) return std::nullopt;
  const json condition = {
      {"type", "NetworkUnavailable"},
      {"status", status},
      {"reason", has_routes ? "RouteCreated" : "NoRouteCreated"},
      {"message", has_routes ? "RouteController created a route" : "RouteController failed to create a route"},
      {"lastTransitionTime", api::rfc3339(now)},
      {"lastHeartbeatTime", api::rfc3339(now)}};
  return json{{"metadata", {{"uid", node.uid}}}, {"status", {{"conditions", json::array({condition})}}}}.dump();
}

}  // namespace ph::controllers::node_route

#include "controllers/endpoint_slice/hints.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

namespace ph::controllers::endpoint_slice {
namespace {

using core::v1::Service;
using discovery::v1::Endpoint, discovery::v1::EndpointHints, discovery::v1::EndpointSlice;
using informers::NodeView;

// So much more than its share an endpoint of a zone may have to bear.
constexpr double kOverload = 0.2;
constexpr const char* kDisabled = "TopologyAwareHintsDisabled";

std::string of_type(std::string_view text, std::string_view address_type) {
  return fmt::format("{}, addressType: {}", text, address_type);
}

// Of so many endpoints, how many a zone with this share has at least.
int least_of(double share, double endpoints) { return static_cast<int>(std::ceil(endpoints * share * (1 / (1 + kOverload)))); }

struct Allocation {
  int least = 0, most = 0;
  double wanted = 0;
};
using Allocations = std::map<std::string, Allocation>;

// Empty: `why` says why there are none.
Allocations allocate(const ZoneShares& shares, int endpoints, std::string& why) {
  Allocations out;
  const int zones = static_cast<int>(shares.size());
  if (shares.empty()) {
    why = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes";
    return out;
  }
  if (zones > endpoints) {
    why = fmt::format("Insufficient number of endpoints ({} endpoints, {} zones)", endpoints, zones);
    return out;
  }
  int least = 0;
  for (const auto& [zone, share] : shares) {
    Allocation& one = out[zone];
    one.least = least_of(share, endpoints);
    one.wanted = std::max(share * endpoints, static_cast<double>(one.least));
    least += one.least;
  }
  if (least > endpoints) {
    why = fmt::format("Minimum allocation would exceed the acceptable overload threshold ({} endpoints, {} zones)", endpoints,
                      zones);
    return {};
  }
  for (auto& [zone, one] : out) one.most = one.least + endpoints - least;
  return out;
}

void set_zone(Endpoint& endpoint, const std::string& zone) {
  endpoint.clear_hints();
  endpoint.mutable_hints()->add_for_zones()->set_name(zone);
}

// The hints of a slice by zone; nothing when they cannot stay: an endpoint has none, or there would be too many for a zone.
std::optional<std::map<std::string, int>> kept_hints(const EndpointSlice& slice, const std::map<std::string, int>& others,
                                                     const Allocations& allocations) {
  std::map<std::string, int> out;
  for (const Endpoint& endpoint : slice.endpoints()) {
    if (!endpoint.conditions().ready()) continue;
    if (endpoint.hints().for_zones().empty()) return std::nullopt;
    for (const auto& zone : endpoint.hints().for_zones()) {
      if (!allocations.contains(zone.name())) return std::nullopt;
      ++out[zone.name()];
    }
  }
  for (const auto& [zone, number] : out) {
    const auto other = others.find(zone);
    if (number + (other == others.end() ? 0 : other->second) > allocations.at(zone).most) return std::nullopt;
  }
  return out;
}

// The zone with the most of it; "" when none has any.
std::pair<std::string, double> greatest(const std::map<std::string, double>& zones) {
  std::pair<std::string, double> out;
  for (const auto& [zone, number] : zones) {
    if (number > out.second) out = {zone, number};
  }
  return out;
}

// How many endpoints zones that have too many give, and those that have too few take.
struct Exchange {
  std::map<std::string, int> gives, takes;
};
Exchange moves_for(const Allocations& allocations, const std::map<std::string, int>& by_zone) {
  std::map<std::string, double> spare, lacking;
  for (const auto& [zone, one] : allocations) {
    const auto has = by_zone.find(zone);
    const double more = (has == by_zone.end() ? 0 : has->second) - one.wanted;
    if (more > 0) spare[zone] = more;
    if (more < 0) lacking[zone] = -more;
  }
  Exchange out;
  for (;;) {
    const auto [giver, much] = greatest(spare);
    const auto [taker, little] = greatest(lacking);
    // Half an endpoint here for half of one there would go to and fro.
    if (giver.empty() || taker.empty() || (much < 1 && little < 1) || much < 0.5 || little < 0.5) return out;
    ++out.gives[giver];
    ++out.takes[taker];
    --spare[giver];
    --lacking[taker];
  }
}

std::vector<EndpointSlice*> written(Plan& plan) {
  std::vector<EndpointSlice*> out;
  for (EndpointSlice& slice : plan.create) out.push_back(&slice);
  for (EndpointSlice& slice : plan.update) out.push_back(&slice);
  return out;
}

// Endpoints of zones that give are for zones that take.
void redistribute(const std::vector<EndpointSlice*>& slices, Exchange moves, std::map<std::string, int>& by_zone) {
  for (EndpointSlice* slice : slices) {
    for (Endpoint& endpoint : *slice->mutable_endpoints()) {
      if (moves.takes.empty()) return;
      const auto giver = moves.gives.find(endpoint.zone());
      if (!endpoint.conditions().ready() || giver == moves.gives.end()) continue;
      const auto taker = moves.takes.begin();
      set_zone(endpoint, taker->first);
      --by_zone[giver->first];
      ++by_zone[taker->first];
      if (--giver->second == 0) moves.gives.erase(giver);
      if (--taker->second == 0) moves.takes.erase(taker);
    }
  }
}

// Every endpoint of every slice gets what `hints_of` says; slices that change by it are written.
template <class HintsOf>
void hint_all(Plan& plan, HintsOf hints_of) {
  const auto set = [&](EndpointSlice& slice) {
    bool changed = false;
    for (Endpoint& endpoint : *slice.mutable_endpoints()) {
      EndpointHints wanted = hints_of(endpoint);
      const bool wants = wanted.for_zones_size() > 0 || wanted.for_nodes_size() > 0;
      if (!wants && !endpoint.has_hints()) continue;
      if (wants && endpoint.has_hints() && wanted.SerializeAsString() == endpoint.hints().SerializeAsString()) continue;
      changed = true;
      if (wants) *endpoint.mutable_hints() = std::move(wanted);
      else endpoint.clear_hints();
    }
    return changed;
  };
  for (EndpointSlice* slice : written(plan)) set(*slice);
  std::erase_if(plan.unchanged, [&](EndpointSlice& slice) {
    if (!set(slice)) return false;
    plan.update.push_back(std::move(slice));
    return true;
  });
}

bool all_have_zones(const std::vector<EndpointSlice>& slices) {
  return std::ranges::all_of(slices, [](const EndpointSlice& slice) {
    return std::ranges::all_of(slice.endpoints(),
                               [](const Endpoint& each) { return !each.conditions().ready() || !each.zone().empty(); });
  });
}

int ready_endpoints(const Plan& plan) {
  int out = 0;
  for (const auto* list : {&plan.create, &plan.update, &plan.unchanged}) {
    for (const EndpointSlice& slice : *list) {
      out += static_cast<int>(
          std::ranges::count_if(slice.endpoints(), [](const Endpoint& each) { return each.conditions().ready(); }));
    }
  }
  return out;
}

}  // namespace

NodeFacts facts_of(const NodeView& node) {
  NodeFacts out;
  out.counts =
      node.ready && !node.label("node-role.kubernetes.io/control-plane") && !node.label("node-role.kubernetes.io/master");
  out.zone = node.label("topology.kubernetes.io/zone").value_or("");
  out.milli_cpu = node.milli_cpu;
  return out;
}

ZoneShares zone_shares(const std::vector<NodeFacts>& nodes) {
  std::map<std::string, double> cpus;
  double sum = 0;
  for (const NodeFacts& node : nodes) {
    if (!node.counts) continue;
    if (node.zone.empty() || node.milli_cpu == 0) return {};
    cpus[node.zone] += static_cast<double>(node.milli_cpu);
    sum += static_cast<double>(node.milli_cpu);
  }
  if (cpus.size() < 2) return {};
  for (auto& [zone, cpu] : cpus) cpu /= sum;
  return cpus;
}

bool wants_zone_hints(const Service& service) {
  const auto& annotations = service.metadata().annotations();
  auto found = annotations.find("service.kubernetes.io/topology-aware-hints");
  if (found == annotations.end()) found = annotations.find("service.kubernetes.io/topology-mode");
  return found != annotations.end() && (found->second == "Auto" || found->second == "auto");
}

Hinted hint_by_zones(Plan& plan, const ZoneShares& shares, std::string_view address_type) {
  const auto without = [&](const std::string& why) {
    hint_all(plan, [](const Endpoint&) { return EndpointHints(); });
    return Hinted{.told = {true, kDisabled, of_type(why, address_type)}};
  };
  std::string why;
  const Allocations allocations = allocate(shares, ready_endpoints(plan), why);
  if (!why.empty()) return without(why);

  Hinted out;
  std::vector<EndpointSlice> stay, change;
  for (const EndpointSlice& slice : plan.unchanged) {
    const auto kept = kept_hints(slice, out.by_zone, allocations);
    (kept ? stay : change).push_back(slice);
    for (const auto& [zone, number] : kept.value_or(std::map<std::string, int>())) out.by_zone[zone] += number;
  }
  // Nothing is moved before this is known: slices that stay without hints are not written again and again.
  if (!all_have_zones(plan.create) || !all_have_zones(plan.update) || !all_have_zones(change)) {
    return without("One or more endpoints do not have a zone specified");
  }
  plan.unchanged = std::move(stay);
  std::ranges::move(change, std::back_inserter(plan.update));
  const std::vector<EndpointSlice*> slices = written(plan);
  for (EndpointSlice* slice : slices) {
    for (Endpoint& endpoint : *slice->mutable_endpoints()) {
      endpoint.clear_hints();
      if (!endpoint.conditions().ready()) continue;
      ++out.by_zone[endpoint.zone()];
      set_zone(endpoint, endpoint.zone());
    }
  }
  redistribute(slices, moves_for(allocations, out.by_zone), out.by_zone);
  if (out.by_zone.empty()) return without("No hints allocated for zones");
  out.done = true;
  return out;
}

void hint_by_distribution(Plan& plan, const Service& service) {
  const std::string& wanted = service.spec().traffic_distribution();
  const bool by_node = wanted == "PreferSameNode";
  const bool by_zone = by_node || wanted == "PreferClose" || wanted == "PreferSameZone";
  hint_all(plan, [&](const Endpoint& endpoint) {
    EndpointHints out;
    if (!endpoint.conditions().ready()) return out;
    if (by_zone && endpoint.has_zone()) out.add_for_zones()->set_name(endpoint.zone());
    if (by_node && endpoint.has_node_name()) out.add_for_nodes()->set_name(endpoint.node_name());
    return out;
  });
}

std::map<std::string, int> hints_by_zone(const std::vector<EndpointSlice>& slices) {
  std::map<std::string, int> out;
  for (const EndpointSlice& slice : slices) {
    for (const Endpoint& endpoint : slice.endpoints()) {
      if (!endpoint.conditions().ready()) continue;
      for (const auto& zone : endpoint.hints().for_zones()) ++out[zone.name()];
    }
  }
  return out;
}

bool is_overloaded(const std::map<std::string, int>& by_zone, const ZoneShares& shares) {
  if (by_zone.empty()) return false;
  if (shares.empty()) return true;
  double endpoints = 0;
  for (const auto& [zone, number] : by_zone) endpoints += number;
  return std::ranges::any_of(shares, [&](const auto& share) {
    const auto has = by_zone.find(share.first);
    return has == by_zone.end() || has->second < least_of(share.second, endpoints);
  });
}

Told hints_enabled(std::string_view address_type) {
  return {false, "TopologyAwareHintsEnabled", of_type("Topology Aware Hints has been enabled", address_type)};
}

Told hints_disabled(std::string_view address_type) {
  return {true, kDisabled, of_type("Topology Aware Hints has been disabled", address_type)};
}

}  // namespace ph::controllers::endpoint_slice

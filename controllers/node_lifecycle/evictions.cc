#include "controllers/node_lifecycle/evictions.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace ph::controllers::node_lifecycle {

using informers::NodeView;

namespace {

std::string_view either(const NodeView& node, std::string_view label, std::string_view old_label) {
  return node.label(label).value_or(node.label(old_label).value_or(std::string_view()));
}

// So few may be down in any zone: that happens.
constexpr std::size_t kAlwaysAFew = 2;
constexpr Duration kLongest = std::chrono::hours(24 * 365);

}  // namespace

std::string zone_of(const NodeView& node) {
  const std::string_view region = either(node, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region");
  const std::string_view zone = either(node, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
  if (region.empty() && zone.empty()) return {};
  // Upstream's key; no label can hold a zero.
  std::string out(region);
  out.append(":\0:", 3).append(zone);
  return out;
}

bool is_left_out(const NodeView& node) { return node.label("node.kubernetes.io/exclude-disruption").has_value(); }

ZoneState state_of(const ZoneCount& count, double unhealthy_threshold) {
  if (count.ready == 0 && count.not_ready > 0) return ZoneState::FullDisruption;
  const float part = static_cast<float>(count.not_ready) / static_cast<float>(std::max<std::size_t>(count.size(), 1));
  const bool many = count.not_ready > kAlwaysAFew && part >= static_cast<float>(unhealthy_threshold);
  return many ? ZoneState::PartialDisruption : ZoneState::Normal;
}

Duration Pace::interval() const {
  const double seconds = 1 / rate_;
  if (!(seconds < std::chrono::duration<double>(kLongest).count())) return kLongest;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

void Pace::change(double rate, Steady now) {
  const bool waits = !ready(now);
  rate_ = rate;
  if (waits && rate_ > 0) next_ = now + interval();
}

Evictions::Zone& Evictions::zone(const std::string& name) {
  return zones_.try_emplace(name, Zone{.pace = Pace(options_.eviction_rate), .waiting = {}}).first->second;
}

double Evictions::rate_in(ZoneState state, std::size_t size) const {
  if (state != ZoneState::PartialDisruption) return options_.eviction_rate;
  const bool is_large = std::cmp_greater(size, options_.large_cluster_size_threshold);
  return is_large ? options_.secondary_eviction_rate : 0;
}

ZoneState Evictions::state(std::string_view zone) const {
  const auto found = zones_.find(zone);
  return found == zones_.end() ? ZoneState::Initial : found->second.state;
}

bool Evictions::judge(const ZoneCounts& counts, Steady now) {
  bool all = true, all_were = true;
  for (const auto& [name, count] : counts) {
    all = all && state_of(count, options_.unhealthy_zone_threshold) == ZoneState::FullDisruption;
    all_were = all_were && zone(name).state == ZoneState::FullDisruption;
  }
  for (auto& [name, each] : zones_) {
    if (!counts.contains(name)) each.state = ZoneState::Initial;
  }
  if (counts.empty() || (all && all_were)) return false;
  stopped_ = all;
  for (const auto& [name, count] : counts) {
    Zone& each = zone(name);
    const ZoneState fresh = all ? ZoneState::FullDisruption : state_of(count, options_.unhealthy_zone_threshold);
    if (fresh == each.state && !all_were && !all) continue;
    each.state = fresh;
    each.pace.change(all ? 0 : rate_in(fresh, count.size()), now);
  }
  return all_were;
}

void Evictions::wait_in_turn(const std::map<std::string, Names, std::less<>>& nodes) {
  for (auto& [name, each] : zones_) {
    const auto wanted = nodes.find(name);
    if (wanted == nodes.end()) each.waiting.clear();
    else std::erase_if(each.waiting, [&](const std::string& node) { return !wanted->second.contains(node); });
  }
  for (const auto& [name, wanted] : nodes) {
    std::vector<std::string>& waiting = zone(name).waiting;
    const Names already(waiting.begin(), waiting.end());
    std::ranges::set_difference(wanted, already, std::back_inserter(waiting));
  }
}

std::optional<Evictions::Turn> Evictions::due(Steady now) const {
  for (const auto& [name, each] : zones_) {
    if (!each.waiting.empty() && each.pace.ready(now)) return Turn{.zone = name, .node = each.waiting.front()};
  }
  return std::nullopt;
}

void Evictions::done(const Turn& turn, bool given_up, Steady now) {
  Zone& each = zone(turn.zone);
  std::erase(each.waiting, turn.node);
  if (given_up) each.pace.take(now);
}

std::optional<Steady> Evictions::next() const {
  std::optional<Steady> out;
  for (const auto& [name, each] : zones_) {
    const auto next = each.waiting.empty() ? std::nullopt : each.pace.next();
    if (next && (!out || *next < *out)) out = next;
  }
  return out;
}

}  // namespace ph::controllers::node_lifecycle

#include "scheduler/why/verdicts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace ph::scheduler::why {
namespace {

constexpr std::string_view kAmounts = "NodeResourcesFit";  // the plugin whose refusals have amounts

std::vector<const FilterPlugin*> active_filters(const Profile& profile, const CycleState& state) {
  std::vector<const FilterPlugin*> out;
  const auto names = profile.spec().points.find(Point::Filter);
  if (names == profile.spec().points.end()) return out;
  for (const std::string& name : names->second) {
    const auto* plugin = dynamic_cast<const FilterPlugin*>(profile.plugin(name));
    if (plugin && state.filters(plugin)) out.push_back(plugin);
  }
  return out;
}

// The parts of what the pod asks for that the node does not have.
double shortage(const PodInfo& pod, const NodeInfo& node) {
  const Resource &there = node.allocatable(), &used = node.requested();
  double sum = 0;
  const auto add = [&](std::int64_t wanted, std::int64_t capacity, std::int64_t taken) {
    const std::int64_t missing = wanted - (capacity - taken);
    if (wanted <= 0 || missing <= 0) return;
    sum += std::min(1.0, static_cast<double>(missing) / static_cast<double>(wanted)) + (wanted > capacity ? 1 : 0);
  };
  add(pod.requests.milli_cpu, there.milli_cpu, used.milli_cpu);
  add(pod.requests.memory, there.memory, used.memory);
  add(pod.requests.ephemeral_storage, there.ephemeral_storage, used.ephemeral_storage);
  for (const auto& [name, wanted] : pod.requests.scalars) add(wanted, there.scalar(name), used.scalar(name));
  const auto pods = static_cast<std::int64_t>(node.pods().size());
  if (pods + 1 > there.pods) sum += 1;
  return sum;
}

double distance_of(const Verdict& verdict, const PodInfo& pod, const NodeInfo& node) {
  return verdict.plugin() == kAmounts ? shortage(pod, node) : 1;
}

void add_text(std::string& key, std::string_view text) {
  key.append(text);
  key.push_back('\n');
}

std::string nominated_text(const Nominator& nominated, const CycleState& state, const NodeInfo& node) {
  std::vector<std::string> names;
  for (const PodRef& other : nominated.on(node.name())) {
    if (other->priority >= state.pod().priority && other->uid != state.pod().uid) names.push_back(other->key().text());
  }
  return fmt::format("no room kept there for {}", fmt::join(names, ", "));
}

}  // namespace

Verdicts judge(const Profile& profile, const CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes,
               const Nominator& nominated) {
  Verdicts out;
  const auto filters = active_filters(profile, state);
  for (const NodeInfo* node : nodes) {
    Verdict verdict = profile.filter(state, pod, *node, nominated);
    if (verdict.success()) {
      out.fits.push_back(node);
      continue;
    }
    if (!verdict.rejected()) {
      out.error = verdict.message();
      return out;
    }
    Judged judged{node, {}, distance_of(verdict, state.pod(), *node)};
    const std::string_view refuser = verdict.plugin();
    judged.verdicts.push_back(std::move(verdict));
    for (const FilterPlugin* plugin : filters) {
      if (plugin->name() == refuser) continue;
      Verdict other = plugin->filter(state, pod, *node);
      if (!other.rejected()) continue;  // what fails is not asked in a cycle
      judged.verdicts.push_back(std::move(other).by(plugin->name()));
      judged.distance += distance_of(judged.verdicts.back(), state.pod(), *node);
    }
    out.refused.push_back(std::move(judged));
  }
  return out;
}

PluginVerdict told(const Verdict& verdict) {
  PluginVerdict out{.plugin = std::string(verdict.plugin()), .reasons = {}, .code = std::string(to_string(verdict.code()))};
  for (const std::string_view reason : verdict.reasons()) out.reasons.emplace_back(reason);
  return out;
}

std::vector<Refused> grouped(const std::vector<Judged>& refused) {
  std::vector<Refused> out;
  std::unordered_map<std::string, std::size_t> numbers;
  std::string key;
  for (const Judged& judged : refused) {
    key.clear();
    for (const Verdict& verdict : judged.verdicts) {
      add_text(key, verdict.plugin());
      add_text(key, to_string(verdict.code()));
      for (const std::string_view reason : verdict.reasons()) add_text(key, reason);
    }
    const auto [at, fresh] = numbers.try_emplace(key, out.size());
    if (fresh) {
      Refused& group = out.emplace_back();
      for (const Verdict& verdict : judged.verdicts) group.verdicts.push_back(told(verdict));
    }
    Refused& group = out[at->second];
    ++group.count;
    group.nodes.push_back(judged.node->name());
  }
  // By name: the snapshot's order means nothing to people.
  for (Refused& group : out) std::ranges::sort(group.nodes);
  std::ranges::sort(out, [](const Refused& a, const Refused& b) {
    return a.count != b.count ? a.count > b.count : a.nodes.front() < b.nodes.front();
  });
  return out;
}

std::vector<std::size_t> by_distance(const std::vector<Judged>& refused, std::size_t most) {
  std::vector<std::size_t> out(refused.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  const auto nearer = [&](std::size_t a, std::size_t b) {
    if (refused[a].distance != refused[b].distance) return refused[a].distance < refused[b].distance;
    return refused[a].node->name() < refused[b].node->name();
  };
  most = std::min(most, out.size());
  std::ranges::partial_sort(out, out.begin() + static_cast<std::ptrdiff_t>(most), nearer);
  out.resize(most);
  return out;
}

NearMiss near_miss(const Profile& profile, const CycleState& state, const Pod& pod, const Judged& judged,
                   const Nominator& nominated) {
  NearMiss out{.node = judged.node->name(), .lacking = {}};
  for (const Verdict& verdict : judged.verdicts) {
    NearMiss::Lacking& lacking = out.lacking.emplace_back();
    lacking.plugin = verdict.plugin();
    const auto* plugin = dynamic_cast<const FilterPlugin*>(profile.plugin(verdict.plugin()));
    if (plugin && plugin->filter(state, pod, *judged.node).success()) {
      // It is refused with regard to others that are to come.
      lacking.needs.push_back({nominated_text(nominated, state, *judged.node)});
      continue;
    }
    if (plugin) lacking.needs = plugin->needs(state, pod, *judged.node);
    if (lacking.needs.empty()) lacking.needs.push_back({verdict.message()});
  }
  return out;
}

}  // namespace ph::scheduler::why

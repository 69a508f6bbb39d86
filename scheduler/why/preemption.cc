#include "scheduler/why/preemption.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "scheduler/plugins/preemption_choice.h"
#include "scheduler/plugins/preemption_rules.h"

namespace ph::scheduler::why {
namespace {

constexpr std::string_view kPlugin = "DefaultPreemption";
constexpr std::string_view kNobody = "No preemption victims found for incoming pod";
// An answer does not take as long as a search may: so many nodes are looked at, and so many where somebody could go.
constexpr std::size_t kLookedAtMost = 1000, kDryRunsMost = 64;
constexpr std::size_t kToldMost = 3;

bool makes_room(const Profile& profile) {
  const auto names = profile.spec().points.find(Point::PostFilter);
  return names != profile.spec().points.end() && std::ranges::find(names->second, kPlugin) != names->second.end();
}

Robbed told(const Candidate& candidate) {
  Robbed out{
      .node = candidate.node->name(), .victims = {}, .violations = static_cast<std::uint64_t>(candidate.victims().violations)};
  for (const PodRef& victim : candidate.victims().pods) out.victims.push_back({victim->key().text(), victim->priority});
  return out;
}

std::string why_none(const Preemption& found, const PodInfo& pod) {
  if (found.promising == 0) return "no node was refused for anything that other pods' going would change";
  const std::string where = found.tried < found.promising
                                ? fmt::format("the {} nearest of {} nodes that were looked at", found.tried, found.promising)
                                : fmt::format("the {} node(s) where it could help", found.promising);
  if (found.reasons.size() == 1 && found.reasons.contains(std::string(kNobody))) {
    return fmt::format("on {} no pod has a lower priority than {}", where, pod.priority);
  }
  return fmt::format("on {} the pod would not fit even without all pods of lower priority", where);
}

// The nearest misses first: there the fewest have to go.
std::vector<const NodeInfo*> nearest_first(const std::vector<const NodeInfo*>& nodes, const std::vector<Judged>& refused) {
  std::unordered_map<const NodeInfo*, double> distances;
  for (const Judged& judged : refused) distances.emplace(judged.node, judged.distance);
  std::vector<std::pair<double, const NodeInfo*>> all;
  all.reserve(nodes.size());
  for (const NodeInfo* node : nodes) {
    const auto found = distances.find(node);
    all.emplace_back(found == distances.end() ? 1.0 : found->second, node);
  }
  std::ranges::stable_sort(all, {}, [](const auto& one) { return one.first; });
  std::vector<const NodeInfo*> out;
  out.reserve(all.size());
  for (const auto& [distance, node] : all) out.push_back(node);
  return out;
}

}  // namespace

Preemption explain_preemption(const View& view, const CycleState& state, const Pod& pod, const std::vector<Judged>& refused,
                              const Verdict& others) {
  Preemption out;
  if (!makes_room(view.profile)) {
    out.why_not = "the profile has no DefaultPreemption among its postFilter plugins";
    return out;
  }
  Rejections rejections{.nodes = {}, .others = others};
  rejections.nodes.reserve(refused.size());
  for (const Judged& judged : refused) rejections.nodes.push_back({judged.node, judged.verdicts.front()});
  if (const std::string_view why = may_not_preempt(state.pod(), pod, rejections, view.snapshot); !why.empty()) {
    out.why_not = why;
    return out;
  }
  const std::vector<const NodeInfo*> nodes = nearest_first(promising(rejections, view.snapshot), refused);
  out.promising = nodes.size();
  const DisruptionBudgets budgets = view.budgets && !nodes.empty() ? view.budgets() : DisruptionBudgets();
  std::vector<Candidate> candidates;
  std::size_t dry_runs = 0;
  for (const NodeInfo* node : nodes) {
    if (out.tried >= kLookedAtMost || dry_runs >= kDryRunsMost) break;
    auto run = std::make_shared<const DryRun>(select_victims(view.profile, state, pod, *node, budgets, view.nominated));
    ++out.tried;
    for (const std::string& reason : run->reasons) ++out.reasons[reason];
    dry_runs += run->reasons.size() != 1 || run->reasons.front() != kNobody;
    if (run->code == Code::Success) candidates.push_back({node, std::move(run)});
  }
  if (candidates.empty()) out.why_not = why_none(out, state.pod());
  // Among equals the cycle takes any.
  SeededRng rng(0);
  while (!candidates.empty() && out.nodes.size() < kToldMost) {
    const Candidate& best = choose(candidates, rng);
    out.nodes.push_back(told(best));
    candidates.erase(candidates.begin() + (&best - candidates.data()));
  }
  return out;
}

}  // namespace ph::scheduler::why

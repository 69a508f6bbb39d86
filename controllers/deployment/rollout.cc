// How many replicas each set should want: in a rolling update, and after the deployment was scaled.
#include <algorithm>
#include <cmath>

#include "controllers/deployment/plan.h"

namespace ph::controllers::deployment {
namespace {

using Sizes = std::vector<std::pair<Ref<ReplicaSet>, int>>;

// Sizes while several steps work on them.
class Sizing {
 public:
  explicit Sizing(Sets sets) : sets_(std::move(sets)) {
    for (const Ref<ReplicaSet>& set : sets_) sizes_.push_back(wanted(*set));
  }
  std::size_t count() const { return sets_.size(); }
  const ReplicaSet& set(std::size_t i) const { return *sets_[i]; }
  int& size(std::size_t i) { return sizes_[i]; }
  Sizes changed() const {
    Sizes out;
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      if (sizes_[i] != wanted(*sets_[i])) out.emplace_back(sets_[i], sizes_[i]);
    }
    return out;
  }

 private:
  Sets sets_;
  std::vector<int> sizes_;
};

// Pods that are not available anyway go first: taking them costs nothing.
void take_unhealthy(Sizing& sizing, int most) {
  for (std::size_t i = 0; i < sizing.count() && most > 0; ++i) {
    const int unhealthy = sizing.size(i) - sizing.set(i).status().available_replicas();
    if (sizing.size(i) == 0 || unhealthy <= 0) continue;
    const int taken = std::min(most, unhealthy);
    sizing.size(i) -= taken;
    most -= taken;
  }
}

void take_available(Sizing& sizing, int most) {
  for (std::size_t i = 0; i < sizing.count() && most > 0; ++i) {
    const int taken = std::min(most, sizing.size(i));
    sizing.size(i) -= taken;
    most -= taken;
  }
}

// The available pods that will stay: a set that was just made smaller may still tell of those it is about to lose. It may have
// been made larger again since: as long as its status is of another size, nothing is known of those it had.
int staying(const ReplicaSet& set) {
  if (set.metadata().generation() > set.status().observed_generation()) return 0;
  return std::min<int>(wanted(set), set.status().available_replicas());
}
int staying(const Sets& sets) {
  int out = 0;
  for (const Ref<ReplicaSet>& set : sets) out += staying(*set);
  return out;
}

// The new set has all the deployment wants, and has had it since the deployment wanted it.
bool is_saturated(const Deployment& deployment, const Ref<ReplicaSet>& set) {
  if (!set) return false;
  const auto desired = number_annotation(set->metadata(), kDesiredReplicas);
  const int all = wanted(deployment);
  return desired == all && wanted(*set) == all && set->status().available_replicas() == all;
}

// The one set to size when there is no rollout on the way; null: there is none, or several share the pods.
Ref<ReplicaSet> only_set(const Ref<ReplicaSet>& new_set, Sets old_sets) {
  std::ranges::sort(old_sets, [](const auto& a, const auto& b) { return older_first(b, a); });
  Sets all = old_sets;
  if (new_set) all.push_back(new_set);
  const Sets active = with_replicas(all);
  if (active.size() > 1) return nullptr;
  if (active.size() == 1) return active.front();
  if (new_set) return new_set;
  return old_sets.empty() ? nullptr : old_sets.front();
}

// The set's share of a change in size, proportional to what it has.
int share(const Deployment& deployment, const ReplicaSet& set, int to_add, int added) {
  const int size = wanted(set);
  if (size == 0 || to_add == 0 || to_add == added) return 0;
  int fraction = -size;
  if (wanted(deployment) != 0) {
    std::int64_t before = number_annotation(set.metadata(), kMaxReplicas).value_or(0);
    // Without the annotation the status tells roughly how large the deployment was.
    if (before == 0) before = deployment.status().replicas();
    if (before == 0) return 0;
    const std::int64_t after = wanted(deployment) + max_surge(deployment);
    const double exact = static_cast<double>(size * after) / static_cast<double>(before);
    fraction = static_cast<int>(std::lround(exact)) - size;
  }
  const int left = to_add - added;
  return to_add > 0 ? std::min(fraction, left) : std::max(fraction, left);
}

Sizes scale_proportionally(const Deployment& deployment, const Ref<ReplicaSet>& new_set, const Sets& old_sets) {
  Sets sets = old_sets;
  if (new_set) sets.push_back(new_set);
  sets = with_replicas(sets);
  const int allowed = wanted(deployment) > 0 ? wanted(deployment) + max_surge(deployment) : 0;
  const int to_add = allowed - total_wanted(sets);
  if (to_add > 0) std::ranges::sort(sets, bigger_then_newer_first);
  if (to_add < 0) std::ranges::sort(sets, bigger_then_older_first);
  Sizes out;
  int added = 0;
  for (const Ref<ReplicaSet>& set : sets) {
    const int part = share(deployment, *set, to_add, added);
    out.emplace_back(set, wanted(*set) + part);
    added += part;
  }
  // What rounding left over is the largest set's.
  if (!out.empty()) out.front().second = std::max(0, out.front().second + to_add - added);
  return out;
}

}  // namespace

int new_set_replicas(const Deployment& deployment, const Sets& all, int current) {
  const int goal = wanted(deployment);
  if (!rolls(deployment) || current > goal) return goal;
  const int room = goal + max_surge(deployment) - total_wanted(all);
  if (room <= 0) return current;
  return current + std::min(room, goal - current);
}

Sizes scale_down_old(const Deployment& deployment, const Sets& old_sets, const ReplicaSet& new_set) {
  const int old_wanted = total_wanted(old_sets);
  if (old_wanted == 0) return {};
  const int min_available = wanted(deployment) - max_unavailable(deployment);
  const int new_available = staying(new_set);
  // Pods of the new set that are not available yet may fail: they cannot replace anything.
  const int most = old_wanted + wanted(new_set) - min_available - (wanted(new_set) - new_available);
  if (most <= 0) return {};
  Sets oldest_first = old_sets;
  std::ranges::sort(oldest_first, older_first);
  Sizing sizing(std::move(oldest_first));
  take_unhealthy(sizing, most);
  take_available(sizing, staying(old_sets) + new_available - min_available);
  return sizing.changed();
}

Sizes scale(const Deployment& deployment, const Ref<ReplicaSet>& new_set, const Sets& old_sets) {
  if (const Ref<ReplicaSet> only = only_set(new_set, old_sets)) {
    return {{only, wanted(deployment)}};
  }
  if (is_saturated(deployment, new_set)) {
    Sizes out;
    for (const Ref<ReplicaSet>& set : with_replicas(old_sets)) out.emplace_back(set, 0);
    return out;
  }
  if (rolls(deployment)) return scale_proportionally(deployment, new_set, old_sets);
  return {};
}

}  // namespace ph::controllers::deployment

// How a new template reaches the pods: old ones are deleted within a budget and made again by the plan, or new ones come first.
#include <algorithm>

#include "controllers/common/amounts.h"
#include "controllers/daemonset/plan.h"

namespace ph::controllers::daemonset {
namespace {

// The pods of a place that are not on their way out, at most one of each kind.
struct Pair {
  Ref<PodView> fresh, old;
};
// Nothing: there are more than the plan lets be.
std::optional<Pair> pair_of(const Observed& observed, const Place& place) {
  Pair out;
  for (const Ref<PodView>& pod : place.pods) {
    if (pod->deletion) continue;
    Ref<PodView>& one = is_updated(observed, *pod) ? out.fresh : out.old;
    if (one) return std::nullopt;
    one = pod;
  }
  return out;
}

// The first `budget` of `candidates`.
template <class T>
void add_some(std::vector<T>& out, const std::vector<T>& candidates, int budget) {
  const auto count = std::clamp<std::ptrdiff_t>(budget, 0, std::ssize(candidates));
  out.insert(out.end(), candidates.begin(), candidates.begin() + count);
}

// Without surge: takes old pods away, as many as may be missing. One that is not available anyway costs nothing.
void replace(const Observed& observed, int unavailable, Plan& plan) {
  int missing = 0;
  std::vector<Removal> candidates;
  for (const Place& place : observed.places) {
    if (place.pods.empty() && !place.fit.starts) continue;
    const auto pair = pair_of(observed, place);
    // None that stays, or too many: the place will be tended.
    if (!pair || (pair->fresh == nullptr) == (pair->old == nullptr)) {
      ++missing;
    } else if (pair->fresh) {
      if (!is_available(observed, *pair->fresh)) ++missing;
    } else if (is_available(observed, *pair->old)) {
      candidates.push_back({pair->old, place.name});
    } else {
      ++missing;
      plan.remove.push_back({pair->old, place.name});
    }
  }
  add_some(plan.remove, candidates, unavailable - missing);
}

// With surge: makes new pods beside old ones, as many as may be too many; an old one goes when the new one is available.
class Surge {
 public:
  Surge(const Observed& observed, Plan& plan) : observed_(observed), plan_(plan) {}

  void run(int most) {
    for (const Place& place : observed_.places) {
      if (place.exists && !place.pods.empty()) look_at(place);
    }
    add_some(plan_.create, candidates_, most - surging_);
    // Where the set does not belong any more nothing new will come. Its pods stay until as many are available elsewhere.
    add_some(plan_.remove, misplaced_, available_ - wanted_nodes(observed_));
  }

 private:
  void look_at(const Place& place) {
    const auto pair = pair_of(observed_, place);
    if (!pair) return void(++surging_);
    const Ref<PodView>& first = pair->old ? pair->old : pair->fresh;
    if (first && is_available(observed_, *first)) ++available_;
    if (!pair->old) return;
    if (!pair->fresh) return look_at_old(place, pair->old);
    if (is_available(observed_, *pair->fresh)) {
      plan_.remove.push_back({pair->old, place.name});
    } else {
      ++surging_;
    }
  }

  void look_at_old(const Place& place, const Ref<PodView>& old) {
    const bool available = is_available(observed_, *old);
    if (place.fit.starts) return (available ? candidates_ : plan_.create).push_back(place.name);
    (available ? misplaced_ : plan_.remove).push_back({old, place.name});
  }

  const Observed& observed_;
  Plan& plan_;
  int surging_ = 0, available_ = 0;
  std::vector<std::string_view> candidates_;
  std::vector<Removal> misplaced_;
};

}  // namespace

int max_surge(const DaemonSet& set, int nodes) {
  const auto& strategy = set.spec().update_strategy();
  return strategy.type() == "RollingUpdate" ? scaled(strategy.rolling_update().max_surge(), nodes, true) : 0;
}

int max_unavailable(const DaemonSet& set, int nodes) {
  const auto& strategy = set.spec().update_strategy();
  return strategy.type() == "RollingUpdate" ? scaled(strategy.rolling_update().max_unavailable(), nodes, true) : 0;
}

void roll_out(const Observed& observed, Plan& plan) {
  if (observed.set->spec().update_strategy().type() != "RollingUpdate") return;
  const int nodes = wanted_nodes(observed);
  const int surge = max_surge(*observed.set, nodes), unavailable = max_unavailable(*observed.set, nodes);
  if (surge > 0) return Surge(observed, plan).run(surge);
  // The server lets nobody ask for neither; then a rollout could never move.
  replace(observed, nodes > 0 ? std::max(unavailable, 1) : unavailable, plan);
}

}  // namespace ph::controllers::daemonset

#include "controllers/statefulset/plan.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "controllers/common/amounts.h"

namespace ph::controllers::statefulset {
namespace {

Duration min_ready(const StatefulSet& set) { return std::chrono::seconds(set.spec().min_ready_seconds()); }

std::string_view revision_of(const PodView& pod) { return pod.label(kPodRevision).value_or(std::string_view()); }

bool is_running_and_ready(const PodView& pod) { return pod.phase == "Running" && pod.ready; }

class Planner {
 public:
  explicit Planner(const Observed& observed) : observed_(observed), set_(observed.set) {
    for (const Ref<PodView>& pod : observed.pods) {
      const auto ordinal = ordinal_of(set_, pod->name);
      if (!ordinal) continue;
      (wants(set_, *ordinal) ? replicas_ : condemned_).emplace(*ordinal, pod);
    }
  }

  Plan run() {
    count();
    if (!set_.metadata().has_deletion_timestamp() && keep_replicas() && end_condemned()) roll_out();
    complete();
    return std::move(plan_);
  }

 private:
  using Pods = std::map<std::int64_t, Ref<PodView>>;

  bool ordered() const { return set_.spec().pod_management_policy() != "Parallel"; }
  bool rolls() const { return set_.spec().update_strategy().type() == "RollingUpdate"; }
  // Of a pod that may be missing.
  bool is_available(const Ref<PodView>& pod) const {
    if (!pod || !is_running_and_ready(*pod)) return false;
    const auto from = available_from(*pod, min_ready(set_));
    return from && *from <= observed_.now;
  }
  bool is_unavailable(const Ref<PodView>& pod) const { return !is_available(pod) || pod->deletion; }
  Ref<PodView> replica(std::int64_t ordinal) const {
    const auto found = replicas_.find(ordinal);
    return found == replicas_.end() ? nullptr : found->second;
  }

  Stage& new_stage(bool is_ordered) { return plan_.stages.emplace_back(Stage{.ordered = is_ordered, .work = {}}); }

  // -- Status

  void count() {
    StatefulSetStatus& status = plan_.status;
    status.set_observed_generation(set_.metadata().generation());
    status.set_current_revision(observed_.current);
    status.set_update_revision(observed_.update);
    status.set_collision_count(observed_.collisions);
    for (const Pods* pods : {&replicas_, &condemned_}) {
      for (const auto& [ordinal, pod] : *pods) {
        status.set_replicas(status.replicas() + 1);
        if (is_running_and_ready(*pod)) status.set_ready_replicas(status.ready_replicas() + 1);
        if (is_available(pod)) status.set_available_replicas(status.available_replicas() + 1);
        if (pod->deletion) continue;
        if (revision_of(*pod) == observed_.current) status.set_current_replicas(status.current_replicas() + 1);
        if (revision_of(*pod) == observed_.update) status.set_updated_replicas(status.updated_replicas() + 1);
      }
    }
  }

  // A rollout that has come to its end makes the updated revision the current one.
  void complete() {
    StatefulSetStatus& status = plan_.status;
    const std::int64_t wanted = wanted_replicas(set_);
    if (!rolls() || status.updated_replicas() != wanted || status.ready_replicas() != wanted || status.replicas() != wanted)
      return;
    status.set_current_replicas(status.updated_replicas());
    status.set_current_revision(status.update_revision());
  }

  // -- Pods that are wanted. False: nothing else is done before they have come further.

  bool keep_replicas() {
    Stage& stage = new_stage(ordered());
    const std::int64_t first = first_ordinal(set_), end = first + wanted_replicas(set_);
    int made = 0;
    for (std::int64_t ordinal = first; ordinal < end; ++ordinal) {
      PodWork work{.ordinal = ordinal, .pod = replica(ordinal)};
      const bool goes_on = work.pod ? keep(*work.pod, work) : create(work);
      if (work.create || work.make_claims || work.fit || work.remove) stage.work.push_back(work);
      made += work.create;
      if ((!goes_on && ordered()) || made == kBurst) return false;
    }
    return true;
  }

  bool create(PodWork& work) {
    const bool waits = std::ranges::any_of(set_.spec().volume_claim_templates(), [&](const Claim& from) {
      const Ref<Claim> claim = observed_.claim(claim_name(set_, from, work.ordinal));
      return claim && is_left_behind(set_, *claim, claiming_pod(work));
    });
    plan_.waits_for_claim |= waits;
    work.create = !waits;
    work.of_current = takes_current_revision(work.ordinal);
    return false;
  }

  bool keep(const PodView& pod, PodWork& work) {
    if (pod.finished()) {
      // Also one that has succeeded: what ended it may have been its node. Another is made when it is gone.
      work.remove = !pod.deletion;
      return false;
    }
    work.make_claims = pod.phase == "Pending" && !set_.spec().volume_claim_templates().empty();
    if (ordered() && is_unavailable(work.pod)) return false;
    work.fit = !has_identity(pod) || observed_.without_storage.contains(pod.uid) || !claims_fit(work);
    return true;
  }

  bool takes_current_revision(std::int64_t ordinal) const {
    if (!rolls()) return false;
    const auto& strategy = set_.spec().update_strategy();
    const std::int64_t kept =
        strategy.has_rolling_update() ? strategy.rolling_update().partition() : set_.status().current_replicas();
    return ordinal < first_ordinal(set_) + kept;
  }

  ClaimingPod claiming_pod(const PodWork& work) const {
    return {.name = pod_name(set_, work.ordinal),
            .uid = work.pod ? work.pod->uid : std::string(),
            .wanted = wants(set_, work.ordinal)};
  }
  bool claims_fit(const PodWork& work) const {
    return std::ranges::all_of(set_.spec().volume_claim_templates(), [&](const Claim& from) {
      const Ref<Claim> claim = observed_.claim(claim_name(set_, from, work.ordinal));
      return !claim || owners_fit(set_, *claim, claiming_pod(work));
    });
  }

  // -- Pods that are too many, highest ordinal first.

  bool end_condemned() {
    Stage& claims = new_stage(ordered());
    for (auto at = condemned_.rbegin(); at != condemned_.rend(); ++at) {
      const PodWork work{.ordinal = at->first, .pod = at->second, .fit_claims = true};
      if (!claims_fit(work)) claims.work.push_back(work);
    }
    Stage& ends = new_stage(ordered());
    for (auto at = condemned_.rbegin(); at != condemned_.rend(); ++at) {
      const PodWork work{.ordinal = at->first, .pod = at->second, .remove = true};
      if (!ordered()) {
        if (!at->second->deletion) ends.work.push_back(work);
        if (std::cmp_equal(ends.work.size(), kBurst)) return false;
        continue;
      }
      // One after the other: none while another ends, and none that is not available before those below it that are not either.
      const bool waits = at->second->deletion || (!is_available(at->second) && at->second != first_unavailable_condemned());
      if (!waits) ends.work.push_back(work);
      return false;
    }
    return true;
  }

  Ref<PodView> first_unavailable_condemned() const {
    const auto found = std::ranges::find_if(condemned_, [&](const auto& entry) { return is_unavailable(entry.second); });
    return found == condemned_.end() ? nullptr : found->second;
  }

  // -- Pods of another revision, highest ordinal first.

  void roll_out() {
    const auto& strategy = set_.spec().update_strategy();
    if (strategy.type() == "OnDelete") return;
    const std::int64_t last = first_ordinal(set_) + wanted_replicas(set_) - 1;
    const std::int64_t least = first_ordinal(set_) + std::max(strategy.rolling_update().partition(), 0);
    const std::int64_t budget = observed_.many_unavailable ? unavailable_more() : 1;
    Stage& stage = new_stage(true);
    for (std::int64_t ordinal = last; ordinal >= least; --ordinal) {
      if (std::cmp_greater_equal(stage.work.size(), budget)) return;
      const Ref<PodView> pod = replica(ordinal);
      if (pod && !pod->deletion && revision_of(*pod) != observed_.update) {
        stage.work.push_back({.ordinal = ordinal, .pod = pod, .remove = true});
        if (revision_of(*pod) == observed_.current) plan_.status.set_current_replicas(plan_.status.current_replicas() - 1);
      } else if (!observed_.many_unavailable && is_unavailable(pod)) {
        return;
      }
    }
  }

  // How many pods may become unavailable beside those that are.
  std::int64_t unavailable_more() const {
    const std::int64_t wanted = wanted_replicas(set_);
    const auto available = std::ranges::count_if(replicas_, [&](const auto& entry) { return !is_unavailable(entry.second); });
    const auto& rolling = set_.spec().update_strategy().rolling_update();
    const int most = rolling.has_max_unavailable() ? scaled(rolling.max_unavailable(), static_cast<int>(wanted), false) : 1;
    return std::min<std::int64_t>(std::max(most, 1) - (wanted - available), kBurst);
  }

  const Observed& observed_;
  const StatefulSet& set_;
  Pods replicas_, condemned_;
  Plan plan_;
};

}  // namespace

Plan plan(const Observed& observed) { return Planner(observed).run(); }

bool status_differs(const StatefulSetStatus& before, const StatefulSetStatus& after) {
  const auto counts = [](const StatefulSetStatus& status) {
    return std::tuple(status.replicas(), status.ready_replicas(), status.current_replicas(), status.updated_replicas(),
                      status.available_replicas(), std::string_view(status.current_revision()),
                      std::string_view(status.update_revision()));
  };
  return after.observed_generation() > before.observed_generation() || counts(before) != counts(after);
}

std::optional<Time> next_available(const Observed& observed) {
  std::optional<Time> next;
  for (const Ref<PodView>& pod : observed.pods) {
    const auto from = available_from(*pod, min_ready(observed.set));
    if (from && *from > observed.now) next = next ? std::min(*next, *from) : *from;
  }
  return next;
}

}  // namespace ph::controllers::statefulset

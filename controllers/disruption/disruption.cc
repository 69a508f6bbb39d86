// disruption: tells in every PodDisruptionBudget's status how many of its pods may be evicted, and takes back the condition
// DisruptionTarget of pods that were to be disrupted and were not.
//
//   reads     policy/v1 PodDisruptionBudget, v1 Pod (views), apps/v1 Deployment, ReplicaSet, StatefulSet, v1 ReplicationController
//             informers; discovery and the scale sub-resource of any other controller of pods, live
//   writes    policy/v1 PodDisruptionBudget   status
//             v1 Pod                          patch of the status: the condition DisruptionTarget
//             v1 Event                        NoPods, UnmanagedPods, CalculateExpectedPodCountFailed; about pods NotDeleted
//   upstream  pkg/controller/disruption
//
// What the eviction sub-resource writes into the status at the same time wins: the status is written under the revision it was
// judged at.
#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "controllers/common/go_text.h"
#include "controllers/common/label_index.h"
#include "controllers/common/pod_reference.h"
#include "controllers/common/pods.h"
#include "controllers/disruption/plan.h"
#include "controllers/disruption/scalables.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using disruption::PodDisruptionBudget;
using disruption::PodDisruptionBudgetStatus;
using disruption::Scale;

// What made it impossible to tell how many pods there should be may have changed unseen: a custom kind got a scale, a right was given.
constexpr Duration kLookAgain = 5min;

// Keys of pods stand in the queue beside those of budgets; no namespace has such a name.
ObjectKey key_of_stale(const PodView& pod) { return {"pod|" + std::string(pod.namespace_name.view()), pod.name}; }
std::optional<ObjectKey> stale_pod(const ObjectKey& key) {
  if (!key.namespace_name.starts_with("pod|")) return std::nullopt;
  return ObjectKey{key.namespace_name.substr(4), key.name};
}

// What the controllers of a budget's pods want together.
struct Demand {
  int replicas = 0;
  bool has_unmanaged = false;
  std::string failure;
};

class Disruption final : public Loop {
 public:
  explicit Disruption(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        budgets_(world.informer<PodDisruptionBudget>()),
        pods_(world.informer<PodView>()),
        scalables_(world) {
    index_pods_by_label(pods_);
    budgets_.add_index(kBySelected, [](const PodDisruptionBudget& budget) -> std::vector<std::string> {
      return {selected_label(budget.metadata().namespace_(), budget.spec().selector().match_labels())};
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (const auto pod = stale_pod(key)) co_return co_await take_back(*pod);
    const Ref<PodDisruptionBudget> budget = budgets_.find(key);
    if (!budget) co_return Outcome::done();
    const auto about = informers::reference_to(*budget);
    const std::vector<Ref<PodView>> pods = selected(*budget);
    if (pods.empty()) events_.normal(about, "NoPods", "No matching pods found");

    Demand demand;
    if (disruption::asks_controllers(*budget)) demand = co_await demand_of(pods);
    if (!demand.failure.empty()) {
      events_.warning(about, "CalculateExpectedPodCountFailed",
                      "Failed to calculate the number of expected pods: " + demand.failure);
      co_await write(*budget, disruption::failed_status(*budget, demand.failure, clock_.now()));
      co_return Outcome::again_after(kLookAgain);
    }
    if (demand.has_unmanaged) events_.warning(about, "UnmanagedPods", unmanaged_text(*budget));

    const Time now = clock_.now();
    const auto evicted = disruption::evicted(*budget, pods, now);
    for (const Ref<PodView>& pod : evicted.overdue) tell_overdue(*budget, *pod);
    const auto wanted = disruption::wanted(*budget, static_cast<int>(pods.size()), demand.replicas);
    co_await write(*budget, disruption::status_of(*budget, wanted, disruption::healthy(pods, evicted), evicted, now));
    co_return evicted.next ? Outcome::again_at(*evicted.next) : Outcome::done();
  }

 private:
  std::vector<Ref<PodView>> selected(const PodDisruptionBudget& budget) const {
    const api::LabelSelector selector = disruption::selector_of(budget);
    std::vector<Ref<PodView>> out;
    for (Ref<PodView>& pod : pods_with_some_of(pods_, budget.metadata().namespace_(), budget.spec().selector().match_labels())) {
      if (selector.matches(labels_of(*pod))) out.push_back(std::move(pod));
    }
    return out;
  }

  Task<Demand> demand_of(std::vector<Ref<PodView>> pods) {
    Demand out;
    std::set<std::string, std::less<>> asked;          // controllers of pods
    std::map<std::string, int, std::less<>> replicas;  // by who decides: the replica sets of a deployment count once
    for (const Ref<PodView>& pod : pods) {
      const informers::OwnerView* controller = pod->controller();
      if (!controller) {
        out.has_unmanaged = true;
        continue;
      }
      if (!asked.insert(std::string(controller->uid.view())).second) continue;
      const Scale scale = co_await scalables_.find(*controller, std::string(pod->namespace_name.view()));
      if (!scale.failure.empty()) co_return Demand{.failure = scale.failure};
      if (scale.uid.empty()) co_return Demand{.failure = fmt::format("found no controllers for pod \"{}\"", pod->name)};
      replicas[scale.uid] = scale.replicas;
    }
    std::int64_t sum = 0;
    for (const auto& [uid, count] : replicas) sum += count;
    out.replicas = static_cast<int>(std::clamp<std::int64_t>(sum, 0, std::numeric_limits<int>::max()));
    co_return out;
  }

  Task<void> write(const PodDisruptionBudget& budget, PodDisruptionBudgetStatus status) {
    if (disruption::has_status(budget, status)) co_return;
    PodDisruptionBudget changed = budget;
    *changed.mutable_status() = std::move(status);
    // One that was deleted meanwhile needs none.
    co_await client_.try_update_status<PodDisruptionBudget>(std::move(changed));
  }

  Task<Outcome> take_back(ObjectKey key) {
    const Ref<PodView> pod = pods_.find(key);
    const auto due = pod ? disruption::stale_at(*pod) : std::nullopt;
    if (!due) co_return Outcome::done();
    const Time now = clock_.now();
    if (*due > now) co_return Outcome::again_at(*due);
    Patch patch = Patch::strategic(disruption::undisrupted_patch(*pod, now));
    patch.pinned = true;
    co_await client_.try_patch<Pod>(key, std::move(patch), "status");
    co_return Outcome::done();
  }

  static std::string unmanaged_text(const PodDisruptionBudget& budget) {
    return fmt::format(
        "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
        "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods "
        "please set \".spec.minAvailable\" field of the PDB to an integer value.",
        go_text(budget.spec().selector()));
  }

  void tell_overdue(const PodDisruptionBudget& budget, const PodView& pod) {
    events_.warning(reference_to(pod), "NotDeleted",
                    fmt::format("Pod was expected by PDB {} to be deleted but it wasn't", key_of(budget).text()));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<PodDisruptionBudget>& budgets_;
  Informer<PodView>& pods_;
  disruption::Scalables scalables_;
};

LoopBuilder::Keys concerned(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (pod.disrupted_since) out.push_back(key_of_stale(pod));
  for (const auto& budget : who_may_select(pod, world.informer<PodDisruptionBudget>())) {
    if (disruption::selector_of(*budget).matches(labels_of(pod))) out.push_back(key_of(*budget));
  }
  return out;
}

}  // namespace

void disruption_loop(LoopBuilder& loop) {
  disruption::watch_scalables(loop);
  loop.reconciles<PodDisruptionBudget>().watches<PodView>(concerned).event_source("controllermanager").with<Disruption>();
}

}  // namespace ph::controllers

// DefaultPreemption: when a pod fits nowhere, looks for a node where it would if less important pods went, and makes them go.
//
//   reads     policy/v1 PodDisruptionBudget    informer
//   writes    core/v1 Pod                      status patch: condition DisruptionTarget of a victim; delete, pinned to its UID;
//                                              nominatedNodeName of less important pods is cleared
//             core/v1 Event                    Preempted
//   upstream  pkg/scheduler/framework/plugins/defaultpreemption, pkg/scheduler/framework/preemption
//
// The search runs within the cycle; the victims are sent away beside the next cycles. Until all but the last of them are on their
// way the preemptor is kept out of the active queue: it is the last victim's going that wakes it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "api/times.h"
#include "base/sync.h"
#include "informers/informer.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/handle.h"
#include "scheduler/framework/waiting_pods.h"
#include "scheduler/plugins/kept_runs.h"
#include "scheduler/plugins/preemption_choice.h"
#include "scheduler/plugins/preemption_rules.h"

namespace ph::scheduler {
namespace {

using policy::v1::PodDisruptionBudget;

class DefaultPreemption final : public PreEnqueuePlugin, public PostFilterPlugin {
 public:
  DefaultPreemption(const DefaultPreemptionArgs& args, const PluginWorld& world) : args_(args), world_(world) {
    if (world_.informers) budgets_ = &world_.informers->informer<PodDisruptionBudget>();
  }

  // A pod that waits for its victims has been rejected by others, too: it is for them to say when it is worth another attempt.
  ClusterEvents retry_on() const override { return {ClusterEvent::AssignedPodDeleted}; }
  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override { return QueueingHint::Skip; }

  // Whom it finds is not kept.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return true; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  Verdict pre_enqueue(const Pod& pod) const override {
    if (!preempting_.contains(pod.metadata().uid())) return Verdict::fits();
    return Verdict::unresolvable("waiting for the preemption for this pod to be finished");
  }

  Task<PostFilterResult> post_filter(CycleState& state, const Pod& pod, const Rejections& rejections) override {
    world_.handle->count_preemption_attempt();
    if (const std::string_view why = may_not_preempt(state.pod(), pod, rejections, *world_.snapshot); !why.empty()) {
      co_return PostFilterResult{Verdict::owning(Code::Unschedulable, fmt::format("preemption: {}", why)), {}};
    }
    Diagnosis diagnosis;
    std::vector<std::string> errors;
    const std::vector<Candidate> candidates = find_candidates(state, pod, rejections, diagnosis, errors);
    if (candidates.empty() && !errors.empty()) {
      co_return PostFilterResult{Verdict::error(fmt::format("preemption: {}", fmt::join(errors, ", "))), {}};
    }
    if (candidates.empty()) {
      co_return PostFilterResult{Verdict::owning(Code::Unschedulable, fmt::format("preemption: {}", fit_message(diagnosis))),
                                 std::string()};
    }
    const Candidate& chosen = choose(candidates, *world_.rng);
    send_away(state.pod(), pod, chosen);
    co_return PostFilterResult{Verdict::fits(), chosen.node->name()};
  }

 private:
  // Nodes where it would work. None: `diagnosis` says why.
  std::vector<Candidate> find_candidates(const CycleState& state, const Pod& pod, const Rejections& rejections,
                                         Diagnosis& diagnosis, std::vector<std::string>& errors) {
    const std::vector<const NodeInfo*> nodes = promising(rejections, *world_.snapshot);
    std::vector<Candidate> out;
    const std::size_t enough = candidates_wanted(nodes.size());
    // Not always the same nodes are robbed, when not all are looked at.
    const std::size_t offset = enough < nodes.size() ? world_.rng->below(nodes.size()) : 0;
    KeptRuns* kept = rejections.memory ? &rejections.memory->of<KeptRuns>(this) : nullptr;
    refresh_budgets();
    if (kept) kept->begin(state.pod().priority, budgets_revision_, rejections.memory->stamps().size());
    bool harmless = false;
    std::size_t tried = 0;
    for (; tried < nodes.size() && !(harmless && out.size() >= enough); ++tried) {
      const NodeInfo& node = *nodes[(offset + tried) % nodes.size()];
      std::shared_ptr<const DryRun> run = kept ? kept->find(node, rejections.memory->stamps()) : nullptr;
      if (!run) {
        run = std::make_shared<const DryRun>(
            select_victims(*world_.profile, state, pod, node, known_budgets_, world_.handle->nominated()));
        if (kept) kept->keep(node, rejections.memory->stamps(), run);
      }
      if (run->code == Code::Success) {
        harmless |= run->victims.violations == 0;
        out.push_back({&node, std::move(run)});
      } else {
        if (run->code == Code::Error) errors.insert(errors.end(), run->reasons.begin(), run->reasons.end());
        for (const std::string& reason : run->reasons) ++diagnosis.reasons[reason];
      }
    }
    diagnosis.nodes_total = world_.snapshot->nodes().size();
    if (tried < diagnosis.nodes_total) {
      diagnosis.reasons["Preemption is not helpful for scheduling"] += diagnosis.nodes_total - tried;
    }
    return out;
  }

  std::size_t candidates_wanted(std::size_t nodes) const {
    const std::size_t part = nodes * static_cast<std::size_t>(args_.min_candidate_nodes_percentage) / 100;
    return std::min(std::max(part, static_cast<std::size_t>(args_.min_candidate_nodes_absolute)), nodes);
  }

  void refresh_budgets() {
    if (!budgets_ || budgets_revision_ == budgets_->revision()) return;
    budgets_revision_ = budgets_->revision();
    known_budgets_ = {};
    for (const auto& budget : budgets_->list()) known_budgets_.add(*budget);
  }

  // -- Making them go

  void send_away(const PodInfo& preemptor, const Pod& pod, const Candidate& chosen) {
    world_.handle->count_preemption(chosen.victims().pods.size());
    // Less important pods that were to come here may not fit any more: they look for another place now, and not when all is over.
    std::vector<PodRef> outdone;
    for (const PodRef& other : world_.handle->nominated().on(chosen.node->name())) {
      if (other->priority < preemptor.priority) outdone.push_back(other);
    }
    for (const PodRef& other : outdone) world_.handle->clear_nomination(other);

    std::vector<PodRef> victims;
    for (const PodRef& victim : chosen.victims().pods) {
      if (!victim->deleting) victims.push_back(victim);
    }
    if (victims.empty()) return;
    Preemptor by{preemptor.uid, pod.spec().scheduler_name(), chosen.node->name(), informers::reference_to(pod)};
    preempting_.insert(by.uid);
    world_.handle->spawn(send_away(std::move(by), std::move(victims)));
  }

  struct Preemptor {
    std::string uid, scheduler_name, node;
    core::v1::ObjectReference reference;
  };

  Task<void> send_away(Preemptor by, std::vector<PodRef> victims) {
    const PodRef last = victims.back();
    victims.pop_back();
    std::vector<Task<Sent>> others;
    for (const PodRef& victim : victims) others.push_back(send_away_one(by, victim));
    bool stay = false;
    for (const auto& one : co_await all(std::move(others))) stay |= one.error || *one.value == Sent::Stays;
    preempting_.erase(by.uid);
    // When some stay, the last one need not go for nothing. When it has gone already, its going may have been told while the preemptor
    // was kept back: nobody tells it again.
    const bool awaited = !stay && co_await send_away_one(by, last) == Sent::Away;
    if (!awaited) world_.handle->activate({by.uid});
  }

  enum class Sent { Away, Gone, Stays };
  Task<Sent> send_away_one(Preemptor by, PodRef victim) {
    try {
      if (world_.waiting->waits(victim->uid)) {
        world_.waiting->reject(victim->uid, name(), "preempted");
      } else {
        if (victim->disruption != PodInfo::Disruption::ByScheduler) {
          const auto patch = disruption_patch(by, *victim);
          const auto patched = co_await world_.client->try_patch<Pod>(victim->key(), patch, "status");
          if (patched != informers::Patched::Yes) co_return Sent::Gone;
        }
        informers::DeleteOptions options;
        options.uid = victim->uid;
        const auto removed = co_await world_.client->remove<Pod>(victim->key(), std::move(options));
        if (removed != informers::Removed::Yes) co_return Sent::Gone;
      }
    } catch (const std::exception& error) {
      world_.log.error("a pod that was to make room could not be sent away", "victim", victim->key(), "node", by.node, "err",
                       error.what());
      co_return Sent::Stays;
    }
    world_.handle->recorder(*world_.profile)
        .report({.about = reference_to(*victim),
                 .related = by.reference,
                 .type = "Normal",
                 .reason = "Preempted",
                 .action = "Preempting",
                 .note = fmt::format("Preempted by pod {} on node {}", by.uid, by.node)});
    co_return Sent::Away;
  }

  informers::Patch disruption_patch(const Preemptor& by, const PodInfo& victim) const {
    nlohmann::json condition = {
        {"type", "DisruptionTarget"},
        {"status", "True"},
        {"reason", kPreemptedReason},
        {"message", fmt::format("{}: preempting to accommodate a higher priority pod", by.scheduler_name)},
        {"observedGeneration", victim.generation},
    };
    // One that was disrupted already has been so since then.
    if (victim.disruption == PodInfo::Disruption::None) condition["lastTransitionTime"] = api::rfc3339(world_.clock->now());
    const nlohmann::json body = {{"metadata", {{"uid", victim.uid}}}, {"status", {{"conditions", {condition}}}}};
    informers::Patch patch = informers::Patch::strategic(body.dump());
    patch.pinned = true;
    return patch;
  }

  static core::v1::ObjectReference reference_to(const PodInfo& pod) {
    core::v1::ObjectReference out;
    out.set_kind("Pod");
    out.set_api_version("v1");
    out.set_namespace_(std::string(pod.namespace_name.view()));
    out.set_name(pod.name);
    out.set_uid(pod.uid);
    out.set_resource_version(std::to_string(pod.revision.value));
    return out;
  }

  const DefaultPreemptionArgs args_;
  const PluginWorld world_;
  informers::Informer<PodDisruptionBudget>* budgets_ = nullptr;
  DisruptionBudgets known_budgets_;
  Revision budgets_revision_{};                    // of those
  std::set<std::string, std::less<>> preempting_;  // UIDs of pods whose victims have not all been sent away
};

}  // namespace

std::unique_ptr<Plugin> default_preemption(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<DefaultPreemption>(args.default_preemption, world);
}

}  // namespace ph::scheduler

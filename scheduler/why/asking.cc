// Scheduler::explain: finds the pod that is meant and where it stands, and has the profile's plugins explain it between two cycles.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/errors.h"
#include "api/times.h"
#include "scheduler/scheduler.h"
#include "scheduler/why/explain.h"
#include "scheduler/why/hypothesis.h"
#include "scheduler/why/question.h"

namespace ph::scheduler {

using why::Explanation, why::Question;

namespace {

using policy::v1::PodDisruptionBudget;

constexpr std::string_view kDefaultPreemption = "DefaultPreemption";

why::PodFacts facts_of(const Pod& pod, const Question& question) {
  return {.namespace_name = pod.metadata().namespace_(),
          .name = pod.metadata().name(),
          .uid = question.given ? std::string() : pod.metadata().uid(),
          .scheduler_name = pod.spec().scheduler_name(),
          .priority = pod.spec().has_priority() ? pod.spec().priority() : 0,
          .node = pod.spec().node_name(),
          .nominated_node = pod.status().nominated_node_name(),
          .deleting = pod.metadata().has_deletion_timestamp(),
          .imagined = question.given != nullptr};
}

bool is_over(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

std::string_view place_text(QueuedPod::Place place) {
  switch (place) {
    case QueuedPod::Place::Active: return "active";
    case QueuedPod::Place::Backoff:
    case QueuedPod::Place::ErrorBackoff: return "backoff";
    case QueuedPod::Place::Unschedulable: return "unschedulable";
    case QueuedPod::Place::InFlight: return "in flight";
    case QueuedPod::Place::Nowhere:
    case QueuedPod::Place::Removed: break;
  }
  return "";
}

void placed_on_node(Explanation& out, std::string_view state, std::string text) {
  out.state = state;
  out.message = fmt::format("{}; asked anew: {}", text, out.message);
  const std::string& node = out.pod.node;
  if (std::ranges::find(out.fits, node) != out.fits.end()) return;
  for (const why::Refused& group : out.refused) {
    if (std::ranges::find(group.nodes, node) == group.nodes.end()) continue;
    const why::PluginVerdict& verdict = group.verdicts.front();
    out.notes.push_back(
        fmt::format("{} would not be let through now: {}: {}", node, verdict.plugin, fmt::join(verdict.reasons, ", ")));
  }
}

}  // namespace

Task<Explanation> Scheduler::explain(Question question) {
  if (!nodes_known_.is_set() || !pods_known_.is_set()) {
    throw api::unavailable("the scheduler does not know all nodes and pods yet");
  }
  why::complete(question);
  PendingPod pod = question.given;
  if (!pod) {
    const auto known = pods().find(question.pod);
    if (known) pod = known->pending();
  }
  if (!pod) {
    // What has a node is not held here as a whole, and what has ended not at all.
    auto found = co_await world_.client.find<Pod>(question.pod);
    if (!found) throw api::not_found("pods", question.pod.name);
    pod = std::make_shared<const Pod>(std::move(*found));
  }
  co_return explain(question, *pod);
}

// Without a wait: nothing happens meanwhile.
Explanation Scheduler::explain(const Question& question, const Pod& pod) {
  Explanation out;
  out.pod = facts_of(pod, question);
  const auto profile = profiles_.find(pod.spec().scheduler_name());
  if (is_over(pod)) {
    out.state = "finished";
    out.message = fmt::format("the pod has ended ({})", pod.status().phase());
    return out;
  }
  if (profile == profiles_.end()) {
    std::vector<std::string_view> own;
    for (const auto& [name, each] : profiles_) own.push_back(name);
    out.state = "foreign";
    out.message = fmt::format("the pod is for the scheduler \"{}\"; the profiles of this one are: {}",
                              pod.spec().scheduler_name(), fmt::join(own, ", "));
    return out;
  }

  const std::string& uid = pod.metadata().uid();
  if (const PodRef assumed = question.given ? nullptr : cache_.find_pod(uid)) out.pod.node = assumed->node_name.view();
  const why::PodFacts facts = out.pod;
  Pod anew = pod;
  anew.mutable_spec()->clear_node_name();
  if (!facts.node.empty()) anew.mutable_status()->clear_nominated_node_name();

  cache_.update(snapshot_);
  why::Hypothesis hypothesis(snapshot_);
  if (!facts.node.empty()) hypothesis.without_pod(facts.node, uid);
  const std::vector<std::string> changes = hypothesis.apply(question.edits);
  const Profile::Unmeasured unmeasured(*profile->second);
  const auto budgets = [this, &profile] {
    DisruptionBudgets known;
    if (!profile->second->plugin(kDefaultPreemption)) return known;
    for (const auto& budget : world_.informers.informer<PodDisruptionBudget>().list()) known.add(*budget);
    return known;
  };
  out = why::explain({.profile = *profile->second,
                      .snapshot = snapshot_,
                      .nominated = queue_.nominated(),
                      .budgets = budgets,
                      .runners_up = question.runners_up,
                      .nearest = question.nearest},
                     anew, make_pod_info(anew), facts.node);
  out.pod = facts;
  out.changes = changes;
  explain_circumstances(*profile->second, question, pod, out);
  return out;
}

// How the pod stands besides what the plugins say of nodes.
void Scheduler::explain_circumstances(const Profile& profile, const Question& question, const Pod& pod, Explanation& out) const {
  const std::string& uid = pod.metadata().uid();
  if (lane_of(pod, profile) != kFreeLane) {
    out.notes.push_back("extenders have a say about this pod, too: they are not asked for an explanation");
  }
  if (out.pod.deleting) out.notes.push_back("the pod is being deleted: no attempt is made to place it");
  if (!out.pod.node.empty()) {
    if (waiting_.waits(uid)) {
      return placed_on_node(out, "permit",
                            fmt::format("placed on {}, held back by {}", out.pod.node, fmt::join(waiting_.held_by(uid), ", ")));
    }
    const bool assumed = cache_.is_assumed(uid);
    return placed_on_node(out, assumed ? "binding" : "placed", (assumed ? "being bound to " : "on ") + out.pod.node);
  }
  if (const Verdict verdict = profile.pre_enqueue(pod); !verdict.success()) {
    out.state = "gated";
    out.message = fmt::format("{}: {}; without that: {}", verdict.plugin(), verdict.message(), out.message);
  }
  if (!question.given) explain_waiting(profile, pod, out);
}

void Scheduler::explain_waiting(const Profile& profile, const Pod& pod, Explanation& out) const {
  if (const QueuedPod* queued = queue_.find(pod.metadata().uid())) {
    why::Waiting& waiting = out.waiting.emplace_back();
    waiting.place = queued->gated_by.empty() ? place_text(queued->place) : "gated";
    waiting.attempts = static_cast<std::uint64_t>(queued->attempts);
    if (waiting.place == "backoff") {
      const Duration left = std::max<Duration>(queued->backoff_ends - world_.clock.steady(), Duration::zero());
      waiting.retry_in = api::duration_text(std::chrono::ceil<std::chrono::milliseconds>(left));
    }
    profile.each(queued->rejectors | queued->pending, [&](std::string_view plugin) { waiting.woken_by.emplace_back(plugin); });
    if (!queued->gated_by.empty() && std::ranges::find(waiting.woken_by, queued->gated_by) == waiting.woken_by.end()) {
      waiting.woken_by.emplace_back(queued->gated_by);
    }
  }
  const auto last = diagnoses_.find(key_of(pod));
  if (last == diagnoses_.end() || last->second.first != pod.metadata().uid()) return;
  out.last_attempt.push_back({api::rfc3339(last->second.second->at), last->second.second->message});
}

}  // namespace ph::scheduler

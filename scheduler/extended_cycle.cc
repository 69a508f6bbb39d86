// The scheduling cycle of a pod that extenders take part in. Upstream: pkg/scheduler/schedule_one.go
// (findNodesThatPassExtenders, prioritizeNodes)
//
// It waits for answers, and while it does other cycles place their pods and nodes come and go. So nothing of the snapshot is
// kept across a wait but references to nodes, and after each wait the nodes are put to the plugins again, in the cache's
// present state: what is picked fits at the moment it is assumed.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "scheduler/scheduler.h"

namespace ph::scheduler {

struct Scheduler::Extended {
  QueuedRef queued;
  PendingPod pod;  // as it was when the cycle began
  std::shared_ptr<Diagnosis> diagnosis;
  std::optional<CycleState> state = {};                       // of the plugins' first look: verdicts refer to it
  std::vector<std::pair<std::string, Verdict>> refused = {};  // by node
  bool only_nominated = false;                                // the plugins' first look was at the nominated node alone
  bool chosen = false;                                        // it has been told how long it took to choose

  bool removed() const { return queued->place == QueuedPod::Place::Removed; }
};

namespace {

class HeldLane {
 public:
  HeldLane(SchedulingQueue& queue, std::size_t lane) : queue_(queue), lane_(lane) {}
  HeldLane(const HeldLane&) = delete;
  HeldLane& operator=(const HeldLane&) = delete;
  ~HeldLane() { queue_.release(lane_); }

 private:
  SchedulingQueue& queue_;
  const std::size_t lane_;
};

// What an extender says of a node that it has left out.
Verdict refusal_of(const Extender::Filtered& answer, const std::string& node) {
  const auto worse = answer.unresolvable.find(node);
  if (worse != answer.unresolvable.end()) {
    return Verdict::owning(Code::UnschedulableAndUnresolvable, worse->second).by(kExtenderName);
  }
  const auto failed = answer.failed.find(node);
  if (failed != answer.failed.end()) return Verdict::owning(Code::Unschedulable, failed->second).by(kExtenderName);
  return Verdict(Code::Unschedulable).by(kExtenderName);
}

std::vector<NodeRef> references_to(std::span<const NodeInfo* const> nodes) {
  std::vector<NodeRef> out;
  for (const NodeInfo* node : nodes) out.push_back(node->ref());
  return out;
}

}  // namespace

// -- Who takes part

void Scheduler::add_extenders() {
  if (configuration_.extenders.empty()) return;
  if (!world_.extender_transports) throw std::invalid_argument("extenders are configured, but there is no way to reach them");
  try {
    for (const bool ignorable : {false, true}) {
      for (const ExtenderSpec& spec : configuration_.extenders) {
        if (spec.ignorable == ignorable) extenders_.push_back(std::make_unique<Extender>(spec, extender_transport(spec)));
      }
    }
  } catch (const std::exception& error) {
    throw std::invalid_argument(fmt::format("couldn't build extenders: {}", error.what()));
  }
}

std::unique_ptr<Transport> Scheduler::extender_transport(const ExtenderSpec& spec) const {
  if (spec.tls.insecure && spec.tls.has_ca()) {
    throw std::invalid_argument("specifying a root certificates file with the insecure flag is not allowed");
  }
  const std::string_view url = spec.url_prefix;
  if (url.starts_with("http://") || url.starts_with("https://")) return world_.extender_transports(spec);
  // Upstream finds out when it asks.
  return unreachable_transport("unsupported protocol scheme \"\"");
}

bool Scheduler::extenders_filter() const {
  return std::ranges::any_of(extenders_, [](const auto& extender) { return extender->filters(); });
}

std::size_t Scheduler::lane_of(const Pod& pod, const Profile& profile) const {
  const bool asked = std::ranges::any_of(extenders_, [&](const auto& extender) {
    return (extender->filters() || extender->prioritizes()) && extender->interested(pod);
  });
  if (!asked) return flow_lane(profile).value_or(kFreeLane);
  std::size_t lane = kFreeLane + 1;
  for (const auto& [name, other] : profiles_) {
    if (other.get() == &profile) break;
    ++lane;
  }
  return lane;
}

// -- The cycle

Task<void> Scheduler::schedule_extended(QueuedRef queued, std::size_t lane) {
  const HeldLane held(queue_, lane);
  const Counted counted(under_way_);
  ++stats_.attempts;
  queued->attempt_begun = metrics_.now();
  Extended cycle{.queued = queued, .pod = queued->pod, .diagnosis = std::make_shared<Diagnosis>()};
  cycle.diagnosis->at = world_.clock.now();
  try {
    co_await place_extended(cycle);
  } catch (const std::exception& error) {
    chosen(cycle);
    fail(queued, Verdict::error(error.what()), cycle.diagnosis, {});
  }
}

void Scheduler::chosen(Extended& cycle) {
  if (!std::exchange(cycle.chosen, true)) metrics_.chosen(cycle.queued->attempt_begun);
}

Task<void> Scheduler::place_extended(Extended& cycle) {
  std::vector<NodeRef> nodes = co_await filter_extended(cycle, true);
  if (nodes.empty() && cycle.only_nominated && !cycle.removed()) nodes = co_await filter_extended(cycle, false);
  if (cycle.removed()) co_return;
  if (nodes.empty()) {
    chosen(cycle);
    co_await refuse_extended(cycle);
    co_return;
  }

  const QueuedRef& queued = cycle.queued;
  const Profile& profile = *queued->profile;
  CycleState state(queued->info);
  std::vector<const NodeInfo*> fitting = still_fitting(cycle, state, nodes);
  std::vector<NodeScore> scores;
  for (const NodeInfo* node : fitting) scores.push_back({node, 0});
  if (fitting.size() > 1) {
    const Verdict verdict = profile.pre_score(state, *queued->pod, fitting);
    if (!verdict.success()) throw std::runtime_error(verdict.message());
    scores = profile.score(state, *queued->pod, fitting);
    std::map<std::string, Score, std::less<>> own;
    for (const NodeScore& score : scores) own.emplace(score.node->name(), score.score);

    nodes = references_to(fitting);
    const Extender::Scores extra = co_await extender_scores(cycle, nodes);
    if (cycle.removed()) co_return;
    state = CycleState(queued->info);
    scores.clear();
    for (const NodeInfo* node : still_fitting(cycle, state, nodes)) {
      const auto added = extra.find(node->name());
      scores.push_back({node, add_scores(own.at(node->name()), added == extra.end() ? 0 : added->second)});
    }
  }
  chosen(cycle);
  if (const NodeInfo* node = pick(scores)) co_return assume_and_bind(queued, std::move(state), *node);
  // Others were quicker. The pod keeps its place in the queue, and is judged anew.
  ++stats_.overtaken;
  queue_.again(queued);
}

Task<std::vector<NodeRef>> Scheduler::filter_extended(Extended& cycle, bool nominated_first) {
  const Profile& profile = *cycle.queued->profile;
  cycle.refused.clear();
  cycle.state.emplace(cycle.queued->info);
  std::vector<NodeRef> nodes = references_to(candidates(profile, *cycle.state, *cycle.pod, *cycle.diagnosis, nominated_first));
  for (Rejection& rejection : rejections_.nodes) cycle.refused.emplace_back(rejection.node->name(), std::move(rejection.verdict));
  cycle.only_nominated = nominated_first && nodes.size() == 1 && cycle.refused.empty() &&
                         nodes.front()->metadata().name() == cycle.pod->status().nominated_node_name();

  for (const auto& extender : extenders_) {
    if (nodes.empty()) break;
    if (!extender->filters() || !extender->interested(*cycle.pod)) continue;
    std::optional<Extender::Filtered> answer;
    try {
      answer = co_await extender->filter(cycle.pod, nodes);
    } catch (const ExtenderError& error) {
      if (!extender->ignorable()) throw;
      world_.log.info("an extender that may be ignored failed", "extender", extender->name(), "err", error.what());
      continue;
    }
    std::set<std::string_view> left;
    for (const NodeRef& node : answer->nodes) left.insert(node->metadata().name());
    for (const NodeRef& node : nodes) {
      const std::string& name = node->metadata().name();
      if (!left.contains(name)) cycle.refused.emplace_back(name, refusal_of(*answer, name));
    }
    nodes = std::move(answer->nodes);
  }
  co_return nodes;
}

// All extenders at once; one that fails adds nothing.
Task<Extender::Scores> Scheduler::extender_scores(Extended& cycle, std::vector<NodeRef> nodes) {
  std::vector<Extender*> asked;
  std::vector<Task<Extender::Scores>> questions;
  for (const auto& extender : extenders_) {
    if (!extender->prioritizes() || !extender->interested(*cycle.pod)) continue;
    asked.push_back(extender.get());
    questions.push_back(extender->prioritize(cycle.pod, nodes));
  }
  Extender::Scores sums;
  if (asked.empty()) co_return sums;
  const auto answers = co_await all(std::move(questions));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    try {
      if (answers[i].error) std::rethrow_exception(answers[i].error);
    } catch (const ExtenderError& error) {
      world_.log.info("an extender gave no scores", "extender", asked[i]->name(), "pod", cycle.queued->info->key(), "err",
                      error.what());
      continue;
    }
    for (const auto& [node, score] : *answers[i].value) sums[node] = add_scores(sums[node], score);
  }
  co_return sums;
}

// Of `nodes`, those that fit the pod as both are now. `state` is then as after pre-filter.
std::vector<const NodeInfo*> Scheduler::still_fitting(const Extended& cycle, CycleState& state, std::span<const NodeRef> nodes) {
  const Profile& profile = *cycle.queued->profile;
  const Pod& pod = *cycle.queued->pod;
  std::vector<const NodeInfo*> out;
  cache_.update(snapshot_);
  const auto narrowed = profile.pre_filter(state, pod, snapshot_.nodes());
  if (!narrowed.verdict.success()) return out;
  for (const NodeRef& node : nodes) {
    const NodeInfo* now = snapshot_.find(node->metadata().name());
    if (!now || (narrowed.nodes && !narrowed.nodes->contains(now->name()))) continue;
    if (filter(profile, state, pod, *now).success()) out.push_back(now);
  }
  return out;
}

Task<void> Scheduler::refuse_extended(Extended& cycle) {
  const PendingPod pod = cycle.queued->pod;
  CycleState state(cycle.queued->info);
  cache_.update(snapshot_);
  if (cycle.queued->profile->has_post_filters()) {
    cycle.queued->profile->pre_filter(state, *pod, snapshot_.nodes());
  }
  rejections_.nodes.clear();
  for (auto& [name, verdict] : cycle.refused) {
    cycle.diagnosis->add(verdict);
    if (const NodeInfo* node = snapshot_.find(name)) rejections_.nodes.push_back({node, std::move(verdict)});
  }
  co_await nothing_fits(cycle.queued, state, pod, cycle.diagnosis);
}

}  // namespace ph::scheduler

// The scheduling cycle: from a pod to the node it is to run on. Upstream: pkg/scheduler/schedule_one.go
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "scheduler/alarm.h"
#include "scheduler/scheduler.h"

namespace ph::scheduler {
namespace {

constexpr std::size_t kFeasibleLeast = 100;       // nodes that are looked for at least
constexpr std::size_t kFeasibleLeastPercent = 5;  // of a large cluster, when the percentage is adaptive

// Tells how long it took to choose a node, however that ended: also when nothing fits, or something fails.
class Choosing {
 public:
  Choosing(SchedulerMetrics& metrics, Steady begun) : metrics_(metrics), begun_(begun) {}
  ~Choosing() { metrics_.chosen(begun_); }
  Choosing(const Choosing&) = delete;
  Choosing& operator=(const Choosing&) = delete;

 private:
  SchedulerMetrics& metrics_;
  const Steady begun_;
};

[[noreturn]] void fail_with(const Verdict& verdict) { throw std::runtime_error(verdict.message()); }

}  // namespace

Task<void> Scheduler::schedule() {
  for (;;) {
    queue_.flush();
    if (const QueuedRef pod = draining_ ? nullptr : queue_.pop()) {
      if (pod->info->deleting) {
        skip(pod);
      } else if (pod->lane == kFreeLane) {
        co_await schedule_one(pod);
      } else {
        queue_.hold(pod->lane);
        tasks_.spawn(schedule_extended(pod, pod->lane));
      }
      co_await yield();
      continue;
    }
    ready_.reset();
    const Alarm alarm(world_.executor, queue_.next_flush(), ready_);
    co_await ready_.wait();
  }
}

// Nobody needs a node for what is on its way out. It waits in the queue like others until its turn comes.
void Scheduler::skip(const QueuedRef& queued) {
  events(*queued->profile)
      .report(
          {.about = informers::reference_to(*queued->pod),
           .type = "Warning",
           .reason = "FailedScheduling",
           .action = "Scheduling",
           .note = fmt::format("skip schedule deleting pod: {}/{}", queued->info->namespace_name.view(), queued->info->name)});
  const PodRef pod = queued->info;
  const std::string expected = expected_on(*pod);
  queue_.done(queued);
  nomination_ended(*pod, expected);
}

// Waits only for what post-filters wait for, when nothing fits.
Task<void> Scheduler::schedule_one(QueuedRef queued) {
  const Counted counted(under_way_);
  ++stats_.attempts;
  queued->attempt_begun = metrics_.now();
  const PendingPod pod = queued->pod;
  auto diagnosis = std::make_shared<Diagnosis>();
  diagnosis->at = world_.clock.now();
  try {
    CycleState state(queued->info);
    const Placement placement = [&] {
      const Choosing choosing(metrics_, queued->attempt_begun);
      return place_like_others(*queued->profile, state, *pod, *diagnosis);
    }();
    if (placement.node) {
      assume_and_bind(queued, std::move(state), *placement.node);
    } else {
      co_await nothing_fits(queued, state, pod, diagnosis);
    }
  } catch (const std::exception& error) {
    fail(queued, Verdict::error(error.what()), std::move(diagnosis), {});
  }
}

Task<void> Scheduler::nothing_fits(QueuedRef queued, CycleState& state, PendingPod pod, std::shared_ptr<Diagnosis> diagnosis) {
  if (diagnosis->nodes_total == 0) {
    fail(queued, Verdict::unresolvable(kNoNodes), diagnosis, {});
    co_return;
  }
  std::optional<std::string> nominated;
  if (queued->profile->has_post_filters()) {
    // Another cycle may begin meanwhile: the verdicts are this one's own.
    const Rejections rejections = std::exchange(rejections_, {});
    PostFilterResult result = co_await queued->profile->post_filter(state, *pod, rejections);
    diagnosis->post_filter_message = result.verdict.message();
    nominated = std::move(result.nominated_node);
    // When all nodes were refused at once, some plugin has not been asked and has nothing to go by: that is no fault, and nothing that
    // somebody should be told at each attempt of a pod whose claim is not there yet.
    if (result.verdict.failed() && diagnosis->pre_filter_message.empty()) {
      world_.log.error("no room could be made for a pod", "pod", queued->info->key(), "err", diagnosis->post_filter_message);
    }
  }
  const Verdict verdict = Verdict::owning(Code::Unschedulable, fit_message(*diagnosis));
  fail(queued, verdict, diagnosis, std::move(nominated));
}

Scheduler::Placement Scheduler::place(const Profile& profile, CycleState& state, const Pod& pod, Diagnosis& diagnosis) {
  const std::vector<const NodeInfo*> feasible = candidates(profile, state, pod, diagnosis, true);
  const Placement seen{nullptr, feasible.size() + rejections_.nodes.size(), feasible.size()};
  if (feasible.empty()) {
    for (const Rejection& rejection : rejections_.nodes) diagnosis.add(rejection.verdict);
    return seen;
  }
  if (feasible.size() == 1) return {feasible.front(), seen.evaluated, 1};
  if (const Verdict verdict = profile.pre_score(state, pod, feasible); !verdict.success()) fail_with(verdict);
  return {pick(profile.score(state, pod, feasible)), seen.evaluated, seen.feasible};
}

// Where that is possible all nodes are candidates.
Scheduler::Placement Scheduler::place_like_others(const Profile& profile, CycleState& state, const Pod& pod,
                                                  Diagnosis& diagnosis) {
  if (!pod.status().nominated_node_name().empty()) return place(profile, state, pod, diagnosis);
  Profile::Class of = profile.class_of(pod, state.pod());
  const PluginSet undeclared = of.undeclared;
  ClassResults* results = kept_.of(profile, std::move(of.key));
  if (!results) return place(profile, state, pod, diagnosis);

  rejections_ = {};
  if (metrics_.measures_next_attempt()) state.measure_plugins();
  cache_.update(snapshot_);
  diagnosis.nodes_total = snapshot_.nodes().size();
  if (snapshot_.nodes().empty()) return {};
  const auto narrowed = profile.pre_filter(state, pod, snapshot_.nodes());
  if (!narrowed.verdict.success()) {
    refuse_all(narrowed.verdict, diagnosis);
    return {};
  }
  // A plugin that has not said what it goes by has a say.
  if (narrowed.nodes || (profile.active_filters(state) & undeclared) != 0) {
    state = CycleState(state.shared_pod());
    return place(profile, state, pod, diagnosis);
  }
  const Steady begun = metrics_.now();
  results->refresh(profile, state, pod, snapshot_, cache_.changes(), queue_.nominated());
  metrics_.point(profile, Point::Filter, results->feasible() == 0 ? Code::Unschedulable : Code::Success, begun);
  const Placement seen{nullptr, snapshot_.nodes().size(), results->feasible()};
  if (results->feasible() == 0) {
    results->explain(diagnosis);
    if (profile.has_post_filters()) {
      rejections_.nodes = results->rejections(snapshot_);
      rejections_.memory = &results->memory();
    }
    return seen;
  }
  const std::span<const NodeInfo* const> feasible = results->feasible_nodes(snapshot_);
  if (feasible.size() == 1) return {feasible.front(), seen.evaluated, 1};
  if (const Verdict verdict = profile.pre_score(state, pod, feasible); !verdict.success()) fail_with(verdict);
  const bool known = (profile.active_scorers(state) & undeclared) == 0;
  const NodeInfo* chosen =
      known ? results->best(profile, state, pod, snapshot_, world_.rng) : pick(profile.score(state, pod, feasible));
  return {chosen, seen.evaluated, seen.feasible};
}

// What pre-filter says of all nodes at once.
void Scheduler::refuse_all(const Verdict& verdict, Diagnosis& diagnosis) {
  if (!verdict.rejected()) fail_with(verdict);
  diagnosis.pre_filter_message = verdict.message();
  diagnosis.add(verdict, diagnosis.nodes_total);
  rejections_.others = verdict;
}

std::vector<const NodeInfo*> Scheduler::candidates(const Profile& profile, CycleState& state, const Pod& pod,
                                                   Diagnosis& diagnosis, bool nominated_first) {
  rejections_ = {};
  if (metrics_.measures_next_attempt()) state.measure_plugins();
  cache_.update(snapshot_);
  const std::span<const NodeInfo* const> all = snapshot_.nodes();
  diagnosis.nodes_total = all.size();
  if (all.empty()) return {};

  auto narrowed = profile.pre_filter(state, pod, all);
  if (!narrowed.verdict.success()) {
    refuse_all(narrowed.verdict, diagnosis);
    return {};
  }

  // Room was made for the pod somewhere: try there first.
  std::vector<const NodeInfo*> feasible;
  if (const NodeInfo* nominated = snapshot_.find(pod.status().nominated_node_name());
      nominated_first && nominated && (!narrowed.nodes || narrowed.nodes->contains(nominated->name()))) {
    if (filter(profile, state, pod, *nominated).success()) feasible.push_back(nominated);
  }
  if (feasible.empty()) {
    std::vector<const NodeInfo*> named;
    std::span<const NodeInfo* const> candidates = all;
    if (narrowed.nodes) {
      for (const std::string& name : *narrowed.nodes) {
        if (const NodeInfo* node = snapshot_.find(name)) named.push_back(node);
      }
      candidates = named;
    }
    const Steady begun = metrics_.now();
    feasible = feasible_nodes(profile, state, pod, candidates);
    metrics_.point(profile, Point::Filter, feasible.empty() ? Code::Unschedulable : Code::Success, begun);
    next_start_ = (next_start_ + feasible.size() + rejections_.nodes.size()) % all.size();
    if (feasible.empty() && narrowed.nodes) {
      const std::string absent = fmt::format("node(s) didn't satisfy plugin(s) [{}]", fmt::join(narrowed.narrowed_by, " "));
      for (const std::string_view plugin : narrowed.narrowed_by) diagnosis.rejectors.insert(plugin);
      diagnosis.add(Verdict::unresolvable(absent).by(narrowed.narrowed_by.front()), all.size() - candidates.size());
    }
  }
  return feasible;
}

// How many feasible nodes are enough to choose from.
std::size_t Scheduler::nodes_to_find(const Profile& profile, std::size_t nodes) const {
  if (!profile.has_scores() && !extenders_filter()) return 1;
  if (nodes < kFeasibleLeast) return nodes;
  std::size_t percent =
      static_cast<std::size_t>(profile.spec().percentage_of_nodes_to_score.value_or(configuration_.percentage_of_nodes_to_score));
  if (percent == 0) {
    const std::size_t cut = nodes / 125;
    percent = std::max(cut < 50 ? 50 - cut : 0, kFeasibleLeastPercent);
  }
  return std::max(nodes * percent / 100, kFeasibleLeast);
}

std::vector<const NodeInfo*> Scheduler::feasible_nodes(const Profile& profile, const CycleState& state, const Pod& pod,
                                                       std::span<const NodeInfo* const> nodes) {
  std::vector<const NodeInfo*> feasible;
  const std::size_t enough = nodes_to_find(profile, nodes.size());
  feasible.reserve(std::min(enough, nodes.size()));
  // Each cycle begins where the last one ended, so that all nodes get their turn.
  for (std::size_t i = 0; i < nodes.size() && feasible.size() < enough; ++i) {
    const NodeInfo* node = nodes[(next_start_ + i) % nodes.size()];
    Verdict verdict = filter(profile, state, pod, *node);
    if (verdict.success()) {
      feasible.push_back(node);
    } else if (verdict.rejected()) {
      rejections_.nodes.push_back({node, std::move(verdict)});
    } else {
      fail_with(verdict);
    }
  }
  return feasible;
}

Verdict Scheduler::filter(const Profile& profile, const CycleState& state, const Pod& pod, const NodeInfo& node) const {
  return profile.filter(state, pod, node, queue_.nominated());
}

// One of the nodes with the highest score, each with the same chance. One number is drawn, and only when there is a choice.
const NodeInfo* Scheduler::pick(std::span<const NodeScore> scores) {
  if (scores.empty()) return nullptr;
  const Score best = std::ranges::max(scores, {}, &NodeScore::score).score;
  const std::ptrdiff_t equals = std::ranges::count(scores, best, &NodeScore::score);
  std::uint64_t skip = equals > 1 ? world_.rng.below(static_cast<std::uint64_t>(equals)) : 0;
  const auto taken = std::ranges::find_if(scores, [&](const NodeScore& node) { return node.score == best && skip-- == 0; });
  return taken->node;
}

}  // namespace ph::scheduler

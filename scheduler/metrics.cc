#include "scheduler/metrics.h"

#include <algorithm>
#include <array>

#include "scheduler/cluster/cache.h"

namespace ph::scheduler {
namespace {

// The points as upstream's metrics have them.
std::string_view label_of(Point point) {
  static constexpr std::array<std::string_view, kPoints> kNames{"PreEnqueue", "QueueSort", "PreFilter", "Filter",
                                                                "PostFilter", "PreScore",  "Score",     "Reserve",
                                                                "Permit",     "PreBind",   "Bind",      "PostBind"};
  return kNames[static_cast<std::size_t>(point)];
}

std::string attempts_label(int attempts) { return attempts >= 15 ? "15+" : std::to_string(attempts); }

}  // namespace

SchedulerMetrics::SchedulerMetrics(Metrics* metrics, const Clock& clock) : families_{metrics}, clock_(clock) {
  static constexpr std::array<std::string_view, kSubjects> kNames{"Node", "AssignedPod", "Pod"};
  for (int i = 0; i < kSubjects; ++i) {
    const std::string name(kNames[static_cast<std::size_t>(i)]);
    handled_[i] = {families_.events.with({name + "Add"}), families_.events.with({name + "Update"}),
                   families_.events.with({name + "Delete"})};
  }
}

void SchedulerMetrics::attempted(const Profile& profile, std::string_view result, Steady begun) {
  if (!on()) return;
  auto& [count, duration] = attempts_[{&profile, result}];
  if (!count) {
    count = families_.attempts.with({profile.scheduler_name(), result});
    duration = families_.attempt_duration.with({profile.scheduler_name(), result});
  }
  count.add();
  duration.observe(clock_.steady() - begun);
}

void SchedulerMetrics::bound(const QueuedPod& pod) {
  if (!on()) return;
  attempted(*pod.profile, "scheduled", pod.attempt_begun);
  families_.pod_attempts.observe(static_cast<double>(pod.attempts));
  families_.pod_sli.with({attempts_label(pod.attempts)}).observe(clock_.steady() - pod.first_attempt);
  if (pod.woken_by_timeout) families_.after_flush.add();
}

void SchedulerMetrics::permitted(const Verdict& verdict, Steady begun) {
  if (on()) families_.permit_wait.with({to_string(verdict.code())}).observe(clock_.steady() - begun);
}

void SchedulerMetrics::flow_solved(const Profile& profile, const flow::Outcome& outcome, const flow::PlacementNetwork::Size& size,
                                   Steady begun) {
  if (!on() || outcome.solver.empty()) return;  // there was nothing to solve
  const std::string& name = profile.scheduler_name();
  families_.flow_solve.with({name, outcome.solver}).observe(clock_.steady() - begun);
  families_.flow_network.with({name, "nodes"}).set(static_cast<double>(size.nodes));
  families_.flow_network.with({name, "arcs"}).set(static_cast<double>(size.arcs));
  families_.flow_network.with({name, "bytes"}).set(static_cast<double>(size.bytes));
  families_.flow_cost.with({name}).set(static_cast<double>(outcome.cost));
}

void SchedulerMetrics::flow_batch(const Profile& profile, std::size_t pods, std::size_t placed, std::size_t rounds) {
  if (!on()) return;
  const std::string& name = profile.scheduler_name();
  families_.flow_batch.with({name}).observe(static_cast<double>(pods));
  families_.flow_rounds.with({name}).observe(static_cast<double>(rounds));
  families_.flow_placed.with({name, "flow"}).add(placed);
  families_.flow_placed.with({name, "default"}).add(pods - placed);
}

void SchedulerMetrics::point(const Profile& profile, Point point, Code code, Steady begun) {
  if (!on()) return;
  Histogram& histogram = points_[{&profile, point, code}];
  if (!histogram) histogram = families_.point.with({label_of(point), profile.scheduler_name(), to_string(code)});
  histogram.observe(clock_.steady() - begun);
}

void SchedulerMetrics::plugin(Point point, std::string_view plugin, Code code, Duration took) {
  families_.plugin.with({label_of(point), plugin, to_string(code)}).observe(took);
}

void SchedulerMetrics::entered(std::string_view queue, std::string_view why) {
  Counter& counter = incoming_[{queue, why}];
  if (!counter) counter = families_.incoming.with({why, queue});
  counter.add();
}

void SchedulerMetrics::hinted(ClusterEvent event, std::string_view plugin, bool queues, Steady begun) {
  families_.hints.with({to_string(event), queues ? "Queue" : "QueueSkip", plugin}).observe(clock_.steady() - begun);
}

void SchedulerMetrics::show(const SchedulingQueue& queue, const Cache& cache, std::span<const Profile* const> profiles) {
  const auto set = [](const Family<Gauge>& family, std::string_view label, std::size_t value) {
    family.with({label}).set(static_cast<double>(value));
  };
  const SchedulingQueue::Counts counts = queue.counts();
  set(families_.pending, "active", counts.active);
  set(families_.pending, "backoff", counts.backoff);
  set(families_.pending, "gated", counts.gated);
  set(families_.pending, "unschedulable", counts.unschedulable);
  set(families_.cache, "nodes", cache.node_count());
  set(families_.cache, "pods", cache.pod_count());
  set(families_.cache, "assumed_pods", cache.assumed_count());

  for (auto& [series, pods] : refused_) pods = 0;
  queue.each_refusal(
      [&](std::string_view plugin, const Profile& profile) { ++refused_[{std::string(plugin), profile.scheduler_name()}]; });
  for (const auto& [series, pods] : refused_) {
    families_.unschedulable.with({series.first, series.second}).set(static_cast<double>(pods));
  }
  std::array<std::size_t, kClusterEvents> kept{};
  queue.each_logged_event([&](ClusterEvent event) { ++kept[static_cast<std::size_t>(event)]; });
  for (int i = 0; i < kClusterEvents; ++i) {
    set(families_.inflight_events, to_string(static_cast<ClusterEvent>(i)), kept[static_cast<std::size_t>(i)]);
  }
  for (const Profile* profile : profiles) {
    profile->each_evaluation([&](Point point, std::string_view plugin, std::uint64_t times) {
      families_.evaluations.with({label_of(point), plugin, profile->scheduler_name()}).set(static_cast<double>(times));
    });
  }
}

}  // namespace ph::scheduler

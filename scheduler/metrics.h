// What the scheduler counts. Names, labels and buckets are upstream's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/metrics.h"
#include "scheduler/flow/placement_network.h"
#include "scheduler/framework/cluster_event.h"
#include "scheduler/framework/profile.h"
#include "scheduler/queue/scheduling_queue.h"

namespace ph::scheduler {

class Cache;

struct SchedulerFamilies {
  Metrics* in = nullptr;
  static std::vector<double> attempt_buckets() { return exponential_buckets(0.001, 2, 15); }
  static std::vector<double> plugin_buckets() { return exponential_buckets(0.00001, 1.5, 20); }

  // clang-format off
  // -- Attempts
  Family<Counter> attempts{in, {Stability::Stable, "scheduler_schedule_attempts_total",
      "Attempts to schedule a pod, by what came of them.", {"profile", "result"}}};
  Family<Histogram> attempt_duration{in, {Stability::Stable, "scheduler_scheduling_attempt_duration_seconds",
      "How long attempts took, from the choice of a node up to its binding.", {"profile", "result"}, attempt_buckets()}};
  Histogram algorithm = single<Histogram>(in, {Stability::Alpha, "scheduler_scheduling_algorithm_duration_seconds",
      "How long it took to choose a node.", {}, attempt_buckets()});
  Histogram pod_attempts = single<Histogram>(in, {Stability::Stable, "scheduler_pod_scheduling_attempts",
      "Attempts it took until a pod was bound.", {}, {1, 2, 4, 8, 16}});
  Family<Histogram> pod_sli{in, {Stability::Beta, "scheduler_pod_scheduling_sli_duration_seconds",
      "How long pods took from their first attempt until they were bound.", {"attempts"}, exponential_buckets(0.01, 2, 20)}};
  Counter after_flush = single<Counter>(in, {Stability::Alpha, "scheduler_pod_scheduled_after_flush_total",
      "Pods that were bound after no event but a timeout had woken them: a hint may be missing.", {}});
  Family<Histogram> permit_wait{in, {Stability::Beta, "scheduler_permit_wait_duration_seconds",
      "How long pods waited for a permit.", {"result"}, attempt_buckets()}};

  // -- Preemption
  Counter preemption_attempts = single<Counter>(in, {Stability::Stable, "scheduler_preemption_attempts_total",
      "Attempts to make room for a pod that fits nowhere.", {}});
  Histogram preemption_victims = single<Histogram>(in, {Stability::Stable, "scheduler_preemption_victims",
      "Pods that had to go for one pod.", {}, exponential_buckets(1, 2, 7)});

  // -- Plugins
  Family<Histogram> point{in, {Stability::Stable, "scheduler_framework_extension_point_duration_seconds",
      "How long all plugins of an extension point took.",
      {"extension_point", "profile", "status"}, exponential_buckets(0.0001, 2, 12)}};
  Family<Histogram> plugin{in, {Stability::Alpha, "scheduler_plugin_execution_duration_seconds",
      "How long a plugin took at an extension point, in one attempt of ten; Filter and Score: for one node.",
      {"extension_point", "plugin", "status"}, plugin_buckets()}};
  Family<Total> evaluations{in, {Stability::Beta, "scheduler_plugin_evaluation_total",
      "How often plugins were asked.", {"extension_point", "plugin", "profile"}}};

  // -- Queue
  Family<Gauge> pending{in, {Stability::Stable, "scheduler_pending_pods", "Pods that wait, by queue.", {"queue"}}};
  Family<Counter> incoming{in, {Stability::Stable, "scheduler_queue_incoming_pods_total",
      "Pods that entered a queue, by what brought them there.", {"event", "queue"}}};
  Family<Gauge> unschedulable{in, {Stability::Beta, "scheduler_unschedulable_pods",
      "Unschedulable pods by the plugins that refuse them; a pod may count more than once.", {"plugin", "profile"}}};
  Family<Gauge> inflight_events{in, {Stability::Alpha, "scheduler_inflight_events",
      "Events that are kept for pods whose attempt is under way.", {"event"}}};
  Family<Histogram> hints{in, {Stability::Alpha, "scheduler_queueing_hint_execution_duration_seconds",
      "How long plugins took to tell whether an event helps a pod, for one question of sixteen.",
      {"event", "hint", "plugin"}, plugin_buckets()}};

  // -- Batches by a flow network; not of upstream's
  Family<Histogram> flow_batch{in, {Stability::Alpha, "pilothouse_flow_batch_pods",
      "Pods that were placed together.", {"profile"}, exponential_buckets(1, 4, 8)}};
  Family<Histogram> flow_rounds{in, {Stability::Alpha, "pilothouse_flow_rounds",
      "How often the network was solved for one batch.", {"profile"}, {0, 1, 2, 4, 8, 16, 32}}};
  Family<Histogram> flow_solve{in, {Stability::Alpha, "pilothouse_flow_solve_duration_seconds",
      "How long it took to price and solve the network once.", {"profile", "solver"}, attempt_buckets()}};
  Family<Counter> flow_placed{in, {Stability::Alpha, "pilothouse_flow_placements_total",
      "Pods of batches, by who looked for a node: the flow, or the default way.", {"profile", "way"}}};
  Family<Gauge> flow_network{in, {Stability::Alpha, "pilothouse_flow_network_size",
      "What the network of a profile is made of.", {"profile", "type"}}};
  Family<Gauge> flow_cost{in, {Stability::Alpha, "pilothouse_flow_cost",
      "What the last flow costs.", {"profile"}}};

  // -- Cluster
  Family<Gauge> cache{in, {Stability::Alpha, "scheduler_cache_size", "What the cache holds.", {"type"}}};
  Family<Histogram> events{in, {Stability::Alpha, "scheduler_event_handling_duration_seconds",
      "How long it took to take note of a change of the cluster.", {"event"}, exponential_buckets(0.0001, 2, 12)}};
  // clang-format on
};

// The scheduler's series. Belongs to its executor.
class SchedulerMetrics {
 public:
  // `metrics` may be null: then nothing is counted, and no clock is read.
  SchedulerMetrics(Metrics* metrics, const Clock& clock);

  bool on() const { return families_.in != nullptr; }
  Steady now() const { return on() ? clock_.steady() : Steady(); }

  // -- Attempts
  // One has ended: result is "scheduled", "unschedulable" or "error".
  void attempted(const Profile& profile, std::string_view result, Steady begun);
  void bound(const QueuedPod& pod);
  void chosen(Steady begun) {
    if (on()) families_.algorithm.observe(clock_.steady() - begun);
  }
  void permitted(const Verdict& verdict, Steady begun);
  void looked_for_victims() {
    if (on()) families_.preemption_attempts.add();
  }
  void preempted(std::size_t victims) {
    if (on()) families_.preemption_victims.observe(static_cast<double>(victims));
  }
  // Plugins are measured in one attempt of ten.
  bool measures_next_attempt() { return on() && attempt_++ % 10 == 0; }

  // -- Batches by a flow network
  void flow_solved(const Profile& profile, const flow::Outcome& outcome, const flow::PlacementNetwork::Size& size, Steady begun);
  void flow_batch(const Profile& profile, std::size_t pods, std::size_t placed, std::size_t rounds);

  // -- Plugins
  void point(const Profile& profile, Point point, Code code, Steady begun);
  void plugin(Point point, std::string_view plugin, Code code, Duration took);

  // -- Queue
  void entered(std::string_view queue, std::string_view why);
  bool measures_next_hint() { return on() && hint_++ % 16 == 0; }
  void hinted(ClusterEvent event, std::string_view plugin, bool queues, Steady begun);

  // -- Cluster
  enum Subject { Node, AssignedPod, Pod };
  // `was` and `is`: it was there before the change, and is there after.
  void handled(Subject subject, bool was, bool is, Steady begun) {
    if (on()) handled_[subject][was ? (is ? 1 : 2) : 0].observe(clock_.steady() - begun);
  }

  // Before a scrape.
  void show(const SchedulingQueue& queue, const Cache& cache, std::span<const Profile* const> profiles);

 private:
  static constexpr int kSubjects = 3;

  const SchedulerFamilies families_;
  const Clock& clock_;
  std::uint64_t attempt_ = 0, hint_ = 0;
  std::map<std::pair<const Profile*, std::string_view>, std::pair<Counter, Histogram>> attempts_;
  std::map<std::tuple<const Profile*, Point, Code>, Histogram> points_;
  std::map<std::pair<std::string_view, std::string_view>, Counter> incoming_;
  std::array<Histogram, 3> handled_[kSubjects];
  std::map<std::pair<std::string, std::string>, std::size_t> refused_;  // by plugin and profile: all there have been
};

}  // namespace ph::scheduler

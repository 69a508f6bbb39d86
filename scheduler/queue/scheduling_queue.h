// SchedulingQueue: the pods that wait for a node. A state machine without tasks of its own: it is told what happened,
// and asked what is due.
//
//              ┌────────────── pre-enqueue refuses: gated ──────────────┐
//   add ──► active ──pop──► in flight ──done──► (bound)                 ▼
//            ▲  ▲               └──put_back──► backoff, or unschedulable (an event or five minutes) ──┐
//            │  └──── backoff is over ─────────────┘                                                  │
//            └──────────────────────── a plugin's hint says Queue ◄───────────────────────────────────┘
//
// Which events wake an unschedulable pod is up to the plugins that rejected it (Plugin::retry_on, hint). Events that
// come while a pod is in flight are kept and judged when it is put back, so that none is lost. When nothing is active,
// pods are taken before their backoff is over, except those that failed with an error.
//
// Pods may stand in lanes. A lane that is held hands out no pods; the others go on as if it were empty.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "scheduler/framework/profile.h"
#include "scheduler/queue/nominator.h"

namespace ph::scheduler {

class SchedulerMetrics;  // scheduler/metrics.h

// Pods for which the plugins of their profile answer alike.
struct PodClass {
  std::uint64_t number = 0;  // in the order in which they were seen
  PluginSet undeclared = 0;  // plugins that may tell them apart
  // One of them has been refused, and nothing has happened since that could help: another one need not be in a hurry.
  mutable bool hopeless = false;
};

struct QueuedPod;

// Unschedulable pods that no event of the cluster tells apart: it wakes all of them, or none.
struct PodGroup {
  std::vector<QueuedPod*> pods;
};

// A pod on its way. Owned by the queue, or by whoever has popped it.
struct QueuedPod : std::enable_shared_from_this<QueuedPod> {
  std::shared_ptr<const StoredPod> stored;
  PendingPod pod;  // while in flight
  PodRef info;
  const Profile* profile = nullptr;

  Steady queued{};  // when it last entered the queue
  int attempts = 0;
  Steady first_attempt{}, attempt_begun{};
  bool woken_by_timeout = false;  // since its last failure
  int unschedulable_count = 0, consecutive_errors = 0;
  // Of the last attempt: the plugins whose events wake it; those of `pending`, at once. None after an error.
  PluginSet rejectors = 0, pending = 0;
  std::string_view gated_by;  // the pre-enqueue plugin that holds it; empty: not gated

  enum class Place { Nowhere, Active, Backoff, ErrorBackoff, Unschedulable, InFlight, Removed } place = Place::Nowhere;
  std::size_t lane = 0;
  std::uint64_t sequence = 0;     // of its entry into `active` or a backoff queue
  Steady backoff_ends{};          // while in a backoff queue
  std::uint64_t events_seen = 0;  // while in flight: the events before its pop
  PodGroup* group = nullptr;      // while unschedulable: those it waits with, and its place among them
  std::size_t in_group = 0;
  std::shared_ptr<const PodClass> equals;  // pods that wait for the same things

  const std::string& uid() const { return info->uid; }
};
using QueuedRef = std::shared_ptr<QueuedPod>;

class SchedulingQueue {
 public:
  struct Options {
    Duration backoff_initial = 1s, backoff_max = 10s;  // backoff_max 0: none
    Duration unschedulable_max = 5min;
    std::size_t lanes = 1;
    std::function<std::size_t(const Pod&, const Profile&)> lane_of = {};  // none: all pods stand in lane 0
  };

  // `on_ready` is called when a pod may have become ready to be popped, or `next_flush` may have changed.
  SchedulingQueue(const Clock& clock, Options options, std::function<void()> on_ready);
  // Must outlive the queue.
  void measure(SchedulerMetrics* metrics) { metrics_ = metrics; }

  // -- Pods, as the API shows them
  void add(const SchedulerPod& pod, const Profile& profile);
  void update(const SchedulerPod& before, const SchedulerPod& after, const Profile& profile);
  void remove(std::string_view uid);

  // -- Attempts
  // The next pod to place; null when none is ready. It is in flight until `done` or `put_back`.
  QueuedRef pop();
  // The same of one lane, held or not.
  QueuedRef pop(std::size_t lane);
  void done(const QueuedRef& pod);
  // The attempt failed; `rejectors` and `pending` say why (neither: an error). Nothing happens to a pod that has been
  // removed.
  void put_back(const QueuedRef& pod);
  // The pod of an attempt as it is now. Changes of a pod that is being bound are not told by `update`.
  void refresh(const QueuedRef& pod, const SchedulerPod& now);
  // The attempt came to nothing because others were quicker: the pod takes its turn again at once.
  void again(const QueuedRef& pod);

  // -- Lanes
  void hold(std::size_t lane);
  void release(std::size_t lane);
  // How many pods of it `pop` would hand out without looking among those whose backoff is not over.
  std::size_t active(std::size_t lane) const { return lanes_.at(lane).active.size(); }
  // It would hand out one.
  bool has_ready(std::size_t lane) const { return active(lane) > 0 || early(lanes_.at(lane)) != nullptr; }

  // -- What wakes pods
  struct Whom {
    std::string_view except = {};               // the UID of a pod that this change does not help
    std::optional<std::int32_t> priority_most;  // only pods of at most this priority
  };
  void move(const ClusterChange& change, const Whom& whom);
  void move(const ClusterChange& change) { move(change, Whom()); }
  // Into the active queue, whatever they wait for (gates aside).
  void activate(const std::vector<std::string>& uids);
  // Moves what is due. Call it when `next_flush` has come, and before `pop`.
  void flush();
  std::optional<Steady> next_flush() const;

  // -- Looking in
  // Null: unknown. In flight pods are found too.
  const QueuedPod* find(std::string_view uid) const;
  struct Counts {
    std::size_t active = 0, backoff = 0, unschedulable = 0, gated = 0, in_flight = 0;
  };
  Counts counts() const;
  Nominator& nominated() { return nominator_; }
  const Nominator& nominated() const { return nominator_; }
  std::size_t logged_events() const { return log_.size(); }
  template <class F>
  void each_logged_event(F f) const {
    for (const Logged& one : log_) f(one.change.event);
  }
  // Each plugin that keeps a pod waiting, with the pod's profile; in no order.
  template <class F>
  void each_refusal(F f) const {
    for (const auto& [uid, pod] : pods_) {
      pod->profile->each(pod->rejectors | pod->pending, [&](std::string_view plugin) { f(plugin, *pod->profile); });
    }
  }

 private:
  using Place = QueuedPod::Place;
  enum class Strategy { Leave, AfterBackoff, Immediately };

  struct ByOrder {
    bool operator()(const QueuedPod* a, const QueuedPod* b) const;
  };
  struct ByBackoff {
    bool operator()(const QueuedPod* a, const QueuedPod* b) const;
  };

  struct Lane {
    std::set<QueuedPod*, ByOrder> active;
    std::set<QueuedPod*, ByBackoff> backoff;
    bool held = false;
  };
  // Pods that the same plugins of a profile keep waiting. An event that none of these has asked for passes them all by.
  struct Shelf {
    const Profile* profile;
    PluginSet rejectors, pending;
    std::string_view gated_by;
    // By the number of their class; of those that are told apart, by that of their entry, below zero.
    std::map<std::int64_t, PodGroup> groups;
    PluginSet wakers() const { return gated_by.empty() ? rejectors | pending : profile->bit_of(gated_by); }
  };
  Lane& lane(std::size_t number) { return lanes_.at(number); }
  void classify(QueuedPod& pod);
  Shelf& shelf_of(const QueuedPod& pod);
  static std::int64_t group_number(const QueuedPod& pod);
  void shelve(QueuedPod& pod);
  void unshelve(QueuedPod& pod);
  void choose_lane(QueuedPod& pod);
  // The pod of a lane that may be taken before its backoff is over. Null: none.
  QueuedPod* early(const Lane& lane) const;
  QueuedRef take(QueuedPod* pod);
  static bool told_apart(const QueuedPod& pod) { return ((pod.rejectors | pod.pending) & pod.equals->undeclared) != 0; }
  Duration backoff_of(const QueuedPod& pod) const;
  Steady backoff_end(const QueuedPod& pod) const;
  // What `change` means for a pod that waits.
  Strategy judge(const QueuedPod& pod, const ClusterChange& change) const;
  bool any_helps(const QueuedPod& pod, PluginSet plugins, const ClusterChange& change) const;
  // `why`: upstream's name of what brings the pod there; must outlive the queue.
  void requeue(const QueuedRef& pod, Strategy strategy, std::string_view why);
  void enter(const QueuedRef& pod, Place place);
  void count(const QueuedPod& pod, std::string_view why);
  void leave(QueuedPod& pod);
  void nominate(const QueuedPod& pod);
  static bool concerns(const Whom& whom, const QueuedPod& pod);
  void log(const ClusterChange& change, const Whom& whom);
  void forget_events();

  const Clock& clock_;
  Options options_;
  SchedulerMetrics* metrics_ = nullptr;
  std::function<void()> on_ready_;
  std::unordered_map<std::string, QueuedRef> pods_;  // by UID, all places
  std::vector<Lane> lanes_;
  std::set<QueuedPod*, ByBackoff> error_backoff_;
  std::deque<Shelf> shelves_;  // of the unschedulable pods; gated ones too
  std::size_t unschedulable_ = 0, gated_ = 0;
  std::unordered_map<std::string, std::weak_ptr<const PodClass>> classes_;  // by profile and key
  std::uint64_t last_class_ = 0;
  std::size_t sweep_classes_at_ = 64;
  Steady next_check_{};
  std::uint64_t sequence_ = 0;
  Nominator nominator_;

  // The events since the oldest pod in flight was popped.
  struct Logged {
    ClusterChange change;
    std::string except;  // as of Whom
    std::optional<std::int32_t> priority_most;
    Whom whom() const { return {except, priority_most}; }
  };
  std::deque<Logged> log_;
  std::uint64_t log_start_ = 0;
  std::multiset<std::uint64_t> in_flight_since_;
};

}  // namespace ph::scheduler

// Upstream: pkg/scheduler/backend/queue
#include "scheduler/queue/scheduling_queue.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "scheduler/metrics.h"

namespace ph::scheduler {
namespace {

// Backoffs end at whole seconds, so that pods whose backoffs end together are taken in the queue's order.
constexpr Duration kWindow = 1s;
// How often pods are looked for that have been unschedulable for too long.
constexpr Duration kUnschedulableCheck = 30s;

QueueOrder order_of(const QueuedPod& pod) { return {pod.info->priority, pod.queued}; }

bool in_order(const QueuedPod& a, const QueuedPod& b) {
  if (a.profile->less(order_of(a), order_of(b))) return true;
  if (b.profile->less(order_of(b), order_of(a))) return false;
  return a.sequence < b.sequence;
}

ClusterChange change_of(ClusterEvent event, const SchedulerPod& before, const SchedulerPod& after) {
  return {.event = event, .waiting_before = before.pending, .waiting_after = after.pending};
}

template <class F>
void for_each_event(ClusterEvents events, F f) {
  for (int i = 0; i < kClusterEvents; ++i) {
    if (events.has(static_cast<ClusterEvent>(i))) f(static_cast<ClusterEvent>(i));
  }
}

}  // namespace

bool SchedulingQueue::ByOrder::operator()(const QueuedPod* a, const QueuedPod* b) const { return in_order(*a, *b); }

bool SchedulingQueue::ByBackoff::operator()(const QueuedPod* a, const QueuedPod* b) const {
  return a->backoff_ends != b->backoff_ends ? a->backoff_ends < b->backoff_ends : in_order(*a, *b);
}

SchedulingQueue::SchedulingQueue(const Clock& clock, Options options, std::function<void()> on_ready)
    : clock_(clock), options_(std::move(options)), on_ready_(std::move(on_ready)), lanes_(options_.lanes) {}

// -- Lanes

void SchedulingQueue::choose_lane(QueuedPod& pod) {
  if (options_.lane_of) pod.lane = options_.lane_of(*pod.pod, *pod.profile);
}

void SchedulingQueue::hold(std::size_t number) { lane(number).held = true; }

void SchedulingQueue::release(std::size_t number) {
  lane(number).held = false;
  on_ready_();
}

// -- Places

void SchedulingQueue::enter(const QueuedRef& pod, Place place) {
  PH_ASSERT(pod->place == Place::Nowhere);
  pod->place = place;
  if (pod->sequence == 0) pod->sequence = ++sequence_;
  switch (place) {
    case Place::Active: lane(pod->lane).active.insert(pod.get()); break;
    case Place::Backoff: lane(pod->lane).backoff.insert(pod.get()); break;
    case Place::ErrorBackoff: error_backoff_.insert(pod.get()); break;
    case Place::Unschedulable: unschedulable_.emplace(pod->uid(), pod.get()); break;
    case Place::InFlight:
      pod->events_seen = log_start_ + log_.size();
      in_flight_since_.insert(pod->events_seen);
      break;
    default: PH_ASSERT(false);
  }
  if (place != Place::InFlight) on_ready_();
}

void SchedulingQueue::leave(QueuedPod& pod) {
  switch (pod.place) {
    case Place::Active: lane(pod.lane).active.erase(&pod); break;
    case Place::Backoff: lane(pod.lane).backoff.erase(&pod); break;
    case Place::ErrorBackoff: error_backoff_.erase(&pod); break;
    case Place::Unschedulable: unschedulable_.erase(pod.uid()); break;
    case Place::InFlight:
      in_flight_since_.erase(in_flight_since_.find(pod.events_seen));
      forget_events();
      break;
    default: break;
  }
  pod.place = Place::Nowhere;
}

Duration SchedulingQueue::backoff_of(const QueuedPod& pod) const {
  const int failures = pod.consecutive_errors > 0 ? pod.consecutive_errors : pod.unschedulable_count;
  if (failures == 0 || options_.backoff_max == Duration::zero()) return Duration::zero();
  Duration backoff = options_.backoff_initial;
  for (int i = 1; i < failures && backoff < options_.backoff_max; ++i) backoff *= 2;
  return std::min(backoff, options_.backoff_max);
}

Steady SchedulingQueue::backoff_end(const QueuedPod& pod) const {
  const Duration backoff = backoff_of(pod);
  if (backoff == Duration::zero()) return pod.queued;
  const Duration end = (pod.queued + backoff).time_since_epoch();
  return Steady(end - end % kWindow + kWindow);
}

void SchedulingQueue::count(const QueuedPod& pod, std::string_view why) {
  if (!metrics_) return;
  const bool backoff = pod.place == Place::Backoff || pod.place == Place::ErrorBackoff;
  metrics_->entered(pod.place == Place::Active ? "active" : backoff ? "backoff" : "unschedulable", why);
}

void SchedulingQueue::requeue(const QueuedRef& pod, Strategy strategy, std::string_view why) {
  // Once the pod is where it belongs.
  struct Counted {
    SchedulingQueue& queue;
    const QueuedPod& pod;
    std::string_view why;
    ~Counted() { queue.count(pod, why); }
  } const counted{*this, *pod, why};

  leave(*pod);
  choose_lane(*pod);
  pod->gated_by = {};
  pod->sequence = 0;
  if (strategy == Strategy::Leave) return enter(pod, Place::Unschedulable);

  if (const Verdict verdict = pod->profile->pre_enqueue(*pod->pod); !verdict.success()) {
    pod->gated_by = verdict.plugin();
    pod->rejectors.insert(verdict.plugin());
    return enter(pod, Place::Unschedulable);
  }
  pod->backoff_ends = backoff_end(*pod);
  if (strategy == Strategy::Immediately || pod->backoff_ends <= clock_.steady()) return enter(pod, Place::Active);
  const bool error = pod->rejectors.empty() && pod->pending.empty();
  enter(pod, error ? Place::ErrorBackoff : Place::Backoff);
}

// -- Pods

void SchedulingQueue::nominate(const QueuedPod& pod) {
  if (!pod.info->nominated_node.empty()) nominator_.put(pod.info, pod.info->nominated_node.view());
}

void SchedulingQueue::add(const SchedulerPod& pod, const Profile& profile) {
  PH_ASSERT(pod.pending != nullptr);
  remove(pod.info->uid);
  auto queued = std::make_shared<QueuedPod>();
  queued->pod = pod.pending;
  queued->info = pod.info;
  queued->profile = &profile;
  queued->queued = clock_.steady();
  pods_.emplace(pod.info->uid, queued);
  nominate(*queued);
  requeue(queued, Strategy::Immediately, "PodAdd");
}

void SchedulingQueue::update(const SchedulerPod& before, const SchedulerPod& after, const Profile& profile) {
  const auto found = pods_.find(after.info->uid);
  if (found == pods_.end()) return add(after, profile);
  const QueuedRef pod = found->second;
  const ClusterEvents events = events_of(before, after);

  // The order in the sorted queues depends on the pod: out, change, in again.
  const bool sorted = pod->place == Place::Active || pod->place == Place::Backoff || pod->place == Place::ErrorBackoff;
  const Place place = pod->place;
  if (sorted) leave(*pod);
  pod->pod = after.pending;
  pod->info = after.info;
  if (sorted) {
    choose_lane(*pod);
    enter(pod, place);
  }
  if (!pod->info->nominated_node.empty()) {
    nominate(*pod);
  } else if (!before.info->nominated_node.empty()) {
    nominator_.remove(pod->uid());
  }
  for_each_event(events, [&](ClusterEvent event) {
    const ClusterChange change = change_of(event, before, after);
    log(change);
    if (pod->place != Place::Unschedulable) return;
    if (const Strategy strategy = judge(*pod, change); strategy != Strategy::Leave) requeue(pod, strategy, to_string(event));
  });
}

void SchedulingQueue::remove(std::string_view uid) {
  nominator_.remove(uid);
  const auto found = pods_.find(std::string(uid));
  if (found == pods_.end()) return;
  leave(*found->second);
  found->second->place = Place::Removed;
  pods_.erase(found);
}

// -- Attempts

QueuedRef SchedulingQueue::pop() {
  QueuedPod* next = nullptr;
  for (const Lane& lane : lanes_) {
    if (lane.held || lane.active.empty()) continue;
    if (!next || in_order(**lane.active.begin(), *next)) next = *lane.active.begin();
  }
  if (!next) {
    for (const Lane& lane : lanes_) {
      if (lane.held || lane.backoff.empty()) continue;
      if (!next || ByBackoff()(*lane.backoff.begin(), next)) next = *lane.backoff.begin();
    }
  }
  if (!next) return nullptr;
  const QueuedRef pod = pods_.at(next->uid());
  leave(*pod);
  if (++pod->attempts == 1) pod->first_attempt = clock_.steady();
  pod->rejectors.clear();
  pod->pending.clear();
  enter(pod, Place::InFlight);
  return pod;
}

void SchedulingQueue::done(const QueuedRef& pod) {
  if (pod->place != Place::InFlight) return;
  leave(*pod);
  pod->place = Place::Removed;
  nominator_.remove(pod->uid());
  pods_.erase(pod->uid());
}

void SchedulingQueue::put_back(const QueuedRef& pod) {
  // After `done` the pod may come back: its binding failed.
  if (pod->place == Place::Removed || pod->place == Place::Nowhere) return;
  PH_ASSERT(pod->place == Place::InFlight);
  pod->queued = clock_.steady();
  pod->woken_by_timeout = false;
  const bool error = pod->rejectors.empty() && pod->pending.empty();
  if (error) {
    ++pod->consecutive_errors;
  } else {
    pod->consecutive_errors = 0;
    ++pod->unschedulable_count;
  }
  // Nobody's event can be waited for after an error.
  Strategy strategy = error ? Strategy::AfterBackoff : Strategy::Leave;
  for (std::uint64_t i = pod->events_seen - log_start_; i < log_.size() && strategy != Strategy::Immediately; ++i) {
    strategy = std::max(strategy, judge(*pod, log_[i]));
  }
  requeue(pod, strategy, "ScheduleAttemptFailure");
}

void SchedulingQueue::again(const QueuedRef& pod) {
  if (pod->place == Place::InFlight) requeue(pod, Strategy::Immediately, "ScheduleAttemptFailure");
}

// -- Events

bool SchedulingQueue::helps(const QueuedPod& pod, std::string_view name, const ClusterChange& change) const {
  const Plugin* plugin = pod.profile->plugin(name);
  if (!plugin || !plugin->retry_on().has(change.event)) return false;
  if (!metrics_ || !metrics_->measures_next_hint()) return plugin->hint(change, *pod.pod) == QueueingHint::Queue;
  const Steady begun = metrics_->now();
  const bool queues = plugin->hint(change, *pod.pod) == QueueingHint::Queue;
  metrics_->hinted(change.event, name, queues, begun);
  return queues;
}

SchedulingQueue::Strategy SchedulingQueue::judge(const QueuedPod& pod, const ClusterChange& change) const {
  const auto helps = [&](std::string_view name) {
    return name == kExtenderName || this->helps(pod, name, change);  // an extender cannot say what it waits for
  };
  if (!pod.gated_by.empty()) return helps(pod.gated_by) ? Strategy::AfterBackoff : Strategy::Leave;
  if (pod.rejectors.empty() && pod.pending.empty()) return Strategy::AfterBackoff;
  if (std::ranges::any_of(pod.pending, helps)) return Strategy::Immediately;
  return std::ranges::any_of(pod.rejectors, helps) ? Strategy::AfterBackoff : Strategy::Leave;
}

void SchedulingQueue::move(const ClusterChange& change, std::string_view except) {
  log(change);
  std::vector<std::pair<QueuedRef, Strategy>> moved;
  for (const auto& [uid, pod] : unschedulable_) {
    if (uid == except) continue;
    if (const Strategy strategy = judge(*pod, change); strategy != Strategy::Leave) moved.emplace_back(pods_.at(uid), strategy);
  }
  for (const auto& [pod, strategy] : moved) requeue(pod, strategy, to_string(change.event));
}

void SchedulingQueue::activate(const std::vector<std::string>& uids) {
  for (const std::string& uid : uids) {
    const auto found = pods_.find(uid);
    if (found == pods_.end()) continue;
    const QueuedRef pod = found->second;
    const bool waits = pod->place == Place::Backoff || pod->place == Place::ErrorBackoff || pod->place == Place::Unschedulable;
    if (waits) requeue(pod, Strategy::Immediately, "ForceActivate");
  }
}

void SchedulingQueue::flush() {
  const Steady now = clock_.steady();
  const auto flush = [&](auto& queue) {
    while (!queue.empty() && (*queue.begin())->backoff_ends <= now) {
      requeue(pods_.at((*queue.begin())->uid()), Strategy::Immediately, "BackoffComplete");
    }
  };
  for (Lane& lane : lanes_) flush(lane.backoff);
  flush(error_backoff_);
  if (now < next_check_) return;
  next_check_ = now + kUnschedulableCheck;
  std::vector<QueuedRef> forgotten;
  for (const auto& [uid, pod] : unschedulable_) {
    if (pod->gated_by.empty() && pod->queued + options_.unschedulable_max <= now) forgotten.push_back(pods_.at(uid));
  }
  for (const QueuedRef& pod : forgotten) {
    pod->woken_by_timeout = true;
    requeue(pod, Strategy::AfterBackoff, "UnschedulableTimeout");
  }
}

std::optional<Steady> SchedulingQueue::next_flush() const {
  std::optional<Steady> next;
  const auto consider = [&](Steady at) { next = next ? std::min(*next, at) : at; };
  for (const Lane& lane : lanes_) {
    if (!lane.backoff.empty()) consider((*lane.backoff.begin())->backoff_ends);
  }
  if (!error_backoff_.empty()) consider((*error_backoff_.begin())->backoff_ends);
  if (!unschedulable_.empty()) consider(next_check_);
  return next;
}

void SchedulingQueue::log(const ClusterChange& change) {
  if (!in_flight_since_.empty()) log_.push_back(change);
}

void SchedulingQueue::forget_events() {
  const std::uint64_t needed = in_flight_since_.empty() ? log_start_ + log_.size() : *in_flight_since_.begin();
  while (log_start_ < needed) {
    log_.pop_front();
    ++log_start_;
  }
}

// -- Looking in

const QueuedPod* SchedulingQueue::find(std::string_view uid) const {
  const auto found = pods_.find(std::string(uid));
  return found == pods_.end() ? nullptr : found->second.get();
}

SchedulingQueue::Counts SchedulingQueue::counts() const {
  Counts out;
  out.backoff = error_backoff_.size();
  for (const Lane& lane : lanes_) {
    out.active += lane.active.size();
    out.backoff += lane.backoff.size();
  }
  for (const auto& [uid, pod] : unschedulable_) ++(pod->gated_by.empty() ? out.unschedulable : out.gated);
  out.in_flight = in_flight_since_.size();
  return out;
}

}  // namespace ph::scheduler

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
  return {.event = event, .waiting_before = before.pending(), .waiting_after = after.pending()};
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
  if (options_.lane_of) pod.lane = options_.lane_of(*pod.stored->message(), *pod.profile);
}

void SchedulingQueue::hold(std::size_t number) { lane(number).held = true; }

void SchedulingQueue::release(std::size_t number) {
  lane(number).held = false;
  on_ready_();
}

// -- Unschedulable pods

void SchedulingQueue::classify(QueuedPod& pod) {
  Profile::Class found = pod.profile->class_of(*pod.stored->message(), *pod.info);
  found.key += pod.profile->scheduler_name();
  // Classes whose last pod has gone are swept out whenever the table would double.
  if (classes_.size() >= sweep_classes_at_) {
    std::erase_if(classes_, [](const auto& entry) { return entry.second.expired(); });
    sweep_classes_at_ = std::max<std::size_t>(64, 2 * classes_.size());
  }
  std::weak_ptr<const PodClass>& known = classes_[std::move(found.key)];
  pod.equals = known.lock();
  if (pod.equals) return;
  pod.equals = std::make_shared<PodClass>(PodClass{++last_class_, found.undeclared});
  known = pod.equals;
}

SchedulingQueue::Shelf& SchedulingQueue::shelf_of(const QueuedPod& pod) {
  const auto found = std::ranges::find_if(shelves_, [&](const Shelf& shelf) {
    return shelf.profile == pod.profile && shelf.rejectors == pod.rejectors && shelf.pending == pod.pending &&
           shelf.gated_by == pod.gated_by;
  });
  if (found != shelves_.end()) return *found;
  return shelves_.emplace_back(pod.profile, pod.rejectors, pod.pending, pod.gated_by);
}

std::int64_t SchedulingQueue::group_number(const QueuedPod& pod) {
  return told_apart(pod) ? -static_cast<std::int64_t>(pod.sequence) : static_cast<std::int64_t>(pod.equals->number);
}

void SchedulingQueue::shelve(QueuedPod& pod) {
  PodGroup& group = shelf_of(pod).groups[group_number(pod)];
  pod.group = &group;
  pod.in_group = group.pods.size();
  group.pods.push_back(&pod);
  ++(pod.gated_by.empty() ? unschedulable_ : gated_);
}

void SchedulingQueue::unshelve(QueuedPod& pod) {
  PodGroup& group = *pod.group;
  group.pods.back()->in_group = pod.in_group;
  group.pods[pod.in_group] = group.pods.back();
  group.pods.pop_back();
  pod.group = nullptr;
  --(pod.gated_by.empty() ? unschedulable_ : gated_);
  if (group.pods.empty()) shelf_of(pod).groups.erase(group_number(pod));
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
    case Place::Unschedulable: shelve(*pod); break;
    case Place::InFlight:
      pod->pod = pod->stored->message();
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
    case Place::Unschedulable: unshelve(pod); break;
    case Place::InFlight:
      pod.pod.reset();
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
  const std::string_view elsewhere = pod.gated_by.empty() ? "unschedulable" : "gated";
  metrics_->entered(pod.place == Place::Active ? "active" : backoff ? "backoff" : elsewhere, why);
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

  if (const Verdict verdict = pod->profile->pre_enqueue(*pod->stored->message()); !verdict.success()) {
    pod->gated_by = verdict.plugin();
    pod->rejectors |= pod->profile->bit_of(verdict.plugin());
    return enter(pod, Place::Unschedulable);
  }
  pod->backoff_ends = backoff_end(*pod);
  if (strategy == Strategy::Immediately || pod->backoff_ends <= clock_.steady()) return enter(pod, Place::Active);
  const bool error = pod->rejectors == 0 && pod->pending == 0;
  enter(pod, error ? Place::ErrorBackoff : Place::Backoff);
}

// -- Pods

void SchedulingQueue::nominate(const QueuedPod& pod) {
  if (!pod.info->nominated_node.empty()) nominator_.put(pod.info, pod.info->nominated_node.view());
}

void SchedulingQueue::add(const SchedulerPod& pod, const Profile& profile) {
  PH_ASSERT(pod.stored != nullptr);
  remove(pod.info->uid);
  auto queued = std::make_shared<QueuedPod>();
  queued->stored = pod.stored;
  queued->info = pod.info;
  queued->profile = &profile;
  queued->queued = clock_.steady();
  classify(*queued);
  pods_.emplace(pod.info->uid, queued);
  nominate(*queued);
  requeue(queued, Strategy::Immediately, "UnschedulablePodAdd");
}

void SchedulingQueue::update(const SchedulerPod& before, const SchedulerPod& after, const Profile& profile) {
  const auto found = pods_.find(after.info->uid);
  if (found == pods_.end()) return add(after, profile);
  const QueuedRef pod = found->second;
  const ClusterEvents events = events_of(before, after);

  // The order in the sorted queues depends on the pod: out, change, in again.
  const Place place = pod->place;
  const bool waits = place != Place::InFlight;
  if (waits) leave(*pod);
  pod->stored = after.stored;
  if (place == Place::InFlight) pod->pod = after.pending();
  pod->info = after.info;
  if (!events.empty()) classify(*pod);
  if (waits) {
    choose_lane(*pod);
    enter(pod, place);
  }
  if (!pod->info->nominated_node.empty()) {
    nominate(*pod);
  } else if (!before.info->nominated_node.empty()) {
    nominator_.remove(pod->uid());
  }
  events.each([&](ClusterEvent event) {
    const PluginSet asked = (pod->rejectors | pod->pending) & pod->profile->woken_by(event);
    if (pod->place != Place::InFlight && (pod->place != Place::Unschedulable || asked == 0)) return;
    const ClusterChange change = change_of(event, before, after);
    if (pod->place == Place::InFlight) return log(change, {});
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

QueuedPod* SchedulingQueue::early(const Lane& lane) const {
  // Where few wait each may be tried once more. Where thousands do, each of which would be refused as the one before it, all would be
  // tried again and again, and nobody would come to anything else.
  constexpr std::size_t kCrowd = 128;
  constexpr int kLooks = 16;
  if (lane.backoff.empty()) return nullptr;
  if (lane.backoff.size() <= kCrowd) return *lane.backoff.begin();
  int looks = 0;
  for (QueuedPod* pod : lane.backoff) {
    if (!pod->equals->hopeless || told_apart(*pod)) return pod;
    if (++looks == kLooks) break;
  }
  return nullptr;
}

QueuedRef SchedulingQueue::pop() {
  QueuedPod* next = nullptr;
  for (const Lane& lane : lanes_) {
    if (lane.held || lane.active.empty()) continue;
    if (!next || in_order(**lane.active.begin(), *next)) next = *lane.active.begin();
  }
  if (!next) {
    for (const Lane& lane : lanes_) {
      QueuedPod* first = lane.held ? nullptr : early(lane);
      if (first && (!next || ByBackoff()(first, next))) next = first;
    }
  }
  return next ? take(next) : nullptr;
}

QueuedRef SchedulingQueue::pop(std::size_t number) {
  const Lane& lane = this->lane(number);
  QueuedPod* next = lane.active.empty() ? early(lane) : *lane.active.begin();
  return next ? take(next) : nullptr;
}

QueuedRef SchedulingQueue::take(QueuedPod* next) {
  const QueuedRef pod = next->shared_from_this();
  leave(*pod);
  if (++pod->attempts == 1) pod->first_attempt = clock_.steady();
  pod->rejectors = pod->pending = 0;
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
  const bool error = pod->rejectors == 0 && pod->pending == 0;
  if (error) {
    ++pod->consecutive_errors;
  } else {
    pod->consecutive_errors = 0;
    ++pod->unschedulable_count;
  }
  // Nobody's event can be waited for after an error.
  Strategy strategy = error ? Strategy::AfterBackoff : Strategy::Leave;
  for (std::uint64_t i = pod->events_seen - log_start_; i < log_.size() && strategy != Strategy::Immediately; ++i) {
    if (concerns(log_[i].whom(), *pod)) strategy = std::max(strategy, judge(*pod, log_[i].change));
  }
  pod->equals->hopeless = strategy == Strategy::Leave;
  requeue(pod, strategy, "ScheduleAttemptFailure");
}

void SchedulingQueue::refresh(const QueuedRef& pod, const SchedulerPod& now) {
  if (pod->place != Place::InFlight || !now.stored || now.info->uid != pod->uid()) return;
  pod->stored = now.stored;
  pod->pod = now.pending();
  pod->info = now.info;
  classify(*pod);
}

void SchedulingQueue::again(const QueuedRef& pod) {
  if (pod->place == Place::InFlight) requeue(pod, Strategy::Immediately, "ScheduleAttemptFailure");
}

// -- Events

bool SchedulingQueue::any_helps(const QueuedPod& pod, PluginSet plugins, const ClusterChange& change) const {
  plugins &= pod.profile->woken_by(change.event);
  if (plugins == 0) return false;
  const PendingPod message = pod.stored->message();
  bool helps = false;
  pod.profile->each(plugins, [&](std::string_view name) {
    if (helps) return;
    const bool measured = metrics_ && metrics_->measures_next_hint();
    const Steady begun = measured ? metrics_->now() : Steady();
    try {
      helps = pod.profile->hint(name, change, *message) == QueueingHint::Queue;
    } catch (const std::exception&) {
      helps = true;  // who cannot tell does not know that it is in vain
    }
    if (measured) metrics_->hinted(change.event, name, helps, begun);
  });
  return helps;
}

SchedulingQueue::Strategy SchedulingQueue::judge(const QueuedPod& pod, const ClusterChange& change) const {
  const bool in_vain = !pod.gated_by.empty() && (pod.profile->bit_of(pod.gated_by) & pod.profile->woken_by(change.event)) == 0;
  if (in_vain) return Strategy::Leave;  // the gate stays closed, whatever the others say
  if (pod.rejectors == 0 && pod.pending == 0) return Strategy::AfterBackoff;
  if (any_helps(pod, pod.pending, change)) return Strategy::Immediately;
  return any_helps(pod, pod.rejectors, change) ? Strategy::AfterBackoff : Strategy::Leave;
}

bool SchedulingQueue::concerns(const Whom& whom, const QueuedPod& pod) {
  return pod.uid() != whom.except && (!whom.priority_most || pod.info->priority <= *whom.priority_most);
}

void SchedulingQueue::move(const ClusterChange& change, const Whom& whom) {
  log(change, whom);
  std::vector<std::pair<QueuedRef, Strategy>> moved;
  for (const Shelf& shelf : shelves_) {
    if ((shelf.wakers() & shelf.profile->woken_by(change.event)) == 0) continue;
    for (const auto& [number, group] : shelf.groups) {
      // Its pods are alike in all that the plugins that keep them waiting go by.
      const Strategy strategy = judge(*group.pods.front(), change);
      if (strategy == Strategy::Leave) continue;
      group.pods.front()->equals->hopeless = false;
      for (QueuedPod* pod : group.pods) {
        if (concerns(whom, *pod)) moved.emplace_back(pod->shared_from_this(), strategy);
      }
    }
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
      requeue((*queue.begin())->shared_from_this(), Strategy::Immediately, "BackoffComplete");
    }
  };
  for (Lane& lane : lanes_) flush(lane.backoff);
  flush(error_backoff_);
  if (now < next_check_) return;
  next_check_ = now + kUnschedulableCheck;
  std::vector<QueuedRef> forgotten;
  for (const Shelf& shelf : shelves_) {
    if (!shelf.gated_by.empty()) continue;
    for (const auto& [number, group] : shelf.groups) {
      for (QueuedPod* pod : group.pods) {
        if (pod->queued + options_.unschedulable_max <= now) forgotten.push_back(pod->shared_from_this());
      }
    }
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
  if (unschedulable_ > 0) consider(next_check_);
  return next;
}

void SchedulingQueue::log(const ClusterChange& change, const Whom& whom) {
  if (!in_flight_since_.empty()) log_.push_back({change, std::string(whom.except), whom.priority_most});
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
  out.unschedulable = unschedulable_;
  out.gated = gated_;
  out.in_flight = in_flight_since_.size();
  return out;
}

}  // namespace ph::scheduler

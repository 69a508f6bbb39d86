#include "node/lifecycle.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/times.h"
#include "base/assert.h"

namespace ph::node {
namespace {

using core::v1::ContainerStatus;
using core::v1::PodStatus;

// The kubelet waits 10 s before it starts a container again, twice as long each time up to 5 min.
constexpr Duration kBackoffFirst = 10s;
constexpr Duration kBackoffMax = 300s;
// A container that ran for longer than this is waited for no longer than after its first failure.
constexpr Duration kForgottenAfter = 2 * kBackoffMax;
// So long the kubelet shows what became of a pull; then that it waits.
constexpr Duration kPullErrorShown = 10s;

// Where a container's runs stand at a moment.
struct Progress {
  enum Kind { NotYet, PullFailed, PullBackoff, Running, Backoff, Ended } kind = NotYet;
  int restarts = 0;
  int code = 0;         // of the last run that ended
  Time since{};         // begin of the run, of the wait, or the end
  Time run_began{};     // of the last run that began
  Time before_ended{};  // of the run before it, when there was one
  std::optional<Time> changes_at;
  bool has_begun() const { return kind == Running || kind == Backoff || kind == Ended; }
};

// After so many restarts it does not end any more, or it never did.
bool runs_on(const HollowContainer& container, int restarts) {
  return !container.run.exit_code || (container.restarts_max && restarts >= *container.restarts_max);
}

// When the image is there; nothing: `out` says how it stands. It is waited for as for containers: 10 s, doubling to 5 min.
std::optional<Time> pulled_at(const Pull& pull, Time from, Time now, Progress& out) {
  Duration backoff = kBackoffFirst;
  for (int failed = 0;; ++failed) {
    const Time end = from + pull.takes;
    if (now < end) {
      // Of another try nothing is shown but that there was one before.
      out.kind = failed > 0 ? Progress::PullBackoff : Progress::NotYet;
      out.changes_at = end;
      return std::nullopt;
    }
    if (pull.failures && failed >= *pull.failures) return end;
    const Time told = end + std::min(backoff, kPullErrorShown), again = end + backoff;
    if (now < again) {
      out.kind = now < told ? Progress::PullFailed : Progress::PullBackoff;
      out.changes_at = now < told ? told : again;
      return std::nullopt;
    }
    from = again;
    if (backoff == kBackoffMax && !pull.failures) {
      const Duration round = pull.takes + backoff;
      from += (now - from) / round * round;
    }
    backoff = std::min(backoff * 2, kBackoffMax);
  }
}

bool restarts(const HollowPod& pod, const HollowContainer& container, int exit_code) {
  if (container.sidecar || pod.restart_policy == "Always") return true;
  return pod.restart_policy == "OnFailure" && exit_code != 0;
}

// An init container that succeeded is done whatever the policy.
bool restarts_init(const HollowPod& pod, const HollowContainer& container, int exit_code) {
  if (container.sidecar) return true;
  return exit_code != 0 && pod.restart_policy != "Never";
}

Progress progress(const HollowPod& pod, const HollowContainer& container, bool init, Time from, Time now) {
  Progress out;
  if (now < from) return out;
  Time begin = from;
  if (container.pull) {
    const auto pulled = pulled_at(*container.pull, from, now, out);
    if (!pulled) return out;
    begin = *pulled;
  }
  const Duration last_backoff = container.run.takes > kForgottenAfter ? kBackoffFirst : kBackoffMax;
  Duration backoff = kBackoffFirst;
  for (;;) {
    out.run_began = begin;
    out.since = begin;
    if (runs_on(container, out.restarts)) {
      out.kind = Progress::Running;
      return out;
    }
    const Time end = begin + container.run.takes;
    if (now < end) {
      out.kind = Progress::Running;
      out.changes_at = end;
      return out;
    }
    out.code = *container.run.exit_code;
    out.since = end;
    if (!(init ? restarts_init(pod, container, out.code) : restarts(pod, container, out.code))) {
      out.kind = Progress::Ended;
      return out;
    }
    const Time again = end + backoff;
    if (now < again) {
      out.kind = Progress::Backoff;
      out.changes_at = again;
      return out;
    }
    begin = again;
    ++out.restarts;
    if (backoff == last_backoff) {
      // From here on one round is like the other: a pod may have been at it for years.
      const Duration round = container.run.takes + backoff;
      auto rounds = (now - begin) / round;
      if (container.restarts_max) rounds = std::min<decltype(rounds)>(rounds, *container.restarts_max - out.restarts);
      begin += rounds * round;
      out.restarts += static_cast<int>(rounds);
    }
    out.before_ended = begin - backoff;
    backoff = std::min(backoff * 2, last_backoff);
  }
}

// What is under way ends at that moment.
void stop(Progress& at, Time moment, int code) {
  if (at.kind == Progress::Running) {
    at.kind = Progress::Ended;
    at.code = code;
    at.since = moment;
  } else if (at.kind == Progress::Backoff) {
    at.kind = Progress::Ended;
  } else if (!at.has_begun()) {
    at.kind = Progress::NotYet;
  }
  at.changes_at.reset();
}

std::string container_id(const HollowPod& pod, const HollowContainer& container, int restarts) {
  return fmt::format("hollow://{}/{}/{}", pod.uid, container.name.view(), restarts);
}

void set_ended(core::v1::ContainerState* state, int code, Time began, Time ended, std::string id) {
  core::v1::ContainerStateTerminated& out = *state->mutable_terminated();
  out.set_exit_code(code);
  out.set_reason(code == 0 ? "Completed" : "Error");
  api::set_time(out.mutable_started_at(), began);
  api::set_time(out.mutable_finished_at(), ended);
  out.set_container_id(std::move(id));
}

// How the run before the last one ended: by itself, else there had been no other.
void set_ended_before(core::v1::ContainerState* state, const HollowPod& pod, const HollowContainer& container,
                      const Progress& at) {
  set_ended(state, *container.run.exit_code, at.before_ended - container.run.takes, at.before_ended,
            container_id(pod, container, at.restarts - 1));
}

ContainerStatus container_status(const HollowPod& pod, const HollowContainer& container, const Progress& at, bool ready,
                                 std::string_view waiting_for) {
  ContainerStatus out;
  out.set_name(std::string(container.name));
  out.set_image(std::string(container.image));
  out.set_restart_count(at.restarts);
  out.set_ready(ready);
  out.set_started(at.kind == Progress::Running);
  if (at.has_begun()) {
    out.set_image_id(fmt::format("hollow-pullable://{}", container.image.view()));
    out.set_container_id(container_id(pod, container, at.restarts));
  }
  switch (at.kind) {
    case Progress::NotYet: out.mutable_state()->mutable_waiting()->set_reason(std::string(waiting_for)); break;
    case Progress::PullFailed: {
      out.mutable_state()->mutable_waiting()->set_reason("ErrImagePull");
      out.mutable_state()->mutable_waiting()->set_message(container.pull->error);
      break;
    }
    case Progress::PullBackoff: {
      out.mutable_state()->mutable_waiting()->set_reason("ImagePullBackOff");
      out.mutable_state()->mutable_waiting()->set_message(
          fmt::format("Back-off pulling image \"{}\": ErrImagePull: {}", container.image.view(), container.pull->error));
      break;
    }
    case Progress::Running: api::set_time(out.mutable_state()->mutable_running()->mutable_started_at(), at.since); break;
    case Progress::Backoff: {
      auto* waiting = out.mutable_state()->mutable_waiting();
      waiting->set_reason("CrashLoopBackOff");
      waiting->set_message(fmt::format("back-off restarting failed container={} pod={}_{}({})", container.name.view(), pod.name,
                                       pod.namespace_name.view(), pod.uid));
      set_ended(out.mutable_last_state(), at.code, at.run_began, at.since, out.container_id());
      return out;
    }
    case Progress::Ended: set_ended(out.mutable_state(), at.code, at.run_began, at.since, out.container_id()); break;
  }
  if (at.restarts > 0) set_ended_before(out.mutable_last_state(), pod, container, at);
  return out;
}

void earliest(std::optional<Time>& into, std::optional<Time> other) {
  if (other && (!into || *other < *into)) into = other;
}

// Everything is told to stop at a moment.
struct Stop {
  Time at;
  int server_code = 0;  // what a container ends with that would have run for ever
};

class Story {
 public:
  Story(const HollowPod& pod, Time started, Time now, std::optional<Stop> stop = {})
      : pod_(pod), started_(started), now_(std::max(started, stop ? std::min(now, stop->at) : now)), stop_(stop) {}

  // No container begins.
  PodStatus tell_held(const std::string& host_ip) {
    held_ = true;
    PodStatus status = tell(host_ip, {}).status;
    status.clear_start_time();
    auto& first = *status.mutable_conditions(0);
    PH_ASSERT(first.type() == "PodReadyToStartContainers");
    first.set_status("False");
    return status;
  }

  // `phase`: what somebody else has decided; empty: as the containers say.
  Life tell(const std::string& host_ip, const std::string& pod_ip, const std::string& phase = {}) {
    follow_init_containers();
    follow_containers();
    stop_sidecars();
    add_container_statuses();
    PodStatus& status = life_.status;
    status.set_observed_generation(pod_.generation);
    status.set_phase(phase.empty() ? natural_phase() : phase);
    status.set_host_ip(host_ip);
    status.add_host_ips()->set_ip(host_ip);
    api::set_time(status.mutable_start_time(), started_);
    if (!pod_ip.empty()) {
      status.set_pod_ip(pod_ip);
      status.add_pod_ips()->set_ip(pod_ip);
    }
    add_conditions();
    if (life_.ended()) life_.changes_at.reset();
    return std::move(life_);
  }

 private:
  struct Followed {
    const HollowContainer* container;
    Time from;
    Progress at;
  };

  Progress follow(const HollowContainer& container, bool init, Time from) {
    if (held_) return {};
    Progress at = progress(pod_, container, init, from, now_);
    if (stop_) stop(at, now_, stopped_code(container, init, at.restarts, stop_->server_code));
    earliest(life_.changes_at, at.changes_at);
    return at;
  }

  // Work that is broken off fails.
  static int stopped_code(const HollowContainer& container, bool init, int restarts, int server_code) {
    const bool works = !runs_on(container, restarts) || (init && !container.sidecar);
    return works ? kKilled : server_code;
  }

  void follow_init_containers() {
    Time from = started_;
    bool reached = true;
    for (const HollowContainer& container : pod_.init_containers) {
      const Progress at = reached ? follow(container, true, from) : Progress{};
      init_.push_back({&container, from, at});
      const bool ended = !container.sidecar && at.kind == Progress::Ended;
      const bool succeeded = ended && at.code == 0;
      // A sidecar is waited for until it has started, however often it does.
      const bool passed = container.sidecar ? at.has_begun() : succeeded;
      if (!passed) incomplete_.push_back(container.name);
      if (ended && !succeeded) init_failed_ = true;
      if (!passed) reached = false;
      if (succeeded) from = std::max(from, at.since);
    }
    initialized_at_ = from;
  }

  bool initialized() const { return incomplete_.empty(); }

  void follow_containers() {
    for (const HollowContainer& container : pod_.containers) {
      const Progress at = initialized() ? follow(container, false, initialized_at_) : Progress{};
      containers_.push_back({&container, initialized_at_, at});
      if (at.kind == Progress::Ended) {
        ++(at.code == 0 ? succeeded_ : failed_);
        ended_at_ = std::max(ended_at_, at.since);
      } else if (at.has_begun()) {
        ++alive_;
      } else if (initialized()) {
        ++waiting_;
      }
    }
  }

  // When all else has ended.
  void stop_sidecars() {
    if (!initialized() || alive_ > 0 || waiting_ > 0) return;
    for (auto& [container, from, at] : init_) {
      if (!container->sidecar) continue;
      at = progress(pod_, *container, true, from, ended_at_);
      stop(at, ended_at_, stopped_code(*container, true, at.restarts, 0));
    }
  }

  void add_container_statuses() {
    ready_at_ = initialized_at_;
    for (const auto& [container, from, at] : init_) {
      const bool ready = container->sidecar ? is_ready(*container, at) : at.kind == Progress::Ended && at.code == 0;
      *life_.status.add_init_container_statuses() = container_status(pod_, *container, at, ready, "PodInitializing");
    }
    const char* waiting = pod_.init_containers.empty() ? "ContainerCreating" : "PodInitializing";
    for (const auto& [container, from, at] : containers_) {
      const bool ready = is_ready(*container, at);
      *life_.status.add_container_statuses() = container_status(pod_, *container, at, ready, waiting);
    }
  }

  // One that is not is remembered, and since when this has been so.
  bool is_ready(const HollowContainer& container, const Progress& at) {
    bool ready = at.kind == Progress::Running;
    if (ready) {
      const Time ready_at = at.since + container.ready_after;
      ready = now_ >= ready_at;
      if (!ready) earliest(life_.changes_at, ready_at);
      ready_at_ = std::max(ready_at_, ready ? ready_at : now_);
    } else if (at.has_begun()) {
      ready_at_ = std::max(ready_at_, at.since);
    }
    if (!ready) unready_.push_back(container.name);
    return ready;
  }

  std::string natural_phase() const {
    if (init_failed_) return "Failed";
    if (!initialized()) return "Pending";
    // One that is told to stop before it has begun will never have done anything.
    if (waiting_ > 0) return stop_ ? "Failed" : "Pending";
    if (alive_ > 0) return "Running";
    return failed_ > 0 ? "Failed" : "Succeeded";
  }

  void add_conditions() {
    const bool succeeded = life_.status.phase() == "Succeeded", ended = life_.ended();
    const bool ready = unready_.empty() && initialized() && !ended;
    const std::string why = ready ? "" : succeeded ? "PodCompleted" : ended ? "PodFailed" : "ContainersNotReady";
    const std::string message = ready || ended ? "" : listed("containers with unready status", unready_);
    add("PodReadyToStartContainers", !ended, ended ? ready_at_ : started_, "", "");
    if (succeeded || initialized()) {
      add("Initialized", true, initialized_at_, succeeded ? "PodCompleted" : "", "");
    } else {
      add("Initialized", false, started_, "ContainersNotInitialized", listed("containers with incomplete status", incomplete_));
    }
    if (ready && !pod_.closed_gates.empty()) {
      add("Ready", false, ready_at_, "ReadinessGatesNotReady", fmt::format("{}", fmt::join(pod_.closed_gates, ", ")));
    } else {
      add("Ready", ready, ready_at_, why, message);
    }
    add("ContainersReady", ready, ready_at_, why, message);
    add("PodScheduled", true, pod_.scheduled.value_or(started_), "", "");
  }

  static std::string listed(std::string_view what, const std::vector<std::string_view>& containers) {
    return fmt::format("{}: [{}]", what, fmt::join(containers, " "));
  }

  void add(std::string_view type, bool holds, Time since, std::string_view reason, std::string_view message) {
    auto* condition = life_.status.add_conditions();
    condition->set_type(std::string(type));
    condition->set_observed_generation(pod_.generation);
    condition->set_status(holds ? "True" : "False");
    condition->set_reason(std::string(reason));
    condition->set_message(std::string(message));
    api::set_time(condition->mutable_last_transition_time(), since);
  }

  const HollowPod& pod_;
  const Time started_, now_;
  const std::optional<Stop> stop_;
  Life life_;
  std::vector<Followed> init_, containers_;
  std::vector<std::string_view> incomplete_, unready_;
  bool init_failed_ = false, held_ = false;
  int alive_ = 0, waiting_ = 0, succeeded_ = 0, failed_ = 0;  // waiting: for their images
  Time initialized_at_{}, ready_at_{}, ended_at_{};
};

// Times in statuses are whole seconds: counted is from the same second that will be read back.
Time whole(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

bool is_kubelets(std::string_view condition) {
  static constexpr std::string_view kOwn[] = {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady",
                                              "PodScheduled"};
  return std::ranges::find(kOwn, condition) != std::end(kOwn);
}

Life life_at(const HollowPod& pod, Time started, Time now, const std::string& host_ip, const std::string& pod_ip) {
  const Time begun = whole(started);
  if (!pod.active_deadline) return Story(pod, begun, now).tell(host_ip, pod_ip);
  const Time deadline = begun + *pod.active_deadline;
  Life life = Story(pod, begun, std::min(now, deadline)).tell(host_ip, pod_ip);
  if (life.ended()) return life;
  if (now < deadline) {
    earliest(life.changes_at, deadline);
    return life;
  }
  life = Story(pod, begun, now, Stop{deadline, kKilled}).tell(host_ip, pod_ip, "Failed");
  life.status.set_reason("DeadlineExceeded");
  life.status.set_message("Pod was active on the node longer than the specified deadline");
  return life;
}

PodStatus held_at(const HollowPod& pod, Time now, const std::string& host_ip) {
  return Story(pod, whole(now), now).tell_held(host_ip);
}

Life end_at(const HollowPod& pod, Time started, Time at, const std::string& host_ip, const std::string& pod_ip,
            const std::string& phase, int server_code) {
  return Story(pod, whole(started), at, Stop{whole(at), server_code}).tell(host_ip, pod_ip, phase);
}

}  // namespace ph::node

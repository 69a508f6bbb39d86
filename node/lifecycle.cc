#include "node/lifecycle.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/times.h"

namespace ph::node {
namespace {

using core::v1::ContainerStatus;
using core::v1::PodStatus;

// The kubelet waits 10 s before it starts a container again, twice as long each time up to 5 min.
constexpr Duration kBackoffFirst = 10s;
constexpr Duration kBackoffMax = 300s;

// Where a container's runs stand at a moment.
struct Progress {
  enum Kind { NotYet, Running, Backoff, Ended } kind = NotYet;
  int restarts = 0;
  Time since{};                    // begin of the run, of the wait, or the end
  Time run_began{};                // of the last run that began
  std::optional<Time> changes_at;
};

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
  Duration backoff = kBackoffFirst;
  for (;;) {
    out.run_began = begin;
    out.since = begin;
    if (!container.run.exit_code) {
      out.kind = Progress::Running;
      return out;
    }
    const Time end = begin + container.run.takes;
    if (now < end) {
      out.kind = Progress::Running;
      out.changes_at = end;
      return out;
    }
    const int code = *container.run.exit_code;
    out.since = end;
    if (!(init ? restarts_init(pod, container, code) : restarts(pod, container, code))) {
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
    backoff = std::min(backoff * 2, kBackoffMax);
    ++out.restarts;
  }
}

void set_ended(core::v1::ContainerStateTerminated* state, const HollowContainer& container, Time began, Time ended) {
  const int code = container.run.exit_code.value_or(0);
  state->set_exit_code(code);
  state->set_reason(code == 0 ? "Completed" : "Error");
  api::set_time(state->mutable_started_at(), began);
  api::set_time(state->mutable_finished_at(), ended);
}

std::string container_id(const HollowPod& pod, const HollowContainer& container, int restarts) {
  return fmt::format("hollow://{}/{}/{}", pod.uid, container.name, restarts);
}

ContainerStatus container_status(const HollowPod& pod, const HollowContainer& container, const Progress& at, bool ready,
                                 std::string_view waiting_for) {
  ContainerStatus out;
  out.set_name(container.name);
  out.set_image(container.image);
  out.set_restart_count(at.restarts);
  out.set_ready(ready);
  out.set_started(at.kind == Progress::Running);
  if (at.kind != Progress::NotYet) {
    out.set_image_id("hollow-pullable://" + container.image);
    out.set_container_id(container_id(pod, container, at.restarts));
  }
  switch (at.kind) {
    case Progress::NotYet:
      out.mutable_state()->mutable_waiting()->set_reason(std::string(waiting_for));
      break;
    case Progress::Running:
      api::set_time(out.mutable_state()->mutable_running()->mutable_started_at(), at.since);
      break;
    case Progress::Backoff: {
      auto* waiting = out.mutable_state()->mutable_waiting();
      waiting->set_reason("CrashLoopBackOff");
      waiting->set_message(fmt::format("back-off restarting failed container={} pod={}_{}({})", container.name, pod.name,
                                       pod.namespace_name, pod.uid));
      set_ended(out.mutable_last_state()->mutable_terminated(), container, at.run_began, at.since);
      break;
    }
    case Progress::Ended:
      set_ended(out.mutable_state()->mutable_terminated(), container, at.run_began, at.since);
      break;
  }
  return out;
}

void earliest(std::optional<Time>& into, std::optional<Time> other) {
  if (other && (!into || *other < *into)) into = other;
}

class Story {
 public:
  Story(const HollowPod& pod, Time started, Time now) : pod_(pod), started_(started), now_(now) {}

  Life tell(const std::string& host_ip, const std::string& pod_ip) {
    tell_init_containers();
    tell_containers();
    PodStatus& status = life_.status;
    status.set_phase(phase());
    status.set_host_ip(host_ip);
    status.add_host_ips()->set_ip(host_ip);
    api::set_time(status.mutable_start_time(), started_);
    if (!pod_ip.empty()) {
      status.set_pod_ip(pod_ip);
      status.add_pod_ips()->set_ip(pod_ip);
    }
    apply_deadline();
    add_conditions();
    if (life_.ended()) life_.changes_at.reset();
    return std::move(life_);
  }

 private:
  void tell_init_containers() {
    Time from = started_;
    bool reached = true;
    for (const HollowContainer& container : pod_.init_containers) {
      const Progress at = reached ? progress(pod_, container, true, from, now_) : Progress{};
      const bool succeeded = at.kind == Progress::Ended && container.run.exit_code == 0;
      const bool passed = container.sidecar ? at.kind == Progress::Running : succeeded;
      *life_.status.add_init_container_statuses() = container_status(pod_, container, at, passed, "PodInitializing");
      earliest(life_.changes_at, at.changes_at);
      if (at.kind == Progress::Ended && !succeeded) init_failed_ = true;
      if (!passed) reached = false;
      if (succeeded) from = std::max(from, at.since);
    }
    initialized_ = reached;
    initialized_at_ = from;
  }

  void tell_containers() {
    bool all_ready = true;
    ready_at_ = initialized_at_;
    for (const HollowContainer& container : pod_.containers) {
      const Progress at = initialized_ ? progress(pod_, container, false, initialized_at_, now_) : Progress{};
      bool ready = at.kind == Progress::Running;
      if (ready) {
        const Time ready_at = at.since + container.ready_after;
        ready = now_ >= ready_at;
        if (!ready) earliest(life_.changes_at, ready_at);
        ready_at_ = std::max(ready_at_, ready ? ready_at : now_);
      } else if (at.kind != Progress::NotYet) {
        ready_at_ = std::max(ready_at_, at.since);
      }
      all_ready &= ready;
      count(container, at);
      *life_.status.add_container_statuses() =
          container_status(pod_, container, at, ready, pod_.init_containers.empty() ? "ContainerCreating" : "PodInitializing");
      earliest(life_.changes_at, at.changes_at);
    }
    containers_ready_ = all_ready && initialized_;
  }

  void count(const HollowContainer& container, const Progress& at) {
    if (at.kind == Progress::Ended) {
      ++(container.run.exit_code == 0 ? succeeded_ : failed_);
    } else if (at.kind != Progress::NotYet) {
      ++alive_;
    }
  }

  std::string phase() const {
    if (init_failed_) return "Failed";
    if (!initialized_) return "Pending";
    if (alive_ > 0) return "Running";
    return failed_ > 0 ? "Failed" : "Succeeded";
  }

  void apply_deadline() {
    if (!pod_.active_deadline || life_.ended()) return;
    const Time deadline = started_ + *pod_.active_deadline;
    if (now_ < deadline) return earliest(life_.changes_at, deadline);
    life_.status.set_phase("Failed");
    life_.status.set_reason("DeadlineExceeded");
    life_.status.set_message("Pod was active on the node longer than the specified deadline");
    containers_ready_ = false;
    ready_at_ = deadline;
    for (ContainerStatus& container : *life_.status.mutable_container_statuses()) kill(&container, deadline);
  }

  static void kill(ContainerStatus* container, Time at) {
    container->set_ready(false);
    container->set_started(false);
    if (!container->state().has_running()) return;
    const meta::v1::Time began = container->state().running().started_at();
    container->mutable_state()->clear_running();
    auto* ended = container->mutable_state()->mutable_terminated();
    ended->set_exit_code(137);
    ended->set_reason("Error");
    *ended->mutable_started_at() = began;
    api::set_time(ended->mutable_finished_at(), at);
  }

  void add_conditions() {
    const std::string_view done = life_.status.phase() == "Succeeded" ? "PodCompleted" : life_.ended() ? "PodFailed" : "";
    std::string unready;
    for (int i = 0; i < life_.status.container_statuses_size(); ++i) {
      const ContainerStatus& container = life_.status.container_statuses(i);
      if (!container.ready()) unready += (unready.empty() ? "" : " ") + container.name();
    }
    const std::string message = "containers with unready status: [" + unready + "]";
    const std::string why(done.empty() ? "ContainersNotReady" : done);
    const bool gates = pod_.open_gates.empty();
    add("PodReadyToStartContainers", !life_.ended(), started_, "", "");
    add("Initialized", initialized_, initialized_at_,
        initialized_ ? (done == "PodCompleted" ? "PodCompleted" : "") : "ContainersNotInitialized", "");
    if (containers_ready_ && !gates) {
      add("Ready", false, ready_at_, "ReadinessGatesNotReady",
          fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", pod_.open_gates.front()));
    } else {
      add("Ready", containers_ready_, ready_at_, containers_ready_ ? "" : why, containers_ready_ || !done.empty() ? "" : message);
    }
    add("ContainersReady", containers_ready_, ready_at_, containers_ready_ ? "" : why,
        containers_ready_ || !done.empty() ? "" : message);
  }

  void add(std::string_view type, bool holds, Time since, std::string_view reason, std::string_view message) {
    auto* condition = life_.status.add_conditions();
    condition->set_type(std::string(type));
    condition->set_status(holds ? "True" : "False");
    condition->set_reason(std::string(reason));
    condition->set_message(std::string(message));
    api::set_time(condition->mutable_last_transition_time(), since);
  }

  const HollowPod& pod_;
  const Time started_, now_;
  Life life_;
  bool initialized_ = true, init_failed_ = false, containers_ready_ = false;
  Time initialized_at_{}, ready_at_{};
  int alive_ = 0, succeeded_ = 0, failed_ = 0;
};

}  // namespace

Life life_at(const HollowPod& pod, Time started, Time now, const std::string& host_ip, const std::string& pod_ip) {
  // Times in statuses are whole seconds: count from the same second that will be read back.
  return Story(pod, std::chrono::floor<std::chrono::seconds>(started), now).tell(host_ip, pod_ip);
}

std::string log_of(const HollowPod& pod, const HollowContainer& container, Time started, Time now) {
  if (now < started) return {};
  if (container.run.output.empty() && !container.run.exit_code) {
    return fmt::format("{} hollow container {} of pod {} started from image {}\n", api::rfc3339(started), container.name,
                       pod.key().text(), container.image);
  }
  std::string out;
  for (const std::string& line : container.run.output) out += line + "\n";
  return out;
}

}  // namespace ph::node

#include "node/lifecycle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ph::node {
namespace {

using core::v1::PodStatus;

HollowContainer container(std::string name, Run run) {
  return {.name = std::move(name), .image = "img:1", .run = std::move(run)};
}
Run ends(Duration after, int code) { return {.takes = after, .exit_code = code}; }

HollowPod pod(std::vector<HollowContainer> containers, std::string restart_policy = "Always") {
  HollowPod out;
  out.namespace_name = "default";
  out.name = "a";
  out.uid = "u";
  out.restart_policy = std::move(restart_policy);
  out.containers = std::move(containers);
  return out;
}

// phase, ready containers, restarts, the first container's state, and when it changes.
std::string summary(const HollowPod& pod, Duration at) {
  const Time start(1000s);
  const Life life = life_at(pod, start, start + at, "172.18.0.2", "10.128.0.2");
  int ready = 0, restarts = 0;
  for (const auto& c : life.status.container_statuses()) {
    ready += c.ready();
    restarts += c.restart_count();
  }
  const auto& state = life.status.container_statuses(0).state();
  const std::string first = state.has_running()      ? "running"
                            : state.has_terminated() ? fmt::format("ended {}", state.terminated().exit_code())
                                                     : state.waiting().reason();
  const std::string next =
      life.changes_at ? fmt::format(" until {}s", std::chrono::duration<double>(*life.changes_at - start).count()) : "";
  return fmt::format("{} {}/{} r{} {}{}", life.status.phase(), ready, life.status.container_statuses_size(), restarts, first,
                     next);
}

TEST(Lifecycle, FollowsTheCommandsAndTheRestartPolicy) {
  HollowPod slow_to_be_ready = pod({container("c", {})});
  slow_to_be_ready.containers[0].ready_after = 7s;
  HollowPod with_init = pod({container("c", {})});
  with_init.init_containers = {container("i", ends(3s, 0)), container("j", ends(2s, 0))};
  HollowPod failing_init = pod({container("c", {})}, "Never");
  failing_init.init_containers = {container("i", ends(1s, 4))};
  HollowPod sidecar = pod({container("c", ends(5s, 0))}, "Never");
  sidecar.init_containers = {container("s", {})};
  sidecar.init_containers[0].sidecar = true;
  HollowPod crashing_sidecar = pod({container("c", {})});
  crashing_sidecar.init_containers = {container("s", ends(1s, 1))};
  crashing_sidecar.init_containers[0].sidecar = true;
  HollowPod deadline = pod({container("c", {})});
  deadline.active_deadline = 30s;

  struct Row {
    const char* name;
    HollowPod pod;
    Duration at;
    const char* summary;
  };
  const Row rows[] = {
      {"a server runs at once", pod({container("c", {})}), 0s, "Running 1/1 r0 running"},
      {"a probe's delay", slow_to_be_ready, 6s, "Running 0/1 r0 running until 7s"},
      {"after the probe's delay", slow_to_be_ready, 7s, "Running 1/1 r0 running"},
      {"work under way", pod({container("c", ends(5s, 0))}, "Never"), 4s, "Running 1/1 r0 running until 5s"},
      {"work done", pod({container("c", ends(5s, 0))}, "Never"), 5s, "Succeeded 0/1 r0 ended 0"},
      {"work failed", pod({container("c", ends(5s, 3))}, "Never"), 9s, "Failed 0/1 r0 ended 3"},
      {"OnFailure: success is final", pod({container("c", ends(1s, 0))}, "OnFailure"), 2s, "Succeeded 0/1 r0 ended 0"},
      {"OnFailure: failure backs off", pod({container("c", ends(1s, 1))}, "OnFailure"), 2s,
       "Running 0/1 r0 CrashLoopBackOff until 11s"},
      {"the second run", pod({container("c", ends(1s, 1))}, "OnFailure"), 11s, "Running 1/1 r1 running until 12s"},
      {"the second wait is twice as long", pod({container("c", ends(1s, 1))}), 12s, "Running 0/1 r1 CrashLoopBackOff until 32s"},
      {"one of two ended", pod({container("c", ends(1s, 0)), container("d", {})}, "Never"), 2s, "Running 1/2 r0 ended 0"},
      {"init containers run in turn", with_init, 4s, "Pending 0/1 r0 PodInitializing until 5s"},
      {"after the init containers", with_init, 5s, "Running 1/1 r0 running"},
      {"a failed init container", failing_init, 2s, "Failed 0/1 r0 PodInitializing"},
      {"a sidecar does not keep a pod alive", sidecar, 6s, "Succeeded 0/1 r0 ended 0"},
      {"a sidecar that fails again and again", crashing_sidecar, 11s, "Running 1/1 r0 running until 12s"},
      {"years of failures", pod({container("c", ends(1s, 1))}), 24h * 365 * 40,
       "Running 0/1 r4190834 CrashLoopBackOff until 1261440145s"},
      {"started in the future", pod({container("c", {})}), -5s, "Running 1/1 r0 running"},
      {"before the deadline", deadline, 29s, "Running 1/1 r0 running until 30s"},
      {"at the deadline", deadline, 30s, "Failed 0/1 r0 ended 137"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(summary(row.pod, row.at), row.summary);
  }
}

// The run before the last: "Error 1 1012..1013 u/c/1", and when the last began.
TEST(Lifecycle, SaysHowTheRunBeforeEnded) {
  const Time start(1000s);
  const HollowPod crashes = pod({container("c", ends(1s, 1))});
  const auto before = [&](Duration at, bool stopped = false) -> std::string {
    const Life life = stopped ? end_at(crashes, start, start + at, "h", "i") : life_at(crashes, start, start + at, "h", "i");
    const core::v1::ContainerStatus& status = life.status.container_statuses(0);
    if (!status.has_last_state()) return "none";
    const auto& last = status.last_state().terminated();
    return fmt::format("{} {} {}..{} {}", last.reason(), last.exit_code(), last.started_at().seconds(),
                       last.finished_at().seconds(), last.container_id());
  };
  EXPECT_EQ(before(0s), "none");
  EXPECT_EQ(before(2s), "Error 1 1000..1001 hollow://u/c/0") << "while it waits for the second";
  EXPECT_EQ(before(11s), "Error 1 1000..1001 hollow://u/c/0") << "while the second is under way";
  EXPECT_EQ(before(13s), "Error 1 1011..1012 hollow://u/c/1");
  EXPECT_EQ(before(32s), "Error 1 1011..1012 hollow://u/c/1");
  EXPECT_EQ(before(32s, true), "Error 1 1011..1012 hollow://u/c/1") << "the third is stopped";
  // The waits become 300 s: the sixth run begins at 315 s, each later one 301 s after the one before.
  EXPECT_EQ(before(315s + 1000 * 301s), "Error 1 302014..302015 hollow://u/c/1004");
}

TEST(Lifecycle, ConditionsChangeWithTheContainers) {
  const Time start(1000s);
  HollowPod p = pod({container("c", ends(1s, 1))});
  const auto ready_at = [&](Duration at) {
    for (const auto& condition : life_at(p, start, start + at, "h", "i").status.conditions()) {
      if (condition.type() == "Ready") {
        return fmt::format("{} {} {} since {}", condition.status(), condition.reason(), condition.message(),
                           condition.last_transition_time().seconds() - 1000);
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(ready_at(0s), "True   since 0");
  EXPECT_EQ(ready_at(2s), "False ContainersNotReady containers with unready status: [c] since 1");
  EXPECT_EQ(ready_at(11s), "True   since 11");
  p.closed_gates = {"one is shut.", "so is the other"};
  EXPECT_EQ(ready_at(11s), "False ReadinessGatesNotReady one is shut., so is the other since 11");
}

// "Initialized=False ContainersNotInitialized: containers with …", one a line.
std::string conditions(const PodStatus& status) {
  std::string out;
  for (const auto& c : status.conditions()) {
    out += fmt::format("{}={}{}{}{}{}\n", c.type(), c.status(), c.reason().empty() ? "" : " ", c.reason(),
                       c.message().empty() ? "" : ": ", c.message());
  }
  return out;
}

TEST(Lifecycle, SaysWhichContainersAreWaitedFor) {
  HollowPod p = pod({container("c", {}), container("d", {})});
  p.init_containers = {container("init1", ends(1s, 0)), container("side", {}), container("init2", ends(9s, 0)),
                       container("init3", ends(0s, 0))};
  p.init_containers[1].sidecar = true;
  EXPECT_EQ(conditions(life_at(p, Time(), Time(2s), "h", "i").status),
            "PodReadyToStartContainers=True\n"
            "Initialized=False ContainersNotInitialized: containers with incomplete status: [init2 init3]\n"
            "Ready=False ContainersNotReady: containers with unready status: [c d]\n"
            "ContainersReady=False ContainersNotReady: containers with unready status: [c d]\n"
            "PodScheduled=True\n");
  EXPECT_EQ(conditions(life_at(p, Time(), Time(0s), "h", "i").status),
            "PodReadyToStartContainers=True\n"
            "Initialized=False ContainersNotInitialized: containers with incomplete status: [init1 side init2 init3]\n"
            "Ready=False ContainersNotReady: containers with unready status: [side c d]\n"
            "ContainersReady=False ContainersNotReady: containers with unready status: [side c d]\n"
            "PodScheduled=True\n");
  EXPECT_EQ(conditions(life_at(p, Time(), Time(10s), "h", "i").status),
            "PodReadyToStartContainers=True\nInitialized=True\nReady=True\nContainersReady=True\nPodScheduled=True\n");
}

TEST(Lifecycle, AFailedInitContainerIsNamedForGood) {
  HollowPod p = pod({container("run1", {})}, "Never");
  p.init_containers = {container("init1", ends(0s, 0)), container("init2", ends(0s, 1))};
  const Life life = life_at(p, Time(), Time(5s), "h", "i");
  EXPECT_EQ(life.status.phase(), "Failed");
  EXPECT_EQ(conditions(life.status),
            "PodReadyToStartContainers=False\n"
            "Initialized=False ContainersNotInitialized: containers with incomplete status: [init2]\n"
            "Ready=False PodFailed\nContainersReady=False PodFailed\nPodScheduled=True\n");
}

TEST(Lifecycle, SaysWhichGenerationItHasSeen) {
  HollowPod p = pod({container("c", {})});
  p.generation = 7;
  const PodStatus status = life_at(p, Time(), Time(1s), "h", "i").status;
  EXPECT_EQ(status.observed_generation(), 7);
  for (const auto& condition : status.conditions()) EXPECT_EQ(condition.observed_generation(), 7) << condition.type();
}

// The states of all containers, init containers first: "ended 0 at 5".
std::string states(const PodStatus& status) {
  std::string out = status.phase();
  const auto add = [&](const core::v1::ContainerStatus& c) {
    const auto& state = c.state();
    out += state.has_running()   ? ", running"
           : state.has_waiting() ? ", " + state.waiting().reason()
                                 : fmt::format(", {} {} at {}", state.terminated().reason(), state.terminated().exit_code(),
                                               state.terminated().finished_at().seconds());
  };
  for (const auto& c : status.init_container_statuses()) add(c);
  for (const auto& c : status.container_statuses()) add(c);
  return out;
}

TEST(Lifecycle, TheEndOfAPodIsTheEndOfItsContainers) {
  HollowPod working = pod({container("server", {}), container("work", ends(60s, 0)), container("crash", ends(1s, 3))});
  HollowPod preparing = pod({container("c", {})});
  preparing.init_containers = {container("i", ends(60s, 0))};
  HollowPod helped = pod({container("c", ends(5s, 0))}, "Never");
  helped.init_containers = {container("s", {}), container("t", ends(2s, 1))};
  for (auto& each : helped.init_containers) each.sidecar = true;
  HollowPod late = preparing;
  late.active_deadline = 30s;
  struct Row {
    const char* name;
    PodStatus status;
    const char* states;
  };
  const auto end = [](const HollowPod& p, const char* phase = "") {
    return end_at(p, Time(), Time(7s + 500ms), "h", "i", phase).status;
  };
  const Row rows[] = {
      {"told to stop", end(working), "Failed, Completed 0 at 7, Error 137 at 7, Error 3 at 1"},
      {"a server", end(pod({container("c", {})})), "Succeeded, Completed 0 at 7"},
      {"said to have succeeded", end(working, "Succeeded"), "Succeeded, Completed 0 at 7, Error 137 at 7, Error 3 at 1"},
      {"before it was initialized", end(preparing), "Failed, Error 137 at 7, PodInitializing"},
      {"sidecars end with the last", life_at(helped, Time(), Time(60s), "h", "i").status,
       "Succeeded, Completed 0 at 5, Error 1 at 2, Completed 0 at 5"},
      {"at the deadline", life_at(late, Time(), Time(60s), "h", "i").status, "Failed, Error 137 at 30, PodInitializing"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(states(row.status), row.states);
    for (const auto& c : row.status.conditions()) {
      if (c.type() == "Ready" || c.type() == "PodReadyToStartContainers") EXPECT_EQ(c.status(), "False");
    }
  }
}

TEST(Lifecycle, GoesOnWhereARestartedKubeletFindsIt) {
  const HollowPod p = pod({container("c", ends(700ms, 1))});
  const Time start(1000s + 300ms);  // the status will say 1000 s
  for (Duration at : {0ns, Duration(5s), Duration(47s), Duration(200s)}) {
    EXPECT_EQ(life_at(p, start, start + at, "h", "i").status.SerializeAsString(),
              life_at(p, Time(1000s), start + at, "h", "i").status.SerializeAsString());
  }
}

// What an image's pull makes of a pod: phase, the first container's state, until when.
TEST(Lifecycle, ImagesComeFirst) {
  const auto pulling = [](Pull pull) {
    pull.error = "no such image";
    HollowPod out = pod({container("c", {})});
    out.containers[0].pull = std::make_shared<const Pull>(std::move(pull));
    return out;
  };
  const HollowPod slow = pulling({.takes = 5s, .failures = 0});
  const HollowPod never = pulling({.takes = 1s});
  const HollowPod twice = pulling({.failures = 2});
  struct Row {
    const char* name;
    HollowPod pod;
    Duration at;
    const char* summary;
  };
  const Row rows[] = {
      {"under way", slow, 4s, "Pending 0/1 r0 ContainerCreating until 5s"},
      {"there", slow, 5s, "Running 1/1 r0 running"},
      {"the first try", never, 500ms, "Pending 0/1 r0 ContainerCreating until 1s"},
      {"it fails", never, 1s, "Pending 0/1 r0 ErrImagePull until 11s"},
      {"the second try", never, 11s, "Pending 0/1 r0 ImagePullBackOff until 12s"},
      {"that fails, too", never, 12s, "Pending 0/1 r0 ErrImagePull until 22s"},
      {"and is waited for twice as long", never, 22s, "Pending 0/1 r0 ImagePullBackOff until 32s"},
      {"years of failures", never, 24h * 365, "Pending 0/1 r0 ImagePullBackOff until 31536085s"},
      {"before it succeeds", twice, 29s, "Pending 0/1 r0 ImagePullBackOff until 30s"},
      {"it has succeeded", twice, 30s, "Running 1/1 r0 running"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(summary(row.pod, row.at), row.summary);
  }
  const auto waiting = life_at(never, Time(), Time(23s), "h", "i").status.container_statuses(0).state().waiting();
  EXPECT_EQ(waiting.message(), "Back-off pulling image \"img:1\": ErrImagePull: no such image");
  EXPECT_EQ(end_at(never, Time(), Time(23s), "h", "i").status.phase(), "Failed");
}

TEST(Lifecycle, CrashesComeToAnEnd) {
  HollowPod settles = pod({container("c", ends(1s, 1))});
  settles.containers[0].restarts_max = 2;
  EXPECT_EQ(summary(settles, 1s), "Running 0/1 r0 CrashLoopBackOff until 11s");
  EXPECT_EQ(summary(settles, 12s), "Running 0/1 r1 CrashLoopBackOff until 32s");
  EXPECT_EQ(summary(settles, 32s), "Running 1/1 r2 running");
  EXPECT_EQ(summary(settles, 24h), "Running 1/1 r2 running");
  EXPECT_EQ(end_at(settles, Time(), Time(24h), "h", "i").status.container_statuses(0).state().terminated().exit_code(), 0)
      << "by then it is a server";
}

TEST(Lifecycle, WhatRanForLongIsNotWaitedForLonger) {
  const HollowPod steady = pod({container("c", ends(11min, 1))});
  EXPECT_EQ(summary(steady, 11min), "Running 0/1 r0 CrashLoopBackOff until 670s");
  EXPECT_EQ(summary(steady, 670s + 11min), "Running 0/1 r1 CrashLoopBackOff until 1340s");
  EXPECT_EQ(summary(steady, 100 * 670s - 1s), "Running 0/1 r99 CrashLoopBackOff until 67000s");
}

TEST(Lifecycle, AHeldPodHasNotStarted) {
  const PodStatus status = held_at(pod({container("c", {})}), Time(1000s), "h");
  EXPECT_EQ(status.phase(), "Pending");
  EXPECT_FALSE(status.has_start_time());
  EXPECT_EQ(status.host_ip(), "h");
  EXPECT_EQ(states(status), "Pending, ContainerCreating");
  EXPECT_EQ(conditions(status),
            "PodReadyToStartContainers=False\n"
            "Initialized=True\n"
            "Ready=False ContainersNotReady: containers with unready status: [c]\n"
            "ContainersReady=False ContainersNotReady: containers with unready status: [c]\n"
            "PodScheduled=True\n");
}

TEST(Lifecycle, WhatItsGraceCutsShortIsKilled) {
  const auto status = end_at(pod({container("server", {})}), Time(), Time(7s), "h", "i", {}, kKilled).status;
  EXPECT_EQ(states(status), "Failed, Error 137 at 7");
}

}  // namespace
}  // namespace ph::node

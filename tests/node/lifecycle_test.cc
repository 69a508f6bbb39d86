#include "node/lifecycle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ph::node {
namespace {

HollowContainer container(std::string name, Run run) { return {.name = std::move(name), .image = "img:1", .run = std::move(run)}; }
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
  const std::string next = life.changes_at ? fmt::format(" until {}s", std::chrono::duration<double>(*life.changes_at - start).count()) : "";
  return fmt::format("{} {}/{} r{} {}{}", life.status.phase(), ready, life.status.container_statuses_size(), restarts, first, next);
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
      {"OnFailure: failure backs off", pod({container("c", ends(1s, 1))}, "OnFailure"), 2s, "Running 0/1 r0 CrashLoopBackOff until 11s"},
      {"the second run", pod({container("c", ends(1s, 1))}, "OnFailure"), 11s, "Running 1/1 r1 running until 12s"},
      {"the second wait is twice as long", pod({container("c", ends(1s, 1))}), 12s, "Running 0/1 r1 CrashLoopBackOff until 32s"},
      {"one of two ended", pod({container("c", ends(1s, 0)), container("d", {})}, "Never"), 2s, "Running 1/2 r0 ended 0"},
      {"init containers run in turn", with_init, 4s, "Pending 0/1 r0 PodInitializing until 5s"},
      {"after the init containers", with_init, 5s, "Running 1/1 r0 running"},
      {"a failed init container", failing_init, 2s, "Failed 0/1 r0 PodInitializing"},
      {"a sidecar does not keep a pod alive", sidecar, 6s, "Succeeded 0/1 r0 ended 0"},
      {"before the deadline", deadline, 29s, "Running 1/1 r0 running until 30s"},
      {"at the deadline", deadline, 30s, "Failed 0/1 r0 ended 137"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(summary(row.pod, row.at), row.summary);
  }
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
  p.open_gates = {"example.com/gate"};
  EXPECT_EQ(ready_at(11s),
            "False ReadinessGatesNotReady corresponding condition of pod readiness gate \"example.com/gate\" does not exist. since 11");
}

TEST(Lifecycle, GoesOnWhereARestartedKubeletFindsIt) {
  const HollowPod p = pod({container("c", ends(700ms, 1))});
  const Time start(1000s + 300ms);  // the status will say 1000 s
  for (Duration at : {0ns, Duration(5s), Duration(47s), Duration(200s)}) {
    EXPECT_EQ(life_at(p, start, start + at, "h", "i").status.SerializeAsString(),
              life_at(p, Time(1000s), start + at, "h", "i").status.SerializeAsString());
  }
}

}  // namespace
}  // namespace ph::node

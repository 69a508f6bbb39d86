#include "node/container_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "node/lifecycle.h"

namespace ph::node {
namespace {

HollowContainer container(std::string name, std::vector<std::string> words) {
  return {.name = std::move(name), .image = "img:1", .run = read_command(words, {})};
}
HollowContainer shell(std::string name, std::string script) {
  return container(std::move(name), {"sh", "-c", std::move(script)});
}

HollowPod pod(std::vector<HollowContainer> containers, std::string restart_policy = "Always") {
  HollowPod out;
  out.namespace_name = "default";
  out.name = "a";
  out.uid = "u";
  out.restart_policy = std::move(restart_policy);
  out.containers = std::move(containers);
  return out;
}

// "1000 first, 1003 second; run 0, ended", or why there is none.
std::string told(const HollowPod& pod, Duration at, const std::string& name, bool previous, std::optional<Duration> stopped) {
  const Time start(1000s), now = start + at;
  const Life life =
      stopped && *stopped <= at ? end_at(pod, start, start + *stopped, "h", "i") : life_at(pod, start, now, "h", "i");
  const ContainerLog log = log_of(pod, name, life.status, previous, now);
  if (!log.refusal.empty()) return log.refusal;
  std::string out;
  for (const auto& line : log.lines) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", std::chrono::duration<double>(line.at.time_since_epoch()).count(),
                       line.text);
  }
  return fmt::format("{}; run {}{}", out, log.run.substr(log.run.rfind('/') + 1), log.ended ? ", ended" : "");
}

TEST(ContainerLog, IsThatOfTheRunThatIsMeant) {
  const HollowPod work = pod({shell("c", "echo first; sleep 3; echo second; sleep 2; exit 1")}, "Never");
  const HollowPod crashes = pod({shell("c", "echo up; sleep 2; echo down; exit 1")});
  const HollowPod server = pod({container("c", {}), shell("d", "echo serving; serve")});
  HollowPod prepared = pod({shell("c", "echo begins")}, "Never");
  prepared.init_containers = {shell("i", "echo prepares; sleep 5")};
  HollowPod failed = pod({shell("c", "echo begins")}, "Never");
  failed.init_containers = {shell("i", "exit 1")};
  constexpr const char* kNone = R"(previous terminated container "c" in pod "a" not found)";
  struct Row {
    const char* name;
    HollowPod pod;
    Duration at;
    const char* told;
    const char* container = "c";
    bool previous = false;
    std::optional<Duration> stopped = {};
  };
  const Row rows[] = {
      {"what it has said so far", work, 2s, "1000 first; run 0"},
      {"more of it", work, 4s, "1000 first, 1003 second; run 0"},
      {"all of it", work, 5s, "1000 first, 1003 second; run 0, ended"},
      {"stopped before it had said all", work, 9s, "1000 first; run 0, ended", "c", false, 2s},
      {"no run before the first", work, 9s, kNone, "c", true},
      {"a run under way has none before", crashes, 1s, kNone, "c", true},
      {"waiting for the second run: the first", crashes, 5s, "1000 up, 1002 down; run 0, ended"},
      {"waiting for the second run: the one before is the first too", crashes, 5s, "1000 up, 1002 down; run 0, ended", "c", true},
      {"the second run", crashes, 12s, "1012 up; run 1"},
      {"the one before the second", crashes, 12s, "1000 up, 1002 down; run 0, ended", "c", true},
      {"the third run", crashes, 35s, "1034 up; run 2"},
      {"the one before the third", crashes, 35s, "1012 up, 1014 down; run 1, ended", "c", true},
      {"the one before the third, when it was stopped", crashes, 60s, "1012 up, 1014 down; run 1, ended", "c", true, 35s},
      {"a server says that it is there", server, 60s,
       "1000 1970-01-01T00:16:40Z hollow container c of pod default/a started from image img:1; run 0"},
      {"a server that says something", server, 60s, "1000 serving; run 0", "d"},
      {"an init container", prepared, 2s, "1000 prepares; run 0", "i"},
      {"who waits for it", prepared, 2s, R"(container "c" in pod "a" is waiting to start: PodInitializing)"},
      {"an init container that has ended", prepared, 9s, "1000 prepares; run 0, ended", "i"},
      {"who waited for it", prepared, 9s, "1005 begins; run 0, ended"},
      {"who will never start", failed, 9s, R"(container "c" in pod "a" is waiting to start: PodInitializing)"},
      {"nobody of that name", work, 2s, R"(container "x" in pod "a" is not available)", "x"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(told(row.pod, row.at, row.container, row.previous, row.stopped), row.told);
  }
}

}  // namespace
}  // namespace ph::node

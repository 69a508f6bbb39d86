// The row of a pod. Its status is one word for what matters most: see `summarize`.
#include <fmt/format.h>

#include "api/saturating.h"
#include "api/times.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using core::v1::Container;
using core::v1::ContainerState;
using core::v1::ContainerStateTerminated;
using core::v1::ContainerStatus;
using core::v1::Pod;

namespace {

constexpr Column kPodColumns[] = {{"Name", "string", "name"},
                                  {"Ready", "string"},
                                  {"Status", "string"},
                                  {"Restarts", "string"},
                                  {"Age", "string"},
                                  {"IP", "string", "", 1},
                                  {"Node", "string", "", 1},
                                  {"Nominated Node", "string", "", 1},
                                  {"Readiness Gates", "string", "", 1}};

// Restarts, and when the last one was.
struct Restarts {
  int count = 0;
  std::optional<Time> last;

  void add(const ContainerStatus& status) {
    count += status.restart_count();
    if (!status.last_state().has_terminated()) return;
    const auto& finished = status.last_state().terminated().finished_at();
    if (!api::is_zero(finished)) last = std::max(last.value_or(Time::min()), api::to_time(finished));
  }

  std::string text(Time now) const {
    if (count == 0 || !last) return std::to_string(count);
    return fmt::format("{} ({} ago)", count, api::human_duration(api::elapsed(*last, now)));
  }
};

struct Summary {
  std::string reason;
  int ready = 0, total = 0;
  Restarts restarts;
};

std::string end_reason(const ContainerStateTerminated& end) {
  if (!end.reason().empty()) return end.reason();
  if (end.signal() != 0) return fmt::format("Signal:{}", end.signal());
  return fmt::format("ExitCode:{}", end.exit_code());
}

bool has_condition(const Pod& pod, std::string_view type) {
  return std::ranges::any_of(pod.status().conditions(), [&](const auto& c) { return c.type() == type && c.status() == "True"; });
}

bool is_gated(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(),
                             [](const auto& c) { return c.type() == "PodScheduled" && c.reason() == "SchedulingGated"; });
}

// A sidecar: an init container that is restarted and runs on.
bool is_sidecar(const Pod& pod, std::string_view name) {
  return std::ranges::any_of(pod.spec().init_containers(),
                             [&](const Container& c) { return c.name() == name && c.restart_policy() == "Always"; });
}

// The init phase: true while it goes on, with the reason set to what it waits for or failed with.
bool summarize_init(const Pod& pod, Summary& out, Restarts& sidecar_restarts) {
  const auto& statuses = pod.status().init_container_statuses();
  for (int i = 0; i < statuses.size(); ++i) {
    const ContainerStatus& status = statuses[i];
    const ContainerState& state = status.state();
    const bool sidecar = is_sidecar(pod, status.name());
    out.restarts.add(status);
    if (sidecar) sidecar_restarts.add(status);
    if (state.has_terminated() && state.terminated().exit_code() == 0) continue;
    if (sidecar && status.started()) {
      out.ready += status.ready();
      continue;
    }
    if (state.has_terminated()) {
      out.reason = "Init:" + end_reason(state.terminated());
    } else if (state.has_waiting() && !state.waiting().reason().empty() && state.waiting().reason() != "PodInitializing") {
      out.reason = "Init:" + state.waiting().reason();
    } else {
      out.reason = fmt::format("Init:{}/{}", i, pod.spec().init_containers_size());
    }
    return true;
  }
  return false;
}

// The containers proper; the first one's trouble wins, so they are walked from the last to the first.
void summarize_containers(const Pod& pod, Summary& out) {
  bool has_running = false;
  for (int i = pod.status().container_statuses_size() - 1; i >= 0; --i) {
    const ContainerStatus& status = pod.status().container_statuses(i);
    const ContainerState& state = status.state();
    out.restarts.add(status);
    if (state.has_waiting() && !state.waiting().reason().empty()) {
      out.reason = state.waiting().reason();
    } else if (state.has_terminated()) {
      out.reason = end_reason(state.terminated());
    } else if (status.ready() && state.has_running()) {
      has_running = true;
      ++out.ready;
    }
  }
  if (out.reason == "Completed" && has_running) out.reason = has_condition(pod, "Ready") ? "Running" : "NotReady";
}

Summary summarize(const Pod& pod) {
  Summary out;
  out.reason = pod.status().reason().empty() ? pod.status().phase() : pod.status().reason();
  if (is_gated(pod)) out.reason = "SchedulingGated";
  out.total = pod.spec().containers_size();
  for (const Container& container : pod.spec().init_containers()) out.total += container.restart_policy() == "Always";

  Restarts sidecar_restarts;
  if (!summarize_init(pod, out, sidecar_restarts) || has_condition(pod, "Initialized")) {
    out.restarts = sidecar_restarts;
    summarize_containers(pod, out);
  }
  if (pod.metadata().has_deletion_timestamp()) {
    const std::string& phase = pod.status().phase();
    if (pod.status().reason() == "NodeLost") out.reason = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed") out.reason = "Terminating";
  }
  return out;
}

std::string readiness_gates(const Pod& pod) {
  if (pod.spec().readiness_gates().empty()) return std::string(kNone);
  const auto met = std::ranges::count_if(pod.spec().readiness_gates(),
                                         [&](const auto& gate) { return has_condition(pod, gate.condition_type()); });
  return fmt::format("{}/{}", met, pod.spec().readiness_gates_size());
}

void print(const Pod& pod, Time now, Row& row) {
  const Summary summary = summarize(pod);
  const std::string ip = pod.status().pod_ips().empty() ? std::string() : pod.status().pod_ips(0).ip();
  row.cells = {pod.metadata().name(),
               fmt::format("{}/{}", summary.ready, summary.total),
               summary.reason,
               summary.restarts.text(now),
               age(pod.metadata().creation_timestamp(), now),
               or_text(ip, kNone),
               or_text(pod.spec().node_name(), kNone),
               or_text(pod.status().nominated_node_name(), kNone),
               readiness_gates(pod)};
  if (pod.status().phase() == "Succeeded") {
    row.completed_reason = "Succeeded";
    row.completed_message = "The pod has completed successfully.";
  } else if (pod.status().phase() == "Failed") {
    row.completed_reason = "Failed";
    row.completed_message = "The pod failed.";
  }
}

}  // namespace

extern const Printer kPodPrinter = printer_of<Pod, print>(kPodColumns);

}  // namespace ph::apiserver

#include "node/container_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/times.h"
#include "api/validation/quote.h"

namespace ph::node {
namespace {

using core::v1::ContainerStateTerminated;
using core::v1::ContainerStatus;
using core::v1::PodStatus;

const HollowContainer* find_container(const HollowPod& pod, std::string_view name) {
  for (const auto* list : {&pod.containers, &pod.init_containers}) {
    const auto found = std::ranges::find(*list, name, [](const HollowContainer& each) { return each.name.view(); });
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

const ContainerStatus* find_status(const PodStatus& status, std::string_view name) {
  for (const auto* list : {&status.container_statuses(), &status.init_container_statuses()}) {
    const auto found = std::ranges::find(*list, name, &ContainerStatus::name);
    if (found != list->end()) return &*found;
  }
  return nullptr;
}

// What the run that began then has written up to a moment. One that says nothing and does not end says that it is there.
std::vector<ContainerLog::Line> lines_of(const HollowPod& pod, const HollowContainer& container, Time began, Time until) {
  std::vector<ContainerLog::Line> out;
  if (container.run.output.empty() && !container.run.exit_code) {
    out.push_back({began, fmt::format("{} hollow container {} of pod {} started from image {}", api::rfc3339(began),
                                      container.name.view(), pod.key().text(), container.image.view())});
  }
  for (const Run::Line& line : container.run.output) {
    if (began + line.after <= until) out.push_back({began + line.after, line.text});
  }
  return out;
}

ContainerLog ended_log(const HollowPod& pod, const HollowContainer& container, const ContainerStateTerminated& state) {
  // A status has whole seconds: of a run that ended by itself nothing is cut off for that.
  const bool by_itself = container.run.exit_code == state.exit_code();
  const Time began = api::to_time(state.started_at());
  const Time until = by_itself ? began + container.run.takes : api::to_time(state.finished_at());
  return {.lines = lines_of(pod, container, began, until), .run = state.container_id(), .ended = true, .refusal = {}};
}

}  // namespace

ContainerLog log_of(const HollowPod& pod, const std::string& name, const PodStatus& status, bool previous, Time now) {
  const auto refused = [&](std::string_view text) {
    ContainerLog out;
    out.refusal = fmt::format(fmt::runtime(text), api::quote(name), api::quote(pod.name));
    return out;
  };
  const HollowContainer* container = find_container(pod, name);
  const ContainerStatus* shown = find_status(status, name);
  if (!container || !shown) return refused("container {} in pod {} is not available");
  const auto& state = shown->state();
  const auto& last = shown->last_state();
  if (previous) {
    if (!last.has_terminated()) return refused("previous terminated container {} in pod {} not found");
    return ended_log(pod, *container, last.terminated());
  }
  if (state.has_running()) {
    const Time began = api::to_time(state.running().started_at());
    return {.lines = lines_of(pod, *container, began, now), .run = shown->container_id(), .ended = false, .refusal = {}};
  }
  if (state.has_terminated()) return ended_log(pod, *container, state.terminated());
  if (last.has_terminated()) return ended_log(pod, *container, last.terminated());
  ContainerLog out = refused("container {} in pod {} is waiting to start: ");
  out.refusal += state.waiting().reason();
  return out;
}

}  // namespace ph::node

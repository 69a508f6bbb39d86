#include "node/uses.h"

#include <unordered_map>

namespace ph::node {
namespace {

// Of a pod that says nothing, each container: as a process that waits.
constexpr double kIdleCpu = 0.001;
constexpr double kIdleMemory = 4 << 20;

double share_of(const std::optional<Usage>& usage, double idle, std::size_t containers, std::size_t sharers, Time now) {
  if (!usage) return idle;
  const double whole = usage->shared ? usage->at(now) / static_cast<double>(sharers) : usage->at(now);
  return whole / static_cast<double>(containers);
}

}  // namespace

std::vector<PodUse> uses_of(std::span<const std::shared_ptr<const HollowPod>> running, Time now) {
  std::unordered_map<std::string_view, std::size_t> of_controller;
  for (const auto& pod : running) ++of_controller[pod->controller.view()];
  const Behaviour usual;
  std::vector<PodUse> out;
  out.reserve(running.size());
  for (const auto& pod : running) {
    PodUse& use = out.emplace_back(PodUse{.pod = pod, .containers = {}});
    const Behaviour& does = pod->does ? *pod->does : usual;
    // One without a controller shares with nobody.
    const std::size_t sharers = pod->controller.empty() ? 1 : of_controller[pod->controller.view()];
    for (const HollowContainer& container : pod->containers) {
      use.containers.push_back({.name = std::string(container.name.view()),
                                .cpu = share_of(does.cpu, kIdleCpu, pod->containers.size(), sharers, now),
                                .memory = share_of(does.memory, kIdleMemory, pod->containers.size(), sharers, now)});
    }
  }
  return out;
}

}  // namespace ph::node

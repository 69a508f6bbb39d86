#include "scheduler/flow/gang.h"

#include <algorithm>
#include <charconv>

namespace ph::scheduler::flow {
namespace {

std::string_view label(const PodInfo& pod, std::string_view name) {
  const auto found = std::ranges::find(pod.labels, name, [](const auto& entry) { return entry.first.view(); });
  return found == pod.labels.end() ? std::string_view() : found->second.view();
}

}  // namespace

std::optional<GangClaim> gang_of(const PodInfo& pod) {
  const std::string_view name = label(pod, kGangLabel);
  if (name.empty()) return std::nullopt;
  const std::string_view least = label(pod, kGangLeastLabel);
  if (least.empty()) return std::nullopt;
  GangClaim out{pod.key().namespace_name + "/" + std::string(name)};
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(least.data(), least.data() + least.size(), number);
  if (error == std::errc() && end == least.data() + least.size() && number > 0) out.least = number;
  return out;
}

}  // namespace ph::scheduler::flow

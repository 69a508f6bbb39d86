#include "controllers/common/disruption_target.h"

#include "api/times.h"
#include "controllers/common/conditions.h"

namespace ph::controllers {
namespace {

constexpr const char* kType = "DisruptionTarget";

}  // namespace

bool is_told(const core::v1::Pod& pod, const Disruption& why) {
  const auto* old = find_condition(pod.status(), kType);
  return old && old->status() == "True" && old->reason() == why.reason && old->message() == why.message;
}

nlohmann::json disruption_target(const core::v1::Pod& pod, const Disruption& why, Time at) {
  const auto* old = find_condition(pod.status(), kType);
  const bool stands = old && old->status() == "True";
  nlohmann::json out;
  out["conditions"] = {{{"type", kType},
                        {"status", "True"},
                        {"reason", why.reason},
                        {"message", why.message},
                        {"lastTransitionTime", api::rfc3339(stands ? api::to_time(old->last_transition_time()) : at)},
                        {"observedGeneration", pod.metadata().generation()}}};
  // A patch that says nothing of the order puts a new one first.
  auto& order = out["$setElementOrder/conditions"] = nlohmann::json::array();
  for (const auto& condition : pod.status().conditions()) order.push_back({{"type", condition.type()}});
  if (!old) order.push_back({{"type", kType}});
  return out;
}

std::optional<std::string> disruption_patch(const core::v1::Pod& pod, const Disruption& why, Time at) {
  if (is_told(pod, why)) return std::nullopt;
  return nlohmann::json{{"metadata", {{"uid", pod.metadata().uid()}}}, {"status", disruption_target(pod, why, at)}}.dump();
}

}  // namespace ph::controllers

#include "controllers/horizontal_pod_autoscaler/status.h"

#include "api/codec.h"
#include "api/times.h"
#include "controllers/common/conditions.h"

namespace ph::controllers::horizontal_pod_autoscaler {

void set_condition(HorizontalPodAutoscalerStatus& status, std::string_view type, bool is, std::string reason, std::string message,
                   Time now) {
  auto& conditions = *status.mutable_conditions();
  const auto found = std::ranges::find(conditions, type, [](const auto& each) -> std::string_view { return each.type(); });
  auto& condition = found == conditions.end() ? *conditions.Add() : *found;
  const char* const text = is ? "True" : "False";
  if (condition.status() != text) api::set_time(condition.mutable_last_transition_time(), now);
  condition.set_type(std::string(type));
  condition.set_status(text);
  condition.set_reason(std::move(reason));
  condition.set_message(std::move(message));
}

bool same(const HorizontalPodAutoscalerStatus& before, const HorizontalPodAutoscalerStatus& after) {
  return api::encode_protobuf(before) == api::encode_protobuf(after);
}

}  // namespace ph::controllers::horizontal_pod_autoscaler

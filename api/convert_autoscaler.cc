// HorizontalPodAutoscaler between autoscaling/v1 and v2. v1 knows one metric, the CPU's utilization; the rest of a v2 object
// travels through it in annotations, in the form upstream gives them: metrics in the words of v1, the behavior in those of
// upstream's internal type, whose members begin with capitals.
#include <algorithm>
#include <cctype>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/autoscaler.h"
#include "api/codec.h"
#include "api/convert.h"
#include "api/json_text.h"
#include "api/quantity.h"

namespace ph::api {

namespace {

namespace v1 = autoscaling::v1;
namespace v2 = autoscaling::v2;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kMetrics = kAutoscalerMetrics;
constexpr const char* kCurrentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics";
constexpr const char* kConditions = "autoscaling.alpha.kubernetes.io/conditions";
constexpr const char* kBehavior = "autoscaling.alpha.kubernetes.io/behavior";
constexpr int kDepthMax = 64;

// -- Texts of annotations

// Nothing for what is not JSON: such an annotation counts as none.
json document(const std::string& text) {
  if (!json_syntax_error(text, kDepthMax).empty()) return nullptr;
  return parse_written(mend_json(text));
}

// The items of a list; nothing when one of them is not what it should be.
template <class T>
std::optional<std::vector<T>> items_of(const std::string& text) {
  const json list = document(text);
  if (!list.is_array()) return std::nullopt;
  std::vector<T> out(list.size());
  try {
    for (std::size_t i = 0; i < list.size(); ++i) from_json(list[i], out[i]);
  } catch (const DecodeError&) {
    return std::nullopt;
  }
  return out;
}

template <class List>
std::string list_text(const List& items) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(encode_json(item));
  return fmt::format("[{}]", fmt::join(texts, ","));
}

// The names of all members with another first letter.
template <class Json>
Json with_first_letters(const Json& value, int (*change)(int)) {
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [name, member] : value.items()) {
    std::string changed = name;
    changed[0] = static_cast<char>(change(static_cast<unsigned char>(changed[0])));
    if (value.is_array()) out.push_back(with_first_letters(member, change));
    else out[changed] = with_first_letters(member, change);
  }
  return out;
}

// With every member, as Go writes structs that say nothing about JSON.
ordered_json internal_rules(const v2::HPAScalingRules& rules) {
  const ordered_json members = with_first_letters(ordered_json::parse(encode_json(rules)), std::toupper);
  ordered_json out;
  for (const char* name : {"StabilizationWindowSeconds", "SelectPolicy", "Policies", "Tolerance"}) {
    out[name] = members.contains(name) ? members[name] : ordered_json();
  }
  return out;
}

std::string behavior_text(const v2::HorizontalPodAutoscalerBehavior& behavior) {
  ordered_json out = {{"ScaleUp", nullptr}, {"ScaleDown", nullptr}};
  if (behavior.has_scale_up()) out["ScaleUp"] = internal_rules(behavior.scale_up());
  if (behavior.has_scale_down()) out["ScaleDown"] = internal_rules(behavior.scale_down());
  return out.dump();
}

std::optional<v2::HorizontalPodAutoscalerBehavior> behavior_of(const std::string& text) {
  const json value = with_first_letters(document(text), std::tolower);
  if (!value.is_object()) return std::nullopt;
  v2::HorizontalPodAutoscalerBehavior out;
  try {
    from_json(value, out);
  } catch (const DecodeError&) {
    return std::nullopt;
  }
  if (!out.has_scale_up() && !out.has_scale_down()) return std::nullopt;
  return out;
}

// -- Parts

template <class To, class From>
void convert_reference(const From& from, To& to) {
  to.set_kind(from.kind());
  to.set_name(from.name());
  to.set_api_version(from.api_version());
}

bool is_cpu_utilization(const v2::MetricSpec& metric) {
  return metric.type() == "Resource" && metric.has_resource() && metric.resource().name() == "cpu" &&
         metric.resource().target().has_average_utilization();
}

bool is_cpu_utilization(const v2::MetricStatus& metric) {
  return metric.type() == "Resource" && metric.has_resource() && metric.resource().name() == "cpu" &&
         metric.resource().current().has_average_utilization();
}

// Which metric, of what is not a resource.
template <class To>
void convert_identifier(const v2::MetricIdentifier& from, To& to) {
  to.set_metric_name(from.name());
  if (!from.has_selector()) return;
  if constexpr (requires { to.mutable_metric_selector(); }) *to.mutable_metric_selector() = from.selector();
  else *to.mutable_selector() = from.selector();
}

template <class From>
void convert_identifier(const From& from, v2::MetricIdentifier& to) {
  to.set_name(from.metric_name());
  if constexpr (requires { from.has_metric_selector(); }) {
    if (from.has_metric_selector()) *to.mutable_selector() = from.metric_selector();
  } else {
    if (from.has_selector()) *to.mutable_selector() = from.selector();
  }
}

// Of Resource and ContainerResource alike.
template <class To>
void convert_resource_target(const v2::MetricTarget& from, To& to) {
  if (from.has_average_utilization()) to.set_target_average_utilization(from.average_utilization());
  if (from.has_average_value()) *to.mutable_target_average_value() = from.average_value();
}

template <class From>
void convert_resource_target(const From& from, v2::MetricTarget& to) {
  to.set_type(from.has_target_average_utilization() ? "Utilization" : "AverageValue");
  if (from.has_target_average_utilization()) to.set_average_utilization(from.target_average_utilization());
  if (from.has_target_average_value()) *to.mutable_average_value() = from.target_average_value();
}

template <class To>
void convert_resource_current(const v2::MetricValueStatus& from, To& to) {
  if (from.has_average_utilization()) to.set_current_average_utilization(from.average_utilization());
  *to.mutable_current_average_value() = from.average_value();
}

template <class From>
void convert_resource_current(const From& from, v2::MetricValueStatus& to) {
  if (from.has_current_average_utilization()) to.set_average_utilization(from.current_average_utilization());
  *to.mutable_average_value() = from.current_average_value();
}

// -- Metrics: what is asked for

v1::MetricSpec convert(const v2::MetricSpec& from) {
  v1::MetricSpec to;
  to.set_type(from.type());
  if (from.has_object()) {
    auto& object = *to.mutable_object();
    convert_reference(from.object().described_object(), *object.mutable_target());
    convert_identifier(from.object().metric(), object);
    if (from.object().target().has_value()) *object.mutable_target_value() = from.object().target().value();
    if (from.object().target().has_average_value()) *object.mutable_average_value() = from.object().target().average_value();
  }
  if (from.has_pods()) {
    auto& pods = *to.mutable_pods();
    convert_identifier(from.pods().metric(), pods);
    *pods.mutable_target_average_value() = from.pods().target().average_value();
  }
  if (from.has_resource()) {
    to.mutable_resource()->set_name(from.resource().name());
    convert_resource_target(from.resource().target(), *to.mutable_resource());
  }
  if (from.has_container_resource()) {
    to.mutable_container_resource()->set_name(from.container_resource().name());
    to.mutable_container_resource()->set_container(from.container_resource().container());
    convert_resource_target(from.container_resource().target(), *to.mutable_container_resource());
  }
  if (from.has_external()) {
    auto& external = *to.mutable_external();
    convert_identifier(from.external().metric(), external);
    if (from.external().target().has_value()) *external.mutable_target_value() = from.external().target().value();
    if (from.external().target().has_average_value()) {
      *external.mutable_target_average_value() = from.external().target().average_value();
    }
  }
  return to;
}

v2::MetricSpec convert(const v1::MetricSpec& from) {
  v2::MetricSpec to;
  to.set_type(from.type());
  if (from.has_object()) {
    auto& object = *to.mutable_object();
    convert_reference(from.object().target(), *object.mutable_described_object());
    convert_identifier(from.object(), *object.mutable_metric());
    auto& target = *object.mutable_target();
    target.set_type(from.object().has_average_value() ? "AverageValue" : "Value");
    // v1 cannot leave the value out: zero is none where there is the other.
    const bool has_value = !from.object().has_average_value() || !same_quantity(from.object().target_value().string(), "0");
    if (has_value) *target.mutable_value() = from.object().target_value();
    if (from.object().has_average_value()) *target.mutable_average_value() = from.object().average_value();
  }
  if (from.has_pods()) {
    auto& pods = *to.mutable_pods();
    convert_identifier(from.pods(), *pods.mutable_metric());
    pods.mutable_target()->set_type("AverageValue");
    *pods.mutable_target()->mutable_average_value() = from.pods().target_average_value();
  }
  if (from.has_resource()) {
    to.mutable_resource()->set_name(from.resource().name());
    convert_resource_target(from.resource(), *to.mutable_resource()->mutable_target());
  }
  if (from.has_container_resource()) {
    to.mutable_container_resource()->set_name(from.container_resource().name());
    to.mutable_container_resource()->set_container(from.container_resource().container());
    convert_resource_target(from.container_resource(), *to.mutable_container_resource()->mutable_target());
  }
  if (from.has_external()) {
    auto& external = *to.mutable_external();
    convert_identifier(from.external(), *external.mutable_metric());
    auto& target = *external.mutable_target();
    target.set_type(from.external().has_target_value() ? "Value" : "AverageValue");
    if (from.external().has_target_value()) *target.mutable_value() = from.external().target_value();
    if (from.external().has_target_average_value()) *target.mutable_average_value() = from.external().target_average_value();
  }
  return to;
}

// -- Metrics: what was seen

v1::MetricStatus convert(const v2::MetricStatus& from) {
  v1::MetricStatus to;
  to.set_type(from.type());
  if (from.has_object()) {
    auto& object = *to.mutable_object();
    convert_reference(from.object().described_object(), *object.mutable_target());
    convert_identifier(from.object().metric(), object);
    *object.mutable_current_value() = from.object().current().value();
    if (from.object().current().has_average_value()) *object.mutable_average_value() = from.object().current().average_value();
  }
  if (from.has_pods()) {
    auto& pods = *to.mutable_pods();
    convert_identifier(from.pods().metric(), pods);
    *pods.mutable_current_average_value() = from.pods().current().average_value();
  }
  if (from.has_resource()) {
    to.mutable_resource()->set_name(from.resource().name());
    convert_resource_current(from.resource().current(), *to.mutable_resource());
  }
  if (from.has_container_resource()) {
    to.mutable_container_resource()->set_name(from.container_resource().name());
    to.mutable_container_resource()->set_container(from.container_resource().container());
    convert_resource_current(from.container_resource().current(), *to.mutable_container_resource());
  }
  if (from.has_external()) {
    auto& external = *to.mutable_external();
    convert_identifier(from.external().metric(), external);
    *external.mutable_current_value() = from.external().current().value();
    if (from.external().current().has_average_value()) {
      *external.mutable_current_average_value() = from.external().current().average_value();
    }
  }
  return to;
}

v2::MetricStatus convert(const v1::MetricStatus& from) {
  v2::MetricStatus to;
  to.set_type(from.type());
  if (from.has_object()) {
    auto& object = *to.mutable_object();
    convert_reference(from.object().target(), *object.mutable_described_object());
    convert_identifier(from.object(), *object.mutable_metric());
    *object.mutable_current()->mutable_value() = from.object().current_value();
    if (from.object().has_average_value()) *object.mutable_current()->mutable_average_value() = from.object().average_value();
  }
  if (from.has_pods()) {
    auto& pods = *to.mutable_pods();
    convert_identifier(from.pods(), *pods.mutable_metric());
    *pods.mutable_current()->mutable_average_value() = from.pods().current_average_value();
  }
  if (from.has_resource()) {
    to.mutable_resource()->set_name(from.resource().name());
    convert_resource_current(from.resource(), *to.mutable_resource()->mutable_current());
  }
  if (from.has_container_resource()) {
    to.mutable_container_resource()->set_name(from.container_resource().name());
    to.mutable_container_resource()->set_container(from.container_resource().container());
    convert_resource_current(from.container_resource(), *to.mutable_container_resource()->mutable_current());
  }
  if (from.has_external()) {
    auto& external = *to.mutable_external();
    convert_identifier(from.external(), *external.mutable_metric());
    *external.mutable_current()->mutable_value() = from.external().current_value();
    if (from.external().has_current_average_value()) {
      *external.mutable_current()->mutable_average_value() = from.external().current_average_value();
    }
  }
  return to;
}

template <class To, class From>
To convert_condition(const From& from) {
  To to;
  to.set_type(from.type());
  to.set_status(from.status());
  *to.mutable_last_transition_time() = from.last_transition_time();
  to.set_reason(from.reason());
  to.set_message(from.message());
  return to;
}

// -- Whole objects

void drop_annotations(meta::v1::ObjectMeta& metadata) {
  for (const char* name : {kMetrics, kCurrentMetrics, kConditions, kBehavior}) metadata.mutable_annotations()->erase(name);
}

template <class To, class From>
void convert_common(const From& from, To& to) {
  *to.mutable_metadata() = from.metadata();
  drop_annotations(*to.mutable_metadata());
  convert_reference(from.spec().scale_target_ref(), *to.mutable_spec()->mutable_scale_target_ref());
  if (from.spec().has_min_replicas()) to.mutable_spec()->set_min_replicas(from.spec().min_replicas());
  to.mutable_spec()->set_max_replicas(from.spec().max_replicas());
  auto& status = *to.mutable_status();
  if (from.status().has_observed_generation()) status.set_observed_generation(from.status().observed_generation());
  if (from.status().has_last_scale_time()) *status.mutable_last_scale_time() = from.status().last_scale_time();
  status.set_current_replicas(from.status().current_replicas());
  status.set_desired_replicas(from.status().desired_replicas());
}

void annotate(const v2::HorizontalPodAutoscaler& from, v1::HorizontalPodAutoscaler& to) {
  auto& annotations = *to.mutable_metadata()->mutable_annotations();
  std::vector<v1::MetricSpec> metrics;
  for (const v2::MetricSpec& metric : from.spec().metrics()) {
    if (!is_cpu_utilization(metric)) metrics.push_back(convert(metric));
  }
  if (!metrics.empty()) annotations[kMetrics] = list_text(metrics);
  // Of the CPU too: v1's field has not the raw value.
  std::vector<v1::MetricStatus> current;
  for (const v2::MetricStatus& metric : from.status().current_metrics()) current.push_back(convert(metric));
  if (!current.empty()) annotations[kCurrentMetrics] = list_text(current);
  std::vector<v1::HorizontalPodAutoscalerCondition> conditions;
  for (const auto& condition : from.status().conditions()) {
    conditions.push_back(convert_condition<v1::HorizontalPodAutoscalerCondition>(condition));
  }
  if (!conditions.empty()) annotations[kConditions] = list_text(conditions);
  if (from.spec().has_behavior()) annotations[kBehavior] = behavior_text(from.spec().behavior());
}

const std::string* annotation(const v1::HorizontalPodAutoscaler& scaler, const char* name) {
  const auto found = scaler.metadata().annotations().find(name);
  return found == scaler.metadata().annotations().end() ? nullptr : &found->second;
}

// What the annotations say beside, or instead of, v1's own fields.
void read_annotations(const v1::HorizontalPodAutoscaler& from, v2::HorizontalPodAutoscaler& to) {
  if (const std::string* text = annotation(from, kMetrics)) {
    if (const auto metrics = items_of<v1::MetricSpec>(*text)) {
      auto& list = *to.mutable_spec()->mutable_metrics();
      const auto own = list;
      list.Clear();
      for (const v1::MetricSpec& metric : *metrics) *list.Add() = convert(metric);
      list.MergeFrom(own);
    }
  }
  if (const std::string* text = annotation(from, kBehavior)) {
    if (auto behavior = behavior_of(*text)) *to.mutable_spec()->mutable_behavior() = std::move(*behavior);
  }
  if (const std::string* text = annotation(from, kCurrentMetrics)) {
    if (const auto metrics = items_of<v1::MetricStatus>(*text)) {
      to.mutable_status()->clear_current_metrics();
      for (const v1::MetricStatus& metric : *metrics) *to.mutable_status()->add_current_metrics() = convert(metric);
    }
  }
  if (const std::string* text = annotation(from, kConditions)) {
    if (const auto conditions = items_of<v1::HorizontalPodAutoscalerCondition>(*text)) {
      for (const auto& condition : *conditions) {
        *to.mutable_status()->add_conditions() = convert_condition<v2::HorizontalPodAutoscalerCondition>(condition);
      }
    }
  }
}

}  // namespace

v2::MetricSpec cpu_utilization(std::int32_t percent) {
  v2::MetricSpec out;
  out.set_type("Resource");
  out.mutable_resource()->set_name("cpu");
  out.mutable_resource()->mutable_target()->set_type("Utilization");
  out.mutable_resource()->mutable_target()->set_average_utilization(percent);
  return out;
}

v1::HorizontalPodAutoscaler convert_autoscaler(const v2::HorizontalPodAutoscaler& scaler) {
  v1::HorizontalPodAutoscaler out;
  convert_common(scaler, out);
  const auto& metrics = scaler.spec().metrics();
  const auto cpu = std::ranges::find_if(metrics, [](const v2::MetricSpec& metric) { return is_cpu_utilization(metric); });
  if (cpu != metrics.end())
    out.mutable_spec()->set_target_cpu_utilization_percentage(cpu->resource().target().average_utilization());
  const auto& current = scaler.status().current_metrics();
  const auto used = std::ranges::find_if(current, [](const v2::MetricStatus& metric) { return is_cpu_utilization(metric); });
  if (used != current.end()) {
    out.mutable_status()->set_current_cpu_utilization_percentage(used->resource().current().average_utilization());
  }
  annotate(scaler, out);
  return out;
}

v2::HorizontalPodAutoscaler convert_autoscaler(const v1::HorizontalPodAutoscaler& scaler) {
  v2::HorizontalPodAutoscaler out;
  convert_common(scaler, out);
  if (scaler.spec().has_target_cpu_utilization_percentage()) {
    *out.mutable_spec()->add_metrics() = cpu_utilization(scaler.spec().target_cpu_utilization_percentage());
  }
  if (scaler.status().has_current_cpu_utilization_percentage()) {
    v2::MetricStatus& metric = *out.mutable_status()->add_current_metrics();
    metric.set_type("Resource");
    metric.mutable_resource()->set_name("cpu");
    metric.mutable_resource()->mutable_current()->set_average_utilization(scaler.status().current_cpu_utilization_percentage());
  }
  read_annotations(scaler, out);
  // v1 cannot say that there is none: whoever says nothing means this one, and upstream's conversion says so.
  if (out.spec().metrics().empty()) *out.mutable_spec()->add_metrics() = cpu_utilization(kImplicitCpuUtilization);
  return out;
}

}  // namespace ph::api

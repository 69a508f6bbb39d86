// The rows of autoscalers (what is wanted of each metric, and what was seen last) and of scales.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/convert.h"
#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using namespace autoscaling::v2;
using autoscaling::v2::MetricSpec;  // not the one of metrics.h

namespace {

constexpr std::size_t kMetricsShown = 2;

constexpr Column kHorizontalPodAutoscalerColumns[] = {{"Name", "string", "name"}, {"Reference", "string"}, {"Targets", "string"},
                                                      {"MinPods", "string"},      {"MaxPods", "string"},   {"Replicas", "string"},
                                                      {"Age", "string"}};

std::string text_of(bool is_set, const meta::v1::Quantity& quantity) {
  return is_set ? or_text(quantity.string(), "0") : std::string(kUnknown);
}

// "seen/wanted" of an object or of something outside. `is_seen`: there is a current value.
std::string value_text(const MetricTarget& target, bool is_seen, const MetricValueStatus& current) {
  if (target.has_average_value()) {
    return fmt::format("{}/{} (avg)", text_of(current.has_average_value(), current.average_value()),
                       target.average_value().string());
  }
  return fmt::format("{}/{}", text_of(is_seen, current.value()), target.value().string());
}

// "cpu: seen/wanted", in per cent of what is requested unless an amount is wanted.
std::string resource_text(const std::string& name, const MetricTarget& target, bool is_seen, const MetricValueStatus& current) {
  if (target.has_average_value()) {
    return fmt::format("{}: {}/{}", name, text_of(is_seen, current.average_value()), target.average_value().string());
  }
  return fmt::format(
      "{}: {}/{}", name,
      current.has_average_utilization() ? fmt::format("{}%", current.average_utilization()) : std::string(kUnknown),
      target.has_average_utilization() ? fmt::format("{}%", target.average_utilization()) : "<auto>");
}

std::string metric_text(const MetricSpec& metric, const MetricStatus& seen) {
  if (metric.type() == "External") return value_text(metric.external().target(), seen.has_external(), seen.external().current());
  if (metric.type() == "Object") return value_text(metric.object().target(), seen.has_object(), seen.object().current());
  if (metric.type() == "Pods") {
    return fmt::format("{}/{}", text_of(seen.has_pods(), seen.pods().current().average_value()),
                       metric.pods().target().average_value().string());
  }
  if (metric.type() == "Resource") {
    const ResourceMetricSource& resource = metric.resource();
    return resource_text(resource.name(), resource.target(), seen.has_resource(), seen.resource().current());
  }
  if (metric.type() == "ContainerResource") {
    const ContainerResourceMetricSource& resource = metric.container_resource();
    return resource_text(resource.name(), resource.target(), seen.has_container_resource(), seen.container_resource().current());
  }
  return "<unknown type>";
}

// A metric and what was seen of it have the same place in their lists.
std::string targets_text(const HorizontalPodAutoscaler& scaler) {
  const auto& metrics = scaler.spec().metrics();
  const auto& seen = scaler.status().current_metrics();
  if (metrics.empty()) return std::string(kNone);
  std::vector<std::string> texts;
  for (int i = 0; i < metrics.size() && texts.size() < kMetricsShown; ++i) {
    texts.push_back(metric_text(metrics[i], i < seen.size() ? seen[i] : MetricStatus::default_instance()));
  }
  const std::string shown = fmt::format("{}", fmt::join(texts, ", "));
  const auto left = static_cast<std::size_t>(metrics.size()) - texts.size();
  return left == 0 ? shown : fmt::format("{} + {} more...", shown, left);
}

void print_autoscaler(const HorizontalPodAutoscaler& scaler, Time now, Row& row) {
  const auto& spec = scaler.spec();
  row.cells = {scaler.metadata().name(),
               fmt::format("{}/{}", spec.scale_target_ref().kind(), spec.scale_target_ref().name()),
               targets_text(scaler),
               spec.has_min_replicas() ? std::to_string(spec.min_replicas()) : std::string(kUnset),
               std::int64_t{spec.max_replicas()},
               std::int64_t{scaler.status().current_replicas()},
               age(scaler.metadata().creation_timestamp(), now)};
}

constexpr Column kScaleColumns[] = {{"Name", "string"}, {"Desired", "integer"}, {"Available", "integer"}, {"Age", "string"}};

void print_scale(const autoscaling::v1::Scale& scale, Time now, Row& row) {
  row.cells = {scale.metadata().name(), std::int64_t{scale.spec().replicas()}, std::int64_t{scale.status().replicas()},
               age(scale.metadata().creation_timestamp(), now)};
}

// Of a custom kind they are read off the scale's JSON, which leaves out a wish for none.
constexpr Column kCustomScaleColumns[] = {
    {"Name", "string", "name"}, {"Desired", "integer"}, {"Available", "integer"}, {"Age", "date"}};

void print_custom_scale(const autoscaling::v1::Scale& scale, Time now, Row& row) {
  print_scale(scale, now, row);
  if (scale.spec().replicas() == 0) row.cells[1] = RawCell{"null"};
}

// Both versions have the same row.
void print_either(const api::Object& object, Time now, Row& row) {
  if (object.is<HorizontalPodAutoscaler>()) return print_autoscaler(object.as<HorizontalPodAutoscaler>(), now, row);
  print_autoscaler(api::convert_autoscaler(object.as<autoscaling::v1::HorizontalPodAutoscaler>()), now, row);
}

}  // namespace

extern const Printer kHorizontalPodAutoscalerPrinter = {kHorizontalPodAutoscalerColumns, print_either};
extern const Printer kScalePrinter = printer_of<autoscaling::v1::Scale, print_scale>(kScaleColumns);
extern const Printer kCustomScalePrinter = printer_of<autoscaling::v1::Scale, print_custom_scale>(kCustomScaleColumns);

}  // namespace ph::apiserver

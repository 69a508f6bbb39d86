// autoscaling/v2 HorizontalPodAutoscaler. Those of v1 are judged as what they are stored as.
#include <fmt/format.h>

#include "api/validation/validation.h"

namespace ph::api {

using namespace autoscaling::v2;
using autoscaling::v2::MetricSpec;  // not the one of metrics.h

namespace {

constexpr std::int32_t kPeriodSecondsMax = 1800, kWindowSecondsMax = 3600;

void check_segment(std::string_view value, const Path& path, Errors& errors) {
  errors.invalid_each(path, value, check_path_segment(value));
}

void check_positive(const meta::v1::Quantity& quantity, const Path& path, Errors& errors) {
  const auto value = quantity_of(quantity);
  if (!value || value->sign() <= 0) errors.invalid_text(path, canonical_quantity(quantity.string()), "must be positive");
}

// -- References

// What an apiVersion may be.
enum class VersionRule { WithGroup, Any, Unjudged };

// Of an object's references; what was stored before there were rules may stay as it is.
struct VersionRules {
  VersionRule target = VersionRule::WithGroup, described = VersionRule::Any;
};

// Why an apiVersion is none; empty when it is one.
std::string api_version_error(const std::string& text, VersionRule rule) {
  if (rule == VersionRule::Unjudged) return {};
  if (std::ranges::count(text, '/') > 1) return fmt::format("unexpected GroupVersion string: {}", text);
  // Of the core group only its version is written.
  const std::size_t slash = text.find('/');
  const bool has_group = slash != std::string::npos && slash > 0;
  return rule == VersionRule::WithGroup && !has_group ? "apiVersion must specify API group" : "";
}

// The one kind of the core group that has a scale is known without its group.
VersionRule rule_of_target(const CrossVersionObjectReference& target) {
  return target.kind() == "ReplicationController" ? VersionRule::Any : VersionRule::WithGroup;
}

void check_reference(const CrossVersionObjectReference& reference, VersionRule rule, const Path& path, Errors& errors) {
  if (reference.kind().empty()) errors.required(path.member("kind"));
  else check_segment(reference.kind(), path.member("kind"), errors);
  if (reference.name().empty()) errors.required(path.member("name"));
  else check_segment(reference.name(), path.member("name"), errors);
  const std::string why = api_version_error(reference.api_version(), rule);
  if (!why.empty()) errors.invalid_text(path.member("apiVersion"), reference.api_version(), why);
}

// -- Metrics

void check_identifier(const MetricIdentifier& metric, const Path& path, Errors& errors) {
  if (metric.name().empty()) errors.required(path.member("name"), "must specify a metric name");
  else check_segment(metric.name(), path.member("name"), errors);
}

void check_target(const MetricTarget& target, const Path& path, Errors& errors) {
  const std::string& type = target.type();
  if (type.empty()) errors.required(path.member("type"), "must specify a metric target type");
  if (type != "Utilization" && type != "Value" && type != "AverageValue") {
    errors.invalid_text(path.member("type"), type, "must be either Utilization, Value, or AverageValue");
  }
  if (target.has_value()) check_positive(target.value(), path.member("value"), errors);
  if (target.has_average_value()) check_positive(target.average_value(), path.member("averageValue"), errors);
  if (target.has_average_utilization() && target.average_utilization() < 1) {
    errors.invalid(path.member("averageUtilization"), target.average_utilization(), "must be greater than 0");
  }
}

void check_object(const ObjectMetricSource& source, VersionRule rule, const Path& path, Errors& errors) {
  check_reference(source.described_object(), rule, path.member("describedObject"), errors);
  check_identifier(source.metric(), path.member("metric"), errors);
  const Path target = path.member("target");
  check_target(source.target(), target, errors);
  if (!source.target().has_value() && !source.target().has_average_value()) {
    errors.required(target.member("averageValue"), "must set either a target value or averageValue");
  }
}

void check_external(const ExternalMetricSource& source, const Path& path, Errors& errors) {
  check_identifier(source.metric(), path.member("metric"), errors);
  const Path target = path.member("target");
  check_target(source.target(), target, errors);
  if (!source.target().has_value() && !source.target().has_average_value()) {
    errors.required(target.member("averageValue"), "must set either a target value for metric or a per-pod target");
  }
  if (source.target().has_value() && source.target().has_average_value()) {
    errors.forbidden(target.member("value"), "may not set both a target value for metric and a per-pod target");
  }
}

void check_pods(const PodsMetricSource& source, const Path& path, Errors& errors) {
  check_identifier(source.metric(), path.member("metric"), errors);
  const Path target = path.member("target");
  check_target(source.target(), target, errors);
  if (!source.target().has_average_value()) {
    errors.required(target.member("averageValue"), "must specify a positive target averageValue");
  }
}

// Of Resource and ContainerResource alike.
void check_resource_target(const MetricTarget& target, const Path& path, Errors& errors) {
  check_target(target, path, errors);
  if (!target.has_average_utilization() && !target.has_average_value()) {
    errors.required(path.member("averageUtilization"), "must set either a target raw value or a target utilization");
  }
  if (target.has_average_utilization() && target.has_average_value()) {
    errors.forbidden(path.member("averageValue"), "may not set both a target raw value and a target utilization");
  }
}

void check_resource(const ResourceMetricSource& source, const Path& path, Errors& errors) {
  if (source.name().empty()) errors.required(path.member("name"), "must specify a resource name");
  check_resource_target(source.target(), path.member("target"), errors);
}

void check_container_resource(const ContainerResourceMetricSource& source, const Path& path, Errors& errors) {
  if (source.name().empty()) errors.required(path.member("name"), "must specify a resource name");
  else check_container_resource_name(source.name(), path.member("name"), errors);
  if (source.container().empty()) errors.required(path.member("container"), "must specify a container");
  else check_label(source.container(), path.member("container"), errors);
  check_resource_target(source.target(), path.member("target"), errors);
}

// A source of a metric: the type that names it, its member, and its rules.
struct Source {
  std::string_view type, member;
  bool (MetricSpec::*is_set)() const;
  void (*check)(const MetricSpec&, VersionRule, const Path&, Errors&);
};

constexpr Source kSources[] = {
    {"Object", "object", &MetricSpec::has_object,
     [](const MetricSpec& m, VersionRule v, const Path& p, Errors& e) { check_object(m.object(), v, p, e); }},
    {"External", "external", &MetricSpec::has_external,
     [](const MetricSpec& m, VersionRule, const Path& p, Errors& e) { check_external(m.external(), p, e); }},
    {"Pods", "pods", &MetricSpec::has_pods,
     [](const MetricSpec& m, VersionRule, const Path& p, Errors& e) { check_pods(m.pods(), p, e); }},
    {"Resource", "resource", &MetricSpec::has_resource,
     [](const MetricSpec& m, VersionRule, const Path& p, Errors& e) { check_resource(m.resource(), p, e); }},
    {"ContainerResource", "containerResource", &MetricSpec::has_container_resource,
     [](const MetricSpec& m, VersionRule, const Path& p, Errors& e) { check_container_resource(m.container_resource(), p, e); }},
};

void check_metric(const MetricSpec& metric, VersionRule rule, const Path& path, Errors& errors) {
  static const std::vector<std::string> kTypes = {"ContainerResource", "External", "Object", "Pods", "Resource"};
  const auto own = std::ranges::find(kSources, metric.type(), &Source::type);
  const bool known = own != std::end(kSources);
  if (metric.type().empty()) errors.required(path.member("type"), "must specify a metric source type");
  if (!known) errors.not_supported(path.member("type"), metric.type(), kTypes);
  // Only the first source there is gets judged.
  std::size_t sources = 0;
  for (const Source& source : kSources) {
    if ((metric.*source.is_set)() && ++sources == 1) source.check(metric, rule, path.member(source.member), errors);
  }
  if (!known) errors.not_supported(path.member("type"), metric.type(), kTypes);
  else if (!(metric.*own->is_set)())
    errors.required(path.member(own->member), "must populate information for the given metric source");
  if (sources == 1) return;
  for (const Source& source : kSources) {
    if ((metric.*source.is_set)() && source.type != metric.type()) {
      errors.forbidden(path.member(source.member), "must populate the given metric source only");
    }
  }
}

void check_metrics(const HorizontalPodAutoscalerSpec& spec, VersionRule rule, const Path& path, Errors& errors) {
  bool can_be_zero = false;
  for (int i = 0; i < spec.metrics_size(); ++i) {
    const MetricSpec& metric = spec.metrics(i);
    check_metric(metric, rule, path.index(static_cast<std::size_t>(i)), errors);
    can_be_zero = can_be_zero || metric.type() == "Object" || metric.type() == "External";
  }
  if (spec.has_min_replicas() && spec.min_replicas() == 0 && !can_be_zero) {
    errors.forbidden(path, "must specify at least one Object or External metric to support scaling to zero replicas");
  }
}

// -- Behavior

void check_policy(const HPAScalingPolicy& policy, const Path& path, Errors& errors) {
  check_one_of(policy.type(), {"Percent", "Pods"}, path.member("type"), errors);
  if (policy.value() <= 0) errors.invalid(path.member("value"), policy.value(), "must be greater than zero");
  const Path period = path.member("periodSeconds");
  if (policy.period_seconds() <= 0) errors.invalid(period, policy.period_seconds(), "must be greater than zero");
  if (policy.period_seconds() > kPeriodSecondsMax) {
    errors.invalid(period, policy.period_seconds(), fmt::format("must be less than or equal to {}", kPeriodSecondsMax));
  }
}

void check_scaling_rules(const HPAScalingRules& rules, const Path& path, Errors& errors) {
  if (rules.has_stabilization_window_seconds()) {
    const std::int32_t window = rules.stabilization_window_seconds();
    const Path at = path.member("stabilizationWindowSeconds");
    if (window < 0) errors.invalid(at, window, "must be greater than or equal to zero");
    if (window > kWindowSecondsMax)
      errors.invalid(at, window, fmt::format("must be less than or equal to {}", kWindowSecondsMax));
  }
  if (rules.has_select_policy())
    check_one_of(rules.select_policy(), {"Disabled", "Max", "Min"}, path.member("selectPolicy"), errors);
  const Path policies = path.member("policies");
  if (rules.policies().empty()) errors.required(policies, "must specify at least one Policy");
  for (int i = 0; i < rules.policies_size(); ++i)
    check_policy(rules.policies(i), policies.index(static_cast<std::size_t>(i)), errors);
  if (rules.has_tolerance()) check_nonnegative_quantity(rules.tolerance(), path.member("tolerance"), errors);
}

void check_spec(const HorizontalPodAutoscalerSpec& spec, VersionRules rules, Errors& errors) {
  const Path path("spec");
  const Path max = path.member("maxReplicas");
  if (spec.has_min_replicas() && spec.min_replicas() < 1) {
    errors.invalid(path.member("minReplicas"), spec.min_replicas(), "must be greater than or equal to 1");
  }
  if (spec.max_replicas() == 0) errors.required(max, "must be set and greater than 0");
  else if (spec.max_replicas() < 1) errors.invalid(max, spec.max_replicas(), "must be greater than or equal to 1");
  if (spec.has_min_replicas() && spec.max_replicas() < spec.min_replicas()) {
    errors.invalid(max, spec.max_replicas(), "must be greater than or equal to `minReplicas`");
  }
  check_reference(spec.scale_target_ref(), rules.target, path.member("scaleTargetRef"), errors);
  check_metrics(spec, rules.described, path.member("metrics"), errors);
  const Path behavior = path.member("behavior");
  if (spec.behavior().has_scale_up()) check_scaling_rules(spec.behavior().scale_up(), behavior.member("scaleUp"), errors);
  if (spec.behavior().has_scale_down()) check_scaling_rules(spec.behavior().scale_down(), behavior.member("scaleDown"), errors);
}

}  // namespace

void validate(const HorizontalPodAutoscaler& object, Errors& errors) {
  check_spec(object.spec(), {.target = rule_of_target(object.spec().scale_target_ref())}, errors);
}

void validate_update(const HorizontalPodAutoscaler& now, const HorizontalPodAutoscaler& old, Errors& errors) {
  VersionRules rules{.target = rule_of_target(now.spec().scale_target_ref())};
  const std::string& before = old.spec().scale_target_ref().api_version();
  if (!api_version_error(before, rules.target).empty()) rules.target = VersionRule::Unjudged;
  for (const MetricSpec& metric : old.spec().metrics()) {
    const std::string& described = metric.object().described_object().api_version();
    if (!api_version_error(described, rules.described).empty()) rules.described = VersionRule::Unjudged;
  }
  check_spec(now.spec(), rules, errors);
}

void validate_status(const HorizontalPodAutoscaler& now, const HorizontalPodAutoscaler&, Errors& errors) {
  const Path path("status");
  check_nonnegative(now.status().current_replicas(), path.member("currentReplicas"), errors);
  check_nonnegative(now.status().desired_replicas(), path.member("desiredReplicas"), errors);
}

}  // namespace ph::api

#include "controllers/horizontal_pod_autoscaler/metric.h"

#include <charconv>

#include <fmt/format.h>

#include "api/quantity.h"
#include "controllers/common/go_text.h"

namespace ph::controllers::horizontal_pod_autoscaler {
namespace {

using autoscaling::v2::MetricIdentifier, autoscaling::v2::MetricTarget, autoscaling::v2::MetricValueStatus;

constexpr const char* kNoResourceTarget =
    "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
constexpr const char* kNoObjectTarget =
    "invalid object metric source: neither a value target nor an average value target was set";
constexpr const char* kNoExternalTarget =
    "invalid external metric source: neither a value target nor an average value target was set";

std::int64_t milli(const meta::v1::Quantity& quantity) {
  return api::Quantity::parse(quantity.string()).value_or(api::Quantity()).milli_value();
}

void set(meta::v1::Quantity* out, std::int64_t thousandths) { out->set_string(api::Quantity::of_milli(thousandths).text()); }

// The metric as its status shows it.
void show(const MetricIdentifier& metric, MetricIdentifier* out) {
  out->set_name(metric.name());
  if (metric.has_selector()) *out->mutable_selector() = metric.selector();
}

Judgement failed(std::string reason, std::string why, std::string told) {
  Judgement out;
  out.reason = std::move(reason);
  out.why = std::move(why);
  out.told = std::move(told);
  return out;
}

// What two kinds of metrics share: a resource of pods, or of one container of each.
struct OfResource {
  const char* reason;
  std::string resource, container;
  const MetricTarget& target;
  std::string told;  // before what failed
};

Judgement judge_resource(const OfResource& metric, Measured measured, const Situation& situation, MetricValueStatus* current) {
  const bool is_plain = metric.target.has_average_value();
  Proposed proposed = std::unexpected(std::string(kNoResourceTarget));
  if (!measured.failure.empty()) {
    proposed = std::unexpected(fmt::format("unable to get metrics for resource {}: {}", metric.resource, measured.failure));
  } else if (is_plain) {
    proposed = for_pods(situation, std::move(measured.samples), metric.resource, milli(metric.target.average_value()));
  } else if (metric.target.has_average_utilization()) {
    proposed = for_utilization(situation, std::move(measured.samples), metric.container, metric.resource,
                               metric.target.average_utilization());
  }
  const bool is_askable = is_plain || metric.target.has_average_utilization();
  if (!proposed) {
    const std::string why = !is_askable ? std::string(kNoResourceTarget)
                                        : fmt::format("failed to get {} {}: {}", metric.resource,
                                                      is_plain ? "usage" : "utilization", proposed.error());
    return failed(metric.reason, why, fmt::format("{}: {}", metric.told, why));
  }
  Judgement out;
  out.replicas = proposed->replicas;
  set(current->mutable_average_value(), proposed->usage);
  const char* const of_container = metric.container.empty() ? "" : "container ";
  out.name = is_plain ? fmt::format("{} resource", metric.resource)
                      : fmt::format("{} {}resource utilization (percentage of request)", metric.resource, of_container);
  if (!is_plain) current->set_average_utilization(proposed->utilization);
  return out;
}

Judgement judge_resource(const MetricSpec& metric, Measured measured, const Situation& situation) {
  const auto& of = metric.resource();
  MetricStatus status;
  status.set_type("Resource");
  status.mutable_resource()->set_name(of.name());
  Judgement out = judge_resource(
      {"FailedGetResourceMetric", of.name(), {}, of.target(), fmt::format("failed to get {} resource metric value", of.name())},
      std::move(measured), situation, status.mutable_resource()->mutable_current());
  if (!out.failed()) out.status = std::move(status);
  return out;
}

Judgement judge_container(const MetricSpec& metric, Measured measured, const Situation& situation) {
  const auto& of = metric.container_resource();
  MetricStatus status;
  status.set_type("ContainerResource");
  status.mutable_container_resource()->set_name(of.name());
  status.mutable_container_resource()->set_container(of.container());
  Judgement out = judge_resource({"FailedGetContainerResourceMetric", of.name(), of.container(), of.target(),
                                  fmt::format("failed to get {} container metric value", of.container())},
                                 std::move(measured), situation, status.mutable_container_resource()->mutable_current());
  if (!out.failed()) out.status = std::move(status);
  return out;
}

Judgement judge_pods(const MetricSpec& metric, Measured measured, const Situation& situation) {
  const auto& of = metric.pods();
  Proposed proposed;
  if (measured.failure.empty()) {
    proposed = for_pods(situation, std::move(measured.samples), {}, milli(of.target().average_value()));
  } else {
    proposed = std::unexpected(fmt::format("unable to get metric {}: {}", of.metric().name(), measured.failure));
  }
  if (!proposed) {
    return failed("FailedGetPodsMetric", proposed.error(), fmt::format("failed to get pods metric value: {}", proposed.error()));
  }
  Judgement out;
  out.replicas = proposed->replicas;
  out.name = fmt::format("pods metric {}", of.metric().name());
  out.status.set_type("Pods");
  show(of.metric(), out.status.mutable_pods()->mutable_metric());
  set(out.status.mutable_pods()->mutable_current()->mutable_average_value(), proposed->usage);
  return out;
}

Judgement judge_object(const MetricSpec& metric, Measured measured, const Situation& situation, std::string_view namespace_name) {
  const auto& of = metric.object();
  const bool is_value = of.target().type() == "Value" && of.target().has_value();
  const bool is_average = of.target().type() == "AverageValue" && of.target().has_average_value();
  const auto fail = [](const std::string& why, const std::string& told) {
    return failed("FailedGetObjectMetric", why, fmt::format("failed to get object metric value: {}", told));
  };
  if (!is_value && !is_average) return fail(kNoObjectTarget, kNoObjectTarget);
  Proposed proposed;
  if (!measured.failure.empty()) {
    // The arguments stand in upstream's order, which is not that of the words.
    proposed =
        std::unexpected(fmt::format("unable to get metric {}: {} on {} {}/{}", of.metric().name(), of.described_object().kind(),
                                    namespace_name, of.described_object().name(), measured.failure));
  } else {
    proposed = is_value ? for_value(situation, measured.value, milli(of.target().value()))
                        : for_value_per_pod(situation, measured.value, milli(of.target().average_value()));
  }
  if (!proposed) {
    const std::string& why = proposed.error();
    return fail(why, is_value ? why : fmt::format("failed to get {} object metric: {}", of.metric().name(), why));
  }
  Judgement out;
  out.replicas = proposed->replicas;
  out.status.set_type("Object");
  auto* const status = out.status.mutable_object();
  show(of.metric(), status->mutable_metric());
  if (is_value) {
    out.name = fmt::format("{} metric {}", of.described_object().kind(), of.metric().name());
    *status->mutable_described_object() = of.described_object();
    set(status->mutable_current()->mutable_value(), proposed->usage);
  } else {
    out.name = fmt::format("external metric {}({})", of.metric().name(), go_text(of.metric()));
    set(status->mutable_current()->mutable_average_value(), proposed->usage);
  }
  return out;
}

Judgement judge_external(const MetricSpec& metric, Measured measured, const Situation& situation,
                         std::string_view namespace_name) {
  const auto& of = metric.external();
  const std::string& name = of.metric().name();
  const bool is_average = of.target().has_average_value();
  const auto fail = [&](const std::string& why, const std::string& told) {
    return failed("FailedGetExternalMetric", why, fmt::format("failed to get {} external metric value: {}", name, told));
  };
  if (!is_average && !of.target().has_value()) return fail(kNoExternalTarget, kNoExternalTarget);
  Proposed proposed;
  if (!measured.failure.empty()) {
    proposed = std::unexpected(
        fmt::format("unable to get external metric {}/{}/{}: {}", namespace_name, name, go_text(of.metric()), measured.failure));
  } else {
    proposed = is_average ? for_value_per_pod(situation, measured.value, milli(of.target().average_value()))
                          : for_value(situation, measured.value, milli(of.target().value()));
  }
  if (!proposed) {
    const std::string& why = proposed.error();
    return fail(why, is_average ? fmt::format("failed to get {} external metric: {}", name, why)
                                : fmt::format("failed to get external metric {}: {}", name, why));
  }
  Judgement out;
  out.replicas = proposed->replicas;
  out.name = fmt::format("external metric {}({})", name, go_text(of.metric()));
  out.status.set_type("External");
  show(of.metric(), out.status.mutable_external()->mutable_metric());
  auto* const current = out.status.mutable_external()->mutable_current();
  set(is_average ? current->mutable_average_value() : current->mutable_value(), proposed->usage);
  return out;
}

}  // namespace

std::string unaskable(const MetricSpec& metric) {
  const auto has_none = [](const MetricTarget& target) {
    return !target.has_average_value() && !target.has_average_utilization();
  };
  if (metric.type() == "Resource" && has_none(metric.resource().target())) return kNoResourceTarget;
  if (metric.type() == "ContainerResource" && has_none(metric.container_resource().target())) return kNoResourceTarget;
  const auto& object = metric.object().target();
  const bool has_object =
      (object.type() == "Value" && object.has_value()) || (object.type() == "AverageValue" && object.has_average_value());
  if (metric.type() == "Object" && !has_object) return kNoObjectTarget;
  const auto& external = metric.external().target();
  if (metric.type() == "External" && !external.has_value() && !external.has_average_value()) return kNoExternalTarget;
  return {};
}

Judgement judge(const MetricSpec& metric, Measured measured, const Situation& situation, std::string_view namespace_name) {
  if (metric.type() == "Resource") return judge_resource(metric, std::move(measured), situation);
  if (metric.type() == "ContainerResource") return judge_container(metric, std::move(measured), situation);
  if (metric.type() == "Pods") return judge_pods(metric, std::move(measured), situation);
  if (metric.type() == "Object") return judge_object(metric, std::move(measured), situation, namespace_name);
  if (metric.type() == "External") return judge_external(metric, std::move(measured), situation, namespace_name);
  const std::string why = fmt::format("unknown metric source type \"{}\"", metric.type());
  return failed("InvalidMetricSourceType", why, why);
}

std::optional<double> fraction(const meta::v1::Quantity& quantity) {
  const auto parsed = api::Quantity::parse(quantity.string());
  if (!parsed) return std::nullopt;
  std::string_view text = quantity.string();
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(end, text.data() + text.size());
  if (error != std::errc()) return static_cast<double>(parsed->value());
  if (suffix.empty()) return number;
  if (suffix == "m") return number / 1e3;
  if (suffix == "u") return number / 1e6;
  if (suffix == "n") return number / 1e9;
  return static_cast<double>(parsed->value());
}

std::string go_text(const MetricIdentifier& metric) {
  return metric.has_selector() ? controllers::go_text(metric.selector()) : "nil";
}

Verdict verdict(const std::vector<Judgement>& judgements, std::int32_t spec_replicas) {
  Verdict out;
  const Judgement* first = nullptr;
  std::size_t failures = 0;
  for (const Judgement& each : judgements) {
    if (each.failed()) {
      if (!first) first = &each;
      ++failures;
    } else if (out.replicas == 0 || each.replicas > out.replicas) {
      out.replicas = each.replicas;
      out.name = each.name;
    }
  }
  if (first) {
    out.failure =
        fmt::format("invalid metrics ({} invalid out of {}), first error is: {}", failures, judgements.size(), first->told);
  }
  // What is not known might need what would be taken away.
  out.valid = failures < judgements.size() && (failures == 0 || out.replicas >= spec_replicas);
  if (out.valid) {
    out.reason = "ValidMetricFound";
    out.message = fmt::format("the HPA was able to successfully calculate a replica count from {}", out.name);
  } else {
    out.reason = first ? first->reason : "InvalidMetricSourceType";
    out.message = fmt::format("the HPA was unable to compute the replica count: {}", first ? first->why : "there are no metrics");
    if (!first) out.failure = "there are no metrics";
  }
  return out;
}

}  // namespace ph::controllers::horizontal_pod_autoscaler

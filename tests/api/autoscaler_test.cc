// HorizontalPodAutoscaler: its two versions, and the rules of the stored one.
#include "tests/api/validation_helpers.h"

#include <nlohmann/json.hpp>

#include "api/convert.h"

namespace ph::api {
namespace {

using namespace test;
using nlohmann::json;
using V1 = autoscaling::v1::HorizontalPodAutoscaler;
using V2 = autoscaling::v2::HorizontalPodAutoscaler;

constexpr const char* kTarget = R"("scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"})";

std::string scaler(const std::string& spec) {
  return R"({"metadata":{"name":"x","namespace":"n"},"spec":{"maxReplicas":2,)" + std::string(kTarget) + spec + "}}";
}
std::string with_target(const std::string& target) {
  return R"({"metadata":{"name":"x","namespace":"n"},"spec":{"maxReplicas":2,"scaleTargetRef":{)" + target + "}}}";
}
std::string with_metric(const std::string& metric) { return scaler(R"(,"metrics":[)" + metric + "]"); }
std::string with_up(const std::string& rules) { return scaler(R"(,"behavior":{"scaleUp":{)" + rules + "}}"); }

V2 make_v2(const std::string& text) {
  V2 out;
  decode_json(text, out);
  return out;
}

TEST(Autoscaler, VersionsAndBack) {
  const std::string cases[] = {
      scaler(""),
      with_metric(R"({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}})"),
      with_metric(R"({"type":"Resource","resource":{"name":"memory","target":{"type":"AverageValue","averageValue":"1Gi"}}})"),
      with_metric(
          R"({"type":"ContainerResource","containerResource":{"container":"c","name":"cpu","target":{"type":"Utilization","averageUtilization":5}}})"),
      with_metric(
          R"({"type":"Pods","pods":{"metric":{"name":"m","selector":{"matchLabels":{"a":"b"}}},"target":{"type":"AverageValue","averageValue":"1"}}})"),
      with_metric(
          R"({"type":"Object","object":{"describedObject":{"kind":"S","name":"s"},"metric":{"name":"m"},"target":{"type":"Value","value":"3"}}})"),
      with_metric(
          R"({"type":"Object","object":{"describedObject":{"kind":"S","name":"s"},"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"3"}}})"),
      with_metric(
          R"({"type":"External","external":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"3"}}})"),
      with_up(
          R"("stabilizationWindowSeconds":10,"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15}],"tolerance":"100m")"),
      R"({"metadata":{"name":"x","annotations":{"mine":"1"}},"spec":{"maxReplicas":2,"minReplicas":1},"status":{"observedGeneration":3,
          "currentReplicas":1,"desiredReplicas":2,"lastScaleTime":"2026-01-01T00:00:00Z",
          "currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":33,"averageValue":"100m"}}}],
          "conditions":[{"type":"AbleToScale","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"r","message":"m"}]}})"};
  for (const std::string& text : cases) {
    SCOPED_TRACE(text);
    const V2 scaler = make_v2(text);
    V2 expected = scaler;
    if (expected.spec().metrics().empty()) *expected.mutable_spec()->add_metrics() = cpu_utilization(80);
    EXPECT_EQ(to_json(convert_autoscaler(convert_autoscaler(scaler))), to_json(expected));
  }
}

TEST(Autoscaler, WhatV1CannotSayStandsInAnnotations) {
  const V1 shown = convert_autoscaler(make_v2(scaler(
      R"(,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}},
                     {"type":"Pods","pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"5"}}}],
          "behavior":{"scaleUp":{"selectPolicy":"Max","policies":[{"type":"Pods","value":4,"periodSeconds":15}]}})")));
  EXPECT_EQ(shown.spec().target_cpu_utilization_percentage(), 50);
  const auto& annotations = shown.metadata().annotations();
  EXPECT_EQ(annotations.at("autoscaling.alpha.kubernetes.io/metrics"),
            R"([{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"5"}}])");
  EXPECT_EQ(
      annotations.at("autoscaling.alpha.kubernetes.io/behavior"),
      R"({"ScaleUp":{"StabilizationWindowSeconds":null,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15}],)"
      R"("Tolerance":null},"ScaleDown":null})");
  EXPECT_EQ(annotations.size(), 2);
}

TEST(Autoscaler, AnnotationsThatMakeNoSenseAreDropped) {
  for (const char* text : {"x", "{}", "[1]", R"([{"type":3}])", ""}) {
    SCOPED_TRACE(text);
    V1 v1;
    decode_json(scaler(R"(,"targetCPUUtilizationPercentage":50)"), v1);
    for (const char* name : {"metrics", "current-metrics", "conditions", "behavior"}) {
      (*v1.mutable_metadata()->mutable_annotations())[std::string("autoscaling.alpha.kubernetes.io/") + name] = text;
    }
    const V2 stored = convert_autoscaler(v1);
    EXPECT_EQ(stored.metadata().annotations().size(), 0);
    ASSERT_EQ(stored.spec().metrics_size(), 1);
    EXPECT_EQ(stored.spec().metrics(0).resource().target().average_utilization(), 50);
    EXPECT_FALSE(stored.spec().has_behavior());
    EXPECT_EQ(stored.status().current_metrics_size() + stored.status().conditions_size(), 0);
  }
}

TEST(Autoscaler, Rules) {
  const Case cases[] = {
      {"fine", scaler(""), {}},
      {"no most",
       R"({"metadata":{"name":"x","namespace":"n"},"spec":{)" + std::string(kTarget) + "}}",
       {"spec.maxReplicas: Required value: must be set and greater than 0",
        "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`"}},
      {"none at least",
       scaler(R"(,"minReplicas":0)"),
       {"spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        "spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"}},
      {"no target",
       R"({"metadata":{"name":"x","namespace":"n"},"spec":{"maxReplicas":1}})",
       {"spec.scaleTargetRef.kind: Required value", "spec.scaleTargetRef.name: Required value",
        R"(spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group)"}},
      {"the core group",
       with_target(R"("apiVersion":"v1","kind":"ConfigMap","name":"d")"),
       {R"(spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group)"}},
      {"a group without a name",
       with_target(R"("apiVersion":"/v1","kind":"Thing","name":"d")"),
       {R"(spec.scaleTargetRef.apiVersion: Invalid value: "/v1": apiVersion must specify API group)"}},
      {"the core group's one with a scale", with_target(R"("apiVersion":"v1","kind":"ReplicationController","name":"d")"), {}},
      {"it, without a version", with_target(R"("kind":"ReplicationController","name":"d")"), {}},
      {"no version at all",
       with_target(R"("apiVersion":"a/b/c","kind":"ReplicationController","name":"d")"),
       {R"(spec.scaleTargetRef.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c)"}},
      {"no source",
       with_metric(R"({"type":"Pods"})"),
       {"spec.metrics[0].pods: Required value: must populate information for the given metric source"}},
      {"two sources",
       with_metric(R"({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":1}},
                       "pods":{"metric":{"name":"m"},"target":{"type":"AverageValue","averageValue":"1"}}})"),
       {"spec.metrics[0].pods: Forbidden: must populate the given metric source only"}},
      {"both targets",
       with_metric(
           R"({"type":"External","external":{"metric":{"name":"m"},"target":{"type":"Value","value":"1","averageValue":"-1"}}})"),
       {R"(spec.metrics[0].external.target.averageValue: Invalid value: "-1": must be positive)",
        "spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target"}},
      {"period",
       with_up(R"("policies":[{"type":"X","value":1,"periodSeconds":1801}])"),
       {R"(spec.behavior.scaleUp.policies[0].type: Unsupported value: "X": supported values: "Percent", "Pods")",
        "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800"}},
      {"window",
       with_up(R"("stabilizationWindowSeconds":3601)"),
       {"spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600"}},
  };
  creates<V2>(cases);
  EXPECT_EQ(status_problems<V2>(scaler(""), R"({"metadata":{"name":"x"},"status":{"currentReplicas":-1}})"),
            Lines{"status.currentReplicas: Invalid value: -1: must be greater than or equal to 0"});
}

TEST(Autoscaler, WhatWasStoredAgainstTheRulesOfVersionsMayStay) {
  const std::string groupless = with_target(R"("apiVersion":"v1","kind":"ConfigMap","name":"d")");
  EXPECT_EQ(update_problems<V2>(groupless, groupless), Lines{});
  EXPECT_EQ(update_problems<V2>(groupless, with_target(R"("apiVersion":"a/b/c","kind":"ConfigMap","name":"d")")), Lines{});
  EXPECT_EQ(update_problems<V2>(scaler(""), groupless),
            Lines{R"(spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group)"});
  const auto described = [](const std::string& version) {
    return with_metric(R"({"type":"Object","object":{"describedObject":{"kind":"S","name":"s","apiVersion":")" + version +
                       R"("},"metric":{"name":"m"},"target":{"type":"Value","value":"3"}}})");
  };
  const std::string where = "spec.metrics[0].object.describedObject.apiVersion";
  EXPECT_EQ(update_problems<V2>(described("a/b/c"), described("a/b/c")), Lines{});
  EXPECT_EQ(update_problems<V2>(described("v1"), described("a/b/c")),
            Lines{where + R"(: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c)"});
}

TEST(Autoscaler, DefaultsFillInWhatIsMissingOfABehavior) {
  const V2 scaler = parse<V2>(with_up(R"("selectPolicy":"Disabled")"));
  const auto& behavior = scaler.spec().behavior();
  EXPECT_EQ(behavior.scale_up().select_policy(), "Disabled");
  EXPECT_EQ(behavior.scale_up().policies_size(), 2);
  EXPECT_TRUE(behavior.scale_up().has_stabilization_window_seconds());
  EXPECT_EQ(behavior.scale_down().policies_size(), 1);
  EXPECT_FALSE(behavior.scale_down().has_stabilization_window_seconds());
  EXPECT_FALSE(parse<V2>(::ph::api::scaler("")).spec().has_behavior());
}

}  // namespace
}  // namespace ph::api

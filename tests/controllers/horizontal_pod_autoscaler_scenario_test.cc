// The loop horizontalpodautoscaling in a simulated cluster.
#include <gmock/gmock.h>

#include "api/times.h"
#include "controllers/common/conditions.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/metrics_api.h"

namespace ph::controllers {
namespace {

using apps::v1::Deployment, apps::v1::StatefulSet;
using autoscaling::v2::HorizontalPodAutoscaler;
using core::v1::Pod;

struct AutoscalerLoop : ::testing::Test {
  sim::MetricsApi metrics;
  sim::Cluster cluster{sim::loops("horizontalpodautoscaling,deployment,replicaset").nodes(3).scheduler()};

  AutoscalerLoop() { metrics.serve(cluster); }

  void deployment(int replicas) {
    Deployment made = sim::make_deployment("default/web").replicas(replicas);
    auto& container = *made.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0);
    (*container.mutable_resources()->mutable_requests())["cpu"].set_string("100m");
    cluster.create(made);
  }
  static HorizontalPodAutoscaler autoscaler(int least = 1, int most = 10, const char* name = "h") {
    HorizontalPodAutoscaler out;
    out.mutable_metadata()->set_namespace_("default");
    out.mutable_metadata()->set_name(name);
    auto& spec = *out.mutable_spec();
    spec.mutable_scale_target_ref()->set_api_version("apps/v1");
    spec.mutable_scale_target_ref()->set_kind("Deployment");
    spec.mutable_scale_target_ref()->set_name("web");
    spec.set_min_replicas(least);
    spec.set_max_replicas(most);
    auto& metric = *spec.add_metrics();
    metric.set_type("Resource");
    metric.mutable_resource()->set_name("cpu");
    metric.mutable_resource()->mutable_target()->set_type("Utilization");
    metric.mutable_resource()->mutable_target()->set_average_utilization(50);
    return out;
  }
  // All pods of the deployment use that much.
  void use(int milli_cpu) {
    metrics.pods.clear();
    for (const Pod& pod : cluster.list<Pod>("default")) {
      auto& one = metrics.pods["default"][pod.metadata().name()];
      one.milli_cpu = milli_cpu;
      for (const auto& [key, value] : pod.metadata().labels()) one.labels[key] = value;
    }
  }
  int replicas() { return cluster.get<Deployment>("default/web").spec().replicas(); }
  std::string reason(const char* type, const char* name = "h") {
    const auto now = cluster.get<HorizontalPodAutoscaler>(std::string("default/") + name);
    const auto* condition = find_condition(now.status(), type);
    return condition ? condition->reason() : "none";
  }
  int events(const char* reason) {
    int out = 0;
    for (const auto& event : cluster.list<core::v1::Event>("default")) {
      if (event.reason() == reason && event.involved_object().kind() == "HorizontalPodAutoscaler")
        out += std::max(event.count(), 1);
    }
    return out;
  }
};

TEST_F(AutoscalerLoop, FollowsTheUse) {
  deployment(2);
  cluster.advance(6min);
  use(100);
  cluster.create(autoscaler());
  cluster.advance(14s);
  EXPECT_EQ(replicas(), 2) << "a period passes first";
  cluster.advance(2s);
  EXPECT_EQ(replicas(), 4);
  EXPECT_EQ(events("SuccessfulRescale"), 1);
  EXPECT_EQ(reason("AbleToScale"), "SucceededRescale");
  cluster.advance(7min);
  use(10);
  cluster.advance(4min);
  EXPECT_EQ(replicas(), 4) << "the window holds it";
  EXPECT_EQ(reason("AbleToScale"), "ScaleDownStabilized");
  cluster.advance(2min);
  EXPECT_EQ(replicas(), 1);
  const auto status = cluster.get<HorizontalPodAutoscaler>("default/h").status();
  EXPECT_EQ(status.current_replicas(), 1);
  EXPECT_EQ(status.desired_replicas(), 1);
  EXPECT_TRUE(status.has_last_scale_time());
}

TEST_F(AutoscalerLoop, LooksOnceInAPeriodWhateverHappens) {
  deployment(2);
  cluster.create(autoscaler());
  cluster.advance(1min);
  int writes = 0;
  cluster.on_write([&](const sim::Cluster::Write& write) { writes += write.kind.kind == "HorizontalPodAutoscaler"; });
  for (int i = 0; i < 20; ++i) {
    cluster.edit<HorizontalPodAutoscaler>("default/h",
                                          [&](auto& h) { (*h.mutable_metadata()->mutable_labels())["n"] = std::to_string(i); });
    cluster.advance(500ms);
  }
  EXPECT_LE(writes, 22) << "those of the user, and one look at most";
}

TEST_F(AutoscalerLoop, WithoutMetricsNothingIsScaled) {
  deployment(3);
  cluster.create(autoscaler());
  cluster.advance(1min);
  EXPECT_EQ(replicas(), 3);
  EXPECT_EQ(reason("ScalingActive"), "FailedGetResourceMetric");
  EXPECT_EQ(reason("AbleToScale"), "SucceededGetScale");
  EXPECT_GE(events("FailedComputeMetricsReplicas"), 1);
  metrics.is_down = true;
  cluster.advance(1min);
  const auto now = cluster.get<HorizontalPodAutoscaler>("default/h");
  EXPECT_THAT(find_condition(now.status(), "ScalingActive")->message(),
              testing::HasSubstr("the server is currently unable to handle the request (get pods.metrics.k8s.io)"));
  metrics.is_down = false;
  cluster.advance(6min);
  use(100);
  cluster.advance(16s);
  EXPECT_EQ(replicas(), 6);
  EXPECT_EQ(reason("ScalingActive"), "ValidMetricFound");
}

TEST_F(AutoscalerLoop, TheRangeHoldsWithoutMetrics) {
  deployment(1);
  cluster.create(autoscaler(3, 5));
  cluster.advance(16s);
  EXPECT_EQ(replicas(), 3);
  cluster.edit<HorizontalPodAutoscaler>("default/h", [](auto& h) {
    h.mutable_spec()->set_min_replicas(1);
    h.mutable_spec()->set_max_replicas(2);
  });
  cluster.advance(16s);
  EXPECT_EQ(replicas(), 2);
  cluster.scale<Deployment>("default/web", 0);
  cluster.advance(16s);
  EXPECT_EQ(replicas(), 0);
  EXPECT_EQ(reason("ScalingActive"), "ScalingDisabled");
}

TEST_F(AutoscalerLoop, TargetsThatAreNot) {
  HorizontalPodAutoscaler gone = autoscaler();
  cluster.create(gone);
  HorizontalPodAutoscaler unheard = autoscaler(1, 10, "unheard");
  unheard.mutable_spec()->mutable_scale_target_ref()->set_api_version("nothing/v1");
  unheard.mutable_spec()->mutable_scale_target_ref()->set_kind("Thing");
  cluster.create(unheard);
  cluster.advance(1min);
  EXPECT_EQ(reason("AbleToScale"), "FailedGetScale");
  const auto message = [&](const char* key) {
    return find_condition(cluster.get<HorizontalPodAutoscaler>(key).status(), "AbleToScale")->message();
  };
  EXPECT_EQ(message("default/h"),
            "the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found");
  EXPECT_EQ(
      message("default/unheard"),
      "the HPA controller was unable to get the target's current scale: no matches for kind \"Thing\" in group \"nothing\"");
  deployment(1);
  cluster.advance(16s);
  EXPECT_EQ(reason("AbleToScale"), "SucceededGetScale");
}

TEST_F(AutoscalerLoop, TwoOfOneTargetAreToldOfEachOther) {
  deployment(2);
  cluster.advance(1min);
  use(50);
  cluster.create(autoscaler());
  cluster.create(autoscaler(1, 10, "second"));
  cluster.advance(1min);
  EXPECT_EQ(reason("ScalingActive"), "AmbiguousSelector");
  EXPECT_EQ(reason("ScalingActive", "second"), "AmbiguousSelector");
  cluster.remove<HorizontalPodAutoscaler>("default/second");
  cluster.advance(31s);
  EXPECT_EQ(reason("ScalingActive"), "ValidMetricFound");
}

TEST_F(AutoscalerLoop, CustomAndExternalNumbers) {
  deployment(2);
  cluster.advance(1min);
  HorizontalPodAutoscaler by_queue = autoscaler();
  auto& metric = *by_queue.mutable_spec()->mutable_metrics(0);
  metric.Clear();
  metric.set_type("External");
  metric.mutable_external()->mutable_metric()->set_name("queue");
  metric.mutable_external()->mutable_target()->set_type("AverageValue");
  metric.mutable_external()->mutable_target()->mutable_average_value()->set_string("10");
  metrics.external["queue"] = 30'000;
  cluster.create(by_queue);
  cluster.advance(16s);
  EXPECT_EQ(replicas(), 3);
  cluster.advance(1min);
  cluster.edit<HorizontalPodAutoscaler>("default/h", [](auto& h) {
    auto& one = *h.mutable_spec()->mutable_metrics(0);
    one.Clear();
    one.set_type("Pods");
    one.mutable_pods()->mutable_metric()->set_name("rps");
    one.mutable_pods()->mutable_target()->set_type("AverageValue");
    one.mutable_pods()->mutable_target()->mutable_average_value()->set_string("10");
  });
  for (const Pod& pod : cluster.list<Pod>("default")) metrics.custom["rps"][pod.metadata().name()] = 20'000;
  cluster.advance(31s);
  EXPECT_EQ(replicas(), 6);
}

}  // namespace
}  // namespace ph::controllers

// How many replicas metrics ask for, and how fast they may be followed. Pure.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/horizontal_pod_autoscaler/metric.h"
#include "controllers/horizontal_pod_autoscaler/pace.h"
#include "controllers/horizontal_pod_autoscaler/replicas.h"
#include "controllers/horizontal_pod_autoscaler/status.h"
#include "informers/pod_asks.h"
#include "tests/sim/builders.h"

namespace ph::controllers {
namespace {

namespace hpa = horizontal_pod_autoscaler;
using hpa::HorizontalPodAutoscaler;
using informers::Said;

const Time kNow(1000h);
const Steady kBegin(Duration(1000h));

// What is special about a pod; all others run and have been ready for long.
struct Kind {
  const char* phase = "Running";
  Said readiness = Said::True;
  bool deleting = false;
  Duration started_ago = 1h, ready_for = 1h;
  const char* cpu = "100m";
};

hpa::Pods pods(const std::vector<Kind>& kinds) {
  hpa::Pods out;
  for (const Kind& kind : kinds) {
    core::v1::Pod asks = sim::make_pod("default/p");
    if (*kind.cpu)
      (*asks.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string(kind.cpu);
    auto pod = std::make_shared<PodView>();
    pod->namespace_name = "default";
    pod->name = fmt::format("p{}", out.size());
    pod->phase = kind.phase;
    pod->readiness = kind.readiness;
    pod->ready = kind.readiness == Said::True;
    pod->started = kNow - kind.started_ago;
    pod->ready_since = kNow - kind.ready_for;
    if (kind.deleting) pod->deletion = kNow;
    pod->asks = informers::asks_of(api::encode_protobuf(asks));
    out.push_back(std::move(pod));
  }
  return out;
}

// Of p0, p1, … in turn; below zero: nothing is known of that pod.
hpa::Samples samples(const std::vector<int>& values) {
  hpa::Samples out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0) out[fmt::format("p{}", i)] = {.value = values[i], .taken = kNow, .window = 30s};
  }
  return out;
}

std::string text(const hpa::Proposed& proposed) {
  if (!proposed) return proposed.error();
  return fmt::format("{} ({}, {}%)", proposed->replicas, proposed->usage, proposed->utilization);
}

TEST(AutoscalerReplicas, OfUtilization) {
  const Kind ready{}, pending{.phase = "Pending", .readiness = Said::Untold}, failed{.phase = "Failed"}, going{.deleting = true};
  const Kind starting{.readiness = Said::False, .started_ago = 5s, .ready_for = 5s};
  // It was ready, a while after its start.
  const Kind fallen{.readiness = Said::False, .started_ago = 1h, .ready_for = 1min};
  const Kind never_ready{.readiness = Said::False, .started_ago = 1h, .ready_for = 1h};
  const Kind fresh{.started_ago = 1min, .ready_for = 10s};
  const Kind silent{.cpu = ""};
  struct Case {
    const char* name;
    std::vector<Kind> pods;
    std::vector<int> use;
    int current;
    const char* wanted;
  };
  // The target is 50 percent of 100m each.
  const Case cases[] = {
      {"half as much as wanted", {ready, ready, ready, ready}, {20, 20, 30, 30}, 4, "2 (25, 25%)"},
      {"twice as much", {ready, ready}, {100, 100}, 2, "4 (100, 100%)"},
      {"within the tolerance", {ready, ready}, {55, 55}, 2, "2 (55, 55%)"},
      {"a little beyond", {ready, ready}, {56, 56}, 2, "3 (56, 56%)"},
      {"a missing pod does nothing when more are wanted", {ready, ready, ready}, {90, 90, -1}, 3, "4 (90, 90%)"},
      {"… and all it asks for when fewer are", {ready, ready, ready}, {10, 10, -1}, 3, "3 (10, 10%)"},
      {"… so that nothing turns", {ready, ready}, {55, -1}, 2, "2 (55, 55%)"},
      {"pods that start count as idle when more are wanted",
       {ready, ready, starting, pending},
       {90, 90, 90, 90},
       4,
       "4 (90, 90%)"},
      {"… and not at all when fewer are", {ready, ready, starting, pending}, {20, 20, 90, 90}, 4, "1 (20, 20%)"},
      {"pods that failed or go are as if they were not", {ready, ready, failed, going}, {100, 100, 90, 90}, 4, "4 (100, 100%)"},
      {"one that fell ill counts", {ready, fallen}, {100, 0}, 2, "2 (50, 50%)"},
      {"one that was never ready does not", {ready, never_ready}, {20, 20}, 2, "1 (20, 20%)"},
      {"one that was ready for less than a window neither", {ready, fresh}, {20, 500}, 2, "1 (20, 20%)"},
      {"no pods", {}, {100}, 2, "no pods returned by selector while calculating replica count"},
      {"none of them measured", {ready}, {-1}, 1, "did not receive metrics for targeted pods (pods might be unready)"},
      {"one that asks for nothing", {ready, silent}, {10, 10}, 2, "missing request for cpu in container c of Pod p1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const hpa::Pods list = pods(c.pods);
    const hpa::Situation situation{list, c.current, c.current, {}, {kNow, 5min, 30s}};
    EXPECT_EQ(text(hpa::for_utilization(situation, samples(c.use), "", "cpu", 50)), c.wanted);
  }
}

TEST(AutoscalerReplicas, OfOneContainerAndOfWholePods) {
  core::v1::Pod pod = sim::make_pod("default/p");
  const auto view = [&] {
    PodView out;
    out.name = "p";
    out.asks = informers::asks_of(api::encode_protobuf(pod));
    return hpa::Pods{std::make_shared<const PodView>(out)};
  };
  auto& requests = *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
  requests["cpu"].set_string("100m");
  auto& other = *pod.mutable_spec()->add_init_containers();
  other.set_name("side");
  other.set_restart_policy("Always");
  (*other.mutable_resources()->mutable_requests())["cpu"].set_string("50m");
  EXPECT_EQ(hpa::requests_of(view(), "", "cpu")->at("p"), 150);
  EXPECT_EQ(hpa::requests_of(view(), "side", "cpu")->at("p"), 50);
  EXPECT_EQ(hpa::requests_of(view(), "none", "cpu").error(), "container none not found in Pod p");
  (*pod.mutable_spec()->mutable_resources()->mutable_requests())["cpu"].set_string("1");
  EXPECT_EQ(hpa::requests_of(view(), "", "cpu")->at("p"), 1000);
  EXPECT_EQ(hpa::requests_of(view(), "c", "cpu")->at("p"), 100) << "a container is asked for what it asks";
  EXPECT_EQ(hpa::requests_of(view(), "", "memory").error(), "missing pod-level request for memory in Pod p");
}

TEST(AutoscalerReplicas, OfPlainNumbers) {
  const hpa::Pods three = pods({{}, {}, {}});
  const hpa::Situation situation{three, 3, 3, {}, {kNow, 5min, 30s}};
  EXPECT_EQ(text(hpa::for_pods(situation, samples({20, 20, 20}), "", 10)), "6 (20, 0%)");
  EXPECT_EQ(text(hpa::for_pods(situation, samples({20, 20, -1}), "", 10)), "4 (20, 0%)");
  EXPECT_EQ(text(hpa::for_pods(situation, samples({2, 2, -1}), "", 10)), "2 (2, 0%)") << "the missing one is at its target";
  EXPECT_EQ(text(hpa::for_value(situation, 3000, 1000)), "9 (3000, 0%)");
  EXPECT_EQ(text(hpa::for_value(situation, 1050, 1000)), "3 (1050, 0%)");
  EXPECT_EQ(text(hpa::for_value_per_pod(situation, 3000, 500)), "6 (1000, 0%)");
  EXPECT_EQ(text(hpa::for_value(situation, INT64_MAX, 1)), "2147483647 (9223372036854775807, 0%)");

  const hpa::Pods none;
  EXPECT_EQ(text(hpa::for_value({none, 3, 3, {}, {}}, 3000, 1000)),
            "unable to calculate ready pods: no pods returned by selector while calculating replica count");
  EXPECT_EQ(text(hpa::for_value({none, 0, 0, {}, {}}, 2500, 1000)), "3 (2500, 0%)") << "from none the number itself decides";
  EXPECT_EQ(text(hpa::for_value_per_pod({none, 2, 0, {}, {}}, 30000, 10000)), "3 (-9223372036854775808, 0%)")
      << "a part of no pods is what Go makes of it";
}

TEST(AutoscalerReplicas, TolerancesForEachDirection) {
  const hpa::Pods two = pods({{}, {}});
  const hpa::Situation slow_up{two, 2, 2, {.down = 0.1, .up = 0.3}, {kNow, 5min, 30s}};
  EXPECT_EQ(text(hpa::for_utilization(slow_up, samples({60, 60}), "", "cpu", 50)), "2 (60, 60%)");
  EXPECT_EQ(text(hpa::for_utilization(slow_up, samples({70, 70}), "", "cpu", 50)), "3 (70, 70%)");
  EXPECT_EQ(text(hpa::for_utilization(slow_up, samples({20, 20}), "", "cpu", 50)), "1 (20, 20%)");
}

// -- Pace

HorizontalPodAutoscaler autoscaler(int least, int most) {
  HorizontalPodAutoscaler out;
  out.mutable_spec()->set_min_replicas(least);
  out.mutable_spec()->set_max_replicas(most);
  return out;
}

void add_policy(autoscaling::v2::HPAScalingRules* rules, const char* type, int value, int seconds) {
  auto& policy = *rules->add_policies();
  policy.set_type(type);
  policy.set_value(value);
  policy.set_period_seconds(seconds);
}

// As the server fills it in.
HorizontalPodAutoscaler with_behavior(int least, int most, int window_down) {
  HorizontalPodAutoscaler out = autoscaler(least, most);
  auto& up = *out.mutable_spec()->mutable_behavior()->mutable_scale_up();
  up.set_stabilization_window_seconds(0);
  up.set_select_policy("Max");
  add_policy(&up, "Pods", 4, 15);
  add_policy(&up, "Percent", 100, 15);
  auto& down = *out.mutable_spec()->mutable_behavior()->mutable_scale_down();
  down.set_stabilization_window_seconds(window_down);
  down.set_select_policy("Max");
  add_policy(&down, "Percent", 100, 15);
  return out;
}

std::string text(const hpa::Paced& paced) {
  return fmt::format("{} {} {}{}", paced.replicas, paced.able_reason, paced.limited ? "!" : "", paced.limited_reason);
}

TEST(AutoscalerPace, WithoutABehavior) {
  const HorizontalPodAutoscaler plain = autoscaler(2, 20);
  struct Case {
    int current, proposed;
    const char* paced;
  };
  for (const Case& c : {Case{5, 5, "5 ReadyForNewScale DesiredWithinRange"},
                        {5, 9, "9 ReadyForNewScale DesiredWithinRange"},
                        {5, 11, "10 ReadyForNewScale !ScaleUpLimit"},
                        {1, 9, "4 ReadyForNewScale !ScaleUpLimit"},
                        {15, 25, "20 ReadyForNewScale !TooManyReplicas"},
                        {5, 1, "2 ReadyForNewScale !TooFewReplicas"}}) {
    hpa::History history;
    EXPECT_EQ(text(hpa::pace(plain, history, c.current, c.proposed, 5min, kBegin)), c.paced) << c.current << " " << c.proposed;
  }
}

TEST(AutoscalerPace, TheWindowHoldsTheGreatestProposal) {
  for (const bool behaves : {false, true}) {
    const HorizontalPodAutoscaler one = behaves ? with_behavior(1, 20, 300) : autoscaler(1, 20);
    hpa::History history;
    history.proposed.push_back({4, kBegin});
    EXPECT_EQ(text(hpa::pace(one, history, 4, 2, 5min, kBegin + 1min)), "4 ScaleDownStabilized DesiredWithinRange");
    EXPECT_EQ(text(hpa::pace(one, history, 4, 3, 5min, kBegin + 2min)), "4 ScaleDownStabilized DesiredWithinRange");
    EXPECT_EQ(text(hpa::pace(one, history, 4, 1, 5min, kBegin + 5min + 1s)), "3 ScaleDownStabilized DesiredWithinRange");
    EXPECT_EQ(text(hpa::pace(one, history, 3, 1, 5min, kBegin + 20min)), "1 ReadyForNewScale DesiredWithinRange");
    EXPECT_LE(history.proposed.size(), 2u) << "what no window asks for is forgotten";
  }
}

TEST(AutoscalerPace, AWindowForMore) {
  HorizontalPodAutoscaler one = with_behavior(1, 20, 0);
  one.mutable_spec()->mutable_behavior()->mutable_scale_up()->set_stabilization_window_seconds(60);
  hpa::History history;
  history.proposed.push_back({4, kBegin});
  EXPECT_EQ(text(hpa::pace(one, history, 4, 7, 5min, kBegin + 30s)), "4 ScaleUpStabilized DesiredWithinRange");
  EXPECT_EQ(text(hpa::pace(one, history, 4, 8, 5min, kBegin + 61s)), "7 ScaleUpStabilized DesiredWithinRange");
}

TEST(AutoscalerPace, Policies) {
  HorizontalPodAutoscaler one = with_behavior(1, 100, 0);
  auto& up = *one.mutable_spec()->mutable_behavior()->mutable_scale_up();
  auto& down = *one.mutable_spec()->mutable_behavior()->mutable_scale_down();
  const auto go = [&](int current, int proposed) {
    hpa::History history;
    return text(hpa::pace(one, history, current, proposed, 5min, kBegin));
  };
  EXPECT_EQ(go(3, 50), "7 ReadyForNewScale !ScaleUpLimit") << "four pods are more than all again";
  EXPECT_EQ(go(10, 50), "20 ReadyForNewScale !ScaleUpLimit");
  up.set_select_policy("Min");
  EXPECT_EQ(go(3, 50), "6 ReadyForNewScale !ScaleUpLimit");
  up.set_select_policy("Disabled");
  EXPECT_EQ(go(3, 50), "3 ReadyForNewScale !ScaleUpLimit");
  EXPECT_EQ(go(10, 2), "2 ReadyForNewScale DesiredWithinRange");
  EXPECT_EQ(go(10, 0), "1 ReadyForNewScale !TooFewReplicas");
  down.clear_policies();
  add_policy(&down, "Pods", 1, 600);
  add_policy(&down, "Percent", 50, 600);
  EXPECT_EQ(go(10, 1), "5 ReadyForNewScale !ScaleDownLimit");
  down.set_select_policy("Min");
  EXPECT_EQ(go(10, 1), "9 ReadyForNewScale !ScaleDownLimit");
  down.set_select_policy("Disabled");
  EXPECT_EQ(go(10, 1), "10 ReadyForNewScale !ScaleDownLimit");
}

TEST(AutoscalerPace, APolicyHoldsForAllOfItsPeriod) {
  HorizontalPodAutoscaler one = with_behavior(1, 100, 0);
  auto& down = *one.mutable_spec()->mutable_behavior()->mutable_scale_down();
  down.clear_policies();
  add_policy(&down, "Pods", 2, 600);
  hpa::History history;
  const auto step = [&](int current, Duration at) {
    const hpa::Paced paced = hpa::pace(one, history, current, 1, 5min, kBegin + at);
    hpa::note_scaling(one, history, current, paced.replicas, kBegin + at);
    return paced.replicas;
  };
  EXPECT_EQ(step(10, 0s), 8);
  EXPECT_EQ(step(8, 5min), 8);
  EXPECT_EQ(step(8, 10min + 1s), 6);
  EXPECT_LE(history.taken.size(), 1u);
  // Somebody else took some away: they do not count.
  EXPECT_EQ(step(4, 10min + 2s), 4);
}

// -- Words

TEST(AutoscalerMetric, WhatIsSaid) {
  const hpa::Pods two = pods({{}, {}});
  const hpa::Situation situation{two, 2, 2, {}, {kNow, 5min, 30s}};
  hpa::MetricSpec metric;
  metric.set_type("Resource");
  metric.mutable_resource()->set_name("cpu");
  metric.mutable_resource()->mutable_target()->set_average_utilization(50);
  hpa::Judgement judged = hpa::judge(metric, {.samples = samples({100, 100})}, situation, "default");
  EXPECT_EQ(judged.replicas, 4);
  EXPECT_EQ(judged.name, "cpu resource utilization (percentage of request)");
  EXPECT_EQ(judged.status.resource().current().average_value().string(), "100m");
  EXPECT_EQ(judged.status.resource().current().average_utilization(), 100);
  judged = hpa::judge(metric, {.failure = "no metrics returned from resource metrics API"}, situation, "default");
  EXPECT_EQ(judged.reason, "FailedGetResourceMetric");
  EXPECT_EQ(judged.why,
            "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource "
            "metrics API");
  EXPECT_EQ(judged.told, "failed to get cpu resource metric value: " + judged.why);
  EXPECT_EQ(judged.status.type(), "");

  hpa::MetricSpec external;
  external.set_type("External");
  external.mutable_external()->mutable_metric()->set_name("queue");
  external.mutable_external()->mutable_target()->mutable_value()->set_string("10");
  judged = hpa::judge(external, {.value = 30000}, situation, "default");
  EXPECT_EQ(judged.replicas, 6);
  EXPECT_EQ(judged.name, "external metric queue(nil)");
  EXPECT_EQ(judged.status.external().current().value().string(), "30");
  judged = hpa::judge(external, {.failure = "none"}, situation, "default");
  EXPECT_EQ(judged.told,
            "failed to get queue external metric value: failed to get external metric queue: unable to get external metric "
            "default/queue/nil: none");

  hpa::MetricSpec object;
  object.set_type("Object");
  object.mutable_object()->mutable_described_object()->set_kind("Service");
  object.mutable_object()->mutable_described_object()->set_name("web");
  object.mutable_object()->mutable_metric()->set_name("rps");
  EXPECT_EQ(hpa::judge(object, {}, situation, "default").why,
            "invalid object metric source: neither a value target nor an average value target was set");
  object.mutable_object()->mutable_target()->set_type("Value");
  object.mutable_object()->mutable_target()->mutable_value()->set_string("10");
  judged = hpa::judge(object, {.value = 30000}, situation, "default");
  EXPECT_EQ(judged.name, "Service metric rps");
  judged = hpa::judge(object, {.failure = "none"}, situation, "default");
  EXPECT_EQ(judged.why, "unable to get metric rps: Service on default web/none");

  hpa::MetricSpec odd;
  odd.set_type("Moon");
  EXPECT_EQ(hpa::judge(odd, {}, situation, "default").why, "unknown metric source type \"Moon\"");
}

TEST(AutoscalerMetric, WhatFailsTakesNothingAway) {
  hpa::Judgement three, one, lost;
  three.replicas = 3;
  three.name = "three";
  one.replicas = 1;
  one.name = "one";
  lost.reason = "FailedGetPodsMetric";
  lost.why = "gone";
  lost.told = "failed to get pods metric value: gone";
  EXPECT_EQ(hpa::verdict({one, three}, 2).name, "three");
  const hpa::Verdict up = hpa::verdict({lost, three}, 2);
  EXPECT_TRUE(up.valid);
  EXPECT_EQ(up.replicas, 3);
  EXPECT_EQ(up.failure, "invalid metrics (1 invalid out of 2), first error is: failed to get pods metric value: gone");
  const hpa::Verdict down = hpa::verdict({one, lost}, 2);
  EXPECT_FALSE(down.valid);
  EXPECT_EQ(down.reason, "FailedGetPodsMetric");
  EXPECT_EQ(down.message, "the HPA was unable to compute the replica count: gone");
  EXPECT_FALSE(hpa::verdict({}, 2).valid);
}

TEST(AutoscalerMetric, Fractions) {
  const auto fraction = [](const char* text) {
    meta::v1::Quantity quantity;
    quantity.set_string(text);
    return hpa::fraction(quantity);
  };
  EXPECT_DOUBLE_EQ(fraction("0.3").value(), 0.3);
  EXPECT_DOUBLE_EQ(fraction("50m").value(), 0.05);
  EXPECT_DOUBLE_EQ(fraction("500u").value(), 0.0005);
  EXPECT_DOUBLE_EQ(fraction("1").value(), 1);
  EXPECT_DOUBLE_EQ(fraction("2k").value(), 2000);
  EXPECT_FALSE(fraction("much").has_value());
}

TEST(AutoscalerStatus, ConditionsKeepTheirPlaceAndTime) {
  hpa::HorizontalPodAutoscalerStatus status;
  hpa::set_condition(status, "AbleToScale", true, "A", "a", kNow);
  hpa::set_condition(status, "ScalingActive", true, "B", "b", kNow);
  hpa::set_condition(status, "AbleToScale", true, "C", "c", kNow + 1h);
  ASSERT_EQ(status.conditions_size(), 2);
  EXPECT_EQ(status.conditions(0).reason(), "C");
  EXPECT_EQ(api::to_time(status.conditions(0).last_transition_time()), kNow);
  hpa::set_condition(status, "AbleToScale", false, "D", "d", kNow + 2h);
  EXPECT_EQ(api::to_time(status.conditions(0).last_transition_time()), kNow + 2h);
}

}  // namespace
}  // namespace ph::controllers

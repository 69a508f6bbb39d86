// The disruption loop: what a budget says of its pods, and the loop in a simulated cluster.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/errors.h"
#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/common/go_text.h"
#include "controllers/disruption/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/custom.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using disruption::PodDisruptionBudget;
using testing::Contains, testing::ElementsAre, testing::IsEmpty;

const Time kNow(1000h);

void set_amount(meta::v1::IntOrString* out, const std::string& text) {
  out->set_type(text.ends_with('%') ? 1 : 0);
  if (text.ends_with('%')) out->set_str_val(text);
  else out->set_int_val(std::stoi(text));
}

// Selects `app: web`. One of the amounts is "".
PodDisruptionBudget budget(const std::string& min_available, const std::string& max_unavailable = {}) {
  PodDisruptionBudget out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_name("web");
  out.mutable_metadata()->set_generation(2);
  auto& spec = *out.mutable_spec();
  (*spec.mutable_selector()->mutable_match_labels())["app"] = "web";
  if (!min_available.empty()) set_amount(spec.mutable_min_available(), min_available);
  if (!max_unavailable.empty()) set_amount(spec.mutable_max_unavailable(), max_unavailable);
  return out;
}

Ref<PodView> pod(const std::string& name, bool ready = true, bool leaving = false) {
  auto out = std::make_shared<PodView>();
  out->namespace_name = "default";
  out->name = name;
  out->ready = ready;
  if (leaving) out->deletion = kNow;
  return out;
}

TEST(DisruptionPlan, HowManyAreWanted) {
  struct Case {
    const char* name;
    PodDisruptionBudget budget;
    int pods, scale;
    int expected, desired;
  };
  const Case cases[] = {
      {"a number is of the pods there are", budget("2"), 3, 9, 3, 2},
      {"more than there are", budget("5"), 2, 0, 2, 5},
      {"a part of what controllers want, upwards", budget("50%"), 9, 3, 3, 2},
      {"all", budget("100%"), 0, 4, 4, 4},
      {"none", budget("0%"), 4, 4, 4, 0},
      {"so many may be missing", budget("", "1"), 9, 3, 3, 2},
      {"more may be missing than are wanted", budget("", "5"), 3, 3, 3, 0},
      {"a part may be missing, upwards", budget("", "25%"), 5, 5, 5, 3},
      {"nobody wants any", budget("", "1"), 2, 0, 0, 0},
      {"neither, as no server stores it", budget(""), 3, 3, 0, 0},
      {"a percentage nobody can read", budget("1x%"), 3, 3, 3, 0},
      {"a percentage out of all bounds", budget("", "2147483647%"), 3, 2147483647, 2147483647, 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto wanted = disruption::wanted(c.budget, c.pods, c.scale);
    EXPECT_EQ(wanted.expected_pods, c.expected);
    EXPECT_EQ(wanted.desired_healthy, c.desired);
  }
}

TEST(DisruptionPlan, WhomItSelects) {
  const auto web =
      api::Lookup([](std::string_view key) { return key == "app" ? std::optional<std::string_view>("web") : std::nullopt; });
  PodDisruptionBudget all = budget("1"), none = budget("1"), unreadable = budget("1");
  all.mutable_spec()->mutable_selector()->clear_match_labels();
  none.mutable_spec()->clear_selector();
  unreadable.mutable_spec()->mutable_selector()->add_match_expressions()->set_operator_("Near");
  EXPECT_TRUE(disruption::selector_of(budget("1")).matches(web));
  EXPECT_TRUE(disruption::selector_of(all).matches(web));
  EXPECT_FALSE(disruption::selector_of(none).matches(web));
  EXPECT_FALSE(disruption::selector_of(unreadable).matches(web));
}

TEST(DisruptionPlan, WhatIsGrantedCountsForTwoMinutes) {
  PodDisruptionBudget web = budget("1");
  auto& granted = *web.mutable_status()->mutable_disrupted_pods();
  granted["fresh"] = api::make_time(kNow - 30s);
  granted["late"] = api::make_time(kNow - 2min);
  granted["leaving"] = api::make_time(kNow - 10s);
  granted["gone"] = api::make_time(kNow - 10s);
  const std::vector<Ref<PodView>> pods{pod("fresh"), pod("late"), pod("leaving", true, true), pod("sick", false), pod("well")};
  const auto evicted = disruption::evicted(web, pods, kNow);
  EXPECT_EQ(evicted.awaited, (std::map<std::string, Time>{{"fresh", kNow - 30s}}));
  ASSERT_EQ(evicted.overdue.size(), 1u);
  EXPECT_EQ(evicted.overdue[0]->name, "late");
  EXPECT_EQ(evicted.next, kNow + 90s);
  EXPECT_EQ(disruption::healthy(pods, evicted), 2) << "the late one and the one that is well";
}

TEST(DisruptionPlan, Status) {
  struct Case {
    const char* name;
    disruption::Wanted wanted;
    int healthy, allowed;
    const char* reason;
  };
  for (const Case& c :
       {Case{"one to spare", {3, 2}, 3, 1, "SufficientPods"}, Case{"none to spare", {3, 2}, 2, 0, "InsufficientPods"},
        Case{"too few", {3, 2}, 0, 0, "InsufficientPods"}, Case{"nobody is expected", {0, 0}, 2, 0, "InsufficientPods"}}) {
    SCOPED_TRACE(c.name);
    const auto status = disruption::status_of(budget("2"), c.wanted, c.healthy, {}, kNow);
    EXPECT_EQ(status.disruptions_allowed(), c.allowed);
    EXPECT_EQ(status.observed_generation(), 2);
    ASSERT_EQ(status.conditions_size(), 1);
    EXPECT_EQ(status.conditions(0).reason(), c.reason);
    EXPECT_EQ(status.conditions(0).status(), c.allowed > 0 ? "True" : "False");
    EXPECT_EQ(status.conditions(0).observed_generation(), 2);
  }
}

TEST(DisruptionPlan, TheTimeOfTheConditionIsThatOfItsStatus) {
  PodDisruptionBudget web = budget("2");
  const auto bring = [&](disruption::PodDisruptionBudgetStatus status) { *web.mutable_status() = std::move(status); };
  const auto condition = [&] { return *find_condition(web.status(), "DisruptionAllowed"); };
  bring(disruption::status_of(web, {3, 2}, 3, {}, kNow));
  bring(disruption::failed_status(web, "nobody knows", kNow + 1s));
  EXPECT_EQ(condition().reason(), "SyncFailed");
  EXPECT_EQ(condition().message(), "nobody knows");
  EXPECT_EQ(api::to_time(condition().last_transition_time()), kNow + 1s);
  EXPECT_EQ(web.status().current_healthy(), 3) << "the rest stays";
  EXPECT_EQ(web.status().disruptions_allowed(), 0);
  bring(disruption::status_of(web, {3, 2}, 2, {}, kNow + 9s));
  EXPECT_EQ(condition().reason(), "InsufficientPods");
  EXPECT_EQ(condition().message(), "");
  EXPECT_EQ(api::to_time(condition().last_transition_time()), kNow + 1s);
  EXPECT_TRUE(disruption::has_status(web, disruption::status_of(web, {3, 2}, 2, {}, kNow + 20s)));
}

TEST(DisruptionPlan, SelectorsAsEventsShowThem) {
  meta::v1::LabelSelector selector;
  (*selector.mutable_match_labels())["b"] = "2";
  (*selector.mutable_match_labels())["a"] = "1";
  auto& expression = *selector.add_match_expressions();
  expression.set_key("tier");
  expression.set_operator_("In");
  expression.add_values("x");
  expression.add_values("y");
  EXPECT_EQ(go_text(selector),
            "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{"
            "LabelSelectorRequirement{Key:tier,Operator:In,Values:[x y],},},}");
}

TEST(DisruptionPlan, WhenAPodIsNotDisruptedAnyMore) {
  const auto marked = [](auto change) {
    PodView view = *pod("a");
    view.disrupted_since = kNow;
    change(view);
    return view;
  };
  EXPECT_EQ(disruption::stale_at(marked([](PodView&) {})), kNow + 2min);
  EXPECT_EQ(disruption::stale_at(marked([](PodView& view) { view.deletion = kNow; })), std::nullopt);
  EXPECT_EQ(disruption::stale_at(marked([](PodView& view) { view.phase = "Failed"; })), std::nullopt);
  EXPECT_EQ(disruption::stale_at(*pod("a")), std::nullopt);
}

// -- In a cluster

std::string status_text(sim::Cluster& cluster, const std::string& key = "default/web") {
  const auto status = cluster.get<PodDisruptionBudget>(key).status();
  const auto* condition = find_condition(status, "DisruptionAllowed");
  return fmt::format("{}/{} of {}, {} may go: {}", status.current_healthy(), status.desired_healthy(), status.expected_pods(),
                     status.disruptions_allowed(), condition ? condition->reason() : "");
}

int evict(sim::Cluster& cluster, const std::string& key) {
  policy::v1::Eviction eviction;
  const ObjectKey pod = ObjectKey::parse(key);
  eviction.mutable_metadata()->set_namespace_(pod.namespace_name);
  eviction.mutable_metadata()->set_name(pod.name);
  try {
    cluster.call<meta::v1::Status>([&](informers::Client& client) {
      return client.post_subresource<Pod, policy::v1::Eviction, meta::v1::Status>(pod, "eviction", eviction);
    });
    return 201;
  } catch (const api::ApiError& error) {
    return error.code();
  }
}

std::vector<std::string> reasons(sim::Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() == "controllermanager") out.push_back(event.reason());
  }
  return out;
}

// All pods that have no phase yet run and are ready.
void make_ready(sim::Cluster& cluster) {
  for (Pod pod : cluster.list<Pod>("default")) {
    if (pod.status().phase() == "Running") continue;
    pod.mutable_status()->set_phase("Running");
    auto& condition = *pod.mutable_status()->add_conditions();
    condition.set_type("Ready");
    condition.set_status("True");
    api::set_time(condition.mutable_last_transition_time(), cluster.now());
    cluster.update_status<Pod>(pod);
  }
  cluster.advance(1s);
}

TEST(DisruptionLoop, EvictionsAreGrantedOneAfterTheOther) {
  sim::Cluster cluster(sim::loops("disruption,replicaset,deployment"));
  cluster.create(sim::make_deployment("default/web").replicas(3).object());
  cluster.create(budget("", "1"));
  cluster.advance(2s);
  EXPECT_EQ(status_text(cluster), "0/2 of 3, 0 may go: InsufficientPods");
  make_ready(cluster);
  EXPECT_EQ(status_text(cluster), "3/2 of 3, 1 may go: SufficientPods");
  const auto pods = cluster.list<Pod>("default");
  EXPECT_EQ(evict(cluster, "default/" + pods[0].metadata().name()), 201);
  EXPECT_EQ(evict(cluster, "default/" + pods[1].metadata().name()), 429);
  cluster.advance(1s);
  EXPECT_EQ(status_text(cluster), "2/2 of 3, 0 may go: InsufficientPods");
  EXPECT_EQ(evict(cluster, "default/" + pods[1].metadata().name()), 429) << "its replacement is not ready";
  make_ready(cluster);
  EXPECT_EQ(status_text(cluster), "3/2 of 3, 1 may go: SufficientPods");
  EXPECT_EQ(cluster.get<PodDisruptionBudget>("default/web").status().disrupted_pods_size(), 0);
  EXPECT_EQ(evict(cluster, "default/" + pods[1].metadata().name()), 201);
}

TEST(DisruptionLoop, ThePodsOfADeploymentCountOnceWhateverItsReplicaSets) {
  sim::Cluster cluster(sim::loops("disruption,replicaset,deployment").nodes(2).scheduler());
  cluster.create(sim::make_deployment("default/web").replicas(4).rolling("1", "0").object());
  cluster.create(budget("50%"));
  ASSERT_TRUE(cluster.run_until([&] { return status_text(cluster) == "4/2 of 4, 2 may go: SufficientPods"; }, 1min));
  cluster.edit<apps::v1::Deployment>("default/web", [](apps::v1::Deployment& web) {
    web.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("img:2");
  });
  for (int i = 0; i < 60; ++i) {
    cluster.advance(500ms);
    ASSERT_EQ(cluster.get<PodDisruptionBudget>("default/web").status().expected_pods(), 4);
  }
  EXPECT_THAT(reasons(cluster), testing::Not(Contains("CalculateExpectedPodCountFailed")));
}

TEST(DisruptionLoop, AScaleAloneChangesWhatIsExpected) {
  sim::Cluster cluster(sim::loops("disruption"));
  const auto set = cluster.create(sim::make_replica_set("default/web").replicas(4).object());
  Pod pod = sim::make_pod("default/web-a");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  sim::add_owner(pod.mutable_metadata(), "apps/v1", "ReplicaSet", set.metadata());
  pod.mutable_metadata()->mutable_owner_references(0)->set_controller(true);
  cluster.create(pod);
  cluster.create(budget("50%"));
  cluster.advance(5s);
  EXPECT_EQ(status_text(cluster), "0/2 of 4, 0 may go: InsufficientPods");
  cluster.scale<apps::v1::ReplicaSet>("default/web", 10);
  cluster.advance(5s);
  EXPECT_EQ(status_text(cluster), "0/5 of 10, 0 may go: InsufficientPods");
}

// A pod of a custom controller: `with_scale` says whether its kind has a scale.
void make_custom_pod(sim::Cluster& cluster, bool with_scale) {
  const sim::CustomKind kind;
  auto definition = sim::make_definition(kind);
  if (with_scale) {
    api::decode_json(
        R"({"name":"v1","served":true,"storage":true,
            "subresources":{"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas"}},
            "schema":{"openAPIV3Schema":{"type":"object","properties":{
              "spec":{"type":"object","properties":{"replicas":{"type":"integer"}}},
              "status":{"type":"object","properties":{"replicas":{"type":"integer"}}}}}}})",
        *definition.mutable_spec()->mutable_versions(0));
  }
  cluster.create(definition);
  cluster.advance(5s);
  const auto owner = sim::create_custom(cluster, kind, sim::metadata_of("default/w"));
  sim::patch_custom(cluster, kind, "default/w", R"({"spec":{"replicas":3}})");
  Pod pod = sim::make_pod("default/web-a");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  sim::add_owner(pod.mutable_metadata(), kind.api_version(), kind.kind, owner);
  pod.mutable_metadata()->mutable_owner_references(0)->set_controller(true);
  cluster.create(pod);
}

TEST(DisruptionLoop, CustomControllersAreAskedForTheirScale) {
  sim::Cluster cluster(sim::loops("disruption"));
  make_custom_pod(cluster, true);
  cluster.create(budget("", "1"));
  cluster.advance(5s);
  EXPECT_EQ(status_text(cluster), "0/2 of 3, 0 may go: InsufficientPods");
  sim::remove_custom(cluster, {}, "default/w");
  cluster.edit<PodDisruptionBudget>(
      "default/web", [](PodDisruptionBudget& web) { set_amount(web.mutable_spec()->mutable_max_unavailable(), "2"); });
  cluster.advance(5s);
  const auto failed = cluster.get<PodDisruptionBudget>("default/web").status();
  EXPECT_EQ(find_condition(failed, "DisruptionAllowed")->message(), "found no controllers for pod \"web-a\"");
}

TEST(DisruptionLoop, WhatHasNoScaleAllowsNoDisruption) {
  sim::Cluster cluster(sim::loops("disruption"));
  make_custom_pod(cluster, false);
  cluster.create(budget("", "1"));
  cluster.advance(5s);
  const auto status = cluster.get<PodDisruptionBudget>("default/web").status();
  ASSERT_NE(find_condition(status, "DisruptionAllowed"), nullptr);
  EXPECT_EQ(find_condition(status, "DisruptionAllowed")->reason(), "SyncFailed");
  EXPECT_EQ(find_condition(status, "DisruptionAllowed")->message(),
            "widgets.shop.example.com does not implement the scale subresource");
  EXPECT_EQ(status.observed_generation(), 0) << "evictions go on waiting";
  EXPECT_THAT(reasons(cluster), ElementsAre("CalculateExpectedPodCountFailed"));
}

TEST(DisruptionLoop, PodsWithoutAController) {
  sim::Cluster cluster(sim::loops("disruption"));
  cluster.create(budget("", "1"));
  cluster.advance(5s);
  EXPECT_EQ(status_text(cluster), "0/0 of 0, 0 may go: InsufficientPods");
  EXPECT_THAT(reasons(cluster), ElementsAre("NoPods"));
  Pod pod = sim::make_pod("default/a");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(pod);
  cluster.advance(5s);
  EXPECT_EQ(status_text(cluster), "0/0 of 0, 0 may go: InsufficientPods");
  EXPECT_THAT(reasons(cluster), Contains("UnmanagedPods"));
}

TEST(DisruptionLoop, TheSickMayGoAsTheBudgetSays) {
  for (const char* policy : {"", "AlwaysAllow"}) {
    sim::Cluster cluster(sim::loops("disruption"));
    Pod pod = sim::make_pod("default/a", "node-0");
    (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
    cluster.create(pod);
    pod.mutable_status()->set_phase("Running");
    cluster.update_status<Pod>(pod);
    PodDisruptionBudget web = budget("1");
    if (*policy) web.mutable_spec()->set_unhealthy_pod_eviction_policy(policy);
    cluster.create(web);
    cluster.advance(5s);
    EXPECT_EQ(status_text(cluster), "0/1 of 1, 0 may go: InsufficientPods");
    EXPECT_EQ(evict(cluster, "default/a"), *policy ? 201 : 429) << policy;
  }
}

TEST(DisruptionLoop, APodThatStaysIsNotDisruptedAnyMore) {
  sim::Cluster cluster(sim::loops("disruption"));
  cluster.create(sim::make_pod("default/a", "node-0"));
  Pod pod = cluster.get<Pod>("default/a");
  pod.mutable_status()->set_phase("Running");
  auto& condition = *pod.mutable_status()->add_conditions();
  condition.set_type("DisruptionTarget");
  condition.set_status("True");
  condition.set_reason("EvictionByEvictionAPI");
  api::set_time(condition.mutable_last_transition_time(), cluster.now());
  cluster.update_status<Pod>(pod);
  cluster.advance(1min + 50s);
  EXPECT_EQ(cluster.get<Pod>("default/a").status().conditions(0).status(), "True");
  cluster.advance(15s);
  const auto now = cluster.get<Pod>("default/a").status().conditions(0);
  EXPECT_EQ(now.status(), "False");
  EXPECT_EQ(now.reason(), "");
}

TEST(DisruptionLoop, AnEvictionThatNeverCameIsForgotten) {
  sim::Cluster cluster(sim::loops("disruption"));
  Pod pod = sim::make_pod("default/a", "node-0");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(pod);
  cluster.create(budget("1"));
  cluster.advance(5s);
  PodDisruptionBudget web = cluster.get<PodDisruptionBudget>("default/web");
  (*web.mutable_status()->mutable_disrupted_pods())["a"] = api::make_time(cluster.now());
  cluster.update_status<PodDisruptionBudget>(web);
  cluster.advance(1min + 50s);
  EXPECT_EQ(cluster.get<PodDisruptionBudget>("default/web").status().disrupted_pods_size(), 1);
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<PodDisruptionBudget>("default/web").status().disrupted_pods_size(), 0);
  EXPECT_THAT(reasons(cluster), Contains("NotDeleted"));
}

}  // namespace
}  // namespace ph::controllers

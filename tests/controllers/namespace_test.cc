#include <gtest/gtest.h>

#include "controllers/namespace/content.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/custom.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using core::v1::Namespace;
using core::v1::Pod;
using core::v1::ServiceAccount;

std::string condition(const core::v1::NamespaceStatus& status, std::string_view type) {
  for (const auto& each : status.conditions()) {
    if (each.type() == type) return each.status() + " " + each.reason() + ": " + each.message();
  }
  return "none";
}

TEST(NamespaceConditions, TellWhatRemains) {
  core::v1::NamespaceStatus status;
  namespaces::Remaining remaining{
      .objects = {{"pods.", 2}, {"deployments.apps", 1}}, .finalizers = {{"example.com/hold", 2}}, .failures = {}};
  EXPECT_TRUE(namespaces::set_conditions(&status, remaining, Time(5s)));
  EXPECT_EQ(condition(status, "NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 "
            "resource instances");
  EXPECT_EQ(condition(status, "NamespaceFinalizersRemaining"),
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource "
            "instances");
  EXPECT_EQ(condition(status, "NamespaceDeletionContentFailure"),
            "False ContentDeleted: All content successfully deleted, may be waiting on finalization");
  EXPECT_FALSE(namespaces::set_conditions(&status, remaining, Time(9s)));  // nothing new to say
  EXPECT_TRUE(namespaces::set_conditions(&status, {}, Time(9s)));
  EXPECT_EQ(condition(status, "NamespaceContentRemaining"), "False ContentRemoved: All content successfully removed");
}

TEST(NamespaceLoop, EmptiesAndGoes) {
  sim::Cluster cluster(sim::loops("namespace").nodes(1));
  cluster.create(sim::make_namespace("shop"));
  cluster.create(sim::make_config_map("shop/a"));
  cluster.create(sim::make_pod("shop/p", "node-0"));
  cluster.create(sim::make_service("shop/s"));
  cluster.create(sim::make_config_map("default/stays"));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<Pod>("shop/p").status().phase() == "Running"; }));
  cluster.remove<Namespace>("shop");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 2min));
  EXPECT_TRUE(cluster.list<ConfigMap>("shop").empty());
  EXPECT_TRUE(cluster.list<Pod>("shop").empty());
  EXPECT_TRUE(cluster.has<ConfigMap>("default/stays"));
}

TEST(NamespaceLoop, WaitsForFinalizersAndSaysSo) {
  sim::Cluster cluster(sim::loops("namespace"));
  cluster.create(sim::make_namespace("shop"));
  ConfigMap held = sim::make_config_map("shop/held");
  held.mutable_metadata()->add_finalizers("example.com/hold");
  cluster.create(held);
  cluster.remove<Namespace>("shop");
  cluster.advance(1min);
  const Namespace waiting = cluster.get<Namespace>("shop");
  EXPECT_EQ(waiting.status().phase(), "Terminating");
  EXPECT_EQ(condition(waiting.status(), "NamespaceFinalizersRemaining"),
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource "
            "instances");
  cluster.edit<ConfigMap>("shop/held", [](ConfigMap& map) { map.mutable_metadata()->clear_finalizers(); });
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 1min));
}

// Else a pod would run on for a while without the policies that keep others from it.
TEST(NamespaceLoop, CVE_2024_7598_PodsGoFirst) {
  sim::Cluster cluster(sim::loops("namespace").nodes(1));
  cluster.create(sim::make_namespace("shop"));
  networking::v1::NetworkPolicy policy;
  *policy.mutable_metadata() = sim::metadata_of("shop/closed");
  policy.mutable_spec()->add_policy_types("Ingress");
  cluster.create(policy);
  cluster.create(sim::make_definition({}));
  sim::create_custom(cluster, {}, sim::metadata_of("shop/custom"));
  cluster.create(sim::make_config_map("shop/settings"));
  cluster.create(sim::make_pod("shop/p", "node-0"));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<Pod>("shop/p").status().phase() == "Running"; }));
  std::vector<std::string> gone;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (write.object.empty()) gone.push_back(write.key);
  });
  cluster.remove<Namespace>("shop");
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 2min));
  ASSERT_GE(gone.size(), 5u);
  EXPECT_EQ(gone.front(), "/registry/pods/shop/p");
  EXPECT_NE(std::ranges::find(gone, "/registry/networkpolicies/shop/closed"), gone.end());
  EXPECT_EQ(gone.back(), "/registry/namespaces/shop");
}

TEST(NamespaceConditions, TellWhatIsNotKnown) {
  core::v1::NamespaceStatus status;
  informers::Discovery discovery;
  EXPECT_EQ(namespaces::undiscovered(discovery), "");
  discovery.failures = {{"b.example.com/v1", "the server is currently unable to handle the request"},
                        {"a.example.com/v1", "stale GroupVersion discovery: a.example.com/v1"}};
  EXPECT_TRUE(namespaces::set_conditions(&status, {.undiscovered = namespaces::undiscovered(discovery)}, Time(5s)));
  EXPECT_EQ(
      condition(status, "NamespaceDeletionDiscoveryFailure"),
      "True DiscoveryFailed: Discovery failed for some groups, 2 failing: unable to retrieve the complete list of server APIs: "
      "a.example.com/v1: stale GroupVersion discovery: a.example.com/v1, "
      "b.example.com/v1: the server is currently unable to handle the request");
  EXPECT_TRUE(namespaces::set_conditions(&status, {}, Time(9s)));
  EXPECT_EQ(condition(status, "NamespaceDeletionDiscoveryFailure"),
            "False ResourcesDiscovered: All resources successfully discovered");
}

// -- Kinds that come while it runs

class NamespaceKinds : public testing::Test {
 protected:
  NamespaceKinds() {
    cluster.create(sim::make_namespace("shop"));
    cluster.create(sim::make_config_map("shop/a"));
  }
  void create_held_widget() {
    meta::v1::ObjectMeta held = sim::metadata_of("shop/w");
    held.add_finalizers("example.com/hold");
    sim::create_custom(cluster, widgets, held);
  }
  bool has_widget() { return sim::find_custom(cluster, widgets, "shop/w").has_value(); }
  bool has_shop() { return cluster.has<Namespace>("shop"); }

  const sim::CustomKind widgets;
  sim::Cluster cluster{sim::loops("namespace")};
};

TEST_F(NamespaceKinds, AreEmptiedWithTheRest) {
  cluster.create(sim::make_definition(widgets));
  sim::create_custom(cluster, widgets, sim::metadata_of("shop/w"));
  sim::create_custom(cluster, widgets, sim::metadata_of("default/stays"));
  cluster.remove<Namespace>("shop");
  EXPECT_TRUE(cluster.run_until([&] { return !has_shop(); }, 10s));
  EXPECT_FALSE(has_widget());
  EXPECT_TRUE(sim::find_custom(cluster, widgets, "default/stays"));
}

TEST_F(NamespaceKinds, TheirFinalizersAreWaitedFor) {
  cluster.create(sim::make_definition(widgets));
  create_held_widget();
  cluster.remove<Namespace>("shop");
  cluster.advance(1min);
  ASSERT_TRUE(has_shop());
  EXPECT_EQ(condition(cluster.get<Namespace>("shop").status(), "NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: widgets.shop.example.com has 1 resource instances");
  sim::patch_custom(cluster, widgets, "shop/w", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(cluster.run_until([&] { return !has_shop(); }, 5s)) << "its end is heard of";
}

TEST_F(NamespaceKinds, ADefinitionMayGoMeanwhile) {
  cluster.create(sim::make_definition(widgets));
  create_held_widget();
  cluster.remove<Namespace>("shop");
  cluster.advance(6s);
  cluster.remove<apiextensions::v1::CustomResourceDefinition>(widgets.name());
  cluster.advance(1min);
  ASSERT_TRUE(has_shop());
  sim::patch_custom(cluster, widgets, "shop/w", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(cluster.run_until([&] { return !has_shop(); }, 1min));
  cluster.advance(2s);
  EXPECT_FALSE(cluster.has<apiextensions::v1::CustomResourceDefinition>(widgets.name()));
}

TEST_F(NamespaceKinds, AGroupThatDoesNotAnswerIsWaitedFor) {
  cluster.create(sim::make_definition(widgets));
  sim::create_custom(cluster, widgets, sim::metadata_of("shop/w"));
  cluster.put_before([](HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path() == "/api" || request.path() == "/apis") request.headers.set("accept", "application/json");
    if (request.path() != "/apis/shop.example.com/v1") return std::nullopt;
    HttpResponse out;
    out.status = 503;
    out.body.push_back(share("service unavailable"));
    return out;
  });
  cluster.remove<Namespace>("shop");
  cluster.advance(1min);
  ASSERT_TRUE(has_shop());
  EXPECT_FALSE(cluster.has<ConfigMap>("shop/a")) << "what is known goes";
  EXPECT_EQ(
      condition(cluster.get<Namespace>("shop").status(), "NamespaceDeletionDiscoveryFailure"),
      "True DiscoveryFailed: Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
      "shop.example.com/v1: the server answered 503: service unavailable");
  cluster.put_before({});
  EXPECT_TRUE(cluster.run_until([&] { return !has_shop(); }, 20min));
  EXPECT_FALSE(has_widget());
}

TEST(ServiceAccountLoop, EveryNamespaceHasADefaultAccount) {
  sim::Cluster cluster(sim::loops("serviceaccount"));
  EXPECT_TRUE(cluster.run_until([&] { return cluster.has<ServiceAccount>("default/default"); }, 1s));
  cluster.create(sim::make_namespace("shop"));
  EXPECT_TRUE(cluster.run_until([&] { return cluster.has<ServiceAccount>("shop/default"); }, 1s));
  cluster.remove<ServiceAccount>("shop/default");
  EXPECT_TRUE(cluster.run_until([&] { return cluster.has<ServiceAccount>("shop/default"); }, 1s));
}

}  // namespace
}  // namespace ph::controllers

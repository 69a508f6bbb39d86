#include <gtest/gtest.h>

#include "controllers/namespace/content.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

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
  ns::Remaining remaining{.objects = {{"pods.", 2}, {"deployments.apps", 1}}, .finalizers = {{"example.com/hold", 2}}, .failures = {}};
  EXPECT_TRUE(ns::set_conditions(&status, remaining, Time(5s)));
  EXPECT_EQ(condition(status, "NamespaceContentRemaining"),
            "True SomeResourcesRemain: Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances");
  EXPECT_EQ(condition(status, "NamespaceFinalizersRemaining"),
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 2 resource instances");
  EXPECT_EQ(condition(status, "NamespaceDeletionContentFailure"),
            "False ContentDeleted: All content successfully deleted, may be waiting on finalization");
  EXPECT_FALSE(ns::set_conditions(&status, remaining, Time(9s)));  // nothing new to say
  EXPECT_TRUE(ns::set_conditions(&status, {}, Time(9s)));
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
            "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances");
  cluster.edit<ConfigMap>("shop/held", [](ConfigMap& map) { map.mutable_metadata()->clear_finalizers(); });
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 1min));
}

TEST(NamespaceLoop, PodsGoFirst) {
  sim::Cluster cluster(sim::loops("namespace").nodes(1));
  cluster.create(sim::make_namespace("shop"));
  cluster.create(sim::make_config_map("shop/settings"));
  cluster.create(sim::make_pod("shop/p", "node-0"));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<Pod>("shop/p").status().phase() == "Running"; }));
  std::vector<std::string> gone;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (write.object.empty()) gone.push_back(write.key);
  });
  cluster.remove<Namespace>("shop");
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 2min));
  ASSERT_GE(gone.size(), 3u);
  EXPECT_EQ(gone.front(), "/registry/pods/shop/p");
  EXPECT_EQ(gone.back(), "/registry/namespaces/shop");
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

// The garbage collector with kinds that come and go while it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/errors.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/custom.h"

namespace ph::controllers {
namespace {

using apiextensions::v1::CustomResourceDefinition;
using apps::v1::Deployment;
using core::v1::ConfigMap;
using core::v1::Pod;
using informers::DeleteOptions;
using meta::v1::ObjectMeta;
using sim::CustomKind;

const CustomKind kWidgets;

class CollectedKinds : public testing::Test {
 protected:
  void define(const CustomKind& kind = kWidgets) { cluster.create(sim::make_definition(kind)); }
  // Until the collector has looked at discovery, and has done what it does.
  void let_it_look() { cluster.advance(31s); }
  bool soon(const std::function<bool()>& holds) { return cluster.run_until(holds, 5s); }

  ObjectMeta widget(const std::string& name, const std::function<void(ObjectMeta&)>& change = {}) {
    ObjectMeta metadata = sim::metadata_of("default/" + name);
    if (change) change(metadata);
    return sim::create_custom(cluster, kWidgets, metadata);
  }
  bool has_widget(const std::string& name) { return sim::find_custom(cluster, kWidgets, "default/" + name).has_value(); }
  ConfigMap map_of(const std::string& name, const ObjectMeta& widget, bool blocks = true) {
    ConfigMap map = sim::make_config_map("default/" + name);
    sim::add_owner(map.mutable_metadata(), kWidgets.api_version(), "Widget", widget, blocks);
    return cluster.create(map);
  }
  // Two built-in objects, of which one owns the other.
  void make_root_and_leaf() {
    const ConfigMap root = cluster.create(sim::make_config_map("default/root"));
    ConfigMap leaf = sim::make_config_map("default/leaf");
    sim::add_owner(leaf.mutable_metadata(), "v1", "ConfigMap", root.metadata());
    cluster.create(leaf);
  }
  bool has_map(const std::string& name) { return cluster.has<ConfigMap>("default/" + name); }

  sim::Cluster cluster{sim::loops("garbagecollector")};
};

TEST_F(CollectedKinds, ACustomOwnerTakesItsPodAlong) {
  define();
  const ObjectMeta owner = widget("owner");
  Pod pod = sim::make_pod("default/p");
  sim::add_owner(pod.mutable_metadata(), kWidgets.api_version(), "Widget", owner);
  cluster.create(pod);
  let_it_look();
  ASSERT_TRUE(cluster.has<Pod>("default/p"));
  sim::remove_custom(cluster, kWidgets, "default/owner");
  EXPECT_TRUE(soon([&] { return !cluster.has<Pod>("default/p"); }));
}

TEST_F(CollectedKinds, ADeploymentTakesItsCustomObjectsAlong) {
  define();
  const Deployment owner = cluster.create(sim::make_deployment("default/web").object());
  widget("child", [&](ObjectMeta& child) { sim::add_owner(&child, "apps/v1", "Deployment", owner.metadata()); });
  widget("stranger");
  let_it_look();
  cluster.remove<Deployment>("default/web");
  EXPECT_TRUE(soon([&] { return !has_widget("child"); }));
  EXPECT_TRUE(has_widget("stranger"));
}

TEST_F(CollectedKinds, WhatWasThereBeforeItsKindWasSeenIsCollectedToo) {
  define();
  const ConfigMap owner = cluster.create(sim::make_config_map("default/owner"));
  widget("child", [&](ObjectMeta& child) { sim::add_owner(&child, "v1", "ConfigMap", owner.metadata()); });
  cluster.remove<ConfigMap>("default/owner");
  EXPECT_TRUE(cluster.run_until([&] { return !has_widget("child"); }, 35s));
}

TEST_F(CollectedKinds, AForegroundDeletionWaitsForCustomObjects) {
  define();
  const ConfigMap owner = cluster.create(sim::make_config_map("default/owner"));
  widget("child", [&](ObjectMeta& child) {
    sim::add_owner(&child, "v1", "ConfigMap", owner.metadata());
    child.add_finalizers("example.com/held");
  });
  // At once: the collector has not heard of the kind.
  cluster.remove<ConfigMap>("default/owner", DeleteOptions::foreground());
  cluster.advance(1min);
  ASSERT_TRUE(has_map("owner"));
  ASSERT_TRUE(has_widget("child"));
  EXPECT_TRUE(sim::find_custom(cluster, kWidgets, "default/child")->has_deletion_timestamp());
  sim::patch_custom(cluster, kWidgets, "default/child", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(soon([&] { return !has_map("owner") && !has_widget("child"); }));
}

TEST_F(CollectedKinds, ACustomOwnerWaitsInTheForeground) {
  define();
  const ObjectMeta owner = widget("owner");
  let_it_look();
  const ConfigMap child = map_of("child", owner);
  cluster.edit<ConfigMap>("default/child", [](ConfigMap& map) { map.mutable_metadata()->add_finalizers("example.com/held"); });
  sim::remove_custom(cluster, kWidgets, "default/owner", DeleteOptions::foreground());
  cluster.advance(1min);
  EXPECT_TRUE(has_widget("owner"));
  cluster.edit<ConfigMap>("default/child", [](ConfigMap& map) { map.mutable_metadata()->clear_finalizers(); });
  EXPECT_TRUE(soon([&] { return !has_map("child") && !has_widget("owner"); }));
}

TEST_F(CollectedKinds, OrphansOfAKindThatIsNewKeepTheirLivesAndTheirOtherOwners) {
  define();
  const ConfigMap root = cluster.create(sim::make_config_map("default/root"));
  const ConfigMap other = cluster.create(sim::make_config_map("default/other"));
  widget("child", [&](ObjectMeta& child) {
    sim::add_owner(&child, "v1", "ConfigMap", root.metadata());
    sim::add_owner(&child, "v1", "ConfigMap", other.metadata(), false);
  });
  cluster.remove<ConfigMap>("default/root", DeleteOptions::orphan());
  EXPECT_TRUE(soon([&] { return !has_map("root"); }));
  const auto child = sim::find_custom(cluster, kWidgets, "default/child");
  ASSERT_TRUE(child);
  ASSERT_EQ(child->owner_references_size(), 1);
  EXPECT_EQ(child->owner_references(0).uid(), other.metadata().uid());
  EXPECT_TRUE(child->owner_references(0).has_block_owner_deletion()) << "what is kept is kept whole";
}

TEST_F(CollectedKinds, CustomOwnersLeaveOrphans) {
  define();
  const ObjectMeta owner = widget("owner");
  map_of("child", owner);
  let_it_look();
  sim::remove_custom(cluster, kWidgets, "default/owner", DeleteOptions::orphan());
  EXPECT_TRUE(soon([&] { return !has_widget("owner"); }));
  cluster.advance(6min);
  EXPECT_EQ(cluster.get<ConfigMap>("default/child").metadata().owner_references_size(), 0);
}

TEST_F(CollectedKinds, ACircleOfCustomObjectsComesToItsEnd) {
  define();
  const ObjectMeta one = widget("one");
  const ObjectMeta two =
      widget("two", [&](ObjectMeta& object) { sim::add_owner(&object, kWidgets.api_version(), "Widget", one); });
  sim::patch_custom(
      cluster, kWidgets, "default/one",
      R"({"metadata":{"ownerReferences":[{"apiVersion":"shop.example.com/v1","kind":"Widget","name":"two","uid":")" + two.uid() +
          R"(","blockOwnerDeletion":true}]}})");
  let_it_look();
  sim::remove_custom(cluster, kWidgets, "default/one", DeleteOptions::foreground());
  EXPECT_TRUE(cluster.run_until([&] { return !has_widget("one") && !has_widget("two"); }, 1min));
}

TEST_F(CollectedKinds, ADefinitionGoesWithItsObjectsAndWhatTheyOwned) {
  define();
  const ObjectMeta owner = widget("owner");
  map_of("child", owner);
  make_root_and_leaf();
  let_it_look();
  cluster.remove<CustomResourceDefinition>(kWidgets.name());
  EXPECT_TRUE(soon([&] { return !has_map("child"); }));
  EXPECT_FALSE(cluster.has<CustomResourceDefinition>(kWidgets.name()));

  // The others are collected as before, and the kind again when it comes back.
  let_it_look();
  cluster.remove<ConfigMap>("default/root");
  EXPECT_TRUE(soon([&] { return !has_map("leaf"); }));
  define();
  map_of("again", widget("owner"));
  let_it_look();
  sim::remove_custom(cluster, kWidgets, "default/owner");
  EXPECT_TRUE(soon([&] { return !has_map("again"); }));
}

TEST_F(CollectedKinds, AKindNobodyKnowsIsNoReasonToDelete) {
  ObjectMeta gone = sim::metadata_of("default/gone");
  gone.set_uid("11111111-1111-4111-8111-111111111111");
  map_of("child", gone);
  cluster.advance(1h);
  EXPECT_TRUE(has_map("child"));
  define();
  EXPECT_TRUE(cluster.run_until([&] { return !has_map("child"); }, 6min)) << "now it is known that there is none";
}

HttpResponse refusal(int code, const char* reason, const char* message) {
  HttpResponse out;
  out.status = code;
  out.headers.add("content-type", "application/json");
  out.body.push_back(share(R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":")" + std::string(message) +
                           R"(","reason":")" + reason + R"(","code":)" + std::to_string(code) + "}"));
  return out;
}

TEST_F(CollectedKinds, APathThatIsGoneIsNoReasonToDelete) {
  define();
  const ObjectMeta owner = widget("owner");
  map_of("child", owner);
  make_root_and_leaf();
  // Discovery names the kind, and whoever serves it says that there is no such path.
  cluster.put_before([](HttpRequest& request) -> std::optional<HttpResponse> {
    if (!request.path().starts_with("/apis/shop.example.com/")) return std::nullopt;
    return refusal(404, "NotFound", "the server could not find the requested resource");
  });
  cluster.restart_loops();
  cluster.remove<ConfigMap>("default/root");
  EXPECT_TRUE(cluster.run_until([&] { return !has_map("leaf"); }, 40s))
      << "a kind that cannot be listed holds nobody up for ever";
  cluster.advance(10min);
  EXPECT_TRUE(has_map("child"));
  cluster.put_before({});
  cluster.advance(10min);
  EXPECT_TRUE(has_map("child"));
  sim::remove_custom(cluster, kWidgets, "default/owner");
  EXPECT_TRUE(soon([&] { return !has_map("child"); }));
}

TEST_F(CollectedKinds, AGroupThatDoesNotAnswerDiscoveryIsFollowedAsBefore) {
  define();
  const ObjectMeta owner = widget("owner");
  map_of("child", owner);
  let_it_look();
  int refused = 0;
  cluster.put_before([&](HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.path() == "/api" || request.path() == "/apis") request.headers.set("accept", "application/json");
    if (request.path() != "/apis/shop.example.com/v1") return std::nullopt;
    ++refused;
    return refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request");
  });
  cluster.advance(5min);
  EXPECT_GE(refused, 9);
  sim::remove_custom(cluster, kWidgets, "default/owner");
  EXPECT_TRUE(soon([&] { return !has_map("child"); }));
}

TEST(CollectedKindsOfAStandby, AreWarm) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  cluster.create(sim::make_definition(kWidgets));
  const ObjectMeta owner = sim::create_custom(cluster, kWidgets, sim::metadata_of("default/owner"));
  ConfigMap child = sim::make_config_map("default/child");
  sim::add_owner(child.mutable_metadata(), kWidgets.api_version(), "Widget", owner);
  cluster.create(child);
  cluster.advance(31s);
  cluster.lose_lease();
  sim::remove_custom(cluster, kWidgets, "default/owner");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<ConfigMap>("default/child"); }, 1min));
}

}  // namespace
}  // namespace ph::controllers

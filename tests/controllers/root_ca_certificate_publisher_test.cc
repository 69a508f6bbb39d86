#include <gtest/gtest.h>

#include "controllers/runtime/options.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using core::v1::Namespace;

constexpr const char* kWords = "kubernetes.io/description";
constexpr const char* kDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service "
    "IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

// With access: the loop has no more rights than its account's role gives.
sim::Setup publisher() { return sim::loops("root-ca-cert-publisher,namespace").access().options({.root_ca = "the authority"}); }

std::string member(const ConfigMap& map, const char* key) {
  const auto found = map.data().find(key);
  return found == map.data().end() ? "none" : found->second;
}
std::string annotation(const ConfigMap& map, const char* key) {
  const auto found = map.metadata().annotations().find(key);
  return found == map.metadata().annotations().end() ? "none" : found->second;
}

TEST(RootCaPublisher, EveryNamespaceHasTheAuthority) {
  sim::Cluster cluster(publisher());
  cluster.create(sim::make_namespace("shop"));
  cluster.advance(1s);
  for (const Namespace& space : cluster.list<Namespace>()) {
    const std::string key = space.metadata().name() + "/kube-root-ca.crt";
    ASSERT_TRUE(cluster.has<ConfigMap>(key)) << key;
    const ConfigMap map = cluster.get<ConfigMap>(key);
    EXPECT_EQ(map.data().size(), 1u);
    EXPECT_EQ(member(map, "ca.crt"), "the authority");
    EXPECT_EQ(annotation(map, kWords), kDescription);
    EXPECT_EQ(map.metadata().managed_fields(0).manager(), "kube-controller-manager");
  }
}

TEST(RootCaPublisher, WhatIsDeletedComesBack) {
  sim::Cluster cluster(publisher());
  cluster.advance(1s);
  cluster.remove<ConfigMap>("default/kube-root-ca.crt");
  cluster.advance(1s);
  EXPECT_EQ(member(cluster.get<ConfigMap>("default/kube-root-ca.crt"), "ca.crt"), "the authority");
}

TEST(RootCaPublisher, WhatIsChangedIsSetBackAndTheRestStays) {
  sim::Cluster cluster(publisher());
  cluster.advance(1s);
  cluster.edit<ConfigMap>("default/kube-root-ca.crt", [](ConfigMap& map) {
    (*map.mutable_data())["ca.crt"] = "x";
    (*map.mutable_data())["more"] = "y";
    (*map.mutable_binary_data())["bytes"] = "z";
    map.mutable_metadata()->mutable_annotations()->erase(kWords);
    (*map.mutable_metadata()->mutable_annotations())["mine"] = "1";
    (*map.mutable_metadata()->mutable_labels())["also"] = "mine";
  });
  cluster.advance(1s);
  const ConfigMap map = cluster.get<ConfigMap>("default/kube-root-ca.crt");
  EXPECT_EQ(member(map, "ca.crt"), "the authority");
  EXPECT_EQ(member(map, "more"), "none");
  EXPECT_EQ(annotation(map, kWords), kDescription);
  EXPECT_EQ(annotation(map, "mine"), "1");
  EXPECT_EQ(map.metadata().labels().at("also"), "mine");
  EXPECT_EQ(map.binary_data().at("bytes"), "z");
}

TEST(RootCaPublisher, OtherMapsAndOtherWordsAreLetBe) {
  sim::Cluster cluster(publisher());
  cluster.advance(1s);
  cluster.create(sim::make_config_map("default/other"));
  cluster.edit<ConfigMap>("default/kube-root-ca.crt",
                          [](ConfigMap& map) { (*map.mutable_metadata()->mutable_annotations())[kWords] = "ours"; });
  const std::string before = cluster.get<ConfigMap>("default/kube-root-ca.crt").metadata().resource_version();
  cluster.advance(1min);
  EXPECT_EQ(cluster.get<ConfigMap>("default/kube-root-ca.crt").metadata().resource_version(), before);
  EXPECT_TRUE(cluster.get<ConfigMap>("default/other").data().empty());
}

TEST(RootCaPublisher, ANamespaceThatEndsIsLeftToEnd) {
  sim::Cluster cluster(publisher());
  cluster.create(sim::make_namespace("shop"));
  ConfigMap held = sim::make_config_map("shop/held");
  held.mutable_metadata()->add_finalizers("example.com/hold");
  cluster.create(held);
  cluster.advance(1s);
  cluster.remove<Namespace>("shop");
  cluster.advance(5min);
  EXPECT_FALSE(cluster.has<ConfigMap>("shop/kube-root-ca.crt"));
  EXPECT_TRUE(cluster.has<Namespace>("shop"));
  cluster.edit<ConfigMap>("shop/held", [](ConfigMap& map) { map.mutable_metadata()->clear_finalizers(); });
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<Namespace>("shop"); }, 2min));
}

TEST(RootCaPublisher, ANewAuthorityReplacesTheOldOne) {
  sim::Cluster cluster(publisher());
  cluster.create(sim::make_namespace("shop"));
  ConfigMap old = sim::make_config_map("shop/kube-root-ca.crt");
  (*old.mutable_data())["ca.crt"] = "an older authority";
  try {
    cluster.create(old);
  } catch (const api::ApiError& error) {
    EXPECT_TRUE(error.is("AlreadyExists"));  // the loop was quicker
  }
  cluster.advance(1s);
  EXPECT_EQ(member(cluster.get<ConfigMap>("shop/kube-root-ca.crt"), "ca.crt"), "the authority");
}

}  // namespace
}  // namespace ph::controllers

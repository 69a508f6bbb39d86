// Static pods and their mirrors.
#include "node/static_pods.h"

#include <gmock/gmock.h>

#include "pilothouse/components.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::node {
namespace {

using core::v1::Pod;

constexpr const char* kManifest = R"(
apiVersion: v1
kind: Pod
metadata: {name: proxy, namespace: kube-system, labels: {app: proxy}}
spec: {containers: [{name: c, image: "img:1"}]}
)";

TEST(StaticPod, IsReadOfItsFile) {
  EXPECT_EQ(read_static_pod({"f", kManifest, ""}).metadata().name(), "proxy");
  EXPECT_EQ(read_static_pod({"f", "{kind: Pod, apiVersion: v1, metadata: {name: a}}", ""}).metadata().namespace_(), "default");
  for (const char* text : {"", "kind: Pod", "{kind: Service, apiVersion: v1, metadata: {name: a}}", "{kind: Pod, apiVersion: v1}",
                           "{kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {container: []}}", "a: ["}) {
    EXPECT_THROW(read_static_pod({"f", text, ""}), AskError) << text;
  }
}

TEST(StaticPod, IsShownByItsMirror) {
  const Pod mirror = mirror_of(read_static_pod({"f", kManifest, ""}), "node-0", "uid", "hash", Time(1000s));
  EXPECT_EQ(mirror.metadata().name(), "proxy-node-0");
  EXPECT_EQ(mirror.metadata().labels().at("app"), "proxy");
  const auto& annotations = mirror.metadata().annotations();
  EXPECT_EQ(annotations.at("kubernetes.io/config.mirror"), "hash");
  EXPECT_EQ(annotations.at("kubernetes.io/config.hash"), "hash");
  EXPECT_EQ(annotations.at("kubernetes.io/config.source"), "file");
  EXPECT_EQ(annotations.at("kubernetes.io/config.seen"), "1970-01-01T00:16:40Z");
  ASSERT_EQ(mirror.metadata().owner_references_size(), 1);
  EXPECT_EQ(mirror.metadata().owner_references(0).kind(), "Node");
  EXPECT_EQ(mirror.metadata().owner_references(0).name(), "node-0");
  EXPECT_EQ(mirror.metadata().owner_references(0).uid(), "uid");
  EXPECT_TRUE(mirror.metadata().owner_references(0).controller());
  EXPECT_EQ(mirror.spec().node_name(), "node-0");
}

// Nodes that the test brings itself, so that it can hand them files.
class StaticNodes : public testing::Test {
 protected:
  StaticNodes() {
    nodes_.nodes.run_static({{"proxy.yaml", kManifest, ""}});
    scope_.spawn(nodes_.nodes.start());
    cluster.advance(5s);
  }
  Pod mirror(const char* node = "node-0") { return cluster.get<Pod>(std::string("kube-system/proxy-") + node); }
  bool has(const char* node = "node-0") { return cluster.has<Pod>(std::string("kube-system/proxy-") + node); }
  void set(std::vector<StaticManifest> manifests) {
    nodes_.nodes.run_static(std::move(manifests));
    cluster.advance(5s);
  }

  sim::Cluster cluster{sim::loops("*").access()};

 private:
  SeededRng rng_{7};
  const pilothouse::Connector connector_{cluster.server(), cluster.executor()};
  pilothouse::NodeComponent nodes_{cluster.executor(), connector_, {.count = 2}, rng_, Log()};
  Scope scope_{cluster.executor()};
};

TEST_F(StaticNodes, RunOnEachNode) {
  for (const char* node : {"node-0", "node-1"}) {
    EXPECT_EQ(mirror(node).status().phase(), "Running") << node;
    EXPECT_FALSE(mirror(node).status().pod_ip().empty());
  }
}

TEST_F(StaticNodes, AMirrorThatIsDeletedIsMadeAnewAndThePodRunsOn) {
  const Pod before = mirror();
  cluster.advance(1min);
  cluster.remove<Pod>("kube-system/proxy-node-0");
  cluster.advance(5s);
  EXPECT_NE(mirror().metadata().uid(), before.metadata().uid());
  EXPECT_EQ(mirror().status().phase(), "Running");
  EXPECT_EQ(mirror().status().start_time().seconds(), before.status().start_time().seconds());
}

TEST_F(StaticNodes, AnotherFileIsAnotherPod) {
  const std::string hash = mirror().metadata().annotations().at("kubernetes.io/config.hash");
  std::string other = kManifest;
  other.replace(other.find("img:1"), 5, "img:2");
  set({{"proxy.yaml", other, "node-1"}});
  EXPECT_FALSE(has("node-0"));
  EXPECT_EQ(mirror("node-1").spec().containers(0).image(), "img:2");
  EXPECT_NE(mirror("node-1").metadata().annotations().at("kubernetes.io/config.hash"), hash);
  set({});
  EXPECT_FALSE(has("node-1"));
}

TEST_F(StaticNodes, WhatIsNoPodRunsNothing) {
  set({{"proxy.yaml", kManifest, ""}, {"broken.yaml", "kind: [", ""}});
  EXPECT_TRUE(has());
}

// The loops leave mirrors alone: the node is tainted and cordoned, garbage of pods is collected, and a daemon set selects them.
TEST_F(StaticNodes, MirrorsSurviveWhatDrivesOthersAway) {
  const std::string uid = mirror().metadata().uid();
  cluster.edit<core::v1::Node>("node-0", [](core::v1::Node& node) {
    node.mutable_spec()->set_unschedulable(true);
    auto* taint = node.mutable_spec()->add_taints();
    taint->set_key("example.com/away");
    taint->set_effect("NoExecute");
  });
  cluster.create(sim::make_pod("default/other", "node-0"));
  cluster.create(sim::make_daemon_set("kube-system/proxy"));
  cluster.advance(10min);
  ASSERT_EQ(mirror().metadata().owner_references_size(), 1);
  EXPECT_EQ(mirror().metadata().owner_references(0).kind(), "Node");
  EXPECT_FALSE(cluster.has<Pod>("default/other"));
  EXPECT_EQ(mirror().metadata().uid(), uid);
  EXPECT_EQ(mirror().status().phase(), "Running");
}

}  // namespace
}  // namespace ph::node

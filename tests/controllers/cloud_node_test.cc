// cloud-node and cloud-node-lifecycle: what nodes are told of their machines, and both loops in a simulated cluster.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "controllers/cloud/local.h"
#include "controllers/cloud_node/plan.h"
#include "tests/controllers/scripted_cloud.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using nlohmann::json;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::UnorderedElementsAre;
using Texts = std::vector<std::string>;

Node node_of(const std::string& name, bool is_new = false) {
  Node out;
  out.mutable_metadata()->set_name(name);
  if (!is_new) return out;
  auto& taint = *out.mutable_spec()->add_taints();
  taint.set_key(cloud_node::kUninitialized);
  taint.set_value("true");
  taint.set_effect("NoSchedule");
  return out;
}
void set_ready(Node& node, const std::string& status) {
  node.mutable_status()->clear_conditions();
  auto& condition = *node.mutable_status()->add_conditions();
  condition.set_type("Ready");
  condition.set_status(status);
}
void add_address(Node& node, const std::string& type, const std::string& address) {
  auto& added = *node.mutable_status()->add_addresses();
  added.set_type(type);
  added.set_address(address);
}

TEST(CloudNodePlan, WhatANewNodeIsTold) {
  Node node = node_of("a", true);
  node.mutable_spec()->add_taints()->set_key("kept");
  const json told = json::parse(cloud_node::initializing_patch(
      node,
      {.provider_id = "x://a", .type = "small", .zone = "b", .region = "here", .addresses = {}, .labels = {{"rack", "7"}}}));
  EXPECT_EQ(told["spec"]["providerID"], "x://a");
  ASSERT_EQ(told["spec"]["taints"].size(), 1u);
  EXPECT_EQ(told["spec"]["taints"][0]["key"], "kept");
  const std::map<std::string, std::string> labels = told["metadata"]["labels"];
  EXPECT_THAT(labels, UnorderedElementsAre(testing::Pair("node.kubernetes.io/instance-type", "small"),
                                           testing::Pair("beta.kubernetes.io/instance-type", "small"),
                                           testing::Pair("topology.kubernetes.io/zone", "b"),
                                           testing::Pair("failure-domain.beta.kubernetes.io/zone", "b"),
                                           testing::Pair("topology.kubernetes.io/region", "here"),
                                           testing::Pair("failure-domain.beta.kubernetes.io/region", "here"),
                                           testing::Pair("rack", "7")));
  node.mutable_spec()->set_provider_id("y://a");
  EXPECT_FALSE(json::parse(cloud_node::initializing_patch(node, {.provider_id = "x://a"}))["spec"].contains("providerID"))
      << "it cannot be changed";
}

TEST(CloudNodePlan, Addresses) {
  using Addresses = std::vector<std::pair<std::string, std::string>>;
  struct Case {
    const char* name;
    Addresses cloud, node;
    std::string provided;
    std::string wanted;  // "type address, …"; "": nothing to be written
  };
  const Case cases[] = {
      {"the cloud knows none", {}, {{"InternalIP", "10.0.0.1"}}, "", ""},
      {"new ones", {{"InternalIP", "10.0.0.1"}}, {}, "", "InternalIP 10.0.0.1"},
      {"the same", {{"InternalIP", "10.0.0.1"}}, {{"InternalIP", "10.0.0.1"}}, "", ""},
      {"the kubelet's name of the host stays",
       {{"InternalIP", "10.0.0.2"}},
       {{"InternalIP", "10.0.0.1"}, {"Hostname", "a"}},
       "",
       "InternalIP 10.0.0.2, Hostname a"},
      {"the cloud's is taken", {{"Hostname", "b"}}, {{"Hostname", "a"}}, "", "Hostname b"},
      {"the one it was told to have",
       {{"InternalIP", "10.0.0.1"}, {"InternalIP", "10.0.0.2"}, {"ExternalIP", "192.0.2.1"}},
       {},
       "10.0.0.2",
       "InternalIP 10.0.0.2, ExternalIP 192.0.2.1"},
      {"which the cloud does not know",
       {{"InternalIP", "10.0.0.1"}},
       {},
       "10.0.0.2",
       "no: failed to get node address from cloud provider that matches ip: 10.0.0.2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Node node = node_of("a");
    for (const auto& [type, address] : c.node) add_address(node, type, address);
    if (!c.provided.empty())
      (*node.mutable_metadata()->mutable_annotations())["alpha.kubernetes.io/provided-node-ip"] = c.provided;
    const auto patch = cloud_node::addresses_patch(node, {.addresses = c.cloud});
    std::string got;
    if (!patch) got = "no: " + patch.error();
    if (patch && *patch) {
      for (const json& each : json::parse(**patch)["status"]["addresses"])
        got += (got.empty() ? "" : ", ") + each["type"].get<std::string>() + " " + each["address"].get<std::string>();
    }
    EXPECT_EQ(got, c.wanted);
  }
}

// -- The loops

class CloudNodes : public testing::Test {
 protected:
  static Options options(std::shared_ptr<ScriptedCloud> cloud) {
    Options out;
    out.cloud.provider = provider_of(std::move(cloud));
    return out;
  }
  Texts taints(const std::string& name) {
    Texts out;
    const Node node = cluster_.get<Node>(name);
    for (const auto& taint : node.spec().taints()) out.push_back(taint.key() + ":" + taint.effect());
    return out;
  }
  Texts told() {
    Texts out;
    for (const auto& event : cluster_.list<core::v1::Event>())
      out.push_back(event.reason() + " " + event.source().component() + ": " + event.message());
    return out;
  }
  // A node that says at once how it is, as kubelets do.
  void create(Node node, const std::string& ready) {
    set_ready(node, ready);
    cluster_.create(node);
  }
  void say(const std::string& name, const std::string& ready) {
    Node node = cluster_.get<Node>(name);
    set_ready(node, ready);
    cluster_.update_status(node);
  }

  std::shared_ptr<ScriptedCloud> cloud_ = std::make_shared<ScriptedCloud>();
  sim::Cluster cluster_{sim::loops("cloud-node,cloud-node-lifecycle")
                            .access()
                            .without_admission({"TaintNodesByCondition"})
                            .options(options(cloud_))};
};

TEST_F(CloudNodes, ANewNodeIsInitialized) {
  cloud_->machines["a"] = {.provider_id = "x://a", .zone = "b", .addresses = {{"InternalIP", "10.0.0.1"}}};
  cluster_.create(node_of("a", true));
  cluster_.advance(1s);
  const Node node = cluster_.get<Node>("a");
  EXPECT_EQ(node.spec().provider_id(), "x://a");
  EXPECT_THAT(taints("a"), IsEmpty());
  EXPECT_EQ(node.metadata().labels().at("topology.kubernetes.io/zone"), "b");
  ASSERT_EQ(node.status().addresses_size(), 1);
  EXPECT_THAT(told(), ElementsAre("Synced cloud-node-controller: Node synced successfully"));
  cloud_->machines["a"].addresses = {{"InternalIP", "10.0.0.2"}};
  cluster_.advance(5min + 1s);
  EXPECT_EQ(cluster_.get<Node>("a").status().addresses(0).address(), "10.0.0.2");
}

TEST_F(CloudNodes, ANodeTheCloudDoesNotKnowYetWaits) {
  create(node_of("a", true), "True");
  cluster_.advance(1min);
  EXPECT_THAT(taints("a"), ElementsAre("node.cloudprovider.kubernetes.io/uninitialized:NoSchedule"));
  cloud_->machines["a"] = {.provider_id = "x://a"};
  cluster_.advance(10min);
  EXPECT_THAT(taints("a"), IsEmpty());
}

TEST_F(CloudNodes, ANodeOfNoMachineIsDeletedOnceItIsNotReady) {
  create(node_of("a"), "True");
  cluster_.advance(1min);
  EXPECT_TRUE(cluster_.has<Node>("a")) << "who is ready is not asked about";
  say("a", "Unknown");
  cluster_.advance(6s);
  EXPECT_FALSE(cluster_.has<Node>("a"));
  EXPECT_THAT(told(),
              Contains("DeletingNode cloud-node-lifecycle-controller: Deleting node a because it does not exist in the cloud "
                       "provider"));
}

TEST_F(CloudNodes, NothingIsDeletedWhileTheCloudDoesNotAnswer) {
  cloud_->problem = "away";
  create(node_of("a"), "False");
  cluster_.advance(1h);
  EXPECT_TRUE(cluster_.has<Node>("a"));
}

TEST_F(CloudNodes, AMachineThatIsShutDownTaintsItsNode) {
  cloud_->machines["a"] = {};
  cloud_->shut_down.insert("a");
  cluster_.create(node_of("a"));
  say("a", "True");
  cluster_.advance(1min);
  EXPECT_THAT(taints("a"), IsEmpty());
  say("a", "False");
  cluster_.advance(6s);
  EXPECT_THAT(taints("a"), ElementsAre("node.cloudprovider.kubernetes.io/shutdown:NoSchedule"));
  cloud_->shut_down.clear();
  cluster_.advance(1min);
  EXPECT_THAT(taints("a"), ElementsAre("node.cloudprovider.kubernetes.io/shutdown:NoSchedule")) << "until it is ready";
  say("a", "True");
  cluster_.advance(6s);
  EXPECT_THAT(taints("a"), IsEmpty());
}

TEST(CloudNode, TheProviderLocal) {
  Options options;
  options.cloud.provider = cloud::local_provider(
      cloud::read_local_config("{region: here, instances: [{name: a, zone: b, type: small}, {name: b, shutdown: true}]}"));
  sim::Cluster cluster(sim::loops("cloud-node,cloud-node-lifecycle").options(options));
  for (const char* name : {"a", "b", "c"}) cluster.create(node_of(name, true));
  cluster.advance(1min);
  const Node a = cluster.get<Node>("a"), b = cluster.get<Node>("b");
  EXPECT_EQ(a.spec().provider_id(), "local://a");
  EXPECT_EQ(a.metadata().labels().at("topology.kubernetes.io/zone"), "b");
  EXPECT_EQ(a.metadata().labels().at("topology.kubernetes.io/region"), "here");
  EXPECT_EQ(a.metadata().labels().at("node.kubernetes.io/instance-type"), "small");
  ASSERT_EQ(b.spec().taints_size(), 1);
  EXPECT_EQ(b.spec().taints(0).key(), "node.cloudprovider.kubernetes.io/shutdown");
  EXPECT_FALSE(cluster.has<Node>("c")) << "it is no machine of the cloud, and not ready";
}

}  // namespace
}  // namespace ph::controllers

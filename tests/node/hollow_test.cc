// Hollow nodes against our apiserver: what anybody may do to their objects, and what becomes of it.
#include "node/hollow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "api/codec.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::node {
namespace {

using core::v1::Node;
using core::v1::Pod;
using informers::Patch;

constexpr const char* kPod = "default/p";

Pod make(std::vector<std::string> command, std::string restart_policy = "Never") {
  Pod pod = sim::make_pod(kPod, "node-0");
  for (std::string& word : command) pod.mutable_spec()->mutable_containers(0)->add_command(std::move(word));
  pod.mutable_spec()->set_restart_policy(std::move(restart_policy));
  return pod;
}

const core::v1::PodCondition* condition(const Pod& pod, std::string_view type) {
  for (const auto& each : pod.status().conditions()) {
    if (each.type() == type) return &each;
  }
  return nullptr;
}

// As JSON, whatever the order of its conditions.
std::string text(core::v1::PodStatus status) {
  std::ranges::sort(*status.mutable_conditions(), {}, [](const auto& each) { return each.type(); });
  return api::encode_json(status);
}

std::string without_heartbeats(core::v1::NodeStatus status) {
  for (auto& each : *status.mutable_conditions()) each.clear_last_heartbeat_time();
  std::ranges::sort(*status.mutable_conditions(), {}, [](const auto& each) { return each.type(); });
  return api::encode_json(status);
}

std::int64_t newest_heartbeat(const Node& node) {
  std::int64_t out = 0;
  for (const auto& each : node.status().conditions()) out = std::max(out, each.last_heartbeat_time().seconds());
  return out;
}

class Hollow : public testing::Test {
 protected:
  Pod pod() { return cluster.get<Pod>(kPod); }
  Node node() { return cluster.get<Node>("node-0"); }
  void create(Pod pod) {
    cluster.create(std::move(pod));
    cluster.advance(1s);
  }
  void patch_status(const char* status) {
    cluster.patch<Pod>(kPod, Patch::merge(fmt::format(R"({{"status":{}}})", status)), "status");
    cluster.advance(1s);
  }

  void add_to_node() {
    const char* body = R"({"status":{"capacity":{"example.com/gpu":"4"},"conditions":[{"type":"Theirs","status":"True"}]}})";
    cluster.patch<Node>("node-0", Patch::strategic(body), "status");
  }

  sim::Cluster cluster{sim::no_loops().nodes({.count = 1, .kubelet_port = 10250})};
};

TEST_F(Hollow, AFinishedPodMayBeLabelled) {
  create(make({"true"}));
  ASSERT_EQ(pod().status().phase(), "Succeeded");
  const std::string address = pod().status().pod_ip();
  cluster.edit<Pod>(kPod, [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["a"] = "b"; });
  cluster.advance(1s);
  EXPECT_EQ(pod().status().phase(), "Succeeded");
  EXPECT_EQ(pod().status().pod_ip(), address);
}

TEST_F(Hollow, AFinishedPodMayBeHeldAndDeleted) {
  Pod held = make({"true"});
  held.mutable_metadata()->add_finalizers("example.com/held");
  create(held);
  cluster.remove<Pod>(kPod);
  cluster.advance(1min);
  EXPECT_EQ(pod().status().phase(), "Succeeded");
  cluster.edit<Pod>(kPod, [](Pod& pod) { pod.mutable_metadata()->clear_finalizers(); });
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Pod>(kPod));
}

TEST_F(Hollow, AHeldPodIsShownTheEndOfItsWork) {
  Pod held = make({"sleep", "1h"}, "Always");
  held.mutable_metadata()->add_finalizers("example.com/held");
  create(held);
  cluster.remove<Pod>(kPod);
  cluster.advance(1min);
  EXPECT_EQ(pod().status().phase(), "Failed");
  EXPECT_EQ(pod().status().container_statuses(0).state().terminated().exit_code(), 137);
  EXPECT_EQ(pod().status().observed_generation(), pod().metadata().generation());
}

// There are 253 addresses on a node.
TEST_F(Hollow, PodsWithoutAnAddressWaitAndMayBeDeleted) {
  const auto key = [](int i) { return fmt::format("default/p-{:03}", i); };
  for (int i = 0; i < 256; ++i) cluster.create(sim::make_pod(key(i), "node-0"));
  cluster.advance(1min);
  const auto phase = [&](int i) { return cluster.get<Pod>(key(i)).status().phase(); };
  EXPECT_EQ(phase(252), "Running");
  EXPECT_EQ(phase(253), "Pending");
  cluster.remove<Pod>(key(253));
  cluster.advance(1min);
  EXPECT_FALSE(cluster.has<Pod>(key(253)));
  cluster.remove<Pod>(key(7));
  cluster.advance(1min);
  EXPECT_EQ(phase(254), "Running");
  EXPECT_EQ(phase(255), "Pending");
}

TEST_F(Hollow, ReportsLeaveNothingOut) {
  cluster.edit<Node>("node-0", [](Node& node) { (*node.mutable_metadata()->mutable_labels())["a"] = "b"; });
  add_to_node();
  const Node before = node();
  cluster.advance(16min);
  const Node after = node();
  EXPECT_EQ(after.status().node_info().kubelet_version(), "v1.36.2+pilothouse");
  EXPECT_EQ(after.status().daemon_endpoints().kubelet_endpoint().port(), 10250);
  EXPECT_GT(newest_heartbeat(after), newest_heartbeat(before));
  EXPECT_EQ(without_heartbeats(after.status()), without_heartbeats(before.status()));
  EXPECT_EQ(after.metadata().labels().size(), before.metadata().labels().size());
}

TEST_F(Hollow, ReportsPutRightWhatOthersWrote) {
  const std::string before = api::encode_json(node().status().node_info());
  cluster.patch<Node>(
      "node-0", Patch::strategic(R"({"status":{"nodeInfo":{"kubeletVersion":""},"daemonEndpoints":{"kubeletEndpoint":{"Port":1}},
                                                     "capacity":{"cpu":"1"},"conditions":[{"type":"Ready","status":"Unknown"}]}})"),
      "status");
  cluster.advance(6min);
  const auto status = node().status();
  EXPECT_EQ(api::encode_json(status.node_info()), before);
  EXPECT_EQ(status.daemon_endpoints().kubelet_endpoint().port(), 10250);
  EXPECT_EQ(status.capacity().at("cpu").string(), "8");
  for (const auto& each : status.conditions()) {
    if (each.type() != "Ready") continue;
    EXPECT_EQ(each.status(), "True");
    EXPECT_EQ(each.last_transition_time().seconds(), each.last_heartbeat_time().seconds());
  }
}

TEST_F(Hollow, ARestartedNodeKeepsWhatOthersPutThere) {
  add_to_node();
  cluster.advance(1min);
  const std::string before = without_heartbeats(node().status());
  cluster.restart_nodes();
  cluster.advance(1min);
  EXPECT_EQ(without_heartbeats(node().status()), before);
  EXPECT_EQ(node().status().capacity().at("example.com/gpu").string(), "4");
}

TEST_F(Hollow, ANodeMadeAnewIsReportedAnew) {
  cluster.remove<Node>("node-0");
  cluster.remove<coordination::v1::Lease>("kube-node-lease/node-0");
  cluster.advance(1min);
  EXPECT_FALSE(cluster.has<coordination::v1::Lease>("kube-node-lease/node-0"));
  Node bare;
  bare.mutable_metadata()->set_name("node-0");
  const std::string uid = cluster.create(bare).metadata().uid();
  cluster.advance(5min);
  EXPECT_EQ(node().status().node_info().kubelet_version(), "v1.36.2+pilothouse");
  EXPECT_EQ(cluster.get<coordination::v1::Lease>("kube-node-lease/node-0").metadata().owner_references(0).uid(), uid);
}

TEST(HollowLease, AFailedRenewalDoesNotWaitForTheNext) {
  sim::Cluster cluster(sim::no_loops().nodes({.count = 1, .lease_period = 10min}));
  cluster.advance(1min);
  cluster.remove<Node>("node-0");
  cluster.remove<coordination::v1::Lease>("kube-node-lease/node-0");
  cluster.advance(11min);
  Node bare;
  bare.mutable_metadata()->set_name("node-0");
  cluster.create(bare);
  cluster.advance(15s);
  EXPECT_TRUE(cluster.has<coordination::v1::Lease>("kube-node-lease/node-0"));
}

TEST_F(Hollow, FollowsTheGeneration) {
  create(make({}));
  EXPECT_EQ(pod().metadata().generation(), 1);
  EXPECT_EQ(pod().status().observed_generation(), 1);
  cluster.edit<Pod>(kPod, [](Pod& pod) { pod.mutable_spec()->mutable_containers(0)->set_image("img:2"); });
  cluster.advance(1s);
  EXPECT_EQ(pod().metadata().generation(), 2);
  EXPECT_EQ(pod().status().observed_generation(), 2);
  ASSERT_EQ(pod().status().conditions_size(), 5);
  for (const auto& each : pod().status().conditions()) EXPECT_EQ(each.observed_generation(), 2) << each.type();
}

TEST_F(Hollow, APodsStatusIsItsKubelets) {
  const char* const kMeddlings[] = {
      R"({"podIP":"1.2.3.4","podIPs":[{"ip":"1.2.3.4"}]})",
      R"({"podIP":null,"podIPs":null,"hostIP":null,"hostIPs":null})",
      R"({"startTime":"0001-01-02T00:00:00Z"})",
      R"({"startTime":null,"observedGeneration":99})",
      R"({"reason":"Because","message":"I say so","phase":"Pending"})",
      R"({"containerStatuses":[]})",
      R"({"conditions":[{"type":"Ready","status":"False","reason":"Meddled"}]})",
  };
  create(make({}, "Always"));
  const std::string before = text(pod().status());
  for (const char* status : kMeddlings) {
    SCOPED_TRACE(status);
    patch_status(status);
    EXPECT_EQ(text(pod().status()), before);
  }
}

TEST_F(Hollow, WhatIsNotTheKubeletsStays) {
  create(make({"sleep", "30"}));
  patch_status(
      R"({"nominatedNodeName":"node-9","conditions":[{"type":"Ready","status":"True"},{"type":"example.com/theirs","status":"True"}]})");
  cluster.advance(1min);
  EXPECT_EQ(pod().status().phase(), "Succeeded");
  EXPECT_EQ(pod().status().nominated_node_name(), "node-9");
  EXPECT_NE(condition(pod(), "example.com/theirs"), nullptr);
  EXPECT_EQ(condition(pod(), "Ready")->reason(), "PodCompleted");
}

TEST_F(Hollow, AFinalPhaseOfSomebodyElseEndsTheContainers) {
  create(make({"sleep", "1h"}));
  cluster.patch<Pod>(kPod, Patch::strategic(R"({"status":{"phase":"Failed","reason":"Evicted","message":"too much"}})"),
                     "status");
  cluster.advance(1s);
  EXPECT_EQ(pod().status().phase(), "Failed");
  EXPECT_EQ(pod().status().reason(), "Evicted");
  EXPECT_EQ(pod().status().container_statuses(0).state().terminated().exit_code(), 137);
  EXPECT_EQ(condition(pod(), "Ready")->reason(), "PodFailed");
}

TEST_F(Hollow, StrangeStartTimesDoNoHarm) {
  for (const char* time : {"0001-01-02T00:00:00Z", "1700-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    SCOPED_TRACE(time);
    Pod unbound = make({"false"}, "Always");
    unbound.mutable_spec()->clear_node_name();
    create(unbound);
    patch_status(fmt::format(R"({{"startTime":"{}"}})", time).c_str());
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_("default");
    binding.mutable_metadata()->set_name("p");
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name("node-0");
    cluster.call<meta::v1::Status>([&](informers::Client& client) {
      return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>(ObjectKey::parse(kPod), "binding", binding);
    });
    cluster.advance(6min);
    EXPECT_EQ(pod().status().phase(), "Running");
    EXPECT_GT(pod().status().container_statuses(0).restart_count(), 3);
    const std::string started = api::encode_json(pod().status().start_time());
    cluster.restart_nodes();
    cluster.advance(6min);
    EXPECT_EQ(api::encode_json(pod().status().start_time()), started);
    cluster.remove<Pod>(kPod);
    cluster.advance(1s);
  }
}

// "b" has its address from before; "a" comes first when the restarted kubelet looks.
TEST_F(Hollow, ARestartedNodeGivesNobodyElsesAddressAway) {
  cluster.create(sim::make_pod("default/b", "node-0"));
  cluster.advance(1s);
  const std::string address = cluster.get<Pod>("default/b").status().pod_ip();
  cluster.restart_nodes([&] { cluster.create(sim::make_pod("default/a", "node-0")); });
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/b").status().pod_ip(), address);
  EXPECT_NE(cluster.get<Pod>("default/a").status().pod_ip(), address);
  EXPECT_EQ(cluster.get<Pod>("default/a").status().phase(), "Running");
}

}  // namespace
}  // namespace ph::node

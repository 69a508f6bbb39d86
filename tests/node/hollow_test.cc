// Hollow nodes against our apiserver: what anybody may do to their objects, and what becomes of it.
#include "node/hollow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "api/codec.h"
#include "node/stages.h"
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

const core::v1::NodeCondition* condition(const Node& node, std::string_view type) {
  for (const auto& each : node.status().conditions()) {
    if (each.type() == type) return &each;
  }
  return nullptr;
}

void ask_for(sim::Cluster& cluster, const char* problem) {
  const std::string value = problem ? fmt::format("\"{}\"", problem) : "null";
  cluster.patch<Node>(
      "node-0", Patch::merge(fmt::format(R"({{"metadata":{{"annotations":{{"hollow.pilothouse.dev/problem":{}}}}}}})", value)));
  cluster.advance(1s);
}

TEST_F(Hollow, SuffersFromWhatItsAnnotationSays) {
  struct Row {
    const char *problem, *type, *status, *reason;
  };
  const Row rows[] = {
      {"not-ready", "Ready", "False", "KubeletNotReady"},
      {"memory-pressure", "MemoryPressure", "True", "KubeletHasInsufficientMemory"},
      {"disk-pressure", "DiskPressure", "True", "KubeletHasDiskPressure"},
      {"pid-pressure", "PIDPressure", "True", "KubeletHasInsufficientPID"},
      {"network-unavailable", "NetworkUnavailable", "True", "NoRouteCreated"},
  };
  EXPECT_EQ(condition(node(), "NetworkUnavailable"), nullptr) << "a kubelet knows nothing of it";
  for (const Row& row : rows) {
    SCOPED_TRACE(row.problem);
    ask_for(cluster, row.problem);
    const Node suffering = node();
    ASSERT_NE(condition(suffering, row.type), nullptr);
    EXPECT_EQ(condition(suffering, row.type)->status(), row.status);
    EXPECT_EQ(condition(suffering, row.type)->reason(), row.reason);
    ask_for(cluster, nullptr);
    EXPECT_NE(condition(node(), row.type)->status(), row.status);
  }
}

TEST_F(Hollow, ASilentNodeDoesNothingUntilItIsAskedForNoMore) {
  create(make({}));
  ask_for(cluster, "silent");
  const auto renewed = [&] {
    return cluster.get<coordination::v1::Lease>("kube-node-lease/node-0").spec().renew_time().seconds();
  };
  const std::int64_t lease = renewed();
  const std::int64_t heartbeat = newest_heartbeat(node());
  cluster.remove<Pod>(kPod);
  cluster.create(sim::make_pod("default/new", "node-0"));
  cluster.advance(20min);
  EXPECT_EQ(renewed(), lease);
  EXPECT_EQ(newest_heartbeat(node()), heartbeat);
  EXPECT_TRUE(cluster.has<Pod>(kPod));
  EXPECT_EQ(cluster.get<Pod>("default/new").status().phase(), "Pending");
  ask_for(cluster, nullptr);
  EXPECT_GT(newest_heartbeat(node()), heartbeat) << "it reports at once";
  EXPECT_FALSE(cluster.has<Pod>(kPod));
  EXPECT_EQ(cluster.get<Pod>("default/new").status().phase(), "Running");
  cluster.advance(11s);
  EXPECT_GT(renewed(), lease);
}

TEST_F(Hollow, ReportsTheImagesOfItsPods) {
  create(make({}));
  EXPECT_EQ(node().metadata().annotations().at("volumes.kubernetes.io/controller-managed-attach-detach"), "true");
  cluster.advance(6min);
  ASSERT_EQ(node().status().images_size(), 1);
  EXPECT_EQ(node().status().images(0).names(0), "img:1");
  EXPECT_GT(node().status().images(0).size_bytes(), 0);
}

TEST_F(Hollow, WhatAPodAsksForHappens) {
  Pod crashing = make({}, "Always");
  auto& asks = *crashing.mutable_metadata()->mutable_annotations();
  asks["hollow.pilothouse.dev/runs-for"] = "2s";
  asks["hollow.pilothouse.dev/exit-code"] = "7";
  create(crashing);
  cluster.advance(3s);
  const auto status = pod().status().container_statuses(0);
  EXPECT_EQ(status.state().waiting().reason(), "CrashLoopBackOff");
  EXPECT_EQ(status.last_state().terminated().exit_code(), 7);
}

TEST(HollowEnding, APodTakesItsTimeAndNoLongerThanItsGrace) {
  sim::Cluster cluster(sim::no_loops().nodes({.count = 1, .ends_after = 5s}));
  // Deletion timestamps are whole seconds.
  const auto end = [&](std::int64_t grace, Duration there, Duration gone) {
    cluster.create(sim::make_pod(kPod, "node-0"));
    cluster.advance(1s);
    informers::DeleteOptions options;
    options.grace_seconds = grace;
    cluster.remove<Pod>(kPod, options);
    cluster.advance(there);
    EXPECT_TRUE(cluster.has<Pod>(kPod)) << grace;
    EXPECT_EQ(cluster.get<Pod>(kPod).status().phase(), "Running");
    cluster.advance(gone - there);
    EXPECT_FALSE(cluster.has<Pod>(kPod)) << grace;
  };
  end(30, 4500ms, 5500ms);
  end(3, 1500ms, 3500ms);
}

TEST(HollowStages, NodesFallSilentAndComeBack) {
  const char* file = R"({"apiVersion":"hollow.pilothouse.dev/v1alpha1","kind":"Stages","nodes":[
    {"selector":{},"problem":"not-ready","after":"1m","lasts":"2m"}]})";
  sim::Cluster cluster(sim::no_loops().nodes({.count = 1, .stages = std::make_shared<const Stages>(Stages::parse(file))}));
  const auto ready = [&] { return condition(cluster.get<Node>("node-0"), "Ready")->status(); };
  cluster.advance(50s);
  EXPECT_EQ(ready(), "True");
  cluster.advance(15s);
  EXPECT_EQ(ready(), "False");
  cluster.advance(2min);
  EXPECT_EQ(ready(), "True");
}

TEST(HollowStages, DevicesArePublishedAndWaitedFor) {
  const char* file = R"({"apiVersion":"hollow.pilothouse.dev/v1alpha1","kind":"Stages","nodes":[
    {"selector":{},"devices":[{"driver":"gpu.example.com","name":"gpu","count":2}]}]})";
  sim::Cluster cluster(sim::no_loops()
                           .nodes({.count = 1, .stages = std::make_shared<const Stages>(Stages::parse(file))})
                           .access()
                           .without_admission({"ServiceAccount"}));
  cluster.advance(1s);
  const auto slice = cluster.get<resources::v1::ResourceSlice>("node-0-gpu.example.com");
  EXPECT_EQ(slice.spec().node_name(), "node-0");
  EXPECT_EQ(slice.spec().devices_size(), 2);
  EXPECT_EQ(slice.metadata().owner_references(0).uid(), cluster.get<Node>("node-0").metadata().uid());
  cluster.restart_nodes();
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<resources::v1::ResourceSlice>("node-0-gpu.example.com").metadata().resource_version(),
            slice.metadata().resource_version())
      << "nothing has changed";

  resources::v1::ResourceClaim claim;
  claim.mutable_metadata()->set_namespace_("default");
  claim.mutable_metadata()->set_name("c");
  auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
  request.set_name("r");
  request.mutable_exactly()->set_device_class_name("gpu");
  claim = cluster.create(claim);
  Pod user = sim::make_pod(kPod, "node-0");
  auto& entry = *user.mutable_spec()->add_resource_claims();
  entry.set_name("gpu");
  entry.set_resource_claim_name("c");
  const std::string uid = cluster.create(user).metadata().uid();
  cluster.advance(10s);
  EXPECT_EQ(cluster.get<Pod>(kPod).status().phase(), "Pending");
  EXPECT_EQ(cluster.get<Pod>(kPod).status().container_statuses(0).state().waiting().reason(), "ContainerCreating");
  auto& result = *claim.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_request("r");
  result.set_driver("gpu.example.com");
  result.set_pool("node-0");
  result.set_device("gpu-0");
  auto& holder = *claim.mutable_status()->add_reserved_for();
  holder.set_resource("pods");
  holder.set_name("p");
  holder.set_uid(uid);
  const Time allocated = cluster.now();
  cluster.update_status(claim);
  cluster.advance(5s);
  const auto status = cluster.get<Pod>(kPod).status();
  EXPECT_EQ(status.phase(), "Running");
  EXPECT_GE(status.start_time().seconds(),
            std::chrono::duration_cast<std::chrono::seconds>(allocated.time_since_epoch()).count());
}

// A volume of a CSI driver: used, attached, and only then mounted.
TEST_F(Hollow, WaitsForVolumesToBeAttached) {
  core::v1::PersistentVolume volume;
  volume.mutable_metadata()->set_name("v");
  auto& spec = *volume.mutable_spec();
  (*spec.mutable_capacity())["storage"].set_string("1Gi");
  spec.add_access_modes("ReadWriteOnce");
  auto& csi = *spec.mutable_persistent_volume_source()->mutable_csi();
  csi.set_driver("disk.example.com");
  csi.set_volume_handle("d-1");
  cluster.create(volume);
  core::v1::PersistentVolumeClaim claim;
  claim.mutable_metadata()->set_namespace_("default");
  claim.mutable_metadata()->set_name("c");
  claim.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  claim.mutable_spec()->set_volume_name("v");
  claim = cluster.create(claim);
  claim.mutable_status()->set_phase("Bound");
  cluster.update_status(claim);
  Pod user = make({});
  auto& mounted = *user.mutable_spec()->add_volumes();
  mounted.set_name("data");
  mounted.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("c");
  create(user);
  cluster.advance(3s);
  EXPECT_EQ(pod().status().phase(), "Pending");
  ASSERT_EQ(node().status().volumes_in_use_size(), 1);
  EXPECT_EQ(node().status().volumes_in_use(0), "kubernetes.io/csi/disk.example.com^d-1");
  cluster.patch<Node>("node-0", Patch::merge(R"({"status":{"volumesAttached":[
    {"name":"kubernetes.io/csi/disk.example.com^d-1","devicePath":""}]}})"),
                      "status");
  cluster.advance(1s);
  EXPECT_EQ(pod().status().phase(), "Running");
  cluster.remove<Pod>(kPod);
  cluster.advance(1s);
  EXPECT_EQ(node().status().volumes_in_use_size(), 0);
}

}  // namespace
}  // namespace ph::node

// The device-taint-eviction loop.
#include <gmock/gmock.h>

#include "api/codec.h"
#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/device_taint_eviction/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Event, core::v1::Pod;
using device_taint_eviction::Claim, device_taint_eviction::Slice;
using informers::Ref;
using resources::v1::DeviceTaint, resources::v1::DeviceToleration;
using testing::ElementsAre, testing::IsEmpty;

constexpr Time kAdded{1000s};

DeviceTaint taint(const char* key, const char* effect = "NoExecute", const char* value = "") {
  DeviceTaint out;
  out.set_key(key);
  out.set_value(value);
  out.set_effect(effect);
  api::set_time(out.mutable_time_added(), kAdded);
  return out;
}
DeviceToleration bears(const char* key, std::optional<std::int64_t> seconds = {}, const char* effect = "") {
  DeviceToleration out;
  out.set_key(key);
  out.set_operator_("Exists");
  out.set_effect(effect);
  if (seconds) out.set_toleration_seconds(*seconds);
  return out;
}
DeviceToleration equals(const char* key, const char* value) {
  DeviceToleration out = bears(key);
  out.set_operator_("Equal");
  out.set_value(value);
  return out;
}

Slice slice(std::vector<DeviceTaint> taints, int generation = 1, const char* name = "s", const char* device = "gpu-0") {
  Slice out;
  out.mutable_metadata()->set_name(name);
  auto& spec = *out.mutable_spec();
  spec.set_driver("gpu.example.com");
  spec.set_node_name("node-0");
  spec.mutable_pool()->set_name("node-0");
  spec.mutable_pool()->set_generation(generation);
  spec.mutable_pool()->set_resource_slice_count(1);
  auto& added = *spec.add_devices();
  added.set_name(device);
  for (DeviceTaint& each : taints) *added.add_taints() = std::move(each);
  return out;
}

Claim claim(std::vector<DeviceToleration> tolerations = {}) {
  Claim out;
  auto& result = *out.mutable_status()->mutable_allocation()->mutable_devices()->add_results();
  result.set_request("r");
  result.set_driver("gpu.example.com");
  result.set_pool("node-0");
  result.set_device("gpu-0");
  for (DeviceToleration& each : tolerations) *result.add_tolerations() = std::move(each);
  return out;
}

TEST(DeviceTaintEvictionPlan, WhenUsersHaveToGo) {
  struct Case {
    const char* name;
    std::vector<Slice> slices;
    Claim claim;
    std::optional<Duration> after;  // the taint was added
  };
  const Case cases[] = {
      {"no taint", {slice({})}, claim(), {}},
      {"not tolerated", {slice({taint("a")})}, claim(), 0s},
      {"only for new ones", {slice({taint("a", "NoSchedule")})}, claim(), {}},
      {"no effect", {slice({taint("a", "None")})}, claim(), {}},
      {"tolerated for ever", {slice({taint("a")})}, claim({bears("a")}), {}},
      {"every key is tolerated", {slice({taint("a")})}, claim({bears("")}), {}},
      {"another is tolerated", {slice({taint("a")})}, claim({bears("b")}), 0s},
      {"another effect is tolerated", {slice({taint("a")})}, claim({bears("a", {}, "NoSchedule")}), 0s},
      {"its value is tolerated", {slice({taint("a", "NoExecute", "v")})}, claim({equals("a", "v")}), {}},
      {"another value is tolerated", {slice({taint("a", "NoExecute", "v")})}, claim({equals("a", "w")}), 0s},
      {"for a while", {slice({taint("a")})}, claim({bears("a", 30)}), 30s},
      {"for less than no time", {slice({taint("a")})}, claim({bears("a", -1)}), 0s},
      {"the shortest time counts", {slice({taint("a")})}, claim({bears("a", 30), bears("", 20)}), 20s},
      {"for ever goes before any time", {slice({taint("a")})}, claim({bears("a", 30), bears("a")}), {}},
      {"longer than there is time", {slice({taint("a")})}, claim({bears("a", INT64_MAX)}), {}},
      {"the first of two taints", {slice({taint("a"), taint("b")})}, claim({bears("a", 30), bears("b", 10)}), 10s},
      {"the device is gone", {slice({taint("a")}, 1, "s", "gpu-1")}, claim(), {}},
      {"of an older generation", {slice({taint("a")}), slice({}, 2, "t")}, claim(), {}},
      {"of the newest generation", {slice({}), slice({taint("a")}, 2, "t")}, claim(), 0s},
      {"not allocated", {slice({taint("a")})}, Claim(), {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto slices = [&](const std::string& pool) {
      EXPECT_EQ(pool, "gpu.example.com/node-0");
      std::vector<Ref<Slice>> out;
      for (const Slice& each : c.slices) out.push_back(std::make_shared<const Slice>(each));
      return out;
    };
    const auto wanted = c.after ? std::optional(kAdded + *c.after) : std::nullopt;
    EXPECT_EQ(device_taint_eviction::eviction_time(c.claim, slices), wanted);
  }
}

TEST(DeviceTaintEvictionPlan, UsersArePods) {
  Claim shared = claim();
  const auto use = [&](const char* group, const char* resource, const char* name) {
    auto& user = *shared.mutable_status()->add_reserved_for();
    user.set_api_group(group);
    user.set_resource(resource);
    user.set_name(name);
    user.set_uid(std::string("uid-of-") + name);
  };
  use("", "pods", "p");
  use("scheduling.k8s.io", "podgroups", "g");
  const auto users = device_taint_eviction::users_of(shared);
  ASSERT_EQ(users.size(), 1u);
  EXPECT_EQ(users[0].name, "p");
  EXPECT_EQ(users[0].uid, "uid-of-p");
}

// -- In a cluster

struct DeviceTaints : ::testing::Test {
  sim::Cluster cluster{sim::loops("device-taint-eviction-controller,resource-claim-controller").nodes(1)};

  void create(const char* pod, std::vector<DeviceToleration> tolerations = {}) {
    Claim wanted;
    wanted.mutable_metadata()->set_namespace_("default");
    wanted.mutable_metadata()->set_name(pod);
    auto& request = *wanted.mutable_spec()->mutable_devices()->add_requests();
    request.set_name("r");
    request.mutable_exactly()->set_device_class_name("gpu");
    Claim made = cluster.create(wanted);
    *made.mutable_status() = claim(std::move(tolerations)).status();
    cluster.update_status(made);
    Pod user = sim::make_pod(std::string("default/") + pod, "node-0");
    auto& entry = *user.mutable_spec()->add_resource_claims();
    entry.set_name("c");
    entry.set_resource_claim_name(pod);
    cluster.create(user);
    cluster.advance(5s);
  }
  void set_taints(std::vector<DeviceTaint> taints) {
    for (DeviceTaint& each : taints) api::set_time(each.mutable_time_added(), cluster.now());
    cluster.edit<Slice>("s", [&](Slice& present) {
      present.mutable_spec()->mutable_devices(0)->clear_taints();
      for (const DeviceTaint& each : taints) *present.mutable_spec()->mutable_devices(0)->add_taints() = each;
    });
    cluster.advance(1s);
  }
  std::vector<std::string> events() {
    std::vector<std::string> out;
    for (const Event& event : cluster.list<Event>("default")) {
      if (event.reason() == "DeviceTaintManagerEviction") out.push_back(event.involved_object().name() + ": " + event.message());
    }
    std::ranges::sort(out);
    return out;
  }

  void SetUp() override { cluster.create(slice({})); }
};

TEST_F(DeviceTaints, WhoToleratesThemStays) {
  create("stays", {bears("broken")});
  create("goes");
  create("later", {bears("broken", 60)});
  std::string told;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (write.kind.kind != "Pod" || write.object.empty()) return;
    Pod pod;
    api::decode_protobuf(write.object, pod);
    const auto* condition = find_condition(pod.status(), "DisruptionTarget");
    if (condition && pod.metadata().name() == "goes") told = condition->reason() + ": " + condition->message();
  });
  set_taints({taint("broken")});
  cluster.advance(5s);
  EXPECT_FALSE(cluster.has<Pod>("default/goes"));
  EXPECT_EQ(told, "DeletionByDeviceTaintManager: Device Taint manager: deleting due to NoExecute taint");
  EXPECT_TRUE(cluster.has<Pod>("default/later"));
  cluster.advance(50s);
  EXPECT_TRUE(cluster.has<Pod>("default/later"));
  cluster.advance(10s);
  EXPECT_FALSE(cluster.has<Pod>("default/later"));
  EXPECT_TRUE(cluster.has<Pod>("default/stays"));
  EXPECT_THAT(events(), ElementsAre("goes: Marking for deletion", "later: Marking for deletion"));
}

TEST_F(DeviceTaints, WhatIsTakenBackIsCalledOff) {
  create("p", {bears("broken", 60)});
  set_taints({taint("broken")});
  cluster.advance(30s);
  set_taints({});
  cluster.advance(5min);
  EXPECT_TRUE(cluster.has<Pod>("default/p"));
  EXPECT_THAT(events(), ElementsAre("p: Cancelling deletion"));
}

TEST_F(DeviceTaints, AFreshStartCountsFromTheTaint) {
  create("p", {bears("broken", 60)});
  set_taints({taint("broken")});
  cluster.advance(40s);
  cluster.restart_loops();
  cluster.advance(15s);
  EXPECT_TRUE(cluster.has<Pod>("default/p"));
  cluster.advance(10s);
  EXPECT_FALSE(cluster.has<Pod>("default/p"));
}

TEST_F(DeviceTaints, WhoHasNoneOfThemIsLeftAlone) {
  cluster.create(sim::make_pod("default/plain", "node-0"));
  create("ended");
  cluster.patch<Pod>("default/ended", informers::Patch::merge(R"({"status":{"phase":"Failed"}})"), "status");
  cluster.advance(1s);
  set_taints({taint("broken"), taint("old", "NoSchedule")});
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Pod>("default/plain"));
  EXPECT_TRUE(cluster.has<Pod>("default/ended"));
  EXPECT_THAT(events(), IsEmpty());
}

}  // namespace
}  // namespace ph::controllers

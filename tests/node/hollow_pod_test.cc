// What a hollow kubelet reads of a pod's bytes.
#include "node/hollow_pod.h"

#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"

namespace ph::node {
namespace {

using core::v1::Pod, core::v1::PodStatus;
using testing::ElementsAre, testing::IsEmpty;

Time at(int seconds) { return Time(std::chrono::seconds(seconds)); }

std::shared_ptr<const HollowPod> read(const Pod& pod) { return HollowPod::decode(api::encode_protobuf(pod)); }

void add_condition(PodStatus& status, const char* type, const char* value, int since = 50) {
  auto& condition = *status.add_conditions();
  condition.set_type(type);
  condition.set_status(value);
  api::set_time(condition.mutable_last_transition_time(), at(since));
}

Pod whole_pod() {
  Pod pod;
  auto& metadata = *pod.mutable_metadata();
  metadata.set_name("web-1");
  metadata.set_namespace_("shop");
  metadata.set_uid("u1");
  metadata.set_resource_version("77");
  metadata.set_generation(3);
  api::set_time(metadata.mutable_deletion_timestamp(), at(200));
  metadata.add_finalizers("a/b");
  auto& spec = *pod.mutable_spec();
  spec.set_node_name("n1");
  spec.set_restart_policy("OnFailure");
  spec.set_active_deadline_seconds(90);
  auto& init = *spec.add_init_containers();
  init.set_name("first");
  auto& helper = *spec.add_init_containers();
  helper.set_name("helper");
  helper.set_restart_policy("Always");
  auto& work = *spec.add_containers();
  work.set_name("c");
  work.set_image("img:1");
  work.add_command("sh");
  work.add_command("-c");
  work.add_args("sleep 5; exit 3");
  work.set_restart_policy("Always");
  work.mutable_readiness_probe()->set_initial_delay_seconds(7);
  spec.add_readiness_gates()->set_condition_type("open");
  spec.add_readiness_gates()->set_condition_type("shut");
  spec.add_readiness_gates()->set_condition_type("missing");
  auto& status = *pod.mutable_status();
  status.set_phase("Running");
  status.set_pod_ip("10.0.0.1");
  api::set_time(status.mutable_start_time(), at(40));
  add_condition(status, "PodScheduled", "True", 39);
  add_condition(status, "open", "True");
  add_condition(status, "shut", "Unknown");
  status.add_container_statuses()->mutable_state()->mutable_running();
  return pod;
}

TEST(HollowPod, HoldsWhatAKubeletNeeds) {
  const auto pod = read(whole_pod());
  EXPECT_EQ(pod->key().text(), "shop/web-1");
  EXPECT_EQ(pod->uid, "u1");
  EXPECT_EQ(pod->revision, Revision{77});
  EXPECT_EQ(pod->generation, 3);
  EXPECT_EQ(pod->deletion, at(200));
  EXPECT_TRUE(pod->has_finalizers);
  EXPECT_EQ(pod->node_name, "n1");
  EXPECT_FALSE(pod->host_network);
  EXPECT_EQ(pod->restart_policy, "OnFailure");
  EXPECT_EQ(pod->active_deadline, Duration(90s));
  ASSERT_EQ(pod->init_containers.size(), 2u);
  EXPECT_FALSE(pod->init_containers[0].sidecar);
  EXPECT_EQ(pod->init_containers[0].run.exit_code, 0) << "it has nothing to prepare";
  EXPECT_TRUE(pod->init_containers[1].sidecar);
  EXPECT_EQ(pod->init_containers[1].run.exit_code, std::nullopt);
  ASSERT_EQ(pod->containers.size(), 1u);
  EXPECT_EQ(pod->containers[0].name, "c");
  EXPECT_EQ(pod->containers[0].image, "img:1");
  EXPECT_FALSE(pod->containers[0].sidecar);
  EXPECT_EQ(pod->containers[0].run.takes, Duration(5s));
  EXPECT_EQ(pod->containers[0].run.exit_code, 3);
  EXPECT_EQ(pod->containers[0].ready_after, Duration(7s));
  EXPECT_THAT(pod->closed_gates, ElementsAre("the status of pod readiness gate \"shut\" is not \"True\", but Unknown",
                                             "corresponding condition of pod readiness gate \"missing\" does not exist."));
  EXPECT_EQ(pod->phase, "Running");
  EXPECT_EQ(pod->pod_ip, "10.0.0.1");
  EXPECT_EQ(pod->started, at(40));
  EXPECT_EQ(pod->scheduled, at(39));
  EXPECT_TRUE(pod->shows_running);
  EXPECT_TRUE(pod->begun);
}

TEST(HollowPod, ANewOneHasNotBegun) {
  Pod fresh = whole_pod();
  fresh.clear_status();
  fresh.mutable_status()->set_phase("Pending");
  add_condition(*fresh.mutable_status(), "PodScheduled", "True");
  EXPECT_FALSE(read(fresh)->begun);
  EXPECT_FALSE(read(fresh)->shows_running);
  const std::function<void(PodStatus&)> signs[] = {
      [](PodStatus& status) { status.set_reason("Evicted"); },
      [](PodStatus& status) { status.set_message("m"); },
      [](PodStatus& status) { status.set_host_ip("1.2.3.4"); },
      [](PodStatus& status) { status.add_init_container_statuses(); },
      [](PodStatus& status) { status.add_container_statuses(); },
      [](PodStatus& status) { api::set_time(status.mutable_start_time(), at(1)); },
  };
  for (const auto& sign : signs) {
    Pod begun = fresh;
    sign(*begun.mutable_status());
    EXPECT_TRUE(read(begun)->begun) << begun.status().ShortDebugString();
  }
}

TEST(HollowPod, TellsWhetherItsStatusIsAsTheKubeletWroteIt) {
  const std::uint64_t told = read(whole_pod())->told;
  const std::function<void(Pod&)> others[] = {
      [](Pod& pod) { pod.mutable_metadata()->set_resource_version("78"); },
      [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["a"] = "b"; },
      [](Pod& pod) { pod.mutable_status()->set_qos_class("Burstable"); },
      [](Pod& pod) { pod.mutable_status()->set_nominated_node_name("n2"); },
      [](Pod& pod) { add_condition(*pod.mutable_status(), "Theirs", "True"); },
      [](Pod& pod) { pod.mutable_status()->mutable_conditions(1)->set_status("False"); },
  };
  for (const auto& change : others) {
    Pod pod = whole_pod();
    change(pod);
    EXPECT_EQ(read(pod)->told, told) << pod.ShortDebugString();
  }
  const std::function<void(Pod&)> ours[] = {
      [](Pod& pod) { pod.mutable_status()->set_phase("Pending"); },
      [](Pod& pod) { pod.mutable_status()->set_observed_generation(3); },
      [](Pod& pod) { pod.mutable_status()->set_pod_ip(""); },
      [](Pod& pod) { pod.mutable_status()->set_message("m"); },
      [](Pod& pod) { pod.mutable_status()->set_reason("m"); },
      [](Pod& pod) { pod.mutable_status()->add_pod_ips()->set_ip("10.0.0.1"); },
      [](Pod& pod) { pod.mutable_status()->clear_start_time(); },
      [](Pod& pod) { pod.mutable_status()->clear_container_statuses(); },
      [](Pod& pod) { pod.mutable_status()->mutable_conditions(0)->set_reason("r"); },
      [](Pod& pod) { add_condition(*pod.mutable_status(), "Ready", "True"); },
  };
  std::set<std::uint64_t> seen{told};
  for (const auto& change : ours) {
    Pod pod = whole_pod();
    change(pod);
    EXPECT_TRUE(seen.insert(read(pod)->told).second) << pod.ShortDebugString();
  }
}

}  // namespace
}  // namespace ph::node

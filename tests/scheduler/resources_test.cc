// What pods ask for, and how pods are decoded from the wire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Pod;

struct Case {
  const char* name;
  Pod pod;
  std::int64_t cpu, memory_mi, scored_cpu, scored_memory_mi;
};

Pod resized(const char* asked, const char* given, const char* condition_reason) {
  Pod pod = make_pod().asks(asked, "");
  auto* status = pod.mutable_status()->add_container_statuses();
  status->set_name("c");
  (*status->mutable_resources()->mutable_requests())["cpu"].set_string(given);
  if (*condition_reason) {
    auto* condition = pod.mutable_status()->add_conditions();
    condition->set_type("PodResizePending");
    condition->set_reason(condition_reason);
  }
  return pod;
}

TEST(Requests, OfPods) {
  // clang-format off
  const Case kCases[] = {
      {"nothing", make_pod().with(container()), 0, 0, 100, 200},
      {"no containers", make_pod(), 0, 0, 0, 0},
      {"containers add up", make_pod().asks("1", "1Gi").asks("500m", "1Gi"), 1500, 2048, 1500, 2048},
      {"only memory is missing", make_pod().asks("1", ""), 1000, 0, 1000, 200},
      {"a larger init container", make_pod().asks("1", "1Gi").init(container().asks("cpu", "2")), 2000, 1024, 2000, 1024},
      {"init containers do not add up", make_pod().asks("1", "").init(container().asks("cpu", "2")).init(container().asks("cpu", "3")),
       3000, 0, 3000, 200},
      {"a sidecar runs beside", make_pod().asks("1", "").init(container().sidecar().asks("cpu", "1")), 2000, 0, 2000, 400},
      {"an init container beside an earlier sidecar",
       make_pod().asks("1", "").init(container().sidecar().asks("cpu", "1")).init(container().asks("cpu", "3")), 4000, 0, 4000, 400},
      {"an init container before the sidecar",
       make_pod().asks("1", "").init(container().asks("cpu", "2")).init(container().sidecar().asks("cpu", "1")), 2000, 0, 2000, 400},
      {"overhead", make_pod().asks("1", "1Gi").overhead("cpu", "250m"), 1250, 1024, 1250, 1024},
      {"of the whole pod", make_pod().asks("1", "").asks("1", "").pod_level("cpu", "3"), 3000, 0, 3000, 400},
      {"of the whole pod only", make_pod().with(container()).pod_level("cpu", "3").pod_level("memory", "1Gi"), 3000, 1024, 3000, 1024},
      {"being resized up", resized("2", "1", ""), 2000, 0, 2000, 200},
      {"being resized down", resized("1", "2", ""), 2000, 0, 2000, 200},
      {"a resize that cannot be", resized("9", "2", "Infeasible"), 2000, 0, 2000, 200},
  };
  // clang-format on
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const PodRef info = make_pod_info(c.pod);
    EXPECT_EQ(info->requests.milli_cpu, c.cpu);
    EXPECT_EQ(info->requests.memory, c.memory_mi << 20);
    EXPECT_EQ(info->scored_milli_cpu, c.scored_cpu);
    EXPECT_EQ(info->scored_memory, c.scored_memory_mi << 20);
  }
}

TEST(Resource, AddsAndTakesAwayAnyName) {
  Resource a, b;
  a.set("cpu", *api::Quantity::parse("1500m"));
  a.set("example.com/b", *api::Quantity::parse("2"));
  b.set("example.com/a", *api::Quantity::parse("1"));
  b.set("hugepages-2Mi", *api::Quantity::parse("4Mi"));
  a += b;
  EXPECT_EQ(a.amount("cpu"), 1500);
  EXPECT_EQ(a.amount("example.com/a"), 1);
  EXPECT_EQ(a.amount("example.com/b"), 2);
  EXPECT_EQ(a.amount("hugepages-2Mi"), 4 << 20);
  a -= b;
  EXPECT_EQ(a.amount("example.com/a"), 0);
}

TEST(Resource, Names) {
  EXPECT_TRUE(is_extended_resource("example.com/gpu"));
  EXPECT_FALSE(is_extended_resource("cpu"));
  EXPECT_FALSE(is_extended_resource("kubernetes.io/thing"));
  EXPECT_FALSE(is_extended_resource("requests.example.com/gpu"));
  EXPECT_TRUE(is_scalar_resource("hugepages-1Gi"));
  EXPECT_TRUE(is_scalar_resource("attachable-volumes-x"));
  EXPECT_FALSE(is_scalar_resource("memory"));
}

TEST(SchedulerPod, AssignedPodsAreReadAsWholeMessagesWouldBe) {
  Pod pod = make_pod("ns/p")
                .on("n1")
                .label("a", "b")
                .priority(7)
                .asks("1", "1Gi")
                .overhead("cpu", "100m")
                .pod_level("memory", "3Gi")
                .with(container().named("d").host_port(80, "UDP").image("nginx").asks("example.com/x", "2"))
                .init(container().sidecar().named("s").asks("cpu", "300m"));
  pod.mutable_metadata()->set_resource_version("42");
  pod.mutable_metadata()->add_managed_fields()->set_manager("someone");
  pod.mutable_spec()->add_volumes()->set_name("v");
  auto* status = pod.mutable_status()->add_container_statuses();
  status->set_name("c");
  (*status->mutable_allocated_resources())["cpu"].set_string("2");
  pod.mutable_status()->set_phase("Running");

  const auto whole = make_pod_info(pod);
  const auto decoded = SchedulerPod::decode(pod.SerializeAsString());
  EXPECT_EQ(decoded->pending(), nullptr);
  EXPECT_EQ(decoded->info->key(), whole->key());
  EXPECT_EQ(decoded->info->uid, whole->uid);
  EXPECT_EQ(decoded->info->revision, Revision{42});
  EXPECT_EQ(decoded->info->labels, whole->labels);
  EXPECT_EQ(decoded->info->node_name, whole->node_name);
  EXPECT_EQ(decoded->info->scheduler_name, whole->scheduler_name);
  EXPECT_EQ(decoded->info->priority, 7);
  EXPECT_EQ(decoded->info->requests, whole->requests);
  EXPECT_EQ(decoded->info->scored_milli_cpu, whole->scored_milli_cpu);
  EXPECT_EQ(decoded->info->scored_memory, whole->scored_memory);
  EXPECT_EQ(decoded->info->host_ports, whole->host_ports);
  EXPECT_FALSE(decoded->info->finished);
}

TEST(SchedulerPod, PendingPodsKeepTheirMessage) {
  const Pod pod = make_pod().asks("1", "");
  const auto decoded = SchedulerPod::decode(pod.SerializeAsString());
  ASSERT_NE(decoded->pending(), nullptr);
  EXPECT_EQ(decoded->pending()->spec().containers_size(), 1);
}

TEST(SchedulerPod, DamagedBytesAreRefused) {
  const std::string bytes = Pod(make_pod().on("n")).SerializeAsString();
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    try {
      SchedulerPod::decode(std::string_view(bytes).substr(0, size));  // a cut between fields is a shorter pod
    } catch (const api::DecodeError&) {
    }
  }
  EXPECT_THROW(SchedulerPod::decode("\x0a\x7f"), api::DecodeError);
}

}  // namespace
}  // namespace ph::scheduler::test

// DynamicResources: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/plugins/dynamic_resources/allocator.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Pod;
using resources::v1::DeviceClass, resources::v1::ResourceClaim, resources::v1::ResourceSlice;
using testing::ElementsAre;
using testing::Pair;
using Verdicts = std::map<std::string, std::string>;

constexpr const char* kNoDevices = "never: cannot allocate all claims";
const Verdicts kEverywhere{{"n1", ""}, {"n2", ""}}, kNowhere{{"n1", kNoDevices}, {"n2", kNoDevices}},
    kOnlyN1{{"n1", ""}, {"n2", kNoDevices}};

std::string slice(const std::string& node, const std::string& devices, const std::string& more = "") {
  return "{metadata: {name: s-" + node + "}, spec: {driver: gpu.io, nodeName: " + node + ", pool: {name: " + node +
         ", generation: 1, resourceSliceCount: 1}, devices: [" + devices + "]" + more + "}}";
}
std::string device(const std::string& name, const std::string& model = "a100", const std::string& more = "") {
  return "{name: " + name + ", attributes: {model: {string: " + model + "}, numa: {int: 0}}, capacity: {memory: {value: 40Gi}}" +
         more + "}";
}
std::string claim(const std::string& spec, const std::string& status = "", const std::string& name = "c") {
  return "{metadata: {namespace: default, name: " + name + ", uid: uid-" + name + "}, spec: {devices: {" + spec +
         "}}, status: {" + status + "}}";
}
std::string request(const std::string& more = "", const std::string& name = "r") {
  return "{name: " + name + ", exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: 1" + more + "}}";
}
std::string requests(const std::string& list) { return "requests: [" + list + "]"; }
std::string allocated(const std::string& devices, const std::string& more = "") {
  return "allocation: {devices: {results: [" + devices + "]}" + more + "}";
}
std::string result(const std::string& node, const std::string& device) {
  return "{request: r, driver: gpu.io, pool: " + node + ", device: " + device + "}";
}

const Pod& claiming() {
  static const Pod pod = pod_from("{spec: {resourceClaims: [{name: r, resourceClaimName: c}]}}");
  return pod;
}

// n1 has two devices, n2 one.
OnePlugin gpus() {
  OnePlugin out("DynamicResources");
  out.node("n1").node("n2");
  out.object<DeviceClass>("{metadata: {name: gpu}, spec: {selectors: [{cel: {expression: 'device.driver == \"gpu.io\"'}}]}}");
  out.object<DeviceClass>("{metadata: {name: nic}, spec: {selectors: [{cel: {expression: 'device.driver == \"nic.io\"'}}]}}");
  out.object<ResourceSlice>(slice("n1", device("d0") + ", " + device("d1", "h100")));
  out.object<ResourceSlice>(slice("n2", device("d0")));
  return out;
}

TEST(DynamicResources, WhatStandsInTheWayOfAnyNode) {
  const auto says = [](const Pod& pod, const std::string& yaml = "") {
    OnePlugin plugin = gpus();
    if (!yaml.empty()) plugin.object<ResourceClaim>(yaml);
    const Verdicts got = plugin.verdicts(pod);
    return got.contains("*") ? got.at("*") : "";
  };
  EXPECT_EQ(says(pod_from("{}")), "skip");
  EXPECT_EQ(says(claiming()), "never: could not find ResourceClaim \"default/c\"");
  EXPECT_EQ(says(claiming(), "{metadata: {namespace: default, name: c, deletionTimestamp: '2026-01-01T00:00:00Z'}}"),
            "never: resourceclaim \"c\" is being deleted");
  EXPECT_EQ(says(pod_from("{spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}}")),
            "never: pod \"default/p\": ResourceClaim not created yet");
  const Pod made = pod_from(
      "{spec: {resourceClaims: [{name: r, resourceClaimTemplateName: t}]}, status: {resourceClaimStatuses: "
      "[{name: r, resourceClaimName: c}]}}");
  EXPECT_EQ(says(made, claim(requests(request()))),
            "never: ResourceClaim default/c was not created for pod default/p (pod is not owner)");
  EXPECT_EQ(says(claiming(), claim(requests("{name: r, exactly: {deviceClassName: none}}"))),
            "never: request r: device class none does not exist");
  EXPECT_EQ(says(claiming(), claim(requests("{name: r, firstAvailable: [{name: s, deviceClassName: none}]}"))),
            "never: request r/s: device class none does not exist");
  EXPECT_EQ(says(claiming(), claim(requests(request()))), "");
}

TEST(DynamicResources, GatesPodsWhoseClaimsAreNotThere) {
  OnePlugin plugin = gpus();
  const auto& gate = dynamic_cast<const PreEnqueuePlugin&>(plugin.plugin());
  EXPECT_EQ(gate.pre_enqueue(claiming()).message(), "could not find ResourceClaim \"default/c\"");
  plugin.object<ResourceClaim>(claim(requests(request())));
  EXPECT_TRUE(gate.pre_enqueue(claiming()).success());
}

TEST(DynamicResources, Verdicts) {
  const std::string h100 = ", selectors: [{cel: {expression: 'device.attributes[\"gpu.io\"].model == \"h100\"'}}]";
  const std::string large =
      ", selectors: [{cel: {expression: 'device.capacity[\"gpu.io\"].memory.compareTo(quantity(\"50Gi\")) >= 0'}}]";
  const auto count = [](const char* n) {
    return "{name: r, exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: " + std::string(n) + "}}";
  };
  const auto all = [](const std::string& more) {
    return "{name: r, exactly: {deviceClassName: gpu, allocationMode: All" + more + "}}";
  };
  const struct {
    const char* name;
    std::string spec;
    Verdicts verdicts;
  } kCases[] = {
      {"one", requests(request()), kEverywhere},
      {"two", requests(count("2")), kOnlyN1},
      {"three", requests(count("3")), kNowhere},
      {"two requests", requests(request("", "a") + ", " + request("", "b")), kOnlyN1},
      {"of a model", requests(request(h100)), kOnlyN1},
      {"two of a model", requests(request(h100, "a") + ", " + request(h100, "b")), kNowhere},
      {"larger than there are", requests(request(large)), kNowhere},
      {"a model, and another one: not every choice will do", requests(request("", "any") + ", " + request(h100, "h")), kOnlyN1},
      {"all there are", requests(all("")), kEverywhere},
      {"all of a model, of which there must be one", requests(all(h100)), kOnlyN1},
      {"all, and one more", requests(all("") + ", " + request("", "b")), kNowhere},
      {"the best, or else another",
       requests("{name: r, firstAvailable: [{name: best, deviceClassName: gpu, count: 2}, {name: good, deviceClassName: gpu, "
                "count: 1}]}"),
       kEverywhere},
      {"none of the alternatives",
       requests(
           "{name: r, firstAvailable: [{name: a, deviceClassName: nic, count: 1}, {name: b, deviceClassName: gpu, count: 3}]}"),
       kNowhere},
      {"two of the same model", requests(count("2")) + ", constraints: [{matchAttribute: gpu.io/model}]", kNowhere},
      {"two of the same numa node", requests(count("2")) + ", constraints: [{matchAttribute: gpu.io/numa}]", kOnlyN1},
      {"two of different models", requests(count("2")) + ", constraints: [{distinctAttribute: gpu.io/model}]", kOnlyN1},
      {"two of different numa nodes", requests(count("2")) + ", constraints: [{distinctAttribute: gpu.io/numa}]", kNowhere},
      {"an attribute that nobody has", requests(request()) + ", constraints: [{matchAttribute: gpu.io/none}]", kNowhere},
      {"a constraint on other requests",
       requests(request("", "a") + ", " + request("", "b")) + ", constraints: [{requests: [a], matchAttribute: gpu.io/model}]",
       kOnlyN1},
      {"capacity that there is", requests(request(", capacity: {requests: {memory: 40Gi}}")), kEverywhere},
      {"capacity that there is not", requests(request(", capacity: {requests: {memory: 41Gi}}")), kNowhere},
      {"capacity of another kind", requests(request(", capacity: {requests: {cores: 1}}")), kNowhere},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    OnePlugin plugin = gpus();
    plugin.object<ResourceClaim>(claim(c.spec));
    EXPECT_EQ(plugin.verdicts(claiming()), c.verdicts);
  }
}

TEST(DynamicResources, DevicesInUseAreNotGivenAgain) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceClaim>(claim(requests(request())));
  plugin.object<ResourceClaim>(claim(requests(request()), allocated(result("n2", "d0")), "other"));
  EXPECT_EQ(plugin.verdicts(claiming()), kOnlyN1);
  // Who only looks takes nothing away, and may look at everything.
  plugin.object<ResourceClaim>(claim(requests(request(", adminAccess: true"))));
  EXPECT_EQ(plugin.verdicts(claiming()), kEverywhere);
  plugin.object<ResourceClaim>(
      claim(requests(request()), allocated("{request: r, driver: gpu.io, pool: n2, device: d0, adminAccess: true}"), "other"));
  plugin.object<ResourceClaim>(claim(requests(request())));
  EXPECT_EQ(plugin.verdicts(claiming()), kEverywhere);
}

TEST(DynamicResources, TaintedDevicesWantToBeTolerated) {
  const auto verdicts = [](const std::string& effect, const std::string& tolerations) {
    OnePlugin plugin = gpus();
    plugin.object<ResourceSlice>(
        slice("n2", device("d0", "a100", ", taints: [{key: broken, value: v, effect: " + effect + "}]")));
    plugin.object<ResourceClaim>(claim(requests(request(tolerations))));
    return plugin.verdicts(claiming());
  };
  EXPECT_EQ(verdicts("NoSchedule", ""), kOnlyN1);
  EXPECT_EQ(verdicts("NoExecute", ""), kOnlyN1);
  EXPECT_EQ(verdicts("None", ""), kEverywhere);
  EXPECT_EQ(verdicts("NoSchedule", ", tolerations: [{key: broken, operator: Exists}]"), kEverywhere);
  EXPECT_EQ(verdicts("NoSchedule", ", tolerations: [{key: broken, operator: Equal, value: v}]"), kEverywhere);
  EXPECT_EQ(verdicts("NoSchedule", ", tolerations: [{key: broken, operator: Equal, value: w}]"), kOnlyN1);
  EXPECT_EQ(verdicts("NoSchedule", ", tolerations: [{operator: Exists, effect: NoExecute}]"), kOnlyN1);
}

TEST(DynamicResources, AnAllocatedClaimIsWhereItsDevicesAre) {
  OnePlugin plugin = gpus();
  const std::string on_n2 =
      ", nodeSelector: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [n2]}]}]}";
  plugin.object<ResourceClaim>(claim(requests(request()), allocated(result("n2", "d0"), on_n2)));
  EXPECT_EQ(plugin.verdicts(claiming()), (Verdicts{{"n1", "never: resourceclaim not available on the node"}, {"n2", ""}}));
  plugin.object<ResourceClaim>(claim(requests(request()), allocated(result("n2", "d0"))));
  EXPECT_EQ(plugin.verdicts(claiming()), kEverywhere);
}

TEST(DynamicResources, SharedCountersRunOut) {
  // A card of 80 units: one part of 80, or two of 40.
  const auto part = [](const std::string& name, int units) {
    return "{name: " + name + ", consumesCounters: [{counterSet: card, counters: {units: {value: '" + std::to_string(units) +
           "'}}}]}";
  };
  OnePlugin plugin = gpus();
  plugin.object<ResourceSlice>(slice("n2", "", ", sharedCounters: [{name: card, counters: {units: {value: '80'}}}]"));
  plugin.object<ResourceSlice>(
      "{metadata: {name: parts}, spec: {driver: gpu.io, nodeName: n2, pool: {name: n2, generation: 1, resourceSliceCount: 2}, "
      "devices: [" +
      part("whole", 80) + ", " + part("half-a", 40) + ", " + part("half-b", 40) + "]}}");
  const auto wants = [](const char* count) {
    return claim("requests: [{name: r, exactly: {deviceClassName: gpu, allocationMode: ExactCount, count: " + std::string(count) +
                 "}}]");
  };
  plugin.object<ResourceClaim>(wants("2"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), "");
  plugin.object<ResourceClaim>(wants("3"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), kNoDevices);
  plugin.object<ResourceClaim>(wants("1"));
  plugin.object<ResourceClaim>(claim(requests(request()), allocated(result("n2", "whole")), "other"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), kNoDevices);
  plugin.object<ResourceClaim>(claim(requests(request()), allocated(result("n2", "half-a")), "other"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), "");
}

TEST(DynamicResources, DevicesThatAreSharedGiveWhatIsLeft) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceSlice>(slice("n2", device("d0", "a100", ", allowMultipleAllocations: true")));
  const std::string wants = requests(request(", capacity: {requests: {memory: 30Gi}}"));
  plugin.object<ResourceClaim>(claim(wants));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), "");
  const auto taken = [](const std::string& amount) {
    return allocated("{request: r, driver: gpu.io, pool: n2, device: d0, shareID: '1', consumedCapacity: {memory: " + amount +
                     "}}");
  };
  plugin.object<ResourceClaim>(claim(wants, taken("20Gi"), "other"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), kNoDevices);
  plugin.object<ResourceClaim>(claim(wants, taken("10Gi"), "other"));
  EXPECT_EQ(plugin.verdicts(claiming()).at("n2"), "");
}

TEST(DynamicResources, OnlyTheNewestGenerationOfAPoolCounts) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceSlice>(
      "{metadata: {name: newer}, spec: {driver: gpu.io, nodeName: n2, pool: {name: n2, generation: 2, resourceSliceCount: 2}, "
      "devices: []}}");
  plugin.object<ResourceClaim>(claim(requests(request())));
  EXPECT_EQ(plugin.verdicts(claiming()), kOnlyN1);
  // What all are is not known before all slices are.
  plugin.object<ResourceSlice>(
      "{metadata: {name: newest}, spec: {driver: gpu.io, nodeName: n2, pool: {name: n2, generation: 3, "
      "resourceSliceCount: 2}, devices: [" +
      device("d0") + "]}}");
  plugin.object<ResourceClaim>(claim(requests("{name: r, exactly: {deviceClassName: gpu, allocationMode: All}}")));
  EXPECT_EQ(plugin.verdicts(claiming()), kOnlyN1);
}

TEST(DynamicResources, AnExpressionThatMeansNothingFailsTheAttempt) {
  const auto says = [](const std::string& expression) {
    OnePlugin plugin = gpus();
    plugin.object<ResourceClaim>(claim(requests(request(", selectors: [{cel: {expression: '" + expression + "'}}]"))));
    return plugin.verdicts(claiming()).at("n1");
  };
  EXPECT_EQ(says("foo"),
            "error: claim default/c: selector #0: CEL compile error: ERROR: <input>:1:1: undeclared reference to 'foo' (in "
            "container '')");
  EXPECT_EQ(says("device.attributes[\"gpu.io\"].none == 1"),
            "error: claim default/c: selector #0: CEL runtime error: no such key: none");
  EXPECT_EQ(says("1 + 1"), "error: claim default/c: selector #0: CEL runtime error: expression must evaluate to bool, it is int");
}

TEST(DynamicResources, TheEarlierAlternativeIsPreferred) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceClaim>(
      claim(requests("{name: r, firstAvailable: [{name: best, deviceClassName: gpu, count: 2}, {name: good, deviceClassName: "
                     "gpu, count: 1}]}")));
  plugin.verdicts(claiming());
  const auto& scorer = dynamic_cast<const ScorePlugin&>(plugin.plugin());
  CycleState state(make_pod_info(claiming()));
  dynamic_cast<const PreFilterPlugin&>(plugin.plugin()).pre_filter(state, claiming(), plugin.snapshot().nodes());
  EXPECT_EQ(scorer.score(state, claiming(), *plugin.snapshot().find("n1")), 8);
  EXPECT_EQ(scorer.score(state, claiming(), *plugin.snapshot().find("n2")), 7);
}

// -- Reserving, without writing

TEST(DynamicResources, WhatIsReservedIsNotGivenToTheNext) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceClaim>(claim(requests(request())));
  plugin.object<ResourceClaim>(claim(requests(request()), "", "d"));
  const Pod next = pod_from("{metadata: {name: q}, spec: {resourceClaims: [{name: r, resourceClaimName: d}]}}");
  auto& reserve = dynamic_cast<ReservePlugin&>(plugin.mutable_plugin());
  CycleState state(make_pod_info(claiming()));
  dynamic_cast<const PreFilterPlugin&>(plugin.plugin()).pre_filter(state, claiming(), plugin.snapshot().nodes());
  ASSERT_TRUE(reserve.reserve(state, claiming(), "n2").success());
  EXPECT_EQ(plugin.verdicts(next), kOnlyN1);
  EXPECT_EQ(plugin.verdicts(claiming()).at("*"), "never: resource claim default/c is in the process of being allocated");
  reserve.unreserve(state, claiming(), "n2");
  EXPECT_EQ(plugin.verdicts(next), kEverywhere);
}

TEST(DynamicResources, Hints) {
  OnePlugin plugin = gpus();
  plugin.object<ResourceClaim>(claim(requests(request())));
  const auto made = [](const std::string& yaml) { return std::make_shared<const ResourceClaim>(from_yaml<ResourceClaim>(yaml)); };
  const auto idle = made(claim(requests(request()))), other = made(claim(requests(request()), "", "d")),
             holding = made(claim(requests(request()), allocated(result("n2", "d0")), "d"));
  using enum ClusterEvent;
  EXPECT_TRUE(plugin.queues({.event = ResourceClaimAdded, .object_after = idle}, claiming()));
  EXPECT_FALSE(plugin.queues({.event = ResourceClaimAdded, .object_after = other}, claiming()));
  EXPECT_TRUE(plugin.queues({.event = ResourceClaimChanged, .object_before = holding, .object_after = other}, claiming()));
  EXPECT_FALSE(plugin.queues({.event = ResourceClaimChanged, .object_before = other, .object_after = holding}, claiming()));
  EXPECT_FALSE(plugin.queues({.event = ResourceClaimChanged, .object_before = idle, .object_after = idle}, claiming()));
  EXPECT_TRUE(plugin.queues({.event = NodeAdded, .node_after = share_node(make_node("n3"))}, claiming()));
}

}  // namespace
}  // namespace ph::scheduler::test

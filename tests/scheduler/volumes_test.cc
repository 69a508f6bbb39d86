// VolumeRestrictions, NodeVolumeLimits, VolumeZone and the filter of VolumeBinding.
// https://kubernetes.io/docs/concepts/storage/persistent-volumes/, …/storage-capacity/, …/storage-limits/
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/volumes.h"
#include "tests/scheduler/one_plugin.h"

namespace ph::scheduler::test {
namespace {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, core::v1::Pod;
using storage::v1::CSIDriver, storage::v1::CSINode, storage::v1::CSIStorageCapacity, storage::v1::StorageClass,
    storage::v1::VolumeAttachment;
using testing::ElementsAre;
using testing::Pair;
using Verdicts = std::map<std::string, std::string>;

const Verdicts kSkip{{"*", "skip"}};

Pod with(const std::string& volumes, const std::string& name = "p", const std::string& node = "") {
  return pod_from("{metadata: {name: " + name + "}, spec: {volumes: [" + volumes + "]" +
                  (node.empty() ? "" : ", nodeName: " + node) + "}}");
}
std::string claim(const std::string& name) { return "{name: v-" + name + ", persistentVolumeClaim: {claimName: " + name + "}}"; }
std::string pvc(const std::string& name, const std::string& spec, const std::string& metadata = "") {
  return "{metadata: {namespace: default, name: " + name + ", uid: uid-" + name + metadata + "}, spec: {" + spec + "}}";
}
const std::string kBound = ", annotations: {pv.kubernetes.io/bind-completed: 'yes'}";

// -- VolumeRestrictions

TEST(VolumeRestrictions, DisksThatAreNotShared) {
  const struct {
    const char* name;
    const char *there, *wanted;
    bool fits;
  } kCases[] = {
      {"the same disk", "{name: v, gcePersistentDisk: {pdName: d}}", "{name: v, gcePersistentDisk: {pdName: d}}", false},
      {"another disk", "{name: v, gcePersistentDisk: {pdName: d}}", "{name: v, gcePersistentDisk: {pdName: e}}", true},
      {"both only read", "{name: v, gcePersistentDisk: {pdName: d, readOnly: true}}",
       "{name: v, gcePersistentDisk: {pdName: d, readOnly: true}}", true},
      {"one writes", "{name: v, gcePersistentDisk: {pdName: d, readOnly: true}}", "{name: v, gcePersistentDisk: {pdName: d}}",
       false},
      {"EBS is never shared", "{name: v, awsElasticBlockStore: {volumeID: d, readOnly: true}}",
       "{name: v, awsElasticBlockStore: {volumeID: d, readOnly: true}}", false},
      {"the same IQN, whatever the LUN", "{name: v, iscsi: {iqn: i, lun: 0, targetPortal: t}}",
       "{name: v, iscsi: {iqn: i, lun: 1, targetPortal: u}}", false},
      {"an image of the same monitors", "{name: v, rbd: {monitors: [a, b], image: i, pool: p}}",
       "{name: v, rbd: {monitors: [b, c], image: i, pool: p}}", false},
      {"an image of other monitors", "{name: v, rbd: {monitors: [a], image: i, pool: p}}",
       "{name: v, rbd: {monitors: [b], image: i, pool: p}}", true},
      {"an image of another pool", "{name: v, rbd: {monitors: [a], image: i, pool: p}}",
       "{name: v, rbd: {monitors: [a], image: i, pool: q}}", true},
      {"disks of different kinds", "{name: v, gcePersistentDisk: {pdName: d}}", "{name: v, awsElasticBlockStore: {volumeID: d}}",
       true},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    OnePlugin plugin("VolumeRestrictions");
    plugin.node("n1").node("n2");
    plugin.pod("{metadata: {name: e}, spec: {nodeName: n1, volumes: [" + std::string(c.there) + "]}}");
    const Verdicts got = plugin.verdicts(with(c.wanted));
    EXPECT_EQ(got.at("n1"), c.fits ? "" : "node(s) had no available disk");
    EXPECT_EQ(got.at("n2"), "");
  }
}

TEST(VolumeRestrictions, AClaimForOnePodOnly) {
  OnePlugin plugin("VolumeRestrictions");
  plugin.node("n1").node("n2");
  plugin.object<PersistentVolumeClaim>(pvc("one", "accessModes: [ReadWriteOncePod]"));
  plugin.object<PersistentVolumeClaim>(pvc("many", "accessModes: [ReadWriteOnce]"));
  EXPECT_EQ(plugin.verdicts(with("{name: v, emptyDir: {}}")), kSkip);
  EXPECT_EQ(plugin.verdicts(with(claim("one"))), kSkip);  // nobody has it
  EXPECT_EQ(plugin.verdicts(with(claim("gone"))), (Verdicts{{"*", "never: persistentvolumeclaim \"gone\" not found"}}));
  plugin.pod("{metadata: {name: e}, spec: {nodeName: n1, volumes: [" + claim("one") + ", " + claim("many") + "]}}");
  const std::string taken =
      "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
  EXPECT_EQ(plugin.verdicts(with(claim("many"))), kSkip);
  EXPECT_EQ(plugin.verdicts(with(claim("one"))), (Verdicts{{"n1", taken}, {"n2", taken}}));
  // A victim would set it free.
  EXPECT_EQ(plugin.verdict_with(with(claim("one")), with(claim("one"), "e"), "n1", false), "");
  EXPECT_EQ(plugin.verdict_with(with(claim("one")), with(claim("many"), "e"), "n1", false), taken);
}

TEST(VolumeRestrictions, Hints) {
  OnePlugin plugin("VolumeRestrictions");
  const auto gone = [](const std::string& volumes) { return make_pod_info(with(volumes, "e", "n1")); };
  using enum ClusterEvent;
  const Pod waiting = with(claim("c") + ", {name: v, gcePersistentDisk: {pdName: d}}");
  EXPECT_TRUE(plugin.queues({.event = AssignedPodDeleted, .pod_before = gone(claim("c"))}, waiting));
  EXPECT_TRUE(
      plugin.queues({.event = AssignedPodDeleted, .pod_before = gone("{name: v, gcePersistentDisk: {pdName: d}}")}, waiting));
  EXPECT_FALSE(plugin.queues({.event = AssignedPodDeleted, .pod_before = gone(claim("d"))}, waiting));
  const auto made = [](const char* name) {
    return std::make_shared<const PersistentVolumeClaim>(from_yaml<PersistentVolumeClaim>(pvc(name, "")));
  };
  EXPECT_TRUE(plugin.queues({.event = PersistentVolumeClaimAdded, .object_after = made("c")}, waiting));
  EXPECT_FALSE(plugin.queues({.event = PersistentVolumeClaimAdded, .object_after = made("d")}, waiting));
}

// -- NodeVolumeLimits

std::string csi_node(const std::string& name, int count) {
  return "{metadata: {name: " + name +
         "}, spec: {drivers: [{name: csi.io, nodeID: i, allocatable: {count: " + std::to_string(count) + "}}]}}";
}
std::string csi_volume(const std::string& name) {
  return "{metadata: {name: " + name + "}, spec: {csi: {driver: csi.io, volumeHandle: h-" + name + "}}}";
}

// Claims a, b, c of a driver's volumes; a pod on n1 uses a. n1 takes two, n2 any number.
OnePlugin limited() {
  OnePlugin out("NodeVolumeLimits");
  out.node("n1").node("n2");
  out.object<CSINode>(csi_node("n1", 2));
  out.object<CSINode>("{metadata: {name: n2}, spec: {drivers: [{name: csi.io, nodeID: i}]}}");
  for (const std::string name : {"a", "b", "c"}) {
    out.object<PersistentVolume>(csi_volume("pv-" + name));
    out.object<PersistentVolumeClaim>(pvc(name, "volumeName: pv-" + name));
  }
  out.object<StorageClass>("{metadata: {name: new}, provisioner: csi.io}");
  out.object<PersistentVolumeClaim>(pvc("to-come", "storageClassName: new"));
  out.object<PersistentVolumeClaim>(pvc("nobodys", ""));
  out.pod("{metadata: {name: e}, spec: {nodeName: n1, volumes: [" + claim("a") + "]}}");
  return out;
}

TEST(NodeVolumeLimits, CountsVolumesOnce) {
  constexpr const char* kTooMany = "node(s) exceed max volume count";
  const struct {
    const char* name;
    std::string volumes;
    const char* verdict;  // of n1
  } kCases[] = {
      {"one more", claim("b"), ""},
      {"two more", claim("b") + ", " + claim("c"), kTooMany},
      {"one that is there already, and one more", claim("a") + ", " + claim("b"), ""},
      {"one that its class will make", claim("to-come"), ""},
      {"… and another", claim("to-come") + ", " + claim("b"), kTooMany},
      {"one that no driver attaches", claim("nobodys") + ", " + claim("b"), ""},
      {"the same twice", claim("b") + ", {name: again, persistentVolumeClaim: {claimName: b}}", ""},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(limited().verdicts(with(c.volumes)), (Verdicts{{"n1", c.verdict}, {"n2", ""}}));
  }
  EXPECT_EQ(limited().verdicts(with("{name: v, emptyDir: {}}")), kSkip);
  EXPECT_EQ(limited().verdicts(with(claim("gone"))).at("n1"),
            "never: looking up PVC default/gone: persistentvolumeclaim \"gone\" not found");
}

TEST(NodeVolumeLimits, WhatIsStillAttachedCounts) {
  OnePlugin plugin = limited();
  plugin.object<VolumeAttachment>(
      "{metadata: {name: va}, spec: {attacher: csi.io, nodeName: n1, source: {persistentVolumeName: pv-c}}}");
  EXPECT_EQ(plugin.verdicts(with(claim("b"))).at("n1"), "node(s) exceed max volume count");
  EXPECT_EQ(plugin.verdicts(with(claim("c"))).at("n1"), "node(s) exceed max volume count");  // twice, as upstream counts
  EXPECT_EQ(plugin.verdicts(with(claim("a"))).at("n1"), "");
}

TEST(NodeVolumeLimits, DisksOfAPodCountAsTheDriversThatTookThemOver) {
  OnePlugin plugin("NodeVolumeLimits");
  plugin.node("n1");
  plugin.object<CSINode>(
      "{metadata: {name: n1}, spec: {drivers: [{name: ebs.csi.aws.com, nodeID: i, allocatable: {count: 1}}]}}");
  plugin.pod(
      "{metadata: {name: e}, spec: {nodeName: n1, volumes: [{name: v, awsElasticBlockStore: {volumeID: 'aws://z/vol-1'}}]}}");
  EXPECT_EQ(plugin.verdicts(with("{name: v, awsElasticBlockStore: {volumeID: vol-1}}")).at("n1"), "");
  EXPECT_EQ(plugin.verdicts(with("{name: v, awsElasticBlockStore: {volumeID: vol-2}}")).at("n1"),
            "node(s) exceed max volume count");
}

TEST(NodeVolumeLimits, Hints) {
  OnePlugin plugin = limited();
  const Pod waiting = with(claim("b"));
  const auto node = [](int count) { return std::make_shared<const CSINode>(from_yaml<CSINode>(csi_node("n1", count))); };
  using enum ClusterEvent;
  EXPECT_TRUE(plugin.queues({.event = CsiNodeAdded, .object_after = node(1)}, waiting));
  EXPECT_TRUE(plugin.queues({.event = CsiNodeChanged, .object_before = node(1), .object_after = node(2)}, waiting));
  EXPECT_FALSE(plugin.queues({.event = CsiNodeChanged, .object_before = node(2), .object_after = node(1)}, waiting));
  EXPECT_TRUE(plugin.queues({.event = AssignedPodDeleted, .pod_before = make_pod_info(with(claim("a"), "e", "n1"))}, waiting));
  EXPECT_FALSE(plugin.queues(
      {.event = AssignedPodDeleted, .pod_before = make_pod_info(with("{name: v, emptyDir: {}}", "e", "n1"))}, waiting));
}

// -- VolumeZone

OnePlugin zoned(const std::string& labels) {
  OnePlugin out("VolumeZone");
  out.node("a", "topology.kubernetes.io/zone=a").node("b", "topology.kubernetes.io/zone=b").node("none");
  out.object<PersistentVolume>("{metadata: {name: pv, labels: {" + labels + "}}, spec: {}}");
  out.object<PersistentVolumeClaim>(pvc("c", "volumeName: pv"));
  out.object<StorageClass>("{metadata: {name: wait}, provisioner: p, volumeBindingMode: WaitForFirstConsumer}");
  out.object<StorageClass>("{metadata: {name: now}, provisioner: p, volumeBindingMode: Immediate}");
  return out;
}

TEST(VolumeZone, Verdicts) {
  const std::string away = "never: node(s) had no available volume zone";
  const Verdicts only_a{{"a", ""}, {"b", away}, {"none", ""}};
  EXPECT_EQ(zoned("topology.kubernetes.io/zone: a").verdicts(with(claim("c"))), only_a);
  EXPECT_EQ(zoned("failure-domain.beta.kubernetes.io/zone: a").verdicts(with(claim("c"))), only_a);
  EXPECT_EQ(zoned("topology.kubernetes.io/zone: a__c").verdicts(with(claim("c"))), only_a);
  EXPECT_EQ(zoned("topology.kubernetes.io/zone: a__").verdicts(with(claim("c"))), kSkip);  // means nothing
  EXPECT_EQ(zoned("topology.kubernetes.io/region: r").verdicts(with(claim("c"))),
            (Verdicts{{"a", away}, {"b", away}, {"none", ""}}));
  EXPECT_EQ(zoned("other: a").verdicts(with(claim("c"))), kSkip);
  EXPECT_EQ(zoned("").verdicts(with("{name: v, emptyDir: {}}")), kSkip);
}

TEST(VolumeZone, ClaimsWithoutAVolume) {
  const auto says = [](const std::string& spec) {
    OnePlugin plugin = zoned("");
    plugin.object<PersistentVolumeClaim>(pvc("c", spec));
    return plugin.verdicts(with(claim("c"))).at("*");
  };
  EXPECT_EQ(says("storageClassName: wait"), "skip");
  EXPECT_EQ(says("storageClassName: now"), "never: PersistentVolume had no name");
  EXPECT_EQ(says("storageClassName: gone"), "never: storageclass.storage.k8s.io \"gone\" not found");
  EXPECT_EQ(says(""), "never: PersistentVolumeClaim had no pv name and storageClass name");
  EXPECT_EQ(says("volumeName: gone"), "never: persistentvolume \"gone\" not found");
}

// -- VolumeBinding

constexpr const char* kOutOfReach = "never: node(s) didn't match PersistentVolume's node affinity";
constexpr const char* kNoVolume = "never: node(s) didn't find available persistent volumes to bind";
constexpr const char* kNoSpace = "never: node(s) did not have enough free storage";
const std::string kModes = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}";

std::string local_volume(const std::string& name, const std::string& node, const std::string& size,
                         const std::string& more = "") {
  return "{metadata: {name: " + name + ", labels: {disk: ssd}}, spec: {capacity: {storage: " + size +
         "}, accessModes: [ReadWriteOnce], storageClassName: local, nodeAffinity: {required: {nodeSelectorTerms: "
         "[{matchExpressions: "
         "[{key: host, operator: In, values: [" +
         node + "]}]}]}}" + more + "}, status: {phase: Available}}";
}

OnePlugin storage() {
  OnePlugin out("VolumeBinding");
  out.node("n1", "host=n1,zone=a").node("n2", "host=n2,zone=b");
  out.object<StorageClass>(
      "{metadata: {name: local}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}");
  out.object<StorageClass>("{metadata: {name: made}, provisioner: csi.io, volumeBindingMode: WaitForFirstConsumer}");
  out.object<StorageClass>("{metadata: {name: now}, provisioner: csi.io, volumeBindingMode: Immediate}");
  return out;
}

TEST(VolumeBinding, WhatStandsInTheWayOfAnyNode) {
  const auto says = [](const std::string& yaml, const std::string& volume = claim("c")) {
    OnePlugin plugin = storage();
    if (!yaml.empty()) plugin.object<PersistentVolumeClaim>(yaml);
    const Verdicts got = plugin.verdicts(with(volume));
    return got.contains("*") ? got.at("*") : "";
  };
  const std::string ephemeral = "{name: e, ephemeral: {volumeClaimTemplate: {spec: {}}}}";
  EXPECT_EQ(says("", "{name: v, emptyDir: {}}"), "skip");
  EXPECT_EQ(says(""), "never: persistentvolumeclaim \"c\" not found");
  EXPECT_EQ(says("", ephemeral), "never: waiting for ephemeral volume controller to create the persistentvolumeclaim \"p-e\"");
  EXPECT_EQ(says(pvc("p-e", "storageClassName: made"), ephemeral),
            "never: PVC default/p-e was not created for pod default/p (pod is not owner)");
  EXPECT_EQ(says(pvc("p-e", "storageClassName: made", ", ownerReferences: [{controller: true, uid: uid-p}]"), ephemeral), "");
  EXPECT_EQ(says(pvc("c", "storageClassName: now")), "never: pod has unbound immediate PersistentVolumeClaims");
  EXPECT_EQ(says(pvc("c", "storageClassName: gone")), "never: pod has unbound immediate PersistentVolumeClaims");
  EXPECT_EQ(says(pvc("c", "volumeName: pv, storageClassName: made")), "never: pod has unbound immediate PersistentVolumeClaims");
  EXPECT_EQ(says(pvc("c", "storageClassName: made", ", deletionTimestamp: '2026-01-01T00:00:00Z'")),
            "never: persistentvolumeclaim \"c\" is being deleted");
  EXPECT_EQ(says("{metadata: {namespace: default, name: c}, spec: {volumeName: pv}, status: {phase: Lost}}"),
            "never: persistentvolumeclaim \"c\" bound to non-existent persistentvolume \"pv\"");
}

TEST(VolumeBinding, BoundVolumesMustBeInReach) {
  OnePlugin plugin = storage();
  plugin.object<PersistentVolume>(local_volume("pv", "n1", "5Gi"));
  plugin.object<PersistentVolumeClaim>(pvc("c", "volumeName: pv", kBound));
  plugin.object<PersistentVolumeClaim>(pvc("d", "volumeName: gone", kBound));
  EXPECT_EQ(plugin.verdicts(with(claim("c"))), (Verdicts{{"n1", ""}, {"n2", kOutOfReach}}));
  const std::string gone = "never: node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";
  EXPECT_EQ(plugin.verdicts(with(claim("d"))), (Verdicts{{"n1", gone}, {"n2", gone}}));
}

TEST(VolumeBinding, FindsVolumesForClaims) {
  const struct {
    const char* name;
    std::vector<std::string> volumes;
    std::string spec;
    Verdicts verdicts;
  } kCases[] = {
      {"none", {}, kModes, {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"one of them in reach", {local_volume("pv", "n1", "5Gi")}, kModes, {{"n1", ""}, {"n2", kNoVolume}}},
      {"too small", {local_volume("pv", "n1", "1Gi")}, kModes, {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"of another access mode",
       {local_volume("pv", "n1", "5Gi")},
       "accessModes: [ReadWriteMany], resources: {requests: {storage: 2Gi}}",
       {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"of another mode",
       {local_volume("pv", "n1", "5Gi")},
       kModes + ", volumeMode: Block",
       {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"with the labels that are asked for",
       {local_volume("pv", "n1", "5Gi")},
       kModes + ", selector: {matchLabels: {disk: ssd}}",
       {{"n1", ""}, {"n2", kNoVolume}}},
      {"with other labels",
       {local_volume("pv", "n1", "5Gi")},
       kModes + ", selector: {matchLabels: {disk: hdd}}",
       {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"kept for another claim",
       {local_volume("pv", "n1", "5Gi", ", claimRef: {namespace: default, name: other}")},
       kModes,
       {{"n1", kNoVolume}, {"n2", kNoVolume}}},
      {"kept for this claim, though another would do",
       {local_volume("kept", "n1", "9Gi", ", claimRef: {namespace: default, name: c}"), local_volume("pv", "n2", "5Gi")},
       kModes,
       {{"n1", ""}, {"n2", kNoVolume}}},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    OnePlugin plugin = storage();
    for (const std::string& volume : c.volumes) plugin.object<PersistentVolume>(volume);
    plugin.object<PersistentVolumeClaim>(pvc("c", c.spec + ", storageClassName: local"));
    EXPECT_EQ(plugin.verdicts(with(claim("c"))), c.verdicts);
  }
}

TEST(VolumeBinding, TwoClaimsDoNotGetOneVolume) {
  OnePlugin plugin = storage();
  plugin.object<PersistentVolume>(local_volume("a", "n1", "5Gi"));
  plugin.object<PersistentVolumeClaim>(pvc("c", kModes + ", storageClassName: local"));
  plugin.object<PersistentVolumeClaim>(pvc("d", kModes + ", storageClassName: local"));
  EXPECT_EQ(plugin.verdicts(with(claim("c") + ", " + claim("d"))).at("n1"), kNoVolume);
  plugin.object<PersistentVolume>(local_volume("b", "n1", "3Gi"));
  EXPECT_EQ(plugin.verdicts(with(claim("c") + ", " + claim("d"))).at("n1"), "");
}

TEST(VolumeBinding, ProvisioningGoesByTopologyAndCapacity) {
  const auto plugin = [](const std::string& topologies) {
    OnePlugin out = storage();
    out.object<StorageClass>("{metadata: {name: made}, provisioner: csi.io, volumeBindingMode: WaitForFirstConsumer" +
                             topologies + "}");
    out.object<PersistentVolumeClaim>(pvc("c", kModes + ", storageClassName: made"));
    return out;
  };
  const Pod pod = with(claim("c"));
  EXPECT_EQ(plugin("").verdicts(pod), (Verdicts{{"n1", ""}, {"n2", ""}}));
  const std::string zone_a = ", allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [a]}]}]";
  EXPECT_EQ(plugin(zone_a).verdicts(pod), (Verdicts{{"n1", ""}, {"n2", kNoVolume}}));

  const std::string driver = "{metadata: {name: csi.io}, spec: {storageCapacity: true}}";
  const auto capacity = [](const std::string& name, const std::string& zone, const std::string& more) {
    return "{metadata: {namespace: default, name: " + name +
           "}, storageClassName: made, nodeTopology: {matchLabels: {zone: " + zone + "}}" + more + "}";
  };
  OnePlugin counted = plugin("");
  counted.object<CSIDriver>(driver);
  EXPECT_EQ(counted.verdicts(pod), (Verdicts{{"n1", kNoSpace}, {"n2", kNoSpace}}));
  counted.object<CSIStorageCapacity>(capacity("a", "a", ", capacity: 10Gi"));
  counted.object<CSIStorageCapacity>(capacity("b", "b", ", capacity: 1Gi"));
  EXPECT_EQ(counted.verdicts(pod), (Verdicts{{"n1", ""}, {"n2", kNoSpace}}));
  counted.object<CSIStorageCapacity>(capacity("a", "a", ", capacity: 10Gi, maximumVolumeSize: 1Gi"));
  EXPECT_EQ(counted.verdicts(pod), (Verdicts{{"n1", kNoSpace}, {"n2", kNoSpace}}));
  counted.object<CSIDriver>("{metadata: {name: csi.io}, spec: {storageCapacity: false}}");
  EXPECT_EQ(counted.verdicts(pod), (Verdicts{{"n1", ""}, {"n2", ""}}));
}

TEST(VolumeBinding, ANodeThatWasSelectedBeforeIsKept) {
  OnePlugin plugin = storage();
  plugin.object<PersistentVolumeClaim>(
      pvc("c", kModes + ", storageClassName: made", ", annotations: {volume.kubernetes.io/selected-node: n2}"));
  EXPECT_EQ(plugin.verdicts(with(claim("c"))), (Verdicts{{"n1", kNoVolume}, {"n2", ""}}));
}

TEST(VolumeBinding, Hints) {
  OnePlugin plugin = storage();
  const Pod waiting = with(claim("c"));
  using enum ClusterEvent;
  const auto shared = []<class T>(T object) { return std::make_shared<const T>(std::move(object)); };
  const auto made = [&](const char* name) { return shared(from_yaml<PersistentVolumeClaim>(pvc(name, ""))); };
  EXPECT_TRUE(
      plugin.queues({.event = PersistentVolumeClaimChanged, .object_before = made("c"), .object_after = made("c")}, waiting));
  EXPECT_FALSE(plugin.queues({.event = PersistentVolumeClaimAdded, .object_after = made("d")}, waiting));
  const auto capacity = [&](const char* size) {
    return shared(from_yaml<CSIStorageCapacity>("{metadata: {name: c}, capacity: " + std::string(size) + "}"));
  };
  EXPECT_TRUE(plugin.queues(
      {.event = CsiStorageCapacityChanged, .object_before = capacity("1Gi"), .object_after = capacity("2Gi")}, waiting));
  EXPECT_FALSE(plugin.queues(
      {.event = CsiStorageCapacityChanged, .object_before = capacity("2Gi"), .object_after = capacity("2048Mi")}, waiting));
}

// -- Which volume is the best

TEST(Volumes, TheSmallestThatIsLargeEnough) {
  const auto volume = [](const std::string& name, const std::string& size) {
    return from_yaml<PersistentVolume>("{metadata: {name: " + name + "}, spec: {capacity: {storage: " + size +
                                       "}, accessModes: [ReadWriteOnce]}, status: {phase: Available}}");
  };
  const PersistentVolume large = volume("large", "9Gi"), good = volume("good", "3Gi"), small = volume("small", "1Gi");
  const auto wanted = from_yaml<PersistentVolumeClaim>(pvc("c", kModes));
  const api::VolumeChoice choices[] = {{&large}, {&good}, {&small}};
  EXPECT_EQ(api::find_matching_volume(wanted, choices, {}), &good);
  EXPECT_EQ(api::find_matching_volume(wanted, choices, {"good"}), &large);
  EXPECT_EQ(api::find_matching_volume(wanted, choices, {"good", "large"}), nullptr);
}

}  // namespace
}  // namespace ph::scheduler::test

// Volumes and devices from the choice of a node to the binding, on virtual time: what is written, what is waited for, what is undone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scheduler/one_plugin.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, core::v1::Pod;
using resources::v1::DeviceClass, resources::v1::ResourceClaim, resources::v1::ResourceSlice;
using storage::v1::StorageClass;

void add_node(sim::Cluster& cluster, const std::string& name, const std::string& labels) {
  Node node = labelled_node(name, labels);
  node.mutable_metadata()->clear_uid();
  Node created = cluster.create(node);
  *created.mutable_status() = node.status();
  cluster.update_status(std::move(created));
}

template <class T>
void create(sim::Cluster& cluster, const std::string& yaml) {
  cluster.create(from_yaml<T>(yaml));
}

void add_volume(sim::Cluster& cluster, const std::string& name, const std::string& size) {
  PersistentVolume created = cluster.create(from_yaml<PersistentVolume>(
      "{metadata: {name: " + name + "}, spec: {capacity: {storage: " + size +
      "}, accessModes: [ReadWriteOnce], storageClassName: wait, csi: {driver: csi.io, volumeHandle: " + name + "}}}"));
  created.mutable_status()->set_phase("Available");
  cluster.update_status(std::move(created));
}

std::string pod(const std::string& name, const std::string& spec) {
  return "{metadata: {namespace: default, name: " + name + "}, spec: {containers: [{name: c, image: i}], " + spec + "}}";
}
std::string with_claim(const std::string& name, const std::string& claim = "data") {
  return pod(name, "volumes: [{name: v, persistentVolumeClaim: {claimName: " + claim + "}}]");
}
std::string claim(const std::string& name = "data") {
  return "{metadata: {namespace: default, name: " + name +
         "}, spec: {accessModes: [ReadWriteOnce], storageClassName: wait, resources: {requests: {storage: 2Gi}}}}";
}

void bind_claim(sim::Cluster& cluster, const std::string& volume) {
  cluster.edit<PersistentVolumeClaim>("default/data", [&](PersistentVolumeClaim& claim) {
    claim.mutable_spec()->set_volume_name(volume);
    (*claim.mutable_metadata()->mutable_annotations())["pv.kubernetes.io/bind-completed"] = "yes";
  });
}

std::string message_of(const Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled" && condition.status() == "False") return condition.message();
  }
  return "";
}

TEST(BindingVolumes, AVolumeIsKeptForTheClaimAndThePodWaitsUntilTheyAreBound) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  create<StorageClass>(
      cluster, "{metadata: {name: wait}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}");
  add_volume(cluster, "large", "50Gi");
  add_volume(cluster, "good", "5Gi");
  create<PersistentVolumeClaim>(cluster, claim());
  create<Pod>(cluster, with_claim("a"));
  cluster.advance(3s);
  const auto kept = cluster.get<PersistentVolume>("good");
  EXPECT_EQ(kept.spec().claim_ref().name(), "data");
  EXPECT_EQ(kept.spec().claim_ref().uid(), cluster.get<PersistentVolumeClaim>("default/data").metadata().uid());
  EXPECT_EQ(kept.metadata().annotations().at("pv.kubernetes.io/bound-by-controller"), "yes");
  EXPECT_FALSE(cluster.get<PersistentVolume>("large").spec().has_claim_ref());
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "");
  EXPECT_EQ(cluster.get<Pod>("default/a").status().nominated_node_name(), "n1");
  bind_claim(cluster, "good");
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

TEST(BindingVolumes, AProvisionerIsToldTheNode) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  create<StorageClass>(cluster, "{metadata: {name: wait}, provisioner: csi.io, volumeBindingMode: WaitForFirstConsumer}");
  create<PersistentVolumeClaim>(cluster, claim());
  create<Pod>(cluster, with_claim("a"));
  cluster.advance(3s);
  const auto selected = [&] {
    const auto live = cluster.get<PersistentVolumeClaim>("default/data");
    const auto found = live.metadata().annotations().find("volume.kubernetes.io/selected-node");
    return found == live.metadata().annotations().end() ? std::string() : found->second;
  };
  EXPECT_EQ(selected(), "n1");
  // It cannot make the volume there, and takes the node back: the pod is tried anew.
  cluster.edit<PersistentVolumeClaim>("default/data", [](PersistentVolumeClaim& live) {
    (*live.mutable_metadata()->mutable_annotations())["volume.kubernetes.io/selected-node"] = "none";
  });
  cluster.advance(2s);
  EXPECT_EQ(message_of(cluster.get<Pod>("default/a")),
            "running PreBind plugin \"VolumeBinding\": binding volumes: provisioning failed for PVC \"data\"");
  cluster.edit<PersistentVolumeClaim>("default/data", [](PersistentVolumeClaim& live) {
    live.mutable_metadata()->mutable_annotations()->erase("volume.kubernetes.io/selected-node");
  });
  cluster.advance(15s);
  EXPECT_EQ(selected(), "n1");
  add_volume(cluster, "made", "2Gi");
  bind_claim(cluster, "made");
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

TEST(BindingVolumes, AfterTenMinutesThePodIsTriedAnew) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  create<StorageClass>(cluster, "{metadata: {name: wait}, provisioner: csi.io, volumeBindingMode: WaitForFirstConsumer}");
  create<PersistentVolumeClaim>(cluster, claim());
  create<Pod>(cluster, with_claim("a"));
  cluster.advance(9min);
  EXPECT_EQ(message_of(cluster.get<Pod>("default/a")), "");
  cluster.advance(62s);
  EXPECT_EQ(message_of(cluster.get<Pod>("default/a")),
            "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded");
}

TEST(BindingVolumes, TwoPodsDoNotGetOneVolume) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  create<StorageClass>(
      cluster, "{metadata: {name: wait}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}");
  add_volume(cluster, "only", "5Gi");
  create<PersistentVolumeClaim>(cluster, claim());
  create<PersistentVolumeClaim>(cluster, claim("more"));
  create<Pod>(cluster, with_claim("a"));
  create<Pod>(cluster, with_claim("b", "more"));
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<PersistentVolume>("only").spec().claim_ref().name(), "data");
  EXPECT_THAT(message_of(cluster.get<Pod>("default/b")),
              testing::StartsWith("0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."));
  add_volume(cluster, "other", "5Gi");
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<PersistentVolume>("other").spec().claim_ref().name(), "more");
}

// -- Devices

void add_devices(sim::Cluster& cluster) {
  create<DeviceClass>(cluster, "{metadata: {name: gpu}}");
  create<ResourceSlice>(cluster,
                        "{metadata: {name: s}, spec: {driver: gpu.io, nodeName: n1, pool: {name: n1, generation: 1, "
                        "resourceSliceCount: 1}, devices: [{name: d0}]}}");
}
std::string device_claim(const std::string& name) {
  return "{metadata: {namespace: default, name: " + name +
         "}, spec: {devices: {requests: [{name: r, exactly: {deviceClassName: gpu}}]}}}";
}
std::string with_device(const std::string& name, const std::string& claim) {
  return pod(name, "resourceClaims: [{name: d, resourceClaimName: " + claim + "}]");
}

TEST(BindingDevices, TheClaimSaysWhichDeviceAndForWhom) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  add_devices(cluster);
  create<ResourceClaim>(cluster, device_claim("c"));
  create<Pod>(cluster, with_device("a", "c"));
  create<Pod>(cluster, with_device("b", "c"));
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "n1");
  const auto live = cluster.get<ResourceClaim>("default/c");
  ASSERT_EQ(live.status().allocation().devices().results_size(), 1);
  const auto& result = live.status().allocation().devices().results(0);
  EXPECT_EQ(result.request() + " " + result.driver() + " " + result.pool() + " " + result.device(), "r gpu.io n1 d0");
  EXPECT_EQ(live.status().allocation().node_selector().node_selector_terms(0).match_fields(0).values(0), "n1");
  EXPECT_TRUE(live.status().allocation().has_allocation_timestamp());
  EXPECT_THAT(live.metadata().finalizers(), testing::ElementsAre("resource.kubernetes.io/delete-protection"));
  std::set<std::string> users;
  for (const auto& user : live.status().reserved_for()) users.insert(user.resource() + "/" + user.name());
  EXPECT_EQ(users, (std::set<std::string>{"pods/a", "pods/b"}));
}

TEST(BindingDevices, ADeviceGoesToOneClaimAndThenToTheNext) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  add_devices(cluster);
  create<ResourceClaim>(cluster, device_claim("c"));
  create<ResourceClaim>(cluster, device_claim("d"));
  create<Pod>(cluster, with_device("a", "c"));
  cluster.advance(1s);
  create<Pod>(cluster, with_device("b", "d"));
  cluster.advance(2s);
  EXPECT_THAT(message_of(cluster.get<Pod>("default/b")),
              testing::StartsWith("0/1 nodes are available: 1 cannot allocate all claims."));
  auto freed = cluster.get<ResourceClaim>("default/c");
  freed.mutable_status()->clear_allocation();
  freed.mutable_status()->clear_reserved_for();
  cluster.update_status(std::move(freed));
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "n1");
}

TEST(BindingDevices, APodWhoseClaimIsNotThereIsNotTried) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, "n1", "");
  add_devices(cluster);
  create<Pod>(cluster, with_device("a", "c"));
  cluster.advance(3s);
  EXPECT_EQ(message_of(cluster.get<Pod>("default/a")), "");
  create<ResourceClaim>(cluster, device_claim("c"));
  cluster.advance(3s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

// -- What the server makes of a pod before the scheduler sees it

TEST(LabelKeys, ThePodsOwnLabelsBecomePartOfItsAffinity) {
  sim::Cluster cluster(sim::no_loops());
  create<Pod>(cluster,
              "{metadata: {namespace: default, name: a, labels: {rev: r1}}, spec: {containers: [{name: c, image: i}], affinity: "
              "{podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {}, "
              "matchLabelKeys: [rev, none]}]}, podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, "
              "podAffinityTerm: {topologyKey: zone, labelSelector: {}, mismatchLabelKeys: [rev]}}]}}}}");
  const auto affinity = cluster.get<Pod>("default/a").spec().affinity();
  const auto shown = [](const meta::v1::LabelSelector& selector) {
    std::string out;
    for (const auto& one : selector.match_expressions()) out += one.key() + " " + one.operator_() + " " + one.values(0) + ";";
    return out;
  };
  EXPECT_EQ(shown(affinity.pod_affinity().required_during_scheduling_ignored_during_execution(0).label_selector()), "rev In r1;");
  EXPECT_EQ(shown(affinity.pod_anti_affinity()
                      .preferred_during_scheduling_ignored_during_execution(0)
                      .pod_affinity_term()
                      .label_selector()),
            "rev NotIn r1;");
}

}  // namespace
}  // namespace ph::scheduler::test

// The selinux-warning loop: what pods mount, who is at odds, and the loop in a simulated cluster.
#include <gmock/gmock.h>

#include "api/codec.h"
#include "controllers/selinux_warning/pod_mounts.h"
#include "controllers/selinux_warning/shared_volumes.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using namespace selinux_warning;
using core::v1::Pod;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::UnorderedElementsAre;
using Texts = std::vector<std::string>;
using Uses = SharedVolumes::Uses;

Pod pod_of(const std::string& key, const std::string& spec) {
  Pod out;
  api::decode_json(R"({"spec": )" + spec + "}", out);
  const ObjectKey parsed = ObjectKey::parse(key);
  out.mutable_metadata()->set_namespace_(parsed.namespace_name);
  out.mutable_metadata()->set_name(parsed.name);
  return out;
}

// One container that mounts the claim, with a level and a policy, if there are any.
Pod mounting(const std::string& key, const std::string& claim, const std::string& level, const std::string& policy = "") {
  Pod out = sim::make_pod(key);
  auto& spec = *out.mutable_spec();
  auto& volume = *spec.add_volumes();
  volume.set_name("data");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim);
  auto& mount = *spec.mutable_containers(0)->add_volume_mounts();
  mount.set_name("data");
  mount.set_mount_path("/data");
  if (!level.empty()) spec.mutable_security_context()->mutable_se_linux_options()->set_level(level);
  if (!policy.empty()) spec.mutable_security_context()->set_se_linux_change_policy(policy);
  return out;
}

// -- What pods mount

TEST(SelinuxMounts, WhichLabelsMountWhat) {
  struct Case {
    const char *name, *spec, *told;
  };
  const Case cases[] = {
      {"the pod's label",
       R"({"securityContext": {"seLinuxOptions": {"level": "s0:c1"}}, "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
           "containers": [{"name": "a", "volumeMounts": [{"name": "v"}]}]})",
       "v c [:::s0:c1]"},
      {"a container's own, whole",
       R"({"securityContext": {"seLinuxOptions": {"level": "s0:c1"}}, "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
           "containers": [{"name": "a", "volumeMounts": [{"name": "v"}], "securityContext": {"seLinuxOptions": {"user": "u", "type": "t"}}}]})",
       "v c [u::t:]"},
      {"two that differ, one of them an init container",
       R"({"securityContext": {"seLinuxOptions": {"level": "s0:c1"}}, "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}],
           "initContainers": [{"name": "b", "volumeMounts": [{"name": "v"}], "securityContext": {"seLinuxOptions": {"level": "s0"}}}],
           "containers": [{"name": "a", "volumeMounts": [{"name": "v"}]}]})",
       "v c [:::s0,:::s0:c1]"},
      {"nobody says anything",
       R"({"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}], "containers": [{"name": "a", "volumeMounts": [{"name": "v"}]}]})",
       "v p-v []"},
      {"nobody mounts it",
       R"({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}], "containers": [{"name": "a"}]})", ""},
      {"nobody else could use it",
       R"({"volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"name": "a", "volumeMounts": [{"name": "v"}]}]})", ""},
      {"one that stands in the pod",
       R"({"volumes": [{"name": "v", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "i", "lun": 3}}], "containers": [{"name": "a", "volumeMounts": [{"name": "v"}]}]})",
       "v kubernetes.io/iscsi/1.2.3.4:i:3 []"},
  };
  for (const Case& c : cases) {
    std::string told;
    for (const MountedVolume& each : PodMounts::of(pod_of("default/p", c.spec))->volumes) {
      std::string labels;
      for (const std::string& label : each.labels) labels += (labels.empty() ? "" : ",") + label;
      told += each.name + " " + each.claim + each.unique_name + " [" + labels + "]";
    }
    EXPECT_EQ(told, c.told) << c.name;
  }
}

TEST(SelinuxLabels, PartsThatAreNotSaidAreNoConflict) {
  struct Case {
    const char *a, *b;
    bool conflict;
  };
  const Case cases[] = {{"u:r:t:s0:c1,c2", ":::s0:c1,c2", false},
                        {"u:r:t:s0:c1,c2", ":::s0:c9", true},
                        {"u:::", ":r::", false},
                        {"u:::", "v:::", true},
                        {"", "u:r:t:s0", false},
                        {"::t:", "::t:s0", false}};
  for (const Case& c : cases) {
    EXPECT_EQ(labels_conflict(c.a, c.b), c.conflict) << c.a << " " << c.b;
    EXPECT_EQ(labels_conflict(c.b, c.a), c.conflict) << c.b << " " << c.a;
  }
}

// -- Who is at odds

Texts told(const std::vector<Conflict>& conflicts) {
  Texts out;
  for (const Conflict& each : conflicts)
    out.push_back(each.property + " " + each.pod.name + "=" + each.value + " " + each.other.name + "=" + each.other_value);
  return out;
}

TEST(SharedVolumes, WhenConflictsBeginAndEnd) {
  SharedVolumes shared;
  const ObjectKey a{"default", "a"}, b{"default", "b"}, c{"default", "c"};
  EXPECT_THAT(shared.put(a, {{"v", {.label = ":::s0", .can_mount = true}}}).begun, IsEmpty());
  EXPECT_THAT(told(shared.put(b, {{"v", {.label = ":::s1", .can_mount = true}}}).begun),
              ElementsAre("SELinuxLabel a=:::s0 b=:::s1", "SELinuxLabel b=:::s1 a=:::s0"));
  EXPECT_THAT(shared.put(b, {{"v", {.label = ":::s1", .can_mount = true}}}).begun, IsEmpty()) << "that is known";
  EXPECT_THAT(told(shared.put(c, {{"v", {.label = ":::s0", .asks_for_recursive = true, .can_mount = true}}}).begun),
              ElementsAre("SELinuxChangePolicy a=MountOption c=Recursive", "SELinuxChangePolicy b=MountOption c=Recursive",
                          "SELinuxChangePolicy c=Recursive a=MountOption", "SELinuxChangePolicy c=Recursive b=MountOption"));
  EXPECT_EQ(shared.put(c, {}).ended.size(), 4u);
  EXPECT_THAT(told(shared.conflicts()), ElementsAre("SELinuxLabel a=:::s0 b=:::s1", "SELinuxLabel b=:::s1 a=:::s0"));
  const auto change = shared.put(a, {{"v", {.label = ":::s0", .can_mount = false}}});
  EXPECT_THAT(change.begun, IsEmpty()) << "the driver cannot, for any of them";
  EXPECT_EQ(change.ended.size(), 2u);
  EXPECT_EQ(shared.put(b, {{"v", {.label = ":::s1", .can_mount = true}}}).begun.size(), 2u) << "it can again";
  shared.put(a, {});
  shared.put(b, {});
  EXPECT_THAT(shared.conflicts(), IsEmpty());
}

TEST(SharedVolumes, TwoVolumesOfTheSamePodsAreOneConflict) {
  SharedVolumes shared;
  const auto uses = [](const char* label) {
    return Uses{{"v", {.label = label, .can_mount = true}}, {"w", {.label = label, .can_mount = true}}};
  };
  shared.put({"default", "a"}, uses(":::s0"));
  EXPECT_EQ(shared.put({"default", "b"}, uses(":::s1")).begun.size(), 2u);
  EXPECT_THAT(shared.put({"default", "b"}, {{"w", {.label = ":::s1", .can_mount = true}}}).ended, IsEmpty());
  EXPECT_EQ(shared.put({"default", "b"}, {}).ended.size(), 2u);
}

TEST(SharedVolumes, WhoIsOfAnotherNamespaceIsNotNamed) {
  Conflict conflict{"SELinuxLabel", {"x", "a"}, ":::s0", {"x", "b"}, ":::s1"};
  EXPECT_EQ(conflict.reason(), "SELinuxLabelConflict");
  EXPECT_EQ(conflict.message(),
            "SELinuxLabel \":::s0\" conflicts with pod b that uses the same volume as this pod with SELinuxLabel \":::s1\". If "
            "both pods "
            "land on the same node, only one of them may access the volume.");
  conflict.other.namespace_name = "y";
  EXPECT_EQ(
      conflict.message(),
      "SELinuxLabel\":::s0\" conflicts with another pod that uses the same volume as this pod with a different SELinuxLabel. If "
      "both pods land on the same node, only one of them may access the volume.");
}

// -- In a cluster

class SelinuxWarningLoop : public testing::Test {
 protected:
  using Claim = core::v1::PersistentVolumeClaim;
  using Volume = core::v1::PersistentVolume;

  void bound(const std::string& name) {
    Claim claim = make_claim("default/" + name).modes({"ReadWriteMany"});
    claim = cluster_.create(claim);
    Volume volume = make_volume("pv-" + name).modes({"ReadWriteMany"});
    auto& reference = *volume.mutable_spec()->mutable_claim_ref();
    reference.set_namespace_("default");
    reference.set_name(name);
    reference.set_uid(claim.metadata().uid());
    cluster_.create(volume);
    cluster_.edit<Claim>("default/" + name, [&](Claim& c) { c.mutable_spec()->set_volume_name("pv-" + name); });
    claim = cluster_.get<Claim>("default/" + name);
    claim.mutable_status()->set_phase("Bound");
    cluster_.update_status(claim);
  }
  void driver(bool mounts) {
    storage::v1::CSIDriver driver;
    driver.mutable_metadata()->set_name("csi.example.com");
    driver.mutable_spec()->set_se_linux_mount(mounts);
    cluster_.create(driver);
  }
  Texts events() {
    Texts out;
    for (const auto& event : cluster_.list<core::v1::Event>("default"))
      out.push_back(event.type() + " " + event.reason() + " " + event.involved_object().name());
    return out;
  }

  int shown() const {
    const std::string text = metrics_.render();
    int out = 0;
    const std::string series = "\nselinux_warning_controller_selinux_volume_conflict{";
    for (auto at = text.find(series); at != text.npos; at = text.find(series, at + 1)) ++out;
    return out;
  }
  sim::Setup setup() {
    sim::Setup out = sim::loops("selinux-warning-controller");
    out.metrics_of_all = &metrics_;
    return out;
  }

  Metrics metrics_;
  sim::Cluster cluster_{setup()};
};

TEST_F(SelinuxWarningLoop, TellsBothPodsAndShowsItAsLongAsItLasts) {
  driver(true);
  cluster_.create(mounting("default/a", "shared", "s0:c1,c2"));
  cluster_.create(mounting("default/b", "shared", "s0:c3,c4"));
  cluster_.advance(2s);
  EXPECT_THAT(events(), IsEmpty()) << "the claim is not bound";
  bound("shared");
  cluster_.advance(2s);
  EXPECT_THAT(events(), UnorderedElementsAre("Normal SELinuxLabelConflict a", "Normal SELinuxLabelConflict b"));
  cluster_.create(mounting("default/c", "shared", "s0:c1,c2", "Recursive"));
  cluster_.advance(2s);
  EXPECT_EQ(events().size(), 2u + 4u) << "a and b are told of c, and c of each of them";
  EXPECT_EQ(shown(), 6);
  cluster_.remove<Pod>("default/c", {.grace_seconds = 0});
  cluster_.advance(2s);
  EXPECT_EQ(shown(), 2) << "those with c have ended";
  cluster_.remove<Pod>("default/a", {.grace_seconds = 0});
  cluster_.advance(2s);
  EXPECT_EQ(shown(), 0);
}

TEST_F(SelinuxWarningLoop, ADriverThatCannotMountWithALabelHasNoConflicts) {
  bound("shared");
  cluster_.create(mounting("default/a", "shared", "s0:c1,c2"));
  cluster_.create(mounting("default/b", "shared", "s0:c3,c4"));
  cluster_.create(mounting("default/done", "shared", "s0:c5,c6"));
  Pod done = cluster_.get<Pod>("default/done");
  done.mutable_status()->set_phase("Succeeded");
  cluster_.update_status(done);
  cluster_.advance(2s);
  EXPECT_THAT(events(), IsEmpty());
  driver(true);
  cluster_.advance(2s);
  EXPECT_THAT(events(), UnorderedElementsAre("Normal SELinuxLabelConflict a", "Normal SELinuxLabelConflict b"));
}

TEST_F(SelinuxWarningLoop, APodThatMountsAVolumeWithTwoLabelsIsToldOfItself) {
  driver(true);
  bound("shared");
  Pod pod = mounting("default/a", "shared", "s0:c1,c2");
  auto& second = *pod.mutable_spec()->add_containers();
  second = pod.spec().containers(0);
  second.set_name("d");
  second.mutable_security_context()->mutable_se_linux_options()->set_level("s0:c9");
  cluster_.create(pod);
  cluster_.advance(2s);
  EXPECT_THAT(events(), ElementsAre("Warning MultipleSELinuxLabels a"));
}

}  // namespace
}  // namespace ph::controllers

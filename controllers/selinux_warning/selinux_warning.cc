// selinux-warning: tells of pods that use a volume with other SELinux labels, or other ways to set them, than another pod does. Where
// nodes mount volumes with a label, only one of the two could use it on a node.
//
//   reads     v1 Pod (views of its own), v1 PersistentVolumeClaim, v1 PersistentVolume, storage.k8s.io/v1 CSIDriver   informers
//   writes    v1 Event   SELinuxLabelConflict, SELinuxChangePolicyConflict, MultipleSELinuxLabels, about pods
//   upstream  pkg/controller/volume/selinuxwarning; KEP-1710
//
// All pods count that have not finished, wherever they are to run, and also those that never will. After a start all conflicts are told
// again.
#include <array>
#include <set>

#include <fmt/format.h>

#include "controllers/common/ownership.h"
#include "controllers/common/pod_reference.h"
#include "controllers/runtime/loop.h"
#include "controllers/selinux_warning/metrics.h"
#include "controllers/selinux_warning/pod_mounts.h"
#include "controllers/selinux_warning/shared_volumes.h"

namespace ph::controllers {
namespace {

using namespace selinux_warning;
using VolumeClaim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;
using Driver = storage::v1::CSIDriver;

constexpr const char* kByClaim = "claim that is mounted";
constexpr const char* kByDriver = "driver that mounts";

std::vector<std::string> claims_of(const PodMounts& pod) {
  std::vector<std::string> out;
  for (const MountedVolume& volume : pod.volumes) {
    if (!volume.claim.empty()) out.push_back(ObjectKey{std::string(pod.namespace_name.view()), volume.claim}.text());
  }
  return out;
}

class SelinuxWarnings final : public Loop {
 public:
  explicit SelinuxWarnings(const World& world)
      : events_(world.events),
        pods_(world.informer<PodMounts>()),
        claims_(world.informer<VolumeClaim>()),
        volumes_(world.informer<Volume>()),
        drivers_(world.informer<Driver>()),
        families_{world.metrics} {
    pods_.add_index(kByClaim, claims_of);
    volumes_.add_index(kByDriver, [](const Volume& volume) -> std::vector<std::string> {
      const auto known = known_volume(volume);
      return known && !known->driver.empty() ? std::vector<std::string>{known->driver} : std::vector<std::string>();
    });
  }
  // A standby shows nothing.
  ~SelinuxWarnings() override { tell_metrics(shared_.conflicts(), false); }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<PodMounts> pod = pods_.find(key);
    const bool counts = pod && !pod->has_finished;
    if (!counts) told_.erase(key);
    const SharedVolumes::Change change = shared_.put(key, counts ? uses_of(*pod) : SharedVolumes::Uses());
    tell_metrics(change.ended, false);
    tell_metrics(change.begun, true);
    for (const Conflict& conflict : change.begun) {
      const Ref<PodMounts> about = pods_.find(conflict.pod);
      if (about) events_.normal(reference_to(*about), conflict.reason(), conflict.message());
    }
    co_return Outcome::done();
  }

 private:
  SharedVolumes::Uses uses_of(const PodMounts& pod) {
    SharedVolumes::Uses out;
    for (const MountedVolume& mounted : pod.volumes) {
      const std::optional<KnownVolume> volume = volume_of(pod, mounted);
      if (!volume) continue;
      if (mounted.labels.size() > 1) {
        tell_of_several(pod, mounted);
        continue;
      }
      // The same volume by two names counts as the first.
      out.try_emplace(volume->unique_name,
                      SharedVolumes::Use{.label = mounted.labels.empty() ? std::string() : mounted.labels.front(),
                                         .asks_for_recursive = pod.asks_for_recursive,
                                         .can_mount = can_mount(*volume)});
    }
    return out;
  }

  // Nothing: its claim is not bound yet, which is what brings the key again, or nodes do not mount it with a label, whoever asks.
  std::optional<KnownVolume> volume_of(const PodMounts& pod, const MountedVolume& mounted) const {
    if (mounted.claim.empty()) return KnownVolume{mounted.unique_name, {}};
    const Ref<VolumeClaim> claim = claims_.find({std::string(pod.namespace_name.view()), mounted.claim});
    if (!claim || claim->status().phase() != "Bound") return std::nullopt;
    if (mounted.is_generic_ephemeral && controller_uid(*claim) != pod.uid) return std::nullopt;
    const Ref<Volume> volume = volumes_.find({"", claim->spec().volume_name()});
    if (!volume || volume->spec().claim_ref().uid() != claim->metadata().uid()) return std::nullopt;
    return known_volume(*volume);
  }

  bool can_mount(const KnownVolume& volume) const {
    if (volume.driver.empty()) return true;
    const Ref<Driver> driver = drivers_.find({"", volume.driver});
    return driver && driver->spec().se_linux_mount();
  }

  void tell_of_several(const PodMounts& pod, const MountedVolume& mounted) {
    if (!told_[pod.key()].insert(pod.uid + " " + mounted.name).second) return;
    events_.warning(reference_to(pod), "MultipleSELinuxLabels",
                    fmt::format("Volume \"{}\" is mounted twice with different SELinux labels inside this pod", mounted.name));
  }

  void tell_metrics(const std::vector<Conflict>& conflicts, bool are_there) const {
    for (const Conflict& conflict : conflicts) {
      const std::array<std::string_view, 7> labels = {conflict.property,   conflict.pod.namespace_name,   conflict.pod.name,
                                                      conflict.value,      conflict.other.namespace_name, conflict.other.name,
                                                      conflict.other_value};
      if (are_there) families_.conflicts.show(labels, 1);
      else families_.conflicts.hide(labels);
    }
  }

  EventRecorder& events_;
  Informer<PodMounts>& pods_;
  Informer<VolumeClaim>& claims_;
  Informer<Volume>& volumes_;
  Informer<Driver>& drivers_;
  const ConflictFamilies families_;
  SharedVolumes shared_;
  std::map<ObjectKey, std::set<std::string>> told_;  // volumes with several labels, of pods that are there
};

using Wakes = std::vector<LoopBuilder::Wake>;

// What a pod mounts does not change, but for ephemeral containers.
Wakes pods_that_change(const PodMounts* before, const PodMounts* after, const World&) {
  const PodMounts& pod = after ? *after : *before;
  if (pod.volumes.empty() && (!before || before->volumes.empty())) return {};
  const auto is_same = [](const MountedVolume& a, const MountedVolume& b) { return a.name == b.name && a.labels == b.labels; };
  if (before && after && before->uid == after->uid && before->has_finished == after->has_finished &&
      std::ranges::equal(before->volumes, after->volumes, is_same))
    return {};
  return {{.key = pod.key()}};
}

void add_pods_of(const ObjectKey& claim, const World& world, Wakes& out) {
  for (const Ref<PodMounts>& pod : world.informer<PodMounts>().by_index(kByClaim, claim.text()))
    out.push_back({.key = pod->key()});
}

Wakes pods_of_claim(const VolumeClaim* before, const VolumeClaim* after, const World& world) {
  Wakes out;
  const auto state = [](const VolumeClaim& claim) { return std::pair(claim.spec().volume_name(), claim.status().phase()); };
  if (before && after && state(*before) == state(*after)) return out;
  add_pods_of(key_of(after ? *after : *before), world, out);
  return out;
}

void add_pods_of(const Volume& volume, const World& world, Wakes& out) {
  const auto& claim = volume.spec().claim_ref();
  if (!claim.uid().empty()) add_pods_of(ObjectKey{claim.namespace_(), claim.name()}, world, out);
}

Wakes pods_of_volume(const Volume* before, const Volume* after, const World& world) {
  Wakes out;
  if (before && after && before->spec().claim_ref().uid() == after->spec().claim_ref().uid()) return out;
  for (const Volume* volume : {before, after}) {
    if (volume) add_pods_of(*volume, world, out);
  }
  return out;
}

Wakes pods_of_driver(const Driver* before, const Driver* after, const World& world) {
  Wakes out;
  if ((before && before->spec().se_linux_mount()) == (after && after->spec().se_linux_mount())) return out;
  const std::string& name = (after ? after : before)->metadata().name();
  for (const Ref<Volume>& volume : world.informer<Volume>().by_index(kByDriver, name)) add_pods_of(*volume, world, out);
  return out;
}

}  // namespace

void selinux_warning_loop(LoopBuilder& loop) {
  loop.watches_changes<PodMounts>(pods_that_change)
      .watches_changes<VolumeClaim>(pods_of_claim)
      .watches_changes<Volume>(pods_of_volume)
      .watches_changes<Driver>(pods_of_driver)
      .event_source("selinux_warning")
      .with<SelinuxWarnings>();
}

}  // namespace ph::controllers

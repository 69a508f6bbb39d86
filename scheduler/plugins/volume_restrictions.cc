// VolumeRestrictions: keeps a pod off nodes where a pod uses a disk that the two cannot share, and everywhere away from a claim that
// is for one pod only and in use.
//
//   reads     core/v1 PersistentVolumeClaim   informer
//   upstream  pkg/scheduler/framework/plugins/volumerestrictions
#include <algorithm>

#include <fmt/format.h>

#include "scheduler/cluster/pod_volumes.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {
namespace {

using core::v1::PersistentVolumeClaim;

constexpr std::string_view kDiskTaken = "node(s) had no available disk";
constexpr std::string_view kClaimTaken =
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";

// The pod's claims that one pod alone may use, and how often others use them.
struct SinglePodClaims {
  std::vector<Interned> claims;
  int conflicts = 0;
};

bool is_for_one_pod(const PersistentVolumeClaim& claim) {
  return std::ranges::find(claim.spec().access_modes(), "ReadWriteOncePod") != claim.spec().access_modes().end();
}

bool conflicts(const PodVolumes& volumes, const PodInfo& other) {
  if (!other.volumes) return false;
  return std::ranges::any_of(volumes.disks, [&](const SharedDisk& disk) {
    return std::ranges::any_of(other.volumes->disks, [&](const SharedDisk& taken) { return disk.conflicts_with(taken); });
  });
}

class VolumeRestrictions final : public PreFilterPlugin, public FilterPlugin {
 public:
  explicit VolumeRestrictions(const PluginWorld& world)
      : snapshot_(*world.snapshot), claims_(lister_of<PersistentVolumeClaim>(world)) {}

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {AssignedPodDeleted, NodeAdded, PersistentVolumeClaimAdded};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    bool helps = true;
    if (change.event == ClusterEvent::AssignedPodDeleted) helps = freed_by(*change.pod_before, waiting);
    if (change.event == ClusterEvent::PersistentVolumeClaimAdded) helps = wanted(*change.after<PersistentVolumeClaim>(), waiting);
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // Nothing is kept of what depends on volumes.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !info.volumes; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const PodVolumes* volumes = state.pod().volumes.get();
    if (!volumes) return {Verdict::skip(), {}};
    SinglePodClaims single;
    for (const PodVolumes::Claim& wanted : volumes->claims) {
      if (wanted.ephemeral) continue;
      const auto claim = claims_.find({pod.metadata().namespace_(), std::string(wanted.name.view())});
      if (!claim) {
        return {Verdict::owning(Code::UnschedulableAndUnresolvable,
                                fmt::format("persistentvolumeclaim \"{}\" not found", wanted.name.view())),
                {}};
      }
      const bool known = std::ranges::find(single.claims, wanted.name) != single.claims.end();
      if (!known && is_for_one_pod(*claim)) single.claims.push_back(wanted.name);
    }
    for (const Interned& claim : single.claims) {
      if (snapshot_.is_claim_used(state.pod().namespace_name, claim)) ++single.conflicts;
    }
    if (volumes->disks.empty() && single.conflicts == 0) return {Verdict::skip(), {}};
    state.put(this, std::move(single));
    return {};
  }

  Verdict add_pod(CycleState& state, const Pod& pod, const PodInfo& added, const NodeInfo& node) const override {
    return change(state, added, 1);
  }
  Verdict remove_pod(CycleState& state, const Pod& pod, const PodInfo& removed, const NodeInfo& node) const override {
    return change(state, removed, -1);
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const PodVolumes& volumes = *state.pod().volumes;
    for (const PodRef& other : volumes.disks.empty() ? std::span<const PodRef>() : node.with_volumes()) {
      if (conflicts(volumes, *other)) return Verdict::unschedulable(kDiskTaken);
    }
    if (state.get<SinglePodClaims>(this).conflicts > 0) return Verdict::unschedulable(kClaimTaken);
    return Verdict::fits();
  }

 private:
  // As upstream: whatever namespace the other pod is of.
  Verdict change(CycleState& state, const PodInfo& other, int by) const {
    if (!other.volumes) return Verdict::fits();
    auto& single = state.edit<SinglePodClaims>(this);
    for (const PodVolumes::Claim& claim : other.volumes->claims) {
      const bool same = std::ranges::find(single.claims, claim.name) != single.claims.end();
      if (!claim.ephemeral && same) single.conflicts += by;
    }
    return Verdict::fits();
  }

  static bool freed_by(const PodInfo& gone, const Pod& waiting) {
    if (gone.namespace_name != waiting.metadata().namespace_()) return false;
    const auto volumes = pod_volumes(waiting);
    if (!volumes || !gone.volumes) return false;
    // Whether the claim is for one pod only is not looked up: that a pod is tried in vain is the lesser evil.
    return conflicts(*volumes, gone) || std::ranges::any_of(gone.volumes->claims, [&](const PodVolumes::Claim& claim) {
             return !claim.ephemeral && volumes->uses(claim.name);
           });
  }

  static bool wanted(const PersistentVolumeClaim& claim, const Pod& waiting) {
    if (claim.metadata().namespace_() != waiting.metadata().namespace_()) return false;
    const auto volumes = pod_volumes(waiting);
    return volumes && volumes->uses(Interned(claim.metadata().name()));
  }

  const Snapshot& snapshot_;
  Lister<PersistentVolumeClaim> claims_;
};

}  // namespace

std::unique_ptr<Plugin> volume_restrictions(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<VolumeRestrictions>(world);
}

}  // namespace ph::scheduler

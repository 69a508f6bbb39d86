// NodeVolumeLimits: keeps a pod off nodes to which a CSI driver cannot attach so many volumes more.
//
//   reads     core/v1 PersistentVolumeClaim, PersistentVolume, storage.k8s.io/v1 StorageClass, CSINode, VolumeAttachment   informers
//   upstream  pkg/scheduler/framework/plugins/nodevolumelimits
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "api/volumes.h"
#include "scheduler/cluster/pod_volumes.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {
namespace {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, storage::v1::CSINode, storage::v1::StorageClass,
    storage::v1::VolumeAttachment;

constexpr std::string_view kTooMany = "node(s) exceed max volume count";

// A volume as its driver knows it.
struct DriverVolume {
  std::string driver;
  std::string handle;
  const api::MigratedPlugin* plugin = nullptr;  // it counts only where this plugin's volumes are the driver's; null: everywhere
};

// driver, handle
using VolumeSet = std::set<std::pair<std::string, std::string>>;

// What the pod brings. A claim that cannot be followed refuses every node.
struct NewVolumes {
  std::vector<DriverVolume> volumes;
  std::map<std::string, VolumeSet, std::less<>> attached;  // by node: those whose attachments are there
  Code code = Code::Success;
  std::string problem;
};

std::map<std::string_view, std::int64_t> limits_of(const CSINode& node) {
  std::map<std::string_view, std::int64_t> out;
  for (const auto& driver : node.spec().drivers()) {
    if (driver.allocatable().has_count()) out[driver.name()] = driver.allocatable().count();
  }
  return out;
}

class NodeVolumeLimits final : public PreFilterPlugin, public FilterPlugin {
 public:
  explicit NodeVolumeLimits(const PluginWorld& world)
      : claims_(lister_of<PersistentVolumeClaim>(world)),
        volumes_(lister_of<PersistentVolume>(world)),
        classes_(lister_of<StorageClass>(world)),
        csi_nodes_(lister_of<CSINode>(world)),
        attachments_(lister_of<VolumeAttachment>(world)) {}

  // -- Waking up

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {CsiNodeAdded, CsiNodeChanged, AssignedPodDeleted, PersistentVolumeClaimAdded, VolumeAttachmentDeleted};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    using enum ClusterEvent;
    bool helps = true;
    if (change.event == CsiNodeChanged) helps = takes_more(*change.before<CSINode>(), *change.after<CSINode>());
    if (change.event == AssignedPodDeleted) helps = attaches(change.pod_before->volumes.get());
    if (change.event == PersistentVolumeClaimAdded) helps = is_wanted(*change.after<PersistentVolumeClaim>(), waiting);
    if (change.event == VolumeAttachmentDeleted) helps = is_freed(*change.before<VolumeAttachment>(), waiting);
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // -- Filtering

  // Nothing is kept of what depends on volumes.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !info.volumes; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    const PodVolumes* volumes = state.pod().volumes.get();
    if (!attaches(volumes)) return {Verdict::skip(), {}};
    NewVolumes wanted;
    for (const PodVolumes::Claim& name : volumes->claims) {
      if (!add_new(pod, name, wanted)) break;
    }
    for (const PodVolumes::Attached& disk : volumes->attached) wanted.volumes.push_back(driver_volume(disk));
    if (!wanted.volumes.empty()) wanted.attached = attached();
    state.put(this, std::move(wanted));
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const auto& wanted = state.get<NewVolumes>(this);
    if (wanted.code != Code::Success) return Verdict::owning(wanted.code, wanted.problem);
    const auto csi_node = csi_nodes_.find(node.name());
    const auto limits = csi_node ? limits_of(*csi_node) : std::map<std::string_view, std::int64_t>();
    if (limits.empty()) return Verdict::fits();
    VolumeSet added;
    for (const DriverVolume& volume : wanted.volumes) add_counted(volume, csi_node.get(), added);
    if (added.empty()) return Verdict::fits();

    VolumeSet there = used_on(node, *csi_node);
    std::erase_if(added, [&](const auto& volume) { return there.contains(volume); });
    // As upstream: what is attached and not used by any pod counts even where it is the pod's own.
    if (const auto more = wanted.attached.find(node.name()); more != wanted.attached.end()) {
      there.insert(more->second.begin(), more->second.end());
    }
    std::map<std::string_view, std::int64_t> more, attached;
    for (const auto& volume : added) ++more[volume.first];
    for (const auto& volume : there) ++attached[volume.first];
    for (const auto& [driver, count] : more) {
      const auto limit = limits.find(driver);
      if (limit != limits.end() && attached[driver] + count > limit->second) return Verdict::unschedulable(kTooMany);
    }
    return Verdict::fits();
  }

 private:
  static bool attaches(const PodVolumes* volumes) { return volumes && (!volumes->claims.empty() || !volumes->attached.empty()); }

  static DriverVolume driver_volume(const PodVolumes::Attached& disk) {
    return {std::string(disk.plugin->driver), std::string(disk.handle.view()), disk.plugin};
  }

  static void add_counted(const DriverVolume& volume, const CSINode* node, VolumeSet& out) {
    if (!volume.plugin || api::counts_as_csi(*volume.plugin, node)) out.emplace(volume.driver, volume.handle);
  }

  // False: the pod's own claim cannot be followed.
  bool add_new(const Pod& pod, const PodVolumes::Claim& name, NewVolumes& out) const {
    const std::string& space = pod.metadata().namespace_();
    const auto claim = claims_.find({space, std::string(name.name.view())});
    if (!claim) {
      out.code = Code::UnschedulableAndUnresolvable;
      out.problem =
          fmt::format("looking up PVC {}/{}: persistentvolumeclaim \"{}\" not found", space, name.name.view(), name.name.view());
      return false;
    }
    if (name.ephemeral) {
      if (out.problem = not_made_for(pod, *claim); !out.problem.empty()) {
        out.code = Code::Error;
        return false;
      }
    }
    if (auto volume = driver_volume(*claim)) out.volumes.push_back(std::move(*volume));
    return true;
  }

  // The volumes of the pods on the node.
  VolumeSet used_on(const NodeInfo& node, const CSINode& csi_node) const {
    VolumeSet out;
    for (const PodRef& pod : node.with_volumes()) {
      for (const PodVolumes::Claim& name : pod->volumes->claims) {
        const auto claim = claims_.find({std::string(pod->namespace_name.view()), std::string(name.name.view())});
        const auto volume = claim ? driver_volume(*claim) : std::nullopt;
        if (volume) add_counted(*volume, &csi_node, out);
      }
      for (const PodVolumes::Attached& disk : pod->volumes->attached) add_counted(driver_volume(disk), &csi_node, out);
    }
    return out;
  }

  std::map<std::string, VolumeSet, std::less<>> attached() const {
    std::map<std::string, VolumeSet, std::less<>> out;
    for (const auto& attachment : attachments_.list()) {
      const auto& spec = attachment->spec();
      if (!spec.source().has_persistent_volume_name()) continue;
      const auto volume = volumes_.find(spec.source().persistent_volume_name());
      if (!volume || !volume->spec().persistent_volume_source().has_csi()) continue;
      out[spec.node_name()].emplace(spec.attacher(), volume->spec().persistent_volume_source().csi().volume_handle());
    }
    return out;
  }

  // Nothing: no driver's that is known.
  std::optional<DriverVolume> driver_volume(const PersistentVolumeClaim& claim) const {
    const auto volume = claim.spec().volume_name().empty() ? nullptr : volumes_.find(claim.spec().volume_name());
    if (!volume) return volume_to_come(claim);
    const auto& source = volume->spec().persistent_volume_source();
    if (source.has_csi()) {
      if (source.csi().driver().empty() || source.csi().volume_handle().empty()) return std::nullopt;
      return DriverVolume{source.csi().driver(), source.csi().volume_handle(), nullptr};
    }
    auto moved = api::migrated(*volume);
    if (!moved || moved->handle.empty()) return std::nullopt;
    return DriverVolume{std::string(moved->plugin->driver), std::move(moved->handle), moved->plugin};
  }

  // A claim without a volume will get one from its class. It has a name of its own until then, which no volume can have.
  std::optional<DriverVolume> volume_to_come(const PersistentVolumeClaim& claim) const {
    const std::string& name = api::class_of(claim);
    const auto storage_class = name.empty() ? nullptr : classes_.find(name);
    if (!storage_class || storage_class->provisioner().empty()) return std::nullopt;
    std::string handle = fmt::format("\nclaim {}/{}", claim.metadata().namespace_(), claim.metadata().name());
    if (const api::MigratedPlugin* plugin = api::migrated_plugin(storage_class->provisioner())) {
      return DriverVolume{std::string(plugin->driver), std::move(handle), plugin};
    }
    return DriverVolume{storage_class->provisioner(), std::move(handle), nullptr};
  }

  // -- Hints

  static bool takes_more(const CSINode& before, const CSINode& after) {
    const auto was = limits_of(before);
    for (const auto& [driver, limit] : limits_of(after)) {
      const auto old = was.find(driver);
      if (limit > (old == was.end() ? 0 : old->second)) return true;
    }
    return false;
  }

  static bool is_wanted(const PersistentVolumeClaim& claim, const Pod& waiting) {
    if (claim.metadata().namespace_() != waiting.metadata().namespace_()) return false;
    return std::ranges::any_of(waiting.spec().volumes(),
                               [&](const auto& volume) { return claim_name(waiting, volume) == claim.metadata().name(); });
  }

  static bool is_freed(const VolumeAttachment& gone, const Pod& waiting) {
    const auto volumes = pod_volumes(waiting);
    if (!volumes) return false;
    // Which volume a claim has is not looked up.
    const bool has_claim = std::ranges::any_of(volumes->claims, [](const PodVolumes::Claim& claim) { return !claim.ephemeral; });
    return has_claim || std::ranges::any_of(volumes->attached, [&](const PodVolumes::Attached& disk) {
             return disk.plugin->driver == gone.spec().attacher();
           });
  }

  Lister<PersistentVolumeClaim> claims_;
  Lister<PersistentVolume> volumes_;
  Lister<StorageClass> classes_;
  Lister<CSINode> csi_nodes_;
  Lister<VolumeAttachment> attachments_;
};

}  // namespace

std::unique_ptr<Plugin> node_volume_limits(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<NodeVolumeLimits>(world);
}

}  // namespace ph::scheduler

// VolumeZone: keeps a pod off nodes outside the zones and regions that the labels of its volumes name.
//
//   reads     core/v1 PersistentVolumeClaim, PersistentVolume, storage.k8s.io/v1 StorageClass   informers
//   upstream  pkg/scheduler/framework/plugins/volumezone
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "api/volumes.h"
#include "scheduler/cluster/pod_volumes.h"
#include "scheduler/framework/objects.h"

namespace ph::scheduler {
namespace {

using core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, storage::v1::StorageClass;

constexpr std::string_view kElsewhere = "node(s) had no available volume zone";

// What volumes of old say, and what nodes say of the same today.
struct TopologyLabel {
  Interned key, today;
};

const std::array<TopologyLabel, 4>& topology_labels() {
  static const auto* labels = new std::array<TopologyLabel, 4>{{
      {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
      {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
      {"topology.kubernetes.io/zone", "topology.kubernetes.io/zone"},
      {"topology.kubernetes.io/region", "topology.kubernetes.io/region"},
  }};
  return *labels;
}

// A volume lies in one of these.
struct Place {
  const TopologyLabel* label;
  std::vector<Interned> values;
  bool operator==(const Place&) const = default;
};
struct Places {
  std::vector<Place> places;
};

// `a__b` is two of them. None where one would be empty: the label is ignored then.
std::vector<Interned> zones_in(std::string_view text) {
  std::vector<Interned> out;
  for (;;) {
    const auto end = text.find("__");
    std::string_view zone = text.substr(0, end);
    while (zone.starts_with(' ')) zone.remove_prefix(1);
    while (zone.ends_with(' ')) zone.remove_suffix(1);
    if (zone.empty()) return {};
    out.emplace_back(zone);
    if (end == text.npos) return out;
    text.remove_prefix(end + 2);
  }
}

void add_places(const PersistentVolume& volume, std::vector<Place>& out) {
  for (const TopologyLabel& label : topology_labels()) {
    const auto found = volume.metadata().labels().find(std::string(label.key.view()));
    if (found == volume.metadata().labels().end()) continue;
    if (auto zones = zones_in(found->second); !zones.empty()) out.push_back({&label, std::move(zones)});
  }
}

class VolumeZone final : public PreFilterPlugin, public FilterPlugin {
 public:
  explicit VolumeZone(const PluginWorld& world)
      : claims_(lister_of<PersistentVolumeClaim>(world)),
        volumes_(lister_of<PersistentVolume>(world)),
        classes_(lister_of<StorageClass>(world)) {}

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {NodeAdded,
            NodeLabelsChanged,
            StorageClassAdded,
            PersistentVolumeClaimAdded,
            PersistentVolumeClaimChanged,
            PersistentVolumeAdded,
            PersistentVolumeChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    using enum ClusterEvent;
    bool helps = true;
    switch (change.event) {
      case StorageClassAdded: helps = change.after<StorageClass>()->volume_binding_mode() == "WaitForFirstConsumer"; break;
      case PersistentVolumeClaimAdded:
      case PersistentVolumeClaimChanged: helps = is_wanted(*change.after<PersistentVolumeClaim>(), waiting); break;
      case PersistentVolumeChanged: {
        std::vector<Place> before, after;
        add_places(*change.before<PersistentVolume>(), before);
        add_places(*change.after<PersistentVolume>(), after);
        helps = before != after;
        break;
      }
      default: break;
    }
    return helps ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // Nothing is kept of what depends on volumes.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !info.volumes; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    Places out;
    const PodVolumes* volumes = state.pod().volumes.get();
    for (std::size_t i = 0; volumes && i < volumes->claims.size(); ++i) {
      const PodVolumes::Claim& claim = volumes->claims[i];
      if (claim.ephemeral) continue;
      if (Verdict verdict = add_places_of(pod, claim.name.view(), out.places); !verdict.success())
        return {std::move(verdict), {}};
    }
    if (out.places.empty()) return {Verdict::skip(), {}};
    state.put(this, std::move(out));
    return {};
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    // A node that says nothing is taken for one of a cluster without zones.
    if (std::ranges::none_of(topology_labels(), [&](const auto& label) { return node.label(label.key) != nullptr; })) {
      return Verdict::fits();
    }
    for (const Place& place : state.get<Places>(this).places) {
      const Interned* value = node.label(place.label->key);
      if (!value) value = node.label(place.label->today);
      if (!value || std::ranges::find(place.values, *value) == place.values.end()) return Verdict::unresolvable(kElsewhere);
    }
    return Verdict::fits();
  }

 private:
  Verdict add_places_of(const Pod& pod, std::string_view claim_name, std::vector<Place>& out) const {
    const auto never = [](std::string text) { return Verdict::owning(Code::UnschedulableAndUnresolvable, std::move(text)); };
    if (claim_name.empty()) return never("PersistentVolumeClaim had no name");
    const auto claim = claims_.find({pod.metadata().namespace_(), std::string(claim_name)});
    if (!claim) return never(fmt::format("persistentvolumeclaim \"{}\" not found", claim_name));
    if (const std::string& name = claim->spec().volume_name(); !name.empty()) {
      const auto volume = volumes_.find(name);
      if (!volume) return never(fmt::format("persistentvolume \"{}\" not found", name));
      add_places(*volume, out);
      return Verdict::fits();
    }
    // Without a volume it has no zone yet. That is as it should be only where the volume waits for the pod.
    const std::string& class_name = api::class_of(*claim);
    if (class_name.empty()) return never("PersistentVolumeClaim had no pv name and storageClass name");
    const auto storage_class = classes_.find(class_name);
    if (!storage_class) return never(fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_name));
    if (!storage_class->has_volume_binding_mode()) {
      return never(fmt::format("VolumeBindingMode not set for StorageClass \"{}\"", class_name));
    }
    return storage_class->volume_binding_mode() == "WaitForFirstConsumer" ? Verdict::fits()
                                                                          : never("PersistentVolume had no name");
  }

  static bool is_wanted(const PersistentVolumeClaim& claim, const Pod& waiting) {
    if (claim.metadata().namespace_() != waiting.metadata().namespace_()) return false;
    const auto volumes = pod_volumes(waiting);
    return volumes && volumes->uses(Interned(claim.metadata().name()));
  }

  Lister<PersistentVolumeClaim> claims_;
  Lister<PersistentVolume> volumes_;
  Lister<StorageClass> classes_;
};

}  // namespace

std::unique_ptr<Plugin> volume_zone(const PluginArgs&, const PluginWorld& world) { return std::make_unique<VolumeZone>(world); }

}  // namespace ph::scheduler

// VolumeBinding: keeps a pod off nodes that cannot reach its volumes, or where none can be found or made for its claims; and binds
// the claims that wait for their first pod when the pod has its node.
//
//   reads     core/v1 PersistentVolumeClaim, PersistentVolume, storage.k8s.io/v1 StorageClass, CSIDriver, CSIStorageCapacity   informers
//   writes    core/v1 PersistentVolume, PersistentVolumeClaim   update (binder.h)
//   upstream  pkg/scheduler/framework/plugins/volumebinding
#include <algorithm>
#include <stdexcept>

#include "api/csi_migration.h"
#include "api/quantity.h"
#include "scheduler/cluster/pod_volumes.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/plugins/volume_binding/binder.h"

namespace ph::scheduler {
namespace {

using core::v1::PersistentVolumeClaim, storage::v1::CSIDriver, storage::v1::CSINode, storage::v1::CSIStorageCapacity,
    storage::v1::StorageClass;

constexpr std::string_view kUnbound = "pod has unbound immediate PersistentVolumeClaims";
constexpr std::string_view kOutOfReach = "node(s) didn't match PersistentVolume's node affinity";
constexpr std::string_view kNoVolume = "node(s) didn't find available persistent volumes to bind";
constexpr std::string_view kNoSpace = "node(s) did not have enough free storage";
constexpr std::string_view kGone = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

struct ClaimsState {
  std::shared_ptr<const PodClaims> claims;
};

template <class Repeated>
bool are_same(const Repeated& a, const Repeated& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x.SerializeAsString() == y.SerializeAsString(); });
}

std::int64_t most_of(const CSIStorageCapacity& capacity) {
  const auto& limit = capacity.has_maximum_volume_size() ? capacity.maximum_volume_size() : capacity.capacity();
  if (!capacity.has_maximum_volume_size() && !capacity.has_capacity()) return -1;
  const auto quantity = api::Quantity::parse(limit.string());
  return quantity ? quantity->value() : -1;
}

class VolumeBinding final : public PreFilterPlugin,
                            public FilterPlugin,
                            public PreScorePlugin,
                            public ScorePlugin,
                            public ReservePlugin,
                            public PreBindPlugin {
 public:
  VolumeBinding(const VolumeBindingArgs& args, const PluginWorld& world) : snapshot_(*world.snapshot), reader_(world) {
    if (world.clock) binder_.emplace(world, reader_, args.bind_timeout);
  }

  // -- Waking up

  ClusterEvents retry_on() const override {
    using enum ClusterEvent;
    return {NodeAdded,
            NodeLabelsChanged,
            StorageClassAdded,
            StorageClassChanged,
            PersistentVolumeClaimAdded,
            PersistentVolumeClaimChanged,
            PersistentVolumeAdded,
            PersistentVolumeChanged,
            CsiNodeAdded,
            CsiNodeChanged,
            CsiDriverChanged,
            CsiStorageCapacityAdded,
            CsiStorageCapacityChanged};
  }

  QueueingHint hint(const ClusterChange& change, const Pod& waiting) const override {
    return helps(change, waiting) ? QueueingHint::Queue : QueueingHint::Skip;
  }

  // -- Filtering

  // Nothing is kept of what depends on volumes.
  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return !info.volumes; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  PreFilterResult pre_filter(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    bool has_claims = false;
    if (state.pod().volumes) {
      if (std::string text = reader_.obstacle(pod, has_claims); !text.empty()) {
        return {Verdict::owning(Code::UnschedulableAndUnresolvable, std::move(text)), {}};
      }
    }
    if (!has_claims) return {Verdict::skip(), {}};
    try {
      PodClaims claims = reader_.read(pod);
      if (claims.waits_for_others) return {Verdict::unresolvable(kUnbound), {}};
      state.put(this, ClaimsState{std::make_shared<const PodClaims>(std::move(claims))});
      return {};
    } catch (const std::runtime_error& error) {
      return {Verdict::error(error.what()), {}};
    }
  }

  Verdict filter(const CycleState& state, const Pod& pod, const NodeInfo& node) const override {
    const VolumeFindings found = find_volumes(*state.get<ClaimsState>(this).claims, node.node(), node.labels());
    if (found.fits()) return Verdict::fits();
    if (!found.problem.empty()) return Verdict::error(found.problem);
    Verdict out(Code::UnschedulableAndUnresolvable);
    if (!found.bound_reachable) out.add_reason(kOutOfReach);
    if (!found.unbound_satisfied) out.add_reason(kNoVolume);
    if (!found.enough_storage) out.add_reason(kNoSpace);
    if (!found.bound_exist) out.add_reason(kGone);
    return out;
  }

  // -- Scoring: by free storage, which is an alpha feature of upstream's that is off.

  Verdict pre_score(CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes) const override {
    return Verdict::skip();
  }
  Score score(const CycleState& state, const Pod& pod, const NodeInfo& node) const override { return 0; }

  // -- Binding

  Verdict reserve(CycleState& state, const Pod& pod, std::string_view node) override {
    const auto* claims = state.find<ClaimsState>(this);
    if (!claims || !binder_) return Verdict::fits();
    const NodeInfo* info = snapshot_.find(node);
    if (!info) return Verdict::error("the node has gone");
    // As the filter saw it: nothing has happened since.
    const VolumeFindings found = find_volumes(*claims->claims, info->node(), info->labels());
    state.put(this, binder_->assume(found.decision, node));
    return Verdict::fits();
  }

  void unreserve(CycleState& state, const Pod& pod, std::string_view node) override {
    if (const auto* plan = state.find<VolumePlan>(this)) binder_->take_back(*plan);
  }

  Verdict pre_bind_pre_flight(CycleState& state, const Pod& pod, std::string_view node) override {
    const auto* plan = state.find<VolumePlan>(this);
    return plan && !plan->nothing_to_do() ? Verdict::fits() : Verdict::skip();
  }

  Task<Verdict> pre_bind(CycleState& state, const Pod& pod, std::string node) override {
    const auto* plan = state.find<VolumePlan>(this);
    if (!plan || plan->nothing_to_do()) co_return Verdict::fits();
    co_return co_await binder_->carry_out(state.edit<VolumePlan>(this), pod, std::move(node));
  }

 private:
  // -- Hints

  static bool helps(const ClusterChange& change, const Pod& waiting) {
    using enum ClusterEvent;
    switch (change.event) {
      case StorageClassChanged:
        return !are_same(change.before<StorageClass>()->allowed_topologies(), change.after<StorageClass>()->allowed_topologies());
      case PersistentVolumeClaimAdded:
      case PersistentVolumeClaimChanged: return is_wanted(*change.after<PersistentVolumeClaim>(), waiting);
      case CsiNodeChanged:
        return api::migrated_plugins_of(*change.before<CSINode>()) != api::migrated_plugins_of(*change.after<CSINode>());
      case CsiDriverChanged:
        return counts_no_more(*change.before<CSIDriver>(), *change.after<CSIDriver>()) &&
               has_inline(change.after<CSIDriver>()->metadata().name(), waiting);
      case CsiStorageCapacityChanged:
        return most_of(*change.after<CSIStorageCapacity>()) > most_of(*change.before<CSIStorageCapacity>());
      default: return true;
    }
  }

  // Where nobody counts storage any more none is wanting. As upstream: for pods that name the driver themselves.
  static bool counts_no_more(const CSIDriver& before, const CSIDriver& after) {
    return before.spec().storage_capacity() && !after.spec().storage_capacity();
  }
  static bool has_inline(const std::string& driver, const Pod& waiting) {
    return std::ranges::any_of(waiting.spec().volumes(), [&](const auto& volume) {
      return volume.volume_source().has_csi() && volume.volume_source().csi().driver() == driver;
    });
  }

  static bool is_wanted(const PersistentVolumeClaim& claim, const Pod& waiting) {
    if (claim.metadata().namespace_() != waiting.metadata().namespace_()) return false;
    return std::ranges::any_of(waiting.spec().volumes(),
                               [&](const auto& volume) { return claim_name(waiting, volume) == claim.metadata().name(); });
  }

  const Snapshot& snapshot_;
  ClaimsReader reader_;
  std::optional<VolumeBinder> binder_;
};

}  // namespace

std::unique_ptr<Plugin> volume_binding(const PluginArgs& args, const PluginWorld& world) {
  return std::make_unique<VolumeBinding>(args.volume_binding, world);
}

}  // namespace ph::scheduler

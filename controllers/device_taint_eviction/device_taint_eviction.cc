// device-taint-eviction: deletes the pods whose devices have a NoExecute taint that their claims do not tolerate, or only for a while,
// when that is over.
//
//   reads     v1 Pod (views), resource.k8s.io/v1 ResourceClaim, ResourceSlice   informers; live before a pod is deleted
//   writes    v1 Pod                                                            status: DisruptionTarget; then a delete; both pinned
//                                                                               to the UID
//   upstream  pkg/controller/devicetainteviction
//
// The time counts from when the taint was added, so that a fresh start changes nothing. As upstream's, it looks at the claims that a pod
// names, and not at the one for its extended resources.
#include <map>
#include <utility>

#include "controllers/common/disruption_target.h"
#include "controllers/common/pod_reference.h"
#include "controllers/device_taint_eviction/metrics.h"
#include "controllers/device_taint_eviction/plan.h"
#include "controllers/resource_claim/pod_claims.h"
#include "controllers/runtime/loop.h"
#include "informers/pod_asks.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using device_taint_eviction::Claim, device_taint_eviction::Slice;

constexpr Disruption kWhy{.reason = "DeletionByDeviceTaintManager",
                          .message = "Device Taint manager: deleting due to NoExecute taint"};
constexpr const char* kByClaim = "claim to devices";
constexpr const char* kByPool = "pool of devices";

void add_indexes(const World& world) {
  world.informer<PodView>().add_index(kByClaim, resource_claim::claim_keys);
  world.informer<Claim>().add_index(kByPool, device_taint_eviction::pools_of);
  world.informer<Slice>().add_index(
      kByPool, [](const Slice& slice) -> std::vector<std::string> { return {device_taint_eviction::pool_of(slice)}; });
}

class DeviceTaintEviction final : public Loop {
 public:
  explicit DeviceTaintEviction(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        pods_(world.informer<PodView>()),
        claims_(world.informer<Claim>()),
        slices_(world.informer<Slice>()),
        deletions_(device_taint_eviction::EvictionFamilies{world.metrics}.deletions.with({})),
        late_(device_taint_eviction::EvictionFamilies{world.metrics}.late.with({})) {
    add_indexes(world);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<PodView> pod = pods_.find(key);
    const auto due = pod && device_taint_eviction::is_at_stake(*pod) ? due_of(*pod) : std::nullopt;
    if (!due) {
      call_off(key, pod);
      co_return Outcome::done();
    }
    to_go_[key] = pod->uid;
    if (*due > clock_.now()) co_return Outcome::again_at(*due);
    const bool still_due = co_await is_due_still(pod);
    // The clock has been set back, or a copy is behind.
    if (!still_due) co_return Outcome::again();
    co_await evict(pod, *due);
    co_return Outcome::done();
  }

 private:
  std::optional<Time> due_of(const PodView& pod) const {
    std::optional<Time> out;
    for (const resource_claim::PodClaim& entry : resource_claim::pod_claims(pod)) {
      if (entry.claim.empty()) continue;
      const Ref<Claim> claim = claims_.find({std::string(pod.namespace_name.view()), entry.claim});
      const auto time = claim ? due_for(*claim, entry, pod) : std::nullopt;
      if (time && (!out || *time < *out)) out = time;
    }
    return out;
  }

  std::optional<Time> due_for(const Claim& claim, const resource_claim::PodClaim& entry, const PodView& pod) const {
    if (!device_taint_eviction::is_reserved_for(claim, pod)) return std::nullopt;
    if (entry.is_made_here() && !resource_claim::is_controlled_by(claim, pod)) return std::nullopt;
    return device_taint_eviction::eviction_time(claim,
                                                [this](const std::string& pool) { return slices_.by_index(kByPool, pool); });
  }

  // A claim that has been given back is no reason, nor is a taint that was gone before the claim came, though the copies of them do not
  // say so yet.
  Task<bool> is_due_still(Ref<PodView> pod) {
    co_await slices_.catch_up();
    for (const resource_claim::PodClaim& entry : resource_claim::pod_claims(*pod)) {
      if (entry.claim.empty()) continue;
      const std::optional<Claim> live = co_await client_.find<Claim>({std::string(pod->namespace_name.view()), entry.claim});
      const auto time = live ? due_for(*live, entry, *pod) : std::nullopt;
      if (time && *time <= clock_.now()) co_return true;
    }
    co_return false;
  }

  // Whoever is gone, or goes anyhow, is told nothing.
  void call_off(const ObjectKey& key, const Ref<PodView>& pod) {
    const auto known = to_go_.find(key);
    if (known == to_go_.end()) return;
    const bool stays = pod && pod->uid == known->second && device_taint_eviction::is_at_stake(*pod);
    if (stays) events_.normal(reference_to(*pod), "DeviceTaintManagerEviction", "Cancelling deletion");
    to_go_.erase(known);
  }

  Task<void> evict(Ref<PodView> pod, Time due) {
    const ObjectKey key = pod->key();
    log_.info("pod is evicted", "pod", key, "node", pod->node_name.view());
    events_.normal(reference_to(*pod), "DeviceTaintManagerEviction", "Marking for deletion");
    const std::optional<Pod> live = co_await client_.find<Pod>(key);
    if (live && live->metadata().uid() == pod->uid && device_taint_eviction::is_at_stake(*live)) co_await remove(key, *live, due);
    to_go_.erase(key);
  }

  Task<void> remove(ObjectKey key, const Pod& pod, Time due) {
    if (const auto body = disruption_patch(pod, kWhy, clock_.now())) {
      Patch patch = Patch::strategic(*body);
      patch.pinned = true;
      if (co_await client_.try_patch<Pod>(key, std::move(patch), "status") != Patched::Yes) co_return;
    }
    DeleteOptions options;
    options.uid = pod.metadata().uid();
    if (co_await client_.remove<Pod>(key, options) != Removed::Yes) co_return;
    deletions_.add();
    late_.observe(clock_.now() - std::max(due, Time()));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  Informer<PodView>& pods_;
  Informer<Claim>& claims_;
  Informer<Slice>& slices_;
  std::map<ObjectKey, std::string> to_go_;  // the UIDs of pods whose time runs
  const Counter deletions_;
  const Histogram late_;
};

LoopBuilder::Keys users_of(const Claim& claim) {
  LoopBuilder::Keys out;
  for (const auto& user : device_taint_eviction::users_of(claim)) out.push_back({claim.metadata().namespace_(), user.name});
  return out;
}

LoopBuilder::Keys keys_of_slice(const Slice& slice, const World& world) {
  LoopBuilder::Keys out;
  for (const Ref<Claim>& claim : world.informer<Claim>().by_index(kByPool, device_taint_eviction::pool_of(slice))) {
    for (ObjectKey& key : users_of(*claim)) out.push_back(std::move(key));
  }
  return out;
}

}  // namespace

void device_taint_eviction_loop(LoopBuilder& loop) {
  loop.reconciles_changes<PodView>([](const PodView* before, const PodView* after) -> std::optional<Duration> {
        const PodView& pod = after ? *after : *before;
        if (!informers::asks_for_devices(pod)) return std::nullopt;
        return Duration::zero();
      })
      .watches<Claim>([](const Claim& claim, const World&) { return users_of(claim); })
      .watches<Slice>(keys_of_slice)
      .with<DeviceTaintEviction>();
}

}  // namespace ph::controllers

// persistentvolumeclaim-protection: a claim that is deleted stays until no pod on a node uses it.
//
//   reads     v1 PersistentVolumeClaim, v1 Pod (views)   informers; the pods of the namespace live before a claim goes
//   writes    v1 PersistentVolumeClaim                   update: its finalizer kubernetes.io/pvc-protection
//   upstream  pkg/controller/volume/pvcprotection
//
// The finalizer is given by admission (StorageObjectInUseProtection); here only to claims from before, and to those whose finalizer
// somebody has taken.
#include "controllers/common/pod_claims.h"
#include "controllers/persistent_volume_claim_protection/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using claim_protection::Claim, claim_protection::kFinalizer;

bool wants_work(const Claim& claim) { return protection_of(claim.metadata(), kFinalizer) != Protection::Fits; }

class ClaimProtection final : public Loop {
 public:
  explicit ClaimProtection(const World& world)
      : client_(world.client), log_(world.log), claims_(world.informer<Claim>()), pods_(world.informer<PodView>()) {
    index_pods_by_claim(pods_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Claim> claim = claims_.find(key);
    if (!claim) co_return Outcome::done();
    const Protection protection = protection_of(claim->metadata(), kFinalizer);
    if (protection == Protection::Fits) co_return Outcome::done();
    Claim wanted = *claim;
    if (protection == Protection::Lacks) {
      add_finalizer(*wanted.mutable_metadata(), kFinalizer);
      co_await client_.try_update<Claim>(std::move(wanted));
      co_return Outcome::done();
    }
    if (is_used(*claim)) co_return Outcome::done();  // the pod brings the key again
    // A pod that was bound a moment ago may not have come here yet, and what is deleted with the claim does not come back.
    const bool is_used_live = co_await is_used_by_live_pods(claim);
    if (is_used_live) co_return Outcome::done();
    drop_finalizer(*wanted.mutable_metadata(), kFinalizer);
    const Patched done = co_await client_.try_update<Claim>(std::move(wanted));
    if (done == Patched::Yes) log_.info("claim let go: no pod uses it", "claim", key);
    co_return Outcome::done();
  }

 private:
  bool is_used(const Claim& claim) const {
    return std::ranges::any_of(pods_with_claim(pods_, key_of(claim)),
                               [&](const Ref<PodView>& pod) { return claim_protection::uses(*pod, claim); });
  }

  Task<bool> is_used_by_live_pods(Ref<Claim> claim) {
    // Pods without a node use nothing.
    informers::ListOptions options{.namespace_name = claim->metadata().namespace_(), .field_selector = "spec.nodeName!="};
    std::vector<std::string> pods;
    Revision revision;
    std::string continue_token;
    co_await client_.list_bytes(api::schema_of<core::v1::Pod>(), std::move(options), pods, revision, continue_token);
    co_return std::ranges::any_of(
        pods, [&](const std::string& bytes) { return claim_protection::uses(*PodView::decode(bytes), *claim); });
  }

  Client& client_;
  const Log log_;
  Informer<Claim>& claims_;
  Informer<PodView>& pods_;
};

std::vector<LoopBuilder::Wake> claims_let_go(const PodView* before, const PodView* after, const World&) {
  std::vector<LoopBuilder::Wake> out;
  for (ObjectKey& key : claim_protection::let_go(before, after)) out.push_back({.key = std::move(key)});
  return out;
}

}  // namespace

void persistent_volume_claim_protection(LoopBuilder& loop) {
  loop.reconciles<Claim>(wants_work).watches_changes<PodView>(claims_let_go).with<ClaimProtection>();
}

}  // namespace ph::controllers

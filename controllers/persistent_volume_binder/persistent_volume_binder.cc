// persistentvolume-binder: makes claims and volumes one, tells who is to make a volume for a claim that there is none for, and gives
// volumes back whose claims are gone.
//
//   reads     v1 PersistentVolumeClaim, PersistentVolume, Pod (views), storage.k8s.io/v1 StorageClass   informers;
//             a claim live before its volume is released
//   writes    v1 PersistentVolumeClaim   update: volumeName, storageClassName, annotations; status
//             v1 PersistentVolume        update: claimRef, annotations, finalizers; status
//   upstream  pkg/controller/volume/persistentvolume
//
// A binding takes four writes, the volume's claimRef first: whoever has that has the volume, and as each write is for the revision that
// was judged, no two claims get one. Wherever it breaks off, the next look goes on. Claims that wait for their first pod are decided by
// the scheduler; they are made one here with the volume that it has given a claimRef, or that is made for their node.
//
// Keys with a namespace are claims', those without are volumes'. What waits for others is looked at once in a period, all at the same
// moment, as upstream does.
#include <algorithm>

#include "api/times.h"
#include "api/volumes.h"
#include "controllers/common/newest.h"
#include "controllers/common/pod_claims.h"
#include "controllers/persistent_volume_binder/claim_plan.h"
#include "controllers/persistent_volume_binder/volume_plan.h"
#include "controllers/persistent_volume_binder/wakes.h"
#include "controllers/persistent_volume_binder/writes.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using namespace volume_binder;

// Of volumes that nobody has: by their class. And of those that name a claim: by that.
constexpr const char* kFree = "free, by class";
constexpr const char* kByClaim = "by claim";

std::vector<std::string> class_if_free(const Volume& volume) {
  if (volume.spec().has_claim_ref()) return {};
  return {api::class_of(volume)};
}
std::vector<std::string> claim_named(const Volume& volume) {
  const auto claim = claim_of(volume);
  return claim ? std::vector<std::string>{claim->text()} : std::vector<std::string>{};
}

// The newest of those that are marked; of those of one second the first by name.
Ref<StorageClass> default_class(const std::vector<Ref<StorageClass>>& classes) {
  const auto is_marked = [](const StorageClass& of) {
    return annotation(of, "storageclass.kubernetes.io/is-default-class") == "true" ||
           annotation(of, "storageclass.beta.kubernetes.io/is-default-class") == "true";
  };
  const auto made = [](const StorageClass& of) { return api::to_time(of.metadata().creation_timestamp()); };
  Ref<StorageClass> found;
  for (const Ref<StorageClass>& each : classes) {
    if (is_marked(*each) && (!found || made(*each) > made(*found))) found = each;
  }
  return found;
}

class VolumeBinder final : public Loop {
 public:
  explicit VolumeBinder(const World& world)
      : world_(world),
        client_(world.client),
        period_(std::max<Duration>(world.options->volume_binder.sync_period, 1ms)),
        began_(world.clock.steady()),
        claims_(world.informer<Claim>()),
        volumes_(free_volumes(world)),
        classes_(world.informer<StorageClass>()),
        pods_(world.informer<PodView>()) {
    index_pods_by_claim(pods_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const bool rests = key.namespace_name.empty() ? co_await look_at_volume(key) : co_await look_at_claim(key);
    if (rests) co_return Outcome::done();
    co_return Outcome::again_after(period_ - (world_.clock.steady() - began_) % period_);
  }

 private:
  static Informer<Volume>& free_volumes(const World& world) {
    Informer<Volume>& volumes = world.informer<Volume>();
    volumes.add_index(kFree, class_if_free);
    volumes.add_index(kByClaim, claim_named);
    return volumes;
  }

  // -- Claims

  // What a plan points into.
  struct Known {
    Ref<Volume> named;
    std::vector<Ref<Volume>> candidates;
    Ref<StorageClass> its_class, default_class;
  };

  Known known_of(const Claim& claim) const {
    Known out;
    const std::string& its_class = api::class_of(claim);
    if (!its_class.empty()) out.its_class = classes_.find({{}, its_class});
    if (!claim.spec().volume_name().empty()) {
      out.named = volumes_.find({{}, claim.spec().volume_name()});
      return out;
    }
    out.candidates = volumes_.by_index(kByClaim, key_of(claim).text());
    std::ranges::move(volumes_.by_index(kFree, its_class), std::back_inserter(out.candidates));
    out.default_class = default_class(classes_.list());
    return out;
  }

  ClaimPlan plan_of(const Claim& claim, const Known& known) const {
    ClaimSituation of{.claim = claim,
                      .named = known.named.get(),
                      .its_class = known.its_class.get(),
                      .default_class = known.default_class.get(),
                      .waiting_pods = waiting_pods(claim),
                      .provisions = world_.options->volume_binder.provisions};
    for (const Ref<Volume>& each : known.candidates) of.candidates.push_back(each.get());
    return plan_claim(of);
  }

  // Whether it has its volume.
  Task<bool> look_at_claim(ObjectKey key) {
    Ref<Claim> claim = claims_.find(key);
    if (!claim) co_return true;
    const Known known = known_of(*claim);
    const ClaimPlan plan = plan_of(*claim, known);
    if (!plan.problem.empty()) world_.log.warning("claim cannot be bound", "claim", key, "why", plan.problem);
    if (plan.volume) {
      const Ref<Volume> volume = known.named ? known.named : *std::ranges::find(known.candidates, plan.volume, &Ref<Volume>::get);
      const bool bound = co_await bind(volume, claim);
      co_return bound;
    }
    if (plan.rewritten) claim = claims_.note(co_await client_.update<Claim>(*plan.rewritten));
    if (plan.looks_again) co_return true;  // the write brings the key
    if (!plan.phase.empty()) {
      const bool is_new = claim->status().phase() != plan.phase;
      if (auto told = in_phase(*claim, plan.phase)) claim = claims_.note(co_await client_.update_status<Claim>(std::move(*told)));
      if (is_new && plan.told_of_phase) tell(*claim, *plan.told_of_phase);
    }
    if (plan.told) tell(*claim, *plan.told);
    co_return false;
  }

  // Whether they are one now.
  Task<bool> bind(Ref<Volume> volume, Ref<Claim> claim) {
    const bool is_new = !api::is_fully_bound(*claim);
    if (auto claimed = claimed_by(*volume, *claim)) volume = volumes_.note(co_await client_.update<Volume>(std::move(*claimed)));
    if (auto bound = in_phase(*volume, kBound, {}))
      volume = volumes_.note(co_await client_.update_status<Volume>(std::move(*bound)));
    if (auto bound = bound_to(*claim, *volume)) claim = claims_.note(co_await client_.update<Claim>(std::move(*bound)));
    if (auto told = told_bound(*claim, *volume)) claim = claims_.note(co_await client_.update_status<Claim>(std::move(*told)));
    if (is_new) world_.log.info("claim bound", "claim", key_of(*claim), "volume", volume->metadata().name());
    co_return claim->status().phase() == kBound;
  }

  std::vector<std::string> waiting_pods(const Claim& claim) const {
    std::vector<std::string> out;
    for (const Ref<PodView>& pod : pods_with_claim(pods_, key_of(claim))) {
      if (!pod->finished() && pod->node_name.empty()) out.push_back(pod->name);
    }
    return out;
  }

  // -- Volumes

  // Whether nothing is to be done about it until it, or its claim, changes.
  Task<bool> look_at_volume(ObjectKey key) {
    Ref<Volume> volume = volumes_.find(key);
    if (!volume) co_return true;
    const auto claim_key = claim_of(*volume);
    Ref<Claim> claim = claim_key ? claims_.find(*claim_key) : nullptr;
    if (seems_released(*volume, claim.get())) {
      const std::optional<Claim> live = co_await client_.find<Claim>(*claim_key);
      claim = live ? std::make_shared<const Claim>(*live) : nullptr;
    }
    const VolumePlan plan = plan_volume({.volume = *volume, .claim = claim.get(), .users = users(claim_key)});
    if (plan.rewritten) volume = volumes_.note(co_await client_.update<Volume>(*plan.rewritten));
    if (plan.looks_again) co_return true;  // the write brings the key
    for (const PhaseStep& step : plan.phases) {
      auto moved = in_phase(*volume, step.phase, step.message);
      if (!moved) continue;
      volume = volumes_.note(co_await client_.update_status<Volume>(std::move(*moved)));
      if (step.told) tell(*volume, *step.told);
      world_.log.info("volume changed its phase", "volume", key, "phase", step.phase);
    }
    if (plan.told) tell(*volume, *plan.told);
    if (plan.told_of_claim && claim) tell(*claim, *plan.told_of_claim);
    co_return plan.rests;
  }

  // Pods that may still read and write what is to be wiped.
  std::vector<std::string> users(const std::optional<ObjectKey>& claim) const {
    std::vector<std::string> out;
    if (!claim) return out;
    for (const Ref<PodView>& pod : pods_with_claim(pods_, *claim)) {
      if (!pod->finished()) out.push_back(pod->key().text());
    }
    return out;
  }

  void tell(const google::protobuf::Message& about, const Told& what) {
    world_.events.record(informers::reference_to(about), what.type, what.reason, what.message);
  }

  const World& world_;
  Client& client_;
  const Duration period_;
  const Steady began_;
  Newest<Claim> claims_;
  Newest<Volume> volumes_;
  Informer<StorageClass>& classes_;
  Informer<PodView>& pods_;
};

using Wakes = std::vector<LoopBuilder::Wake>;

Wakes woken(std::vector<ObjectKey> keys) {
  Wakes out;
  for (ObjectKey& key : keys) out.push_back({.key = std::move(key)});
  return out;
}

}  // namespace

void persistent_volume_binder_loop(LoopBuilder& loop) {
  loop.reconciles<Claim>()
      .reconciles<Volume>()
      .watches_changes<Claim>([](const Claim* before, const Claim* after, const World& world) {
        std::vector<ObjectKey> keys = volumes_left(before, after);
        // And those that name it, whatever it has said of them.
        if (before && (!after || after->metadata().uid() != before->metadata().uid())) {
          for (const Ref<Volume>& each : world.informer<Volume>().by_index(kByClaim, key_of(*before).text())) {
            if (std::ranges::find(keys, key_of(*each)) == keys.end()) keys.push_back(key_of(*each));
          }
        }
        return woken(std::move(keys));
      })
      .watches_changes<Volume>([](const Volume* before, const Volume* after, const World& world) {
        return woken(claims_concerned(before, after, [&](const ObjectKey& key) { return world.informer<Claim>().find(key); }));
      })
      .event_source("persistentvolume-controller")
      .with<VolumeBinder>();
}

}  // namespace ph::controllers

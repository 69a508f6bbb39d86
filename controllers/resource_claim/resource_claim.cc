// resourceclaim: makes the claims to devices that pods ask for by templates, keeps pods on nodes among those that use their claims, and
// gives back what is used no more.
//
//   reads     v1 Pod (views), resource.k8s.io/v1 ResourceClaim, ResourceClaimTemplate   informers; pods live before a claim lets them go
//   writes    resource.k8s.io/v1 ResourceClaim   create; update of the status (reservedFor, allocation) and of the finalizer; delete,
//                                                pinned to the UID
//             v1 Pod                             apply to the status: resourceClaimStatuses
//             v1 Event                           FailedResourceClaimCreation, about pods
//   upstream  pkg/controller/resourceclaim
//
// Whether a pod that does not run was reserved for nobody asks: it is taken off, and not put there again. (Upstream's loop does both in
// turn, for ever, when a pod of a claim ends that others still use.)
#include <stdexcept>

#include <fmt/format.h>

#include "controllers/common/apply.h"
#include "controllers/common/pod_reference.h"
#include "controllers/common/protection.h"
#include "controllers/resource_claim/plan.h"
#include "controllers/runtime/loop.h"
#include "informers/pod_asks.h"

namespace ph::controllers {
namespace {

using resource_claim::Claim, resource_claim::PodClaim, resource_claim::PodOfClaim, resource_claim::Template;

constexpr const char* kFieldManager = "ResourceClaimController";
constexpr const char* kByClaim = "claim to devices";
constexpr const char* kByTemplate = "template of claims to devices";
constexpr const char* kByPod = "pod";  // of claims: those that are reserved for it, or were made for it
// Between the finalizer and the allocation a scheduler takes a moment; nobody takes so long.
constexpr Duration kAbandonedAfter = 30s;

// Keys of claims stand in the queue beside those of pods; no namespace has such a name.
ObjectKey queue_key(const ObjectKey& claim) { return {"claim|" + claim.namespace_name, claim.name}; }
std::optional<ObjectKey> queued_claim(const ObjectKey& key) {
  if (!key.namespace_name.starts_with("claim|")) return std::nullopt;
  return ObjectKey{key.namespace_name.substr(6), key.name};
}

std::vector<std::string> pod_uids(const Claim& claim) {
  std::vector<std::string> out;
  for (const PodOfClaim& pod : resource_claim::pods_of(claim)) {
    if (std::ranges::find(out, pod.uid) == out.end()) out.push_back(pod.uid);
  }
  return out;
}

void add_indexes(const World& world) {
  Informer<PodView>& pods = world.informer<PodView>();
  pods.add_index(kByClaim, resource_claim::claim_keys);
  pods.add_index(kByTemplate, resource_claim::template_keys);
  world.informer<Claim>().add_index(kByPod, pod_uids);
}

class ResourceClaims final : public Loop {
 public:
  explicit ResourceClaims(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        pods_(world.informer<PodView>()),
        claims_(world.informer<Claim>()),
        templates_(world.informer<Template>()) {
    add_indexes(world);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (const auto claim = queued_claim(key)) return look_at_claim(*claim);
    return look_at_pod(std::move(key));
  }

 private:
  // -- Pods
  Task<Outcome> look_at_pod(ObjectKey key) {
    const Ref<PodView> pod = pods_.find(key);
    if (!pod || pod->deletion || pod->finished()) co_return Outcome::done();
    std::vector<PodClaim> entries = resource_claim::pod_claims(*pod);
    std::map<std::string, std::string> made;  // by names within the pod
    for (PodClaim& entry : entries) {
      if (!entry.is_made_here()) continue;
      std::string name = co_await provide(*pod, entry);
      if (name != entry.claim) made[entry.name] = entry.claim = std::move(name);
    }
    if (!made.empty()) {
      const Applied applied = co_await apply(client_, api::schema_of<core::v1::Pod>(), key, pod->uid, kFieldManager,
                                             nlohmann::json::parse(resource_claim::status_document(*pod, made)), "status");
      if (applied.refusal && !applied.refusal->is("NotFound")) throw *applied.refusal;
    }
    if (!pod->node_name.empty()) co_await reserve_all(pod, std::move(entries));
    co_return Outcome::done();
  }

  // The name of the claim that the entry has, or that was made for it now. Whatever stands in the way is told of, and thrown.
  Task<std::string> provide(const PodView& pod, const PodClaim& entry) {
    const std::string space(pod.namespace_name.view());
    const Ref<Claim> named = entry.claim.empty() ? nullptr : claims_.find({space, entry.claim});
    if (named && resource_claim::is_controlled_by(*named, pod)) co_return entry.claim;
    if (named) {
      fail(pod, entry,
           fmt::format("ResourceClaim {0}/{1} was not created for pod {0}/{2} (pod is not owner)", space, entry.claim, pod.name));
    }
    // It may have been made, and the pod not been told.
    for (const Ref<Claim>& claim : claims_.by_index(kByPod, pod.uid)) {
      const bool is_it = resource_claim::is_controlled_by(*claim, pod) && resource_claim::made_for(*claim) == entry.name;
      if (is_it && !claim->metadata().has_deletion_timestamp()) co_return claim->metadata().name();
    }
    const Ref<Template> from = templates_.find({space, entry.from});
    if (!from) {
      fail(pod, entry,
           fmt::format("resource claim template \"{0}\": resourceclaimtemplate.resource.k8s.io \"{0}\" not found", entry.from));
    }
    const Created<Claim> created = co_await client_.try_create<Claim>(resource_claim::claim_from_template(pod, entry, *from));
    if (created.refusal) fail(pod, entry, fmt::format("create ResourceClaim : {}", created.refusal->what()));
    log_.info("claim made", "pod", pod.key(), "claim", created.object.metadata().name());
    co_return created.object.metadata().name();
  }

  [[noreturn]] void fail(const PodView& pod, const PodClaim& entry, const std::string& why) {
    std::string text = fmt::format("PodResourceClaim {}: {}", entry.name, why);
    events_.warning(reference_to(pod), "FailedResourceClaimCreation", text);
    throw std::runtime_error(text);
  }

  // Pods that were put on their nodes by somebody who reserves nothing.
  Task<void> reserve_all(Ref<PodView> pod, std::vector<PodClaim> entries) {
    for (const PodClaim& entry : entries) {
      if (entry.claim.empty()) continue;
      const Ref<Claim> claim = claims_.find({std::string(pod->namespace_name.view()), entry.claim});
      if (!claim || !resource_claim::lacks_reservation(*claim, *pod)) continue;
      Claim wanted = *claim;
      resource_claim::reserve(wanted, *pod);
      co_await client_.try_update_status<Claim>(std::move(wanted));
    }
  }

  // -- Claims
  Task<Outcome> look_at_claim(ObjectKey key) {
    const Ref<Claim> claim = claims_.find(key);
    if (!claim) co_return forget(key);
    const std::set<std::string> ended = co_await ended_pods(claim);
    resource_claim::Steps steps = resource_claim::steps(*claim, ended);
    if (steps.is_abandoned) {
      const Duration early = abandoned_for(*claim);
      if (early > Duration::zero()) co_return Outcome::again_after(early);
      steps.drops_finalizer = true;
    }
    forget(key);
    // For the version that was judged: whoever has begun to use it since makes it fail.
    if (steps.writes_status) steps.claim = co_await client_.update_status<Claim>(std::move(steps.claim));
    if (steps.drops_finalizer) {
      drop_finalizer(*steps.claim.mutable_metadata(), resource_claim::kFinalizer);
      const Patched done = co_await client_.try_update<Claim>(std::move(steps.claim));
      if (done == Patched::Yes) log_.info("claim's devices given back: nobody uses it", "claim", key);
    }
    if (!steps.removes) co_return Outcome::done();
    DeleteOptions options;
    options.uid = claim->metadata().uid();
    const Removed removed = co_await client_.remove<Claim>(key, std::move(options));
    if (removed == Removed::Yes) log_.info("claim deleted: its pod needs it no more", "claim", key);
    co_return Outcome::done();
  }

  // The informers may not show a pod yet that is being scheduled: whoever is missing is asked for.
  Task<std::set<std::string>> ended_pods(Ref<Claim> claim) {
    std::set<std::string> ended, judged;
    for (const PodOfClaim& each : resource_claim::pods_of(*claim)) {
      if (!judged.insert(each.uid).second) continue;
      const bool ends = co_await has_ended({claim->metadata().namespace_(), each.name}, each.uid);
      if (ends) ended.insert(each.uid);
    }
    co_return ended;
  }
  Task<bool> has_ended(ObjectKey key, std::string uid) {
    if (key.name.empty()) co_return true;
    const Ref<PodView> pod = pods_.find(key);
    if (pod && pod->uid == uid) co_return resource_claim::is_done(*pod);
    const std::optional<core::v1::Pod> live = co_await client_.find<core::v1::Pod>(key);
    co_return !live || live->metadata().uid() != uid || resource_claim::is_done(*PodView::decode(api::encode_protobuf(*live)));
  }

  // How long the claim has still to stay as it is.
  Duration abandoned_for(const Claim& claim) {
    Abandoned& since = abandoned_[queue_key(key_of(claim))];
    if (since.version != claim.metadata().resource_version()) since = {claim.metadata().resource_version(), clock_.steady()};
    return since.since + kAbandonedAfter - clock_.steady();
  }
  Outcome forget(const ObjectKey& claim) { return abandoned_.erase(queue_key(claim)), Outcome::done(); }

  struct Abandoned {
    std::string version;
    Steady since{};
  };

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  Informer<PodView>& pods_;
  Informer<Claim>& claims_;
  Informer<Template>& templates_;
  std::map<ObjectKey, Abandoned> abandoned_;
};

LoopBuilder::Keys keys_of_pod(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (informers::asks_for_devices(pod)) out.push_back(pod.key());
  // What is kept for it, whether it says so or not.
  for (const Ref<Claim>& claim : world.informer<Claim>().by_index(kByPod, pod.uid)) out.push_back(queue_key(key_of(*claim)));
  return out;
}

LoopBuilder::Keys keys_of_claim(const Claim& claim, const World& world) {
  LoopBuilder::Keys out;
  const std::string& space = claim.metadata().namespace_();
  if (!claim.metadata().name().empty()) out.push_back(queue_key(key_of(claim)));
  if (const PodOfClaim owner = resource_claim::owner_of_claim(claim); !owner.name.empty()) out.push_back({space, owner.name});
  for (const Ref<PodView>& pod : world.informer<PodView>().by_index(kByClaim, key_of(claim).text())) out.push_back(pod->key());
  return out;
}

LoopBuilder::Keys keys_of_template(const Template& from, const World& world) {
  LoopBuilder::Keys out;
  for (const Ref<PodView>& pod : world.informer<PodView>().by_index(kByTemplate, key_of(from).text())) out.push_back(pod->key());
  return out;
}

}  // namespace

void resource_claim_loop(LoopBuilder& loop) {
  loop.watches<PodView>(keys_of_pod)
      .watches<Claim>(keys_of_claim)
      .watches<Template>(keys_of_template)
      .event_source("resource_claim")
      .with<ResourceClaims>();
}

}  // namespace ph::controllers

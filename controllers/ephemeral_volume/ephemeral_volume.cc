// ephemeral-volume: makes the claim that a generic ephemeral volume of a pod brings, and makes it again when somebody deletes it.
//
//   reads     v1 Pod (views), v1 PersistentVolumeClaim   informers; the pod live when a claim is to be made, for the claim's template
//   writes    v1 PersistentVolumeClaim                   create
//             v1 Event                                   FailedBinding, about pods
//   upstream  pkg/controller/volume/ephemeral
//
// A claim of the name that is not the pod's is left alone. With the pod its claims go by the garbage collector.
#include <stdexcept>

#include <fmt/format.h>

#include "controllers/common/pod_reference.h"
#include "controllers/ephemeral_volume/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using ephemeral_volume::Claim, ephemeral_volume::OwnVolume;

constexpr const char* kByClaim = "claim of its own";

class EphemeralVolumes final : public Loop {
 public:
  explicit EphemeralVolumes(const World& world)
      : client_(world.client),
        events_(world.events),
        log_(world.log),
        pods_(world.informer<PodView>()),
        claims_(world.informer<Claim>()) {
    pods_.add_index(kByClaim, ephemeral_volume::claim_keys);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<PodView> pod = pods_.find(key);
    if (!pod || pod->deletion) co_return Outcome::done();
    std::optional<Pod> live;
    for (const OwnVolume& volume : ephemeral_volume::own_volumes(*pod)) {
      const Ref<Claim> claim = claims_.find({key.namespace_name, volume.claim});
      if (claim && ephemeral_volume::is_for_pod(*claim, *pod)) continue;
      if (claim) {
        fail(*pod, volume,
             fmt::format("PVC {0}/{1} was not created for pod {0}/{2} (pod is not owner)", key.namespace_name, volume.claim,
                         key.name));
      }
      if (!live) live = co_await client_.find<Pod>(key);
      if (!live || live->metadata().uid() != pod->uid) co_return Outcome::done();  // what is there now brings the key
      const bool done = co_await make(*pod, *live, volume);
      if (!done) co_return Outcome::again();
    }
    co_return Outcome::done();
  }

 private:
  // False: the cache has not shown yet what is there.
  Task<bool> make(const PodView& pod, const Pod& live, const OwnVolume& volume) {
    std::optional<Claim> claim = ephemeral_volume::claim_of(live, volume);
    if (!claim) co_return true;
    const Created<Claim> created = co_await client_.try_create<Claim>(std::move(*claim));
    if (created.made == Made::Exists) co_return false;
    if (created.refusal) fail(pod, volume, fmt::format("create PVC {}: {}", volume.claim, created.refusal->what()));
    log_.info("claim made", "pod", pod.key(), "claim", volume.claim);
    co_return true;
  }

  [[noreturn]] void fail(const PodView& pod, const OwnVolume& volume, const std::string& why) {
    std::string text = fmt::format("ephemeral volume {}: {}", volume.volume, why);
    events_.warning(reference_to(pod), "FailedBinding", text);
    throw std::runtime_error(text);
  }

  Client& client_;
  EventRecorder& events_;
  const Log log_;
  Informer<PodView>& pods_;
  Informer<Claim>& claims_;
};

// What a pod's volumes are does not change: only one that is new has claims to be made.
std::vector<LoopBuilder::Wake> new_pods(const PodView* before, const PodView* after, const World&) {
  if (!after || (before && before->uid == after->uid) || ephemeral_volume::own_volumes(*after).empty()) return {};
  return {{.key = after->key()}};
}

LoopBuilder::Keys pods_of_claim(const Claim& claim, const World& world) {
  LoopBuilder::Keys out;
  for (const Ref<PodView>& pod : world.informer<PodView>().by_index(kByClaim, key_of(claim).text())) out.push_back(pod->key());
  return out;
}

}  // namespace

void ephemeral_volume_loop(LoopBuilder& loop) {
  loop.watches_changes<PodView>(new_pods).watches<Claim>(pods_of_claim).event_source("ephemeral_volume").with<EphemeralVolumes>();
}

}  // namespace ph::controllers

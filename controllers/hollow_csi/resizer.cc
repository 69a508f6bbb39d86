// hollow-csi-resizer: lets the hollow driver's volumes grow as their claims ask. Off unless asked for.
//
//   reads     v1 PersistentVolumeClaim, PersistentVolume   informers
//   writes    v1 PersistentVolumeClaim   update of the status: Resizing, allocated resources, capacity
//             v1 PersistentVolume        update: capacity
//             v1 Event                   Resizing, VolumeResizeSuccessful, about claims
//   upstream  kubernetes-csi/external-resizer
//
// A growth takes three writes, each for the revision that was judged: the claim tells that it has begun, the volume grows, the claim tells
// that it has. Wherever it breaks off, the next look goes on. No node has anything to do for it.
#include "controllers/hollow_csi/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using hollow_csi::Claim, hollow_csi::Volume;

class HollowCsiResizer final : public Loop {
 public:
  explicit HollowCsiResizer(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        claims_(world.informer<Claim>()),
        volumes_(world.informer<Volume>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Claim> claim = claims_.find(key);
    if (!claim || claim->spec().volume_name().empty()) co_return Outcome::done();
    const Ref<Volume> volume = volumes_.find({{}, claim->spec().volume_name()});
    if (!volume || !hollow_csi::is_to_grow(*claim, *volume)) co_return Outcome::done();
    const auto about = informers::reference_to(*claim);
    if (std::optional<Claim> begun = hollow_csi::told_growing(*claim, *volume, clock_.now())) {
      if (co_await client_.try_update_status<Claim>(*std::move(begun)) == Patched::Yes) {
        events_.normal(about, "Resizing", fmt::format("External resizer is resizing volume {}", volume->metadata().name()));
      }
      co_return Outcome::done();
    }
    if (std::optional<Volume> larger = hollow_csi::grown(*claim, *volume)) {
      co_await client_.try_update<Volume>(*std::move(larger));
      co_return Outcome::done();
    }
    if (co_await client_.try_update_status<Claim>(hollow_csi::told_grown(*claim, *volume)) == Patched::Yes) {
      events_.normal(about, "VolumeResizeSuccessful", "Resize volume succeeded");
    }
    co_return Outcome::done();
  }

 private:
  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<Claim>& claims_;
  Informer<Volume>& volumes_;
};

LoopBuilder::Keys claim_of(const Volume& volume, const World&) {
  if (!volume.spec().has_claim_ref()) return {};
  return {{volume.spec().claim_ref().namespace_(), volume.spec().claim_ref().name()}};
}

}  // namespace

void hollow_csi_resizer_loop(LoopBuilder& loop) {
  loop.reconciles<Claim>([](const Claim& claim) { return claim.status().phase() == "Bound"; })
      .watches<Volume>(claim_of)
      .event_source(hollow_csi::kDriver)
      .with<HollowCsiResizer>();
}

}  // namespace ph::controllers

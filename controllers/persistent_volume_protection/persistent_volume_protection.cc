// persistentvolume-protection: a volume that is deleted stays while it is bound to a claim.
//
//   reads     v1 PersistentVolume   informer
//   writes    v1 PersistentVolume   update: its finalizer kubernetes.io/pv-protection
//   upstream  pkg/controller/volume/pvprotection
//
// All it has to know is in the volume, and the update is for the revision that was judged.
#include "controllers/persistent_volume_protection/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using volume_protection::kFinalizer, volume_protection::Volume;

bool wants_work(const Volume& volume) { return volume_protection::step(volume) != Protection::Fits; }

class VolumeProtection final : public Loop {
 public:
  explicit VolumeProtection(const World& world) : client_(world.client), log_(world.log), volumes_(world.informer<Volume>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Volume> volume = volumes_.find(key);
    const Protection step = volume ? volume_protection::step(*volume) : Protection::Fits;
    if (step == Protection::Fits) co_return Outcome::done();
    Volume wanted = *volume;
    if (step == Protection::Lacks) add_finalizer(*wanted.mutable_metadata(), kFinalizer);
    else drop_finalizer(*wanted.mutable_metadata(), kFinalizer);
    const Patched done = co_await client_.try_update<Volume>(std::move(wanted));
    if (done == Patched::Yes && step == Protection::Leaving) log_.info("volume let go: it is not bound", "volume", key);
    co_return Outcome::done();
  }

 private:
  Client& client_;
  const Log log_;
  Informer<Volume>& volumes_;
};

}  // namespace

void persistent_volume_protection(LoopBuilder& loop) { loop.reconciles<Volume>(wants_work).with<VolumeProtection>(); }

}  // namespace ph::controllers

// persistentvolume-expander: tells of a claim that is to grow, and who is to let it: its driver's resizer, outside.
//
//   reads     v1 PersistentVolumeClaim, PersistentVolume   informers
//   writes    v1 PersistentVolumeClaim   patch of the status: the annotation volume.kubernetes.io/storage-resizer
//   upstream  pkg/controller/volume/expand
#include <nlohmann/json.hpp>

#include "controllers/persistent_volume_expander/plan.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers {
namespace {

using volume_expander::Claim, volume_expander::Expansion, volume_expander::Volume;

class VolumeExpander final : public Loop {
 public:
  explicit VolumeExpander(const World& world)
      : client_(world.client), events_(world.events), claims_(world.informer<Claim>()), volumes_(world.informer<Volume>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Claim> claim = claims_.find(key);
    if (!claim || claim->status().phase() != "Bound") co_return Outcome::done();
    const Ref<Volume> volume = volumes_.find({{}, claim->spec().volume_name()});
    // A claim that is bound has a volume: this copy of it is behind, or it is about to be lost.
    if (!volume || volume->spec().claim_ref().uid() != claim->metadata().uid()) co_return Outcome::again();
    const std::optional<Expansion> expansion = volume_expander::plan(*claim, *volume);
    if (!expansion) co_return Outcome::done();
    const auto& annotations = claim->metadata().annotations();
    const auto told = annotations.find(volume_expander::kResizer);
    if (!expansion->resizer.empty() && (told == annotations.end() || told->second != expansion->resizer)) {
      const nlohmann::json metadata = {{"uid", claim->metadata().uid()},
                                       {"annotations", {{volume_expander::kResizer, expansion->resizer}}}};
      Patch patch = Patch::merge(nlohmann::json{{"metadata", metadata}}.dump());
      patch.pinned = true;
      if (co_await client_.try_patch<Claim>(key, std::move(patch), "status") != Patched::Yes) co_return Outcome::again();
    }
    events_.normal(informers::reference_to(*claim), "ExternalExpanding", expansion->message);
    co_return Outcome::done();
  }

 private:
  Client& client_;
  EventRecorder& events_;
  Informer<Claim>& claims_;
  Informer<Volume>& volumes_;
};

std::optional<Duration> when(const Claim* before, const Claim* after) {
  return volume_expander::asks_for_more(before, after) ? std::optional<Duration>(0s) : std::nullopt;
}

}  // namespace

void persistent_volume_expander_loop(LoopBuilder& loop) {
  loop.reconciles_changes<Claim>(when).reads<Volume>().event_source("volume_expand").with<VolumeExpander>();
}

}  // namespace ph::controllers

// PersistentVolumeClaimResize: a claim grows only when it is bound, and its class lets it.
// Upstream: plugin/pkg/admission/storage/persistentvolume/resize
#include "api/kinds.h"
#include "api/quantity.h"
#include "api/volumes.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::PersistentVolumeClaim, storage::v1::StorageClass;

api::Quantity size_of(const PersistentVolumeClaim& claim) {
  const auto& requests = claim.spec().resources().requests();
  const auto found = requests.find("storage");
  if (found == requests.end()) return {};
  return api::Quantity::parse(found->second.string()).value_or(api::Quantity());
}

class PersistentVolumeClaimResize final : public AdmissionPlugin {
 public:
  explicit PersistentVolumeClaimResize(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "PersistentVolumeClaimResize"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "", "persistentvolumeclaims") || !request.object || request.operation != "UPDATE") return;
    const auto& claim = request.object->as<PersistentVolumeClaim>();
    const auto& old = request.old_object->as<PersistentVolumeClaim>();
    if (size_of(claim) <= size_of(old)) return;
    if (old.status().phase() != "Bound") throw refuse(request, "Only bound persistent volume claims can be expanded");
    if (may_grow(claim, old)) return;
    throw refuse(
        request,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize");
  }

 private:
  bool may_grow(const PersistentVolumeClaim& claim, const PersistentVolumeClaim& old) {
    const std::string& name = api::class_of(claim);
    if (name.empty() || name != api::class_of(old)) return false;
    const auto found = reader_.read<StorageClass>({{}, name});
    return found && found->allow_volume_expansion();
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> persistent_volume_claim_resize(const AdmissionWorld& world) {
  return std::make_unique<PersistentVolumeClaimResize>(world.reader);
}

}  // namespace ph::apiserver::admission

// DefaultStorageClass: a claim that says nothing of its class gets the one that is marked as the default, if there is one.
// Upstream: plugin/pkg/admission/storage/storageclass/setdefault
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/objects.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::PersistentVolumeClaim, storage::v1::StorageClass;

constexpr std::string_view kIsDefault = "storageclass.kubernetes.io/is-default-class";
constexpr std::string_view kIsDefaultOfOld = "storageclass.beta.kubernetes.io/is-default-class";
constexpr const char* kNamedAsOfOld = "volume.beta.kubernetes.io/storage-class";

class DefaultStorageClass final : public AdmissionPlugin {
 public:
  explicit DefaultStorageClass(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "DefaultStorageClass"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "persistentvolumeclaims") || !request.object || request.operation != "CREATE") return;
    PersistentVolumeClaim& claim = request.object->as<PersistentVolumeClaim>();
    // The empty class is one too: of volumes that have none.
    if (claim.spec().has_storage_class_name() || claim.metadata().annotations().contains(kNamedAsOfOld)) return;
    if (const auto found = default_class<StorageClass>(reader_, {kIsDefault, kIsDefaultOfOld})) {
      claim.mutable_spec()->set_storage_class_name(found->metadata().name());
    }
  }

 private:
  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> default_storage_class(const AdmissionWorld& world) {
  return std::make_unique<DefaultStorageClass>(world.reader);
}

}  // namespace ph::apiserver::admission

// StorageObjectInUseProtection: claims, volumes and their attribute classes get the finalizer by which the protection loops keep
// them while they are used. Upstream: plugin/pkg/admission/storage/storageobjectinuseprotection
#include <algorithm>

#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

struct Protected {
  std::string_view group, plural, finalizer;
};
constexpr Protected kProtected[] = {
    {"", "persistentvolumeclaims", "kubernetes.io/pvc-protection"},
    {"", "persistentvolumes", "kubernetes.io/pv-protection"},
    {"storage.k8s.io", "volumeattributesclasses", "kubernetes.io/vac-protection"},
};

class StorageObjectInUseProtection final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "StorageObjectInUseProtection"; }
  void admit(AdmissionRequest& request) override {
    if (request.operation != "CREATE") return;
    for (const Protected& each : kProtected) {
      if (is_for(request, each.group, each.plural)) add(*request.object, each.finalizer);
    }
  }

 private:
  static void add(api::Object& object, std::string_view finalizer) {
    auto& finalizers = *object.mutable_metadata().mutable_finalizers();
    if (std::ranges::find(finalizers, finalizer) == finalizers.end()) finalizers.Add(std::string(finalizer));
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> storage_object_in_use_protection(const AdmissionWorld&) {
  return std::make_unique<StorageObjectInUseProtection>();
}

}  // namespace ph::apiserver::admission

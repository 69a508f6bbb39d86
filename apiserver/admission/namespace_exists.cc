// NamespaceExists: nothing is done in a namespace that does not exist. Upstream: plugin/pkg/admission/namespace/exists
#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

class NamespaceExists final : public AdmissionPlugin {
 public:
  explicit NamespaceExists(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "NamespaceExists"; }

  void validate(const AdmissionRequest& request) override {
    const std::string& space = request.key.namespace_name;
    if (space.empty() || is_of(request, "", "namespaces")) return;
    const api::Resource& namespaces = *reader_.resource(api::schema_of<core::v1::Namespace>());
    if (!reader_.cache(namespaces)->find(space)) throw api::not_found("namespaces", space);
  }

 private:
  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> namespace_exists(const AdmissionWorld& world) {
  return std::make_unique<NamespaceExists>(world.reader);
}

}  // namespace ph::apiserver::admission

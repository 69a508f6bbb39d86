// NamespaceAutoProvision: a namespace that something is made in is made when it does not exist.
// Upstream: plugin/pkg/admission/namespace/autoprovision
#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Namespace;

class NamespaceAutoProvision final : public AdmissionPlugin {
 public:
  NamespaceAutoProvision(ObjectReader& reader, EnsureObject ensure) : reader_(reader), ensure_(std::move(ensure)) {}
  std::string_view name() const override { return "NamespaceAutoProvision"; }

  Soon<> admit_soon(AdmissionRequest& request) override {
    const std::string& space = request.key.namespace_name;
    // A dry run leaves nothing behind.
    if (request.operation != "CREATE" || space.empty() || request.dry_run || is_of(request, "", "namespaces")) return {};
    const api::Resource& namespaces = *reader_.resource(api::schema_of<Namespace>());
    if (reader_.cache(namespaces)->find(space)) return {};
    auto object = std::make_unique<Namespace>();
    object->mutable_metadata()->set_name(space);
    return ensure_(std::move(object));
  }

 private:
  ObjectReader& reader_;
  const EnsureObject ensure_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> namespace_auto_provision(const AdmissionWorld& world) {
  return std::make_unique<NamespaceAutoProvision>(world.reader, world.ensure);
}

}  // namespace ph::apiserver::admission

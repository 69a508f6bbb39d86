// Kinds of which only warnings are told beside the generic rules.
#include "api/warnings.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

enum class When { Created, Written };

// Told when nothing has refused the object.
template <class Kind, When when>
class WarnedRules final : public ResourceRules {
  void before_commit(WriteContext& context, api::Object* object, const api::Object* old) override {
    if (object == nullptr || !context.subresource.empty() || (old != nullptr && when == When::Created)) return;
    for (std::string& warning : api::warnings_of(object->as<Kind>())) context.warnings.push_back(std::move(warning));
  }
};

template <class Kind, When when = When::Written>
std::unique_ptr<ResourceRules> warned() {
  return std::make_unique<WarnedRules<Kind, when>>();
}

}  // namespace

std::unique_ptr<ResourceRules> csi_drivers(const ServerOptions&) { return warned<storage::v1::CSIDriver>(); }
std::unique_ptr<ResourceRules> csi_storage_capacities(const ServerOptions&) { return warned<storage::v1::CSIStorageCapacity>(); }
std::unique_ptr<ResourceRules> ingresses(const ServerOptions&) { return warned<networking::v1::Ingress, When::Created>(); }
std::unique_ptr<ResourceRules> network_policies(const ServerOptions&) { return warned<networking::v1::NetworkPolicy>(); }
std::unique_ptr<ResourceRules> runtime_classes(const ServerOptions&) { return warned<node::v1::RuntimeClass>(); }
std::unique_ptr<ResourceRules> storage_classes(const ServerOptions&) { return warned<storage::v1::StorageClass>(); }

}  // namespace ph::apiserver

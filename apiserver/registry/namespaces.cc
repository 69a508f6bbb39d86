// Namespaces: born with the finalizer of their contents, and gone when it is.
#include <algorithm>

#include "api/kinds.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using core::v1::Namespace;

Namespace& as_namespace(api::Object& object) { return object.as<Namespace>(); }
const Namespace& as_namespace(const api::Object& object) { return object.as<Namespace>(); }

class NamespaceRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, api::Object& object) override {
    Namespace& created = as_namespace(object);
    created.mutable_status()->set_phase("Active");
    const auto& finalizers = created.spec().finalizers();
    if (std::ranges::find(finalizers, "kubernetes") == finalizers.end()) created.mutable_spec()->add_finalizers("kubernetes");
  }
  // Only …/finalize takes them away.
  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    *as_namespace(object).mutable_spec()->mutable_finalizers() = as_namespace(old).spec().finalizers();
  }
  bool holds(const api::Object& object) override { return as_namespace(object).spec().finalizers_size() > 0; }
  void mark_deleting(api::Object& object) override { as_namespace(object).mutable_status()->set_phase("Terminating"); }
};

}  // namespace

std::unique_ptr<ResourceRules> namespaces(const ServerOptions&) { return std::make_unique<NamespaceRules>(); }

}  // namespace ph::apiserver

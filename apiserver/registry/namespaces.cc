// Namespaces: born with the finalizer of their contents, and gone when it is.
#include <algorithm>

#include "api/kinds.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using core::v1::Namespace;

Namespace& as_namespace(Message& object) { return static_cast<Namespace&>(object); }
const Namespace& as_namespace(const Message& object) { return static_cast<const Namespace&>(object); }

class NamespaceRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, Message& object) override {
    Namespace& created = as_namespace(object);
    created.mutable_status()->set_phase("Active");
    const auto& finalizers = created.spec().finalizers();
    if (std::ranges::find(finalizers, "kubernetes") == finalizers.end()) created.mutable_spec()->add_finalizers("kubernetes");
  }
  // Only …/finalize takes them away.
  void prepare_update(WriteContext&, Message& object, const Message& old) override {
    *as_namespace(object).mutable_spec()->mutable_finalizers() = as_namespace(old).spec().finalizers();
  }
  bool holds(const Message& object) override { return as_namespace(object).spec().finalizers_size() > 0; }
  void mark_deleting(Message& object) override { as_namespace(object).mutable_status()->set_phase("Terminating"); }
};

}  // namespace

std::unique_ptr<ResourceRules> namespaces(const ServerOptions&) { return std::make_unique<NamespaceRules>(); }

}  // namespace ph::apiserver

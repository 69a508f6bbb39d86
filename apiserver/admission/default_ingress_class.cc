// DefaultIngressClass: an ingress that names no class gets the one that is marked as the default, if there is one.
// Upstream: plugin/pkg/admission/network/defaultingressclass
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/objects.h"

namespace ph::apiserver::admission {
namespace {

using networking::v1::Ingress, networking::v1::IngressClass;

constexpr const char* kIsDefault = "ingressclass.kubernetes.io/is-default-class";
constexpr const char* kNamedAsOfOld = "kubernetes.io/ingress.class";

class DefaultIngressClass final : public AdmissionPlugin {
 public:
  explicit DefaultIngressClass(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "DefaultIngressClass"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "networking.k8s.io", "ingresses") || !request.object || request.operation != "CREATE") return;
    Ingress& ingress = request.object->as<Ingress>();
    if (ingress.spec().has_ingress_class_name() || ingress.metadata().annotations().contains(kNamedAsOfOld)) return;
    if (const auto found = default_class<IngressClass>(reader_, {kIsDefault})) {
      ingress.mutable_spec()->set_ingress_class_name(found->metadata().name());
    }
  }

 private:
  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> default_ingress_class(const AdmissionWorld& world) {
  return std::make_unique<DefaultIngressClass>(world.reader);
}

}  // namespace ph::apiserver::admission

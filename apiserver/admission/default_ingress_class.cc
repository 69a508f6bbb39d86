// DefaultIngressClass: an ingress that names no class gets the one that is marked as the default, if there is one.
// Upstream: plugin/pkg/admission/network/defaultingressclass
#include "api/codec.h"
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using networking::v1::Ingress, networking::v1::IngressClass;

constexpr const char* kIsDefault = "ingressclass.kubernetes.io/is-default-class";
constexpr const char* kNamedAsOfOld = "kubernetes.io/ingress.class";

bool is_default(const IngressClass& object) {
  const auto mark = object.metadata().annotations().find(kIsDefault);
  return mark != object.metadata().annotations().end() && mark->second == "true";
}

// Of several the newest; of those of one second the first by name.
bool goes_before(const IngressClass& a, const IngressClass& b) {
  const Time made = api::to_time(a.metadata().creation_timestamp()), other = api::to_time(b.metadata().creation_timestamp());
  return made != other ? made > other : a.metadata().name() < b.metadata().name();
}

class DefaultIngressClass final : public AdmissionPlugin {
 public:
  explicit DefaultIngressClass(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "DefaultIngressClass"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "networking.k8s.io", "ingresses") || !request.object || request.operation != "CREATE") return;
    Ingress& ingress = request.object->as<Ingress>();
    if (ingress.spec().has_ingress_class_name() || ingress.metadata().annotations().contains(kNamedAsOfOld)) return;
    if (const auto found = default_class()) ingress.mutable_spec()->set_ingress_class_name(found->metadata().name());
  }

 private:
  std::unique_ptr<IngressClass> default_class() {
    std::unique_ptr<IngressClass> found;
    for (const EntryRef& entry : *reader_.cache(*reader_.resource(api::schema_of<IngressClass>()))->snapshot().entries) {
      auto object = std::make_unique<IngressClass>();
      api::decode_envelope(*entry->protobuf, *object);
      if (is_default(*object) && (!found || goes_before(*object, *found))) found = std::move(object);
    }
    return found;
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> default_ingress_class(const AdmissionWorld& world) {
  return std::make_unique<DefaultIngressClass>(world.reader);
}

}  // namespace ph::apiserver::admission

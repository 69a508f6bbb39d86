// NodeDeclaredFeatureValidator: a pod on a node changes only in ways that the node declares to understand (status.declaredFeatures).
// Upstream: plugin/pkg/admission/nodedeclaredfeatures. Reference: KEP-5328.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "api/validation/quote.h"
#include "api/value.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Container, core::v1::Node, core::v1::Pod;

bool same(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return api::Value::equal(api::Value::of(a), api::Value::of(b));
}

api::Quantity cpu_request(const Container& container) {
  const auto amounts = api::amounts_of(container.resources().requests());
  const auto found = amounts.find("cpu");
  return found == amounts.end() ? api::Quantity() : found->second;
}

// Containers neither come nor go; what says otherwise has been refused already.
template <class Changed>
bool any_changed(const google::protobuf::RepeatedPtrField<Container>& before,
                 const google::protobuf::RepeatedPtrField<Container>& after, Changed changed) {
  for (int i = 0; i < before.size() && i < after.size(); ++i) {
    if (changed(before[i], after[i])) return true;
  }
  return false;
}

bool resizes_guaranteed_cpu(const Pod& before, const Pod& after) {
  if (before.status().qos_class() != "Guaranteed") return false;
  return any_changed(before.spec().containers(), after.spec().containers(),
                     [](const auto& a, const auto& b) { return cpu_request(a) != cpu_request(b); });
}

bool resizes_as_a_whole(const Pod& before, const Pod& after) {
  if (!before.spec().has_resources() && !after.spec().has_resources()) return false;
  return before.spec().has_resources() != after.spec().has_resources() ||
         !same(before.spec().resources(), after.spec().resources());
}

bool resizes_init_containers(const Pod& before, const Pod& after) {
  return any_changed(before.spec().init_containers(), after.spec().init_containers(), [](const auto& a, const auto& b) {
    return a.restart_policy() != "Always" && !same(a.resources(), b.resources());
  });
}

// Features that can be seen in a change to be needed, by name.
struct Feature {
  std::string_view name;
  bool (*is_needed)(const Pod& before, const Pod& after);
};
constexpr Feature kFeatures[] = {
    {"GuaranteedQoSPodCPUResize", resizes_guaranteed_cpu},
    {"InPlacePodLevelResourcesVerticalScaling", resizes_as_a_whole},
    {"InPlacePodVerticalScalingInitContainers", resizes_init_containers},
};

class NodeDeclaredFeatureValidator final : public AdmissionPlugin {
 public:
  explicit NodeDeclaredFeatureValidator(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "NodeDeclaredFeatureValidator"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_of(request, "", "pods") || request.operation != "UPDATE" || !request.object) return;
    if (!request.subresource.empty() && request.subresource != "resize") return;
    const Pod &before = request.old_object->as<Pod>(), &after = request.object->as<Pod>();
    const std::string& name = after.spec().node_name();
    if (name.empty() || before.metadata().generation() == after.metadata().generation()) return;
    std::vector<std::string_view> lacking;
    for (const Feature& feature : kFeatures) {
      if (feature.is_needed(before, after)) lacking.push_back(feature.name);
    }
    if (lacking.empty()) return;
    const auto node = reader_.read<Node>({{}, name});
    if (!node) throw refuse(request, fmt::format("node {} not found", api::quote(name)));
    const auto& declared = node->status().declared_features();
    std::erase_if(lacking, [&](std::string_view wanted) { return std::ranges::find(declared, wanted) != declared.end(); });
    if (lacking.empty()) return;
    throw refuse(request, fmt::format("pod update requires features {} which are not available on node {}",
                                      fmt::join(lacking, ", "), api::quote(name)));
  }

 private:
  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> node_declared_feature_validator(const AdmissionWorld& world) {
  return std::make_unique<NodeDeclaredFeatureValidator>(world.reader);
}

}  // namespace ph::apiserver::admission

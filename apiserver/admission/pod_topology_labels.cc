// PodTopologyLabels: a pod that gets a node gets the labels of its zone and region. Reference: KEP-4742.
#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/cache/cache.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Node, core::v1::Pod;

bool is_copied(std::string_view key) { return key == "topology.kubernetes.io/zone" || key == "topology.kubernetes.io/region"; }

class PodTopologyLabels final : public AdmissionPlugin {
 public:
  explicit PodTopologyLabels(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "PodTopologyLabels"; }

  void admit(AdmissionRequest& request) override {
    if (!is_of(request, "", "pods") || !request.object) return;
    const bool binds = request.subresource == "binding";
    if (!binds && !(request.subresource.empty() && request.operation == "CREATE")) return;
    Pod& pod = request.object->as<Pod>();
    if (pod.spec().node_name().empty()) return;
    const EntryRef node = reader_.cache(*reader_.resource(api::schema_of<Node>()))->find(pod.spec().node_name());
    if (!node) return;
    for (const auto& [key, value] : api::labels_of(api::open_envelope(*node->protobuf).raw)) {
      if (!is_copied(key)) continue;
      // A binding's own label stays, one the pod had before does not.
      if (binds && has_still(pod, *request.old_object, key)) pod.mutable_metadata()->mutable_labels()->erase(key);
      pod.mutable_metadata()->mutable_labels()->try_emplace(key, value);
    }
  }

 private:
  static bool has_still(const Pod& pod, const api::Object& old, std::string_view key) {
    const auto& before = old.metadata().labels();
    const auto label = before.find(key);
    return label != before.end() && pod.metadata().labels().at(key) == label->second;
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> pod_topology_labels(const AdmissionWorld& world) {
  return std::make_unique<PodTopologyLabels>(world.reader);
}

}  // namespace ph::apiserver::admission

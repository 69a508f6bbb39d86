// LimitPodHardAntiAffinityTopology: a pod can keep others off its node, but not off a wider part of the cluster.
// Upstream: plugin/pkg/admission/antiaffinity
#include <fmt/format.h>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";

class LimitPodHardAntiAffinityTopology final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "LimitPodHardAntiAffinityTopology"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !request.object) return;
    const auto& apart = request.object->as<core::v1::Pod>().spec().affinity().pod_anti_affinity();
    for (const auto& term : apart.required_during_scheduling_ignored_during_execution()) {
      if (term.topology_key() == kHostname) continue;
      throw refuse(request,
                   fmt::format("affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {} but only key {} is allowed",
                               term.topology_key(), kHostname));
    }
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> limit_pod_hard_anti_affinity_topology(const AdmissionWorld&) {
  return std::make_unique<LimitPodHardAntiAffinityTopology>();
}

}  // namespace ph::apiserver::admission

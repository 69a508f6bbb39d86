// TaintNodesByCondition: a new node takes no pods before the node lifecycle loop has seen it ready.
// Upstream: plugin/pkg/admission/nodetaint
#include <algorithm>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Node, core::v1::Taint;

class TaintNodesByCondition final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "TaintNodesByCondition"; }
  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "nodes") || request.operation != "CREATE") return;
    Node& node = request.object->as<Node>();
    const bool tainted = std::ranges::any_of(node.spec().taints(), [](const Taint& taint) {
      return taint.key() == "node.kubernetes.io/not-ready" && taint.effect() == "NoSchedule";
    });
    if (tainted) return;
    Taint* taint = node.mutable_spec()->add_taints();
    taint->set_key("node.kubernetes.io/not-ready");
    taint->set_effect("NoSchedule");
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> taint_nodes_by_condition(const AdmissionWorld&) {
  return std::make_unique<TaintNodesByCondition>();
}

}  // namespace ph::apiserver::admission

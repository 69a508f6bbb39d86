// DefaultTolerationSeconds: a pod stays five minutes on a node that went away, unless it says otherwise.
// Upstream: plugin/pkg/admission/defaulttolerationseconds
#include <algorithm>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod, core::v1::Toleration;

constexpr std::int64_t kSeconds = 300;

bool tolerates(const Pod& pod, std::string_view taint) {
  return std::ranges::any_of(pod.spec().tolerations(), [&](const Toleration& t) {
    return (t.key() == taint || t.key().empty()) && (t.effect() == "NoExecute" || t.effect().empty());
  });
}

void add(Pod& pod, const char* taint) {
  if (tolerates(pod, taint)) return;
  Toleration* toleration = pod.mutable_spec()->add_tolerations();
  toleration->set_key(taint);
  toleration->set_operator_("Exists");
  toleration->set_effect("NoExecute");
  toleration->set_toleration_seconds(kSeconds);
}

class DefaultTolerationSeconds final : public AdmissionPlugin {
 public:
  std::string_view name() const override { return "DefaultTolerationSeconds"; }
  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || !request.object) return;
    if (request.operation != "CREATE" && request.operation != "UPDATE") return;
    Pod& pod = request.object->as<Pod>();
    add(pod, "node.kubernetes.io/not-ready");
    add(pod, "node.kubernetes.io/unreachable");
  }
};

}  // namespace

std::unique_ptr<AdmissionPlugin> default_toleration_seconds(const AdmissionWorld&) {
  return std::make_unique<DefaultTolerationSeconds>();
}

}  // namespace ph::apiserver::admission

// RuntimeClass: a pod that names a runtime class gets its overhead, and its nodes' labels and tolerations.
// Upstream: plugin/pkg/admission/runtimeclass. Reference: KEP-585 (classes), KEP-688 (overhead).
#include <fmt/format.h>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "api/sorted.h"
#include "api/validation/quote.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/tolerations.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod, core::v1::PodSpec, node::v1::RuntimeClass;

constexpr const char* kOtherOverhead = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

bool same_amounts(const RuntimeClass& found, const PodSpec& spec) {
  const auto& fixed = found.overhead().pod_fixed();
  return fixed.size() == spec.overhead().size() && api::amounts_of(fixed) == api::amounts_of(spec.overhead());
}

class RuntimeClasses final : public AdmissionPlugin {
 public:
  explicit RuntimeClasses(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "RuntimeClass"; }

  void admit(AdmissionRequest& request) override {
    if (!concerns(request)) return;
    PodSpec& spec = *request.object->as<Pod>().mutable_spec();
    const auto found = class_of(request, spec);
    if (!found) return;
    if (found->has_overhead()) {
      if (spec.overhead_size() > 0 && !same_amounts(*found, spec)) throw refuse(request, kOtherOverhead);
      *spec.mutable_overhead() = found->overhead().pod_fixed();
    }
    if (found->has_scheduling()) schedule(request, found->scheduling(), spec);
  }

  void validate(const AdmissionRequest& request) override {
    if (!concerns(request)) return;
    const PodSpec& spec = request.object->as<Pod>().spec();
    const auto found = class_of(request, spec);
    if (found && found->has_overhead()) {
      if (!same_amounts(*found, spec)) throw refuse(request, kOtherOverhead);
    } else if (spec.overhead_size() > 0) {
      throw refuse(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }
  }

 private:
  static bool concerns(const AdmissionRequest& request) {
    return is_for(request, "", "pods") && request.object && request.operation == "CREATE";
  }

  std::unique_ptr<RuntimeClass> class_of(const AdmissionRequest& request, const PodSpec& spec) {
    if (!spec.has_runtime_class_name()) return nullptr;
    auto found = reader_.read<RuntimeClass>({{}, spec.runtime_class_name()});
    if (!found) {
      throw refuse(request, fmt::format("pod rejected: RuntimeClass {} not found", api::quote(spec.runtime_class_name())));
    }
    return found;
  }

  static void schedule(const AdmissionRequest& request, const node::v1::Scheduling& scheduling, PodSpec& spec) {
    for (const auto* wanted : sorted(scheduling.node_selector())) {
      const auto [own, is_new] = spec.mutable_node_selector()->try_emplace(wanted->first, wanted->second);
      if (is_new || own->second == wanted->second) continue;
      throw refuse(request,
                   fmt::format("conflict: runtimeClass.scheduling.nodeSelector[{0}] = {1}; pod.spec.nodeSelector[{0}] = {2}",
                               wanted->first, wanted->second, own->second));
    }
    merge(*spec.mutable_tolerations(), scheduling.tolerations());
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> runtime_class(const AdmissionWorld& world) {
  return std::make_unique<RuntimeClasses>(world.reader);
}

}  // namespace ph::apiserver::admission

// PodResizeValidator: a pod on a node may not grow beyond what the node has to give, and only nodes with Linux resize.
// Upstream: plugin/pkg/admission/podresize
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/kinds.h"
#include "api/pod_resources.h"
#include "api/validation/quote.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Node, core::v1::Pod;

api::Quantity amount(const api::ResourceAmounts& amounts, std::string_view name) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? api::Quantity() : found->second;
}

class PodResizeValidator final : public AdmissionPlugin {
 public:
  explicit PodResizeValidator(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "PodResizeValidator"; }

  void validate(const AdmissionRequest& request) override {
    if (!is_of(request, "", "pods") || request.subresource != "resize" || !request.object) return;
    const Pod& pod = request.object->as<Pod>();
    const std::string& name = pod.spec().node_name();
    if (name.empty() || pod.metadata().generation() == request.old_object->metadata().generation()) return;
    const auto node = reader_.read<Node>({{}, name});
    if (!node) throw refuse(request, fmt::format("node {} not found", api::quote(name)));
    if (const std::string why = lacking(pod, *node); !why.empty()) throw refuse(request, why);
    const auto os = node->metadata().labels().find("kubernetes.io/os");
    const std::string family = os == node->metadata().labels().end() ? "" : os->second;
    if (family == "linux") return;
    throw refuse(request,
                 fmt::format("pod resize is only supported on linux nodes, node {} is {}", api::quote(name), api::quote(family)));
  }

 private:
  static std::string lacking(const Pod& pod, const Node& node) {
    const api::ResourceAmounts wanted = api::pod_requests(pod), there = api::amounts_of(node.status().allocatable());
    std::vector<std::string> out;
    const auto compare = [&](const char* name, std::int64_t asks, std::int64_t has) {
      if (asks > has) out.push_back(fmt::format("{}, requested: {}, allocatable: {}", name, asks, has));
    };
    compare("cpu", amount(wanted, "cpu").milli_value(), amount(there, "cpu").milli_value());
    compare("memory", amount(wanted, "memory").value(), amount(there, "memory").value());
    if (out.empty()) return {};
    return fmt::format("Node didn't have enough allocatable resources: {}", fmt::join(out, "; "));
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> pod_resize_validator(const AdmissionWorld& world) {
  return std::make_unique<PodResizeValidator>(world.reader);
}

}  // namespace ph::apiserver::admission

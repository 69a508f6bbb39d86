// NamespaceLifecycle: nothing is made in a namespace that does not exist or is on its way out, and the namespaces that the
// cluster itself lives in cannot be deleted. Upstream: plugin/namespace/lifecycle
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/cache/cache.h"

namespace ph::apiserver::admission {
namespace {

constexpr std::string_view kProtected[] = {"default", "kube-public", "kube-system"};

class NamespaceLifecycle final : public AdmissionPlugin {
 public:
  explicit NamespaceLifecycle(ObjectReader& reader) : reader_(reader) {}
  std::string_view name() const override { return "NamespaceLifecycle"; }

  void admit(AdmissionRequest& request) override {
    if (is_for(request, "", "namespaces") && request.operation == "DELETE") {
      if (std::ranges::find(kProtected, request.key.name) != std::end(kProtected)) {
        throw refuse(request, "this namespace may not be deleted");
      }
      return;
    }
    judge_again(request);
  }

  void judge_again(const AdmissionRequest& request) override {
    if (!request.resource->namespaced || request.operation == "DELETE") return;
    // Whoever may not do something should hear that, not whether the namespace exists.
    if (request.resource->plural == "localsubjectaccessreviews") return;
    const auto phase = phase_of(request.key.namespace_name);
    if (!phase) throw api::not_found("namespaces", request.key.namespace_name);
    if (request.operation == "CREATE" && *phase == "Terminating") throw terminating(request);
  }

 private:
  // Nothing when there is no such namespace. Every write asks: the object is not built for it.
  std::optional<std::string> phase_of(const std::string& space) const {
    const api::Schema& schema = api::schema_of<core::v1::Namespace>();
    const EntryRef entry = reader_.cache(*reader_.resource(schema))->find(space);
    if (!entry) return std::nullopt;
    return api::scalar_at(schema, api::open_envelope(*entry->protobuf).raw, "status.phase");
  }

  static api::ApiError terminating(const AdmissionRequest& request) {
    const std::string& space = request.key.namespace_name;
    const std::string why = fmt::format("unable to create new content in namespace {} because it is being terminated", space);
    meta::v1::Status status = refuse(request, why).status();
    auto* cause = status.mutable_details()->add_causes();
    cause->set_reason("NamespaceTerminating");
    cause->set_message(fmt::format("namespace {} is being terminated", space));
    cause->set_field("metadata.namespace");
    return api::ApiError(std::move(status));
  }

  ObjectReader& reader_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> namespace_lifecycle(const AdmissionWorld& world) {
  return std::make_unique<NamespaceLifecycle>(world.reader);
}

}  // namespace ph::apiserver::admission

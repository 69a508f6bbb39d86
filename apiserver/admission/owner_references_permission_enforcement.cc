// OwnerReferencesPermissionEnforcement: an object's owners are changed by who may delete it, and its deletion is made to wait for the
// object only by who may set the owner's finalizers. Upstream: plugin/pkg/admission/gc
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "api/kinds.h"
#include "api/value.h"
#include "apiserver/admission/admission.h"

namespace ph::apiserver::admission {
namespace {

using meta::v1::OwnerReference;
using Owners = google::protobuf::RepeatedPtrField<OwnerReference>;

const Owners& owners_of(const api::Object* object) {
  static const Owners kNone;
  return object == nullptr || !*object ? kNone : object->metadata().owner_references();
}

bool same(const Owners& a, const Owners& b) {
  return std::ranges::equal(a, b,
                            [](const auto& x, const auto& y) { return api::Value::equal(api::Value::of(x), api::Value::of(y)); });
}

// Those whose deletion has to wait for the object now, and had not before.
std::vector<OwnerReference> newly_blocked(const Owners& before, const Owners& after) {
  std::vector<OwnerReference> out;
  std::ranges::copy_if(after, std::back_inserter(out), [&](const OwnerReference& owner) {
    const auto waited = [&](const OwnerReference& other) { return other.uid() == owner.uid() && other.block_owner_deletion(); };
    return owner.block_owner_deletion() && std::ranges::none_of(before, waited);
  });
  return out;
}

class OwnerReferencesPermissionEnforcement final : public AdmissionPlugin {
 public:
  OwnerReferencesPermissionEnforcement(ObjectReader& reader, Authorizer& authorizer) : reader_(reader), authorizer_(authorizer) {}
  std::string_view name() const override { return "OwnerReferencesPermissionEnforcement"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (!request.object || request.operation == "DELETE") return {};
    // A pod's owners do not change through its status, whatever is sent.
    if (request.subresource == "status" && is_of(request, "", "pods")) return {};
    if (same(owners_of(request.old_object), owners_of(request.object))) return {};
    return judge(request);
  }

 private:
  Task<void> judge(const AdmissionRequest& request) {
    RequestInfo info;
    info.verb = "delete";
    info.group = request.resource->kind.group;
    info.version = request.resource->kind.version;
    info.resource = request.resource->plural;
    info.subresource = request.subresource;
    info.namespace_name = request.key.namespace_name;
    info.name = request.key.name;
    co_await demand(request, std::move(info), "cannot set an ownerRef on a resource you can't delete");
    for (const OwnerReference& owner : newly_blocked(owners_of(request.old_object), owners_of(request.object))) {
      co_await judge_owner(request, owner);
    }
  }

  // A kind may be shown by several resources: he needs all of them.
  Task<void> judge_owner(const AdmissionRequest& request, OwnerReference owner) {
    const auto slash = owner.api_version().find('/');
    const bool has_group = slash != std::string::npos;
    const std::string group = has_group ? owner.api_version().substr(0, slash) : std::string(),
                      version = has_group ? owner.api_version().substr(slash + 1) : owner.api_version();
    std::vector<RequestInfo> questions;
    for (const api::Resource& resource : reader_.scheme().resources()) {
      if (resource.kind.group != group || resource.kind.version != version || resource.kind.kind != owner.kind()) continue;
      RequestInfo info;
      info.verb = "update";
      info.group = group;
      info.version = version;
      info.resource = resource.plural;
      info.subresource = "finalizers";
      if (resource.namespaced) info.namespace_name = request.key.namespace_name;
      info.name = owner.name();
      questions.push_back(std::move(info));
    }
    if (questions.empty()) {
      throw refuse(request, fmt::format("cannot set blockOwnerDeletion in this case because cannot find RESTMapping for "
                                        "APIVersion {0} Kind {1}: no matches for kind \"{1}\" in version \"{0}\"",
                                        owner.api_version(), owner.kind()));
    }
    for (RequestInfo& info : questions) {
      co_await demand(request, std::move(info),
                      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on");
    }
  }

  Task<void> demand(const AdmissionRequest& request, RequestInfo info, std::string_view why) {
    info.is_resource = true;
    const Decision decision = co_await authorizer_.authorize_soon({*request.user, info});
    if (decision.kind != Decision::Kind::Allow) throw refuse(request, fmt::format("{}: {}, <nil>", why, decision.reason));
  }

  ObjectReader& reader_;
  Authorizer& authorizer_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> owner_references_permission_enforcement(const AdmissionWorld& world) {
  return std::make_unique<OwnerReferencesPermissionEnforcement>(world.reader, world.authorizer);
}

}  // namespace ph::apiserver::admission

// Claims, their templates and slices of devices: who may ask for administration, when a taint came, what is not on.
#include <fmt/format.h>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/sorted.h"
#include "api/times.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using namespace resources::v1;

// What upstream tells it with, of templates too.
constexpr std::string_view kNeedsLabel =
    "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace";
constexpr const char* kAdminLabel = "resource.kubernetes.io/admin-access";

const DeviceClaim& claim_of(const api::Object& object) {
  if (object.is<ResourceClaim>()) return object.as<ResourceClaim>().spec().devices();
  return object.as<ResourceClaimTemplate>().spec().spec().devices();
}

// What claims ask for does not change: only new ones are judged.
class ClaimRules final : public ResourceRules {
 public:
  void before_commit(WriteContext& context, api::Object* object, const api::Object* old) override {
    if (object == nullptr || old != nullptr) return;
    api::Errors errors;
    const DeviceClaim& claim = claim_of(*object);
    for (int i = 0; i < claim.requests_size(); ++i) {
      if (!claim.requests(i).exactly().admin_access()) continue;
      errors.forbidden(
          api::Path("spec").member("devices").member("requests").index(static_cast<std::size_t>(i)).member("adminAccess"),
          kNeedsLabel);
    }
    if (errors.empty() || allows(context, object->metadata().namespace_())) return;
    const api::GroupVersionKind& kind = context.resource.kind;
    throw api::invalid(fmt::format("{}.{}", kind.kind, kind.group), object->metadata().name(), errors.list());
  }

 private:
  static bool allows(WriteContext& context, const std::string& name) {
    const auto space = context.reader.read<core::v1::Namespace>(ObjectKey{{}, name});
    if (!space) return false;
    const auto label = space->metadata().labels().find(kAdminLabel);
    return label != space->metadata().labels().end() && label->second == "true";
  }
};

class SliceRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override { prepare(context, object.as<ResourceSlice>()); }
  void prepare_update(WriteContext& context, api::Object& object, const api::Object&) override {
    prepare(context, object.as<ResourceSlice>());
  }

 private:
  static void prepare(WriteContext& context, ResourceSlice& slice) {
    for (Device& device : *slice.mutable_spec()->mutable_devices()) {
      // Features that are off.
      device.clear_node_allocatable_resource_mappings();
      for (auto& [key, attribute] : in_any_order(*device.mutable_attributes())) {
        attribute.clear_ints();
        attribute.clear_bools();
        attribute.clear_strings();
        attribute.clear_versions();
      }
      for (DeviceTaint& taint : *device.mutable_taints()) {
        if (!taint.has_time_added()) api::set_time(taint.mutable_time_added(), context.now);
      }
    }
  }
};

}  // namespace

std::unique_ptr<ResourceRules> resource_claims(const ServerOptions&) { return std::make_unique<ClaimRules>(); }
std::unique_ptr<ResourceRules> resource_slices(const ServerOptions&) { return std::make_unique<SliceRules>(); }

}  // namespace ph::apiserver

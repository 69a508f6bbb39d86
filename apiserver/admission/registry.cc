#include <algorithm>

#include "apiserver/admission/admission.h"

namespace ph::apiserver {

namespace admission {
#define ADMISSION(name, entry, on) std::unique_ptr<AdmissionPlugin> entry(const AdmissionWorld&);
#include "apiserver/admission/registry.def"
#undef ADMISSION
}  // namespace admission

namespace {

constexpr AdmissionEntry kEntries[] = {
#define ADMISSION(name, entry, on) {name, &admission::entry, on},
#include "apiserver/admission/registry.def"
#undef ADMISSION
};

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

}  // namespace

std::span<const AdmissionEntry> admission_entries() { return kEntries; }

std::vector<std::unique_ptr<AdmissionPlugin>> make_admission(const AdmissionWorld& world,
                                                             const std::vector<std::string>& enabled,
                                                             const std::vector<std::string>& disabled) {
  std::vector<std::unique_ptr<AdmissionPlugin>> out;
  for (const AdmissionEntry& entry : kEntries) {
    if ((entry.on_by_default || has(enabled, entry.name)) && !has(disabled, entry.name)) out.push_back(entry.make(world));
  }
  return out;
}

std::string resource_name(const api::Resource& resource) {
  return resource.kind.group.empty() ? resource.plural : resource.plural + "." + resource.kind.group;
}

bool is_for(const AdmissionRequest& request, std::string_view group, std::string_view plural) {
  return request.subresource.empty() && request.resource->kind.group == group && request.resource->plural == plural;
}

api::ApiError refuse(const AdmissionRequest& request, std::string_view why) {
  return api::forbidden(resource_name(*request.resource), request.key.name, why);
}

}  // namespace ph::apiserver

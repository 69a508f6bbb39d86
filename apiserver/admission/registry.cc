#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

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

constexpr UpstreamAdmission kUpstream[] = {
#define UPSTREAM_ADMISSION(name, on) {name, on},
#include "apiserver/admission/upstream.def"
#undef UPSTREAM_ADMISSION
};

constexpr bool is_upstreams(const AdmissionEntry& entry) {
  return std::ranges::find(kUpstream, entry.name, &UpstreamAdmission::name) != std::end(kUpstream);
}
static_assert(std::ranges::all_of(kEntries, is_upstreams));

bool has(const std::vector<std::string>& list, std::string_view name) { return std::ranges::find(list, name) != list.end(); }

}  // namespace

std::span<const AdmissionEntry> admission_entries() { return kEntries; }

std::span<const UpstreamAdmission> upstream_admission() { return kUpstream; }

std::vector<std::string> admission_problems(const std::vector<std::string>& enabled, const std::vector<std::string>& disabled) {
  const auto known = [](const std::string& name) {
    return std::ranges::find(kUpstream, name, &UpstreamAdmission::name) != std::end(kUpstream);
  };
  const auto here = [](const std::string& name) {
    return std::ranges::find(kEntries, name, &AdmissionEntry::name) != std::end(kEntries);
  };
  std::vector<std::string> out;
  for (const std::string& name : enabled) {
    if (!known(name)) out.push_back(fmt::format("enable-admission-plugins plugin \"{}\" is unknown", name));
    else if (!here(name)) out.push_back(fmt::format("enable-admission-plugins plugin \"{}\" is not there yet", name));
  }
  for (const std::string& name : disabled) {
    if (!known(name)) out.push_back(fmt::format("disable-admission-plugins plugin \"{}\" is unknown", name));
  }
  std::set<std::string> both;
  for (const std::string& name : enabled) {
    if (has(disabled, name)) both.insert(name);
  }
  if (!both.empty()) {
    out.push_back(fmt::format("[{}] in enable-admission-plugins and disable-admission-plugins overlapped", fmt::join(both, " ")));
  }
  return out;
}

std::vector<std::unique_ptr<AdmissionPlugin>> make_admission(const AdmissionWorld& world, const std::vector<std::string>& enabled,
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

bool is_of(const AdmissionRequest& request, std::string_view group, std::string_view plural) {
  return request.resource->kind.group == group && request.resource->plural == plural;
}

bool is_for(const AdmissionRequest& request, std::string_view group, std::string_view plural) {
  return request.subresource.empty() && is_of(request, group, plural);
}

api::ApiError refuse(const AdmissionRequest& request, std::string_view why) {
  const bool is_named = !request.key.name.empty() || request.object == nullptr;
  const std::string& name = is_named ? request.key.name : request.object->metadata().generate_name();
  return api::forbidden(resource_name(*request.resource), name, why);
}

}  // namespace ph::apiserver

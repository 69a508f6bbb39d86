#include "apiserver/upkeep/local_groups.h"

#include <algorithm>
#include <map>
#include <optional>

namespace ph::apiserver {
namespace {

// Where a group stands among all (what clients ask for without naming its group is looked for in this order), and a version within it.
struct Place {
  std::string_view group;
  std::int32_t group_priority, version_priority;
};
constexpr std::int32_t kUsual = 15;
constexpr Place kBuiltIn[] = {
    {"", 18000, 1},
    {"admissionregistration.k8s.io", 16700, kUsual},
    {"apiextensions.k8s.io", 16700, kUsual},
    {"apps", 17800, kUsual},
    {"authentication.k8s.io", 17700, kUsual},
    {"authorization.k8s.io", 17600, kUsual},
    {"autoscaling", 17500, kUsual},
    {"batch", 17400, kUsual},
    {"certificates.k8s.io", 17300, kUsual},
    {"coordination.k8s.io", 16500, kUsual},
    {"discovery.k8s.io", 16200, kUsual},
    {"events.k8s.io", 17750, kUsual},
    {"flowcontrol.apiserver.k8s.io", 16100, 21},
    {"networking.k8s.io", 17200, kUsual},
    {"node.k8s.io", 16300, kUsual},
    {"policy", 17100, kUsual},
    {"rbac.authorization.k8s.io", 17000, kUsual},
    {"resource.k8s.io", 16200, 21},
    {"scheduling.k8s.io", 16600, kUsual},
    {"storage.k8s.io", 16800, kUsual},
};
static_assert(std::ranges::is_sorted(kBuiltIn, {}, &Place::group));
// The one group that has two versions.
constexpr std::int32_t kSecondVersion = 30;
constexpr std::int32_t kCustomGroup = 1000, kCustomVersion = 100;

bool says(const APIService& service, std::string_view kept) {
  const auto& labels = service.metadata().labels();
  const auto found = labels.find(kAutomanaged);
  return found != labels.end() && found->second == kept;
}

// Nothing for the group of API services themselves, which is the aggregator's own.
std::optional<APIService> service_of(const api::Resource& resource) {
  const auto place = std::ranges::find(kBuiltIn, resource.kind.group, &Place::group);
  const bool is_custom = resource.owner != nullptr;
  if (!is_custom && place == std::end(kBuiltIn)) return std::nullopt;
  APIService out;
  out.mutable_metadata()->set_name(resource.kind.version + "." + resource.kind.group);
  (*out.mutable_metadata()->mutable_labels())[kAutomanaged] = std::string(is_custom ? kAlways : kOnStart);
  auto& spec = *out.mutable_spec();
  spec.set_group(resource.kind.group);
  spec.set_version(resource.kind.version);
  if (is_custom) {
    spec.set_group_priority_minimum(kCustomGroup);
    spec.set_version_priority(kCustomVersion);
    return out;
  }
  spec.set_group_priority_minimum(place->group_priority);
  spec.set_version_priority(resource.kind.version == "v2" ? kSecondVersion : place->version_priority);
  return out;
}

}  // namespace

std::vector<APIService> local_api_services(api::Resources resources) {
  std::map<std::string, APIService> by_name;
  for (const api::Resource& resource : resources) {
    std::optional<APIService> service = service_of(resource);
    if (service) by_name.try_emplace(service->metadata().name(), std::move(*service));
  }
  std::vector<APIService> out;
  for (auto& [name, service] : by_name) out.push_back(std::move(service));
  return out;
}

ApiServiceChanges plan_api_services(const std::vector<APIService>& wanted, const std::vector<APIService>& existing,
                                    std::string_view kept) {
  const auto named = [](const std::vector<APIService>& all, const std::string& name) {
    return std::ranges::find(all, name,
                             [](const APIService& service) -> const std::string& { return service.metadata().name(); });
  };
  ApiServiceChanges out;
  for (const APIService& service : wanted) {
    if (!says(service, kept)) continue;
    const auto found = named(existing, service.metadata().name());
    if (found == existing.end()) {
      out.create.push_back(service);
      continue;
    }
    // One that somebody has made, or taken over by removing the label, stays as it is.
    if (!found->metadata().labels().contains(kAutomanaged)) continue;
    if (says(*found, kept) && found->spec().SerializeAsString() == service.spec().SerializeAsString()) continue;
    out.update.push_back(service);
  }
  for (const APIService& service : existing) {
    const bool is_wanted = named(wanted, service.metadata().name()) != wanted.end();
    if (says(service, kept) && !is_wanted && !service.metadata().has_deletion_timestamp()) out.remove.push_back(service);
  }
  return out;
}

}  // namespace ph::apiserver

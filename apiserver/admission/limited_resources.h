// ResourceQuotaConfiguration: what may be used only where a quota allows for it. Pure. Reference: "Resource Quotas", "Limit Priority Class
// consumption by default".
#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/quota/quota.h"

namespace ph::apiserver::admission {

struct LimitedResource {
  std::string group, plural;
  std::vector<std::string> contains;  // parts of names of amounts
  std::vector<api::quota::ScopedResourceSelectorRequirement> scopes;
};
using LimitedResources = std::vector<LimitedResource>;

// Of the plugin's part of the file; an empty document limits nothing. Throws AdmissionConfigurationError.
LimitedResources read_limited_resources(const nlohmann::json& document);

// What quotas say of one object.
class Coverage {
 public:
  // All outlive it.
  Coverage(const LimitedResources& limited, const api::quota::Counted& counted, const google::protobuf::Message& object)
      : limited_(limited), counted_(counted), object_(object) {}

  // A quota of the namespace, whether it limits anything of the object's or not; one that does has these names.
  void add_scopes(const api::quota::ResourceQuota& quota);
  void add_names(std::span<const std::string> names);

  // The limited amounts of those that it uses, and the limited scopes it is in, that no quota is about; in upstream's words, empty: none.
  std::string uncovered_names(std::string_view group, std::string_view plural, const api::ResourceAmounts& usage) const;
  std::string uncovered_scopes() const;

 private:
  const LimitedResources& limited_;
  const api::quota::Counted& counted_;
  const google::protobuf::Message& object_;
  std::set<std::string> names_, scopes_;
};

}  // namespace ph::apiserver::admission

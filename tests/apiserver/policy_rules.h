// Rules of roles in one line, for tables.
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"

namespace ph::apiserver {

using Texts = std::vector<std::string>;

inline rbac::v1::PolicyRule rule(const Texts& verbs, const Texts& groups, const Texts& resources, const Texts& names = {}) {
  rbac::v1::PolicyRule out;
  for (auto& v : verbs) out.add_verbs(v);
  for (auto& g : groups) out.add_api_groups(g);
  for (auto& r : resources) out.add_resources(r);
  for (auto& n : names) out.add_resource_names(n);
  return out;
}

inline rbac::v1::PolicyRule paths(const Texts& verbs, const Texts& urls) {
  rbac::v1::PolicyRule out;
  for (auto& v : verbs) out.add_verbs(v);
  for (auto& u : urls) out.add_non_resource_urls(u);
  return out;
}

}  // namespace ph::apiserver

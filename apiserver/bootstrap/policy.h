// RBAC's objects of a fresh cluster: what the control plane's own components, nodes and everybody may do.
#pragma once

#include <string_view>
#include <vector>

#include "api/kinds.h"

namespace ph::apiserver {

struct Policy {
  std::vector<rbac::v1::ClusterRole> cluster_roles;
  std::vector<rbac::v1::ClusterRoleBinding> cluster_role_bindings;
  std::vector<rbac::v1::Role> roles;
  std::vector<rbac::v1::RoleBinding> role_bindings;
};

// The text of policy.inc; each line is an object or (indented) a part of the one above:
//   ClusterRole NAME [LABEL=VALUE …]          Role NAMESPACE/NAME
//     aggregates LABEL=VALUE …
//     VERB … : GROUP … : RESOURCE … [: NAME …]    the core group is written `core`
//     VERB … : PATH …
//   ClusterRoleBinding NAME : KIND/ROLE : SUBJECT …
//   RoleBinding NAMESPACE/NAME : KIND/ROLE : SUBJECT …
//     subjects: User/NAME, Group/NAME, ServiceAccount/NAMESPACE/NAME
// Asserts that it is well-formed. Aggregated roles get the rules of those they aggregate.
Policy parse_policy(std::string_view text);

// The one that is compiled in.
Policy bootstrap_policy();

}  // namespace ph::apiserver

// rbac.authorization.k8s.io/v1 RoleBinding and ClusterRoleBinding.
#include "api/defaults/defaults.h"

namespace ph::api {

namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";

template <class Binding>
void default_binding(Binding& binding) {
  if (binding.role_ref().api_group().empty()) binding.mutable_role_ref()->set_api_group(kGroup);
  for (rbac::v1::Subject& subject : *binding.mutable_subjects()) {
    if (!subject.api_group().empty()) continue;
    if (subject.kind() == "User" || subject.kind() == "Group") subject.set_api_group(kGroup);
  }
}

}  // namespace

void set_defaults(rbac::v1::RoleBinding& binding) { default_binding(binding); }
void set_defaults(rbac::v1::ClusterRoleBinding& binding) { default_binding(binding); }

}  // namespace ph::api

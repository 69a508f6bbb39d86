// RBAC objects that exist already get what a newer version of them has more; nothing is taken from them.
#pragma once

#include "api/kinds.h"

namespace ph::apiserver {

// Adds the missing rules, labels, annotations, selectors or subjects. Returns whether anything changed. An object that says
// autoupdate: "false" stays as it is.
bool reconcile(rbac::v1::ClusterRole& existing, const rbac::v1::ClusterRole& expected);
bool reconcile(rbac::v1::Role& existing, const rbac::v1::Role& expected);
bool reconcile(rbac::v1::ClusterRoleBinding& existing, const rbac::v1::ClusterRoleBinding& expected);
bool reconcile(rbac::v1::RoleBinding& existing, const rbac::v1::RoleBinding& expected);

}  // namespace ph::apiserver

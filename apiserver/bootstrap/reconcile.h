// Objects of a fresh cluster that exist already. Those of RBAC get what a newer version of them has more; nothing is taken from
// them. Flow schemas and priority levels get another spec, unless it has become the cluster's own.
#pragma once

#include "api/kinds.h"

namespace ph::apiserver {

// Adds the missing rules, labels, annotations, selectors or subjects. Returns whether anything changed. An object that says
// autoupdate: "false" stays as it is.
bool reconcile(rbac::v1::ClusterRole& existing, const rbac::v1::ClusterRole& expected);
bool reconcile(rbac::v1::Role& existing, const rbac::v1::Role& expected);
bool reconcile(rbac::v1::ClusterRoleBinding& existing, const rbac::v1::ClusterRoleBinding& expected);
bool reconcile(rbac::v1::RoleBinding& existing, const rbac::v1::RoleBinding& expected);

// What is mandatory is always put right; else the annotation decides (api/flows.h), and where there is none, whether anybody has
// changed the object.
bool reconcile(flowcontrol::v1::FlowSchema& existing, const flowcontrol::v1::FlowSchema& expected);
bool reconcile(flowcontrol::v1::PriorityLevelConfiguration& existing,
               const flowcontrol::v1::PriorityLevelConfiguration& expected);

}  // namespace ph::apiserver

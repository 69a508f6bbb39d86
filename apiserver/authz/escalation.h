// Nobody grants what he does not hold: roles and bindings are refused to whom they would make stronger.
// Reference: "Using RBAC Authorization", "Privilege escalation prevention and bootstrapping".
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authz/rbac.h"

namespace ph::apiserver {

// Part of RBAC, not one of the plugins that can be chosen. The references must outlive it.
std::unique_ptr<AdmissionPlugin> make_escalation_check(RbacAuthorizer& rbac, Authorizer& authorizer);

}  // namespace ph::apiserver

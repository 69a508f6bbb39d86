// What one RBAC rule grants. Reference: "Using RBAC Authorization", "Referring to resources".
#pragma once

#include "api/kinds.h"
#include "apiserver/access.h"

namespace ph::apiserver {

// Whether `rule` covers the request, for whoever holds it. Threads: any.
bool rule_allows(const rbac::v1::PolicyRule& rule, const RequestInfo& request);

}  // namespace ph::apiserver

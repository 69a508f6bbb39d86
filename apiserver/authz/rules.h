// What one RBAC rule grants. Reference: "Using RBAC Authorization", "Referring to resources".
#pragma once

#include "api/kinds.h"
#include "apiserver/access.h"

namespace ph::apiserver {

// Whether `rule` covers the request, for whoever holds it. Threads: any.
bool rule_allows(const rbac::v1::PolicyRule& rule, const RequestInfo& request);

// Whether holding `held` covers everything that `wanted` (of one verb, group, resource and name each) grants.
bool rule_covers(const rbac::v1::PolicyRule& held, const rbac::v1::PolicyRule& wanted);

// Whether all of `wanted` is covered by some of `held`, rule by rule of the finest grain; `missing` gets what is not.
bool rules_cover(std::span<const rbac::v1::PolicyRule> held, std::span<const rbac::v1::PolicyRule> wanted,
                 std::vector<rbac::v1::PolicyRule>* missing);

}  // namespace ph::apiserver

// What one RBAC rule grants. Reference: "Using RBAC Authorization", "Referring to resources".
#pragma once

#include <string>
#include <vector>

#include "api/kinds.h"
#include "apiserver/access.h"

namespace ph::apiserver {

// What a user may do in a namespace, as far as rules can say it.
struct RulesOfUser {
  std::vector<rbac::v1::PolicyRule> rules;
  std::vector<std::string> errors;
};

// Whether `rule` covers the request, for whoever holds it. Threads: any.
bool rule_allows(const rbac::v1::PolicyRule& rule, const RequestInfo& request);

// Several errors as one text: alone, or as "[a, b]".
std::string join_errors(const std::vector<std::string>& errors);

}  // namespace ph::apiserver

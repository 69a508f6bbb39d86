// RBAC: allows what a binding of the user grants, and has no opinion of anything else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "apiserver/access.h"
#include "apiserver/authz/rbac_index.h"

namespace ph::apiserver {

// What a user may do in a namespace, as far as rules can say it.
struct RulesOfUser {
  std::vector<rbac::v1::PolicyRule> rules;
  std::vector<std::string> errors;
};

class RbacAuthorizer final : public Authorizer {
 public:
  // `reader` must outlive it; nothing is read before the first request.
  explicit RbacAuthorizer(ObjectReader& reader);
  ~RbacAuthorizer() override;

  Decision authorize(const Attributes& attributes) override;
  RulesOfUser rules_for(const Identity& user, std::string_view namespace_name);
  // The rules of a role as they are now; nothing when it does not exist.
  std::optional<std::vector<rbac::v1::PolicyRule>> rules_of(const rbac::v1::RoleRef& ref, std::string_view namespace_name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The decision the index's present state gives.
Decision decide(const RbacIndex& index, const Attributes& attributes);

// Several errors as one text: alone, or as "[a, b]".
std::string join_errors(const std::vector<std::string>& errors);

}  // namespace ph::apiserver

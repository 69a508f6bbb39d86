// RBAC: allows what a binding of the user grants, and has no opinion of anything else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/kinds.h"
#include "apiserver/access.h"
#include "apiserver/authz/rbac_index.h"
#include "apiserver/authz/rules.h"

namespace ph::apiserver {

// The decision that the index gives.
Decision decide(const RbacIndex& index, const Attributes& attributes);

class RbacAuthorizer final : public Authorizer {
 public:
  // `reader` must outlive it; nothing is read before the first request.
  explicit RbacAuthorizer(ObjectReader& reader);
  ~RbacAuthorizer() override;

  Decision authorize(const Attributes& attributes) override { return decide(*present(), attributes); }
  std::optional<Decision> authorize_here(const Attributes& attributes) const override;
  void add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) override;
  RulesOfUser rules_for(const Identity& user, std::string_view namespace_name);

  // What all roles and bindings come to now; never null.
  std::shared_ptr<const RbacIndex> present();
  // On any thread (base/anywhere.h); null when only the executor can tell.
  std::shared_ptr<const RbacIndex> present_here() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::apiserver

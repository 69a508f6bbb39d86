#include "apiserver/authz/rbac.h"

#include <fmt/format.h>

#include "apiserver/authz/rbac_index.h"
#include "apiserver/authz/rules.h"
#include "base/assert.h"

namespace ph::apiserver {

using rbac::v1::PolicyRule;

namespace {

template <class T>
RbacIndex::Entries entries(ObjectReader& reader) {
  WatchCache* cache = reader.cache(*reader.resource(api::schema_of<T>()));
  PH_ASSERT(cache != nullptr);
  return cache->snapshot().entries;
}

}  // namespace

struct RbacAuthorizer::Impl {
  // Snapshots are shared until something changes, so this is four comparisons of pointers for most requests.
  const RbacIndex& current() {
    index.refresh({entries<rbac::v1::ClusterRole>(reader), entries<rbac::v1::ClusterRoleBinding>(reader),
                   entries<rbac::v1::Role>(reader), entries<rbac::v1::RoleBinding>(reader)});
    return index;
  }

  ObjectReader& reader;
  RbacIndex index;
};

RbacAuthorizer::RbacAuthorizer(ObjectReader& reader) : impl_(new Impl{reader, {}}) {}
RbacAuthorizer::~RbacAuthorizer() = default;

Decision RbacAuthorizer::authorize(const Attributes& attributes) { return decide(impl_->current(), attributes); }

RulesOfUser RbacAuthorizer::rules_for(const Identity& user, std::string_view namespace_name) {
  RulesOfUser out;
  impl_->current().visit(user, namespace_name, [&](const RbacIndex::Grant& grant) {
    if (grant.rules) out.rules.insert(out.rules.end(), grant.rules->begin(), grant.rules->end());
    else out.errors.push_back(grant.error);
    return true;
  });
  return out;
}

std::optional<std::vector<PolicyRule>> RbacAuthorizer::rules_of(const rbac::v1::RoleRef& ref, std::string_view namespace_name) {
  const auto* rules = impl_->current().rules_of(ref, namespace_name);
  if (!rules) return std::nullopt;
  return *rules;
}

Decision decide(const RbacIndex& index, const Attributes& attributes) {
  Decision decision;
  std::vector<std::string> errors;
  index.visit(attributes.user, attributes.request.namespace_name, [&](const RbacIndex::Grant& grant) {
    if (!grant.rules) {
      errors.push_back(grant.error);
      return true;
    }
    const auto allows = [&](const PolicyRule& rule) { return rule_allows(rule, attributes.request); };
    if (std::ranges::none_of(*grant.rules, allows)) return true;
    decision = {Decision::Kind::Allow, "RBAC: allowed by " + grant.binding->describe(*grant.subject)};
    return false;
  });
  if (decision.kind == Decision::Kind::NoOpinion && !errors.empty()) decision.reason = "RBAC: " + join_errors(errors);
  return decision;
}

std::string join_errors(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return errors.front();
  return errors.empty() ? std::string() : fmt::format("[{}]", fmt::join(errors, ", "));
}

}  // namespace ph::apiserver

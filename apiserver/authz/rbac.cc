#include "apiserver/authz/rbac.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/authz/rules.h"
#include "base/anywhere.h"
#include "base/assert.h"
#include "base/published.h"

namespace ph::apiserver {

using rbac::v1::PolicyRule;

struct RbacAuthorizer::Impl {
  // The index, and how often each of its sources had changed when it was made of them.
  struct Known {
    RbacIndex index;
    std::array<std::uint64_t, 4> versions{};
  };

  explicit Impl(ObjectReader& reader)
      : sources{cache<rbac::v1::ClusterRole>(reader), cache<rbac::v1::ClusterRoleBinding>(reader), cache<rbac::v1::Role>(reader),
                cache<rbac::v1::RoleBinding>(reader)} {}

  template <class T>
  static WatchCache* cache(ObjectReader& reader) {
    WatchCache* cache = reader.cache(*reader.resource(api::schema_of<T>()));
    PH_ASSERT(cache != nullptr);
    return cache;
  }

  std::array<std::uint64_t, 4> versions() const {
    std::array<std::uint64_t, 4> out;
    std::ranges::transform(sources, out.begin(), &WatchCache::version);
    return out;
  }
  static std::shared_ptr<const RbacIndex> index_of(std::shared_ptr<const Known> known) {
    const RbacIndex& index = known->index;
    return {std::move(known), &index};
  }

  const std::array<WatchCache*, 4> sources;
  Published<Known> known;
};

RbacAuthorizer::RbacAuthorizer(ObjectReader& reader) : impl_(new Impl(reader)) {}
RbacAuthorizer::~RbacAuthorizer() = default;

std::shared_ptr<const RbacIndex> RbacAuthorizer::present() {
  assert_on_executor();
  std::shared_ptr<const Impl::Known> known = impl_->known.get();
  const auto versions = impl_->versions();
  if (known && known->versions == versions) return Impl::index_of(std::move(known));
  auto next = known ? std::make_shared<Impl::Known>(*known) : std::make_shared<Impl::Known>();
  const auto& sources = impl_->sources;
  next->index.refresh({sources[0]->snapshot().entries, sources[1]->snapshot().entries, sources[2]->snapshot().entries,
                       sources[3]->snapshot().entries});
  next->versions = versions;
  impl_->known.set(next);
  return Impl::index_of(std::move(next));
}

std::shared_ptr<const RbacIndex> RbacAuthorizer::present_here() const {
  std::shared_ptr<const Impl::Known> known = impl_->known.get();
  if (!known || known->versions != impl_->versions()) return nullptr;
  return Impl::index_of(std::move(known));
}

std::optional<Decision> RbacAuthorizer::authorize_here(const Attributes& attributes) const {
  const auto index = present_here();
  if (!index) return std::nullopt;
  return decide(*index, attributes);
}

void RbacAuthorizer::add_rules(const Identity& user, std::string_view namespace_name, RulesOfUser& out) {
  present()->visit(user, namespace_name, [&](const RbacIndex::Grant& grant) {
    if (grant.rules) out.rules.insert(out.rules.end(), grant.rules->begin(), grant.rules->end());
    else out.errors.push_back(grant.error);
    return true;
  });
}

RulesOfUser RbacAuthorizer::rules_for(const Identity& user, std::string_view namespace_name) {
  RulesOfUser out;
  add_rules(user, namespace_name, out);
  return out;
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

}  // namespace ph::apiserver

// Roles and bindings as authorization wants them: by subject, decoded once, kept up to date by differences.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "apiserver/cache/cache.h"
#include "base/transport.h"

namespace ph::apiserver {

// A RoleBinding (with a namespace) or a ClusterRoleBinding.
struct RbacBinding {
  std::string name, namespace_name;
  rbac::v1::RoleRef role;
  std::vector<rbac::v1::Subject> subjects;

  // As decisions give it as their reason: `ClusterRoleBinding "a" of ClusterRole "b" to Group "c"`.
  std::string describe(const rbac::v1::Subject& subject) const;
};

// A value: a copy costs little and shares all that neither of the two changes, so that one can be kept up to date while any thread
// reads others.
class RbacIndex {
 public:
  using Entries = std::shared_ptr<const EntryList>;
  using Rules = std::vector<rbac::v1::PolicyRule>;
  struct State {
    Entries cluster_roles, cluster_role_bindings, roles, role_bindings;
  };

  // Makes the index show `state`. Costs nothing when the lists are the same objects as before; else only what changed is
  // decoded.
  void refresh(const State& state);

  // What a binding of the user grants: its rules, or (null) why there are none.
  struct Grant {
    const RbacBinding* binding = nullptr;
    const rbac::v1::Subject* subject = nullptr;
    const Rules* rules = nullptr;
    std::string error;
  };
  // Visits the user's grants in the whole cluster, then (unless it is empty) those in the namespace, each in the order of
  // the bindings' names, until `visit` returns false.
  void visit(const Identity& user, std::string_view namespace_name, const std::function<bool(const Grant&)>& visit) const;

  // The rules of a role or cluster role; null when there is none.
  std::shared_ptr<const Rules> rules_of(const rbac::v1::RoleRef& ref, std::string_view namespace_name) const;

 private:
  struct Scope;
  struct Shard;
  class Edit;
  static constexpr std::size_t kShards = 64;  // a change of one namespace copies a part of their names

  const Scope* scope(std::string_view name) const;
  const std::shared_ptr<const Rules>* find_rules(const rbac::v1::RoleRef& ref, std::string_view namespace_name) const;
  bool visit_scope(const Identity& user, std::string_view name, const std::function<bool(const Grant&)>& visit) const;

  State state_;
  // What there is in each namespace, and, by the name "", in the cluster.
  std::array<std::shared_ptr<const Shard>, kShards> shards_;
};

}  // namespace ph::apiserver

// Roles and bindings as authorization wants them: by subject, decoded once, kept up to date by differences.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
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

// Belongs to one executor.
class RbacIndex {
 public:
  using Entries = std::shared_ptr<const EntryList>;
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
    const std::vector<rbac::v1::PolicyRule>* rules = nullptr;
    std::string error;
  };
  // Visits the user's grants in the whole cluster, then (unless it is empty) those in the namespace, each in the order of
  // the bindings' names, until `visit` returns false.
  void visit(const Identity& user, std::string_view namespace_name, const std::function<bool(const Grant&)>& visit) const;

  // The rules of a role or cluster role; null when there is none.
  const std::vector<rbac::v1::PolicyRule>* rules_of(const rbac::v1::RoleRef& ref, std::string_view namespace_name) const;

 private:
  using Rules = std::vector<rbac::v1::PolicyRule>;
  struct Use {
    std::shared_ptr<const RbacBinding> binding;
    std::size_t subject = 0;
  };
  using BySubject = std::unordered_map<std::string, std::vector<Use>>;

  void put_binding(std::string_view key, std::shared_ptr<const RbacBinding> binding);
  void drop_binding(std::string_view key);
  bool visit_scope(const Identity& user, std::string_view scope, const std::function<bool(const Grant&)>& visit) const;

  State state_;
  std::map<std::string, Rules, std::less<>> cluster_roles_, roles_;  // by key
  // By key; cluster-wide ones have no slash in theirs.
  std::map<std::string, std::shared_ptr<const RbacBinding>, std::less<>> bindings_;
  std::unordered_map<std::string, BySubject> scopes_;  // by namespace; "" is the cluster
};

}  // namespace ph::apiserver

// `pilothouse who-can VERB RESOURCE [NAME]`: whom roles and bindings let do it, and which of them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "apiserver/access.h"
#include "daemon/flags.h"
#include "pilothouse/asking.h"

namespace ph::pilothouse {

struct WhoCanOptions {
  std::vector<std::string> words;  // the verb, the resource or path, a name
  std::string namespace_name;
  bool all_namespaces = false;
  AskingOptions asking;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, WhoCanOptions& options);

// "deployments.apps/scale", as far as it is said: what of "pods/log", "deploy", "widgets.example.com".
struct AskedResource {
  std::string resource, group, subresource;
};
AskedResource asked_resource(std::string_view word);

// The roles and bindings of a cluster.
struct RbacObjects {
  std::vector<rbac::v1::ClusterRole> cluster_roles;
  std::vector<rbac::v1::ClusterRoleBinding> cluster_role_bindings;
  std::vector<rbac::v1::Role> roles;
  std::vector<rbac::v1::RoleBinding> role_bindings;
};

// One who may, and what lets him.
struct Permit {
  rbac::v1::Subject subject;   // a service account has its namespace
  std::string namespace_name;  // where; empty: everywhere
  std::string binding, role;   // "ClusterRoleBinding/a", "Role/b"
};

// All whom a binding in the whole cluster, or in the namespace of the question, lets do it; one a binding, in the order of the bindings'
// names. With `all_namespaces`: also those whom a binding of any namespace lets do it there. Pure.
std::vector<Permit> who_can(const RbacObjects& cluster, const apiserver::RequestInfo& asked, bool all_namespaces);

// As controller_manager().
int who_can_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse

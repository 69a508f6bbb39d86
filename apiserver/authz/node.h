// Nodes: what a kubelet may do, which is what its node needs. Reference: "Using Node Authorization".
#pragma once

#include <memory>

#include "apiserver/access.h"
#include "apiserver/authz/rbac.h"

namespace ph::apiserver {

// Speaks of users system:node:NAME in the group system:nodes and has no opinion of others. The rules are those of the
// cluster role system:node, narrowed for what is secret or belongs to one node: secrets, config maps, claims and volumes only by
// name and only for a pod of that node, tokens only of its pods' accounts, its own pods, attachments, node, lease and CSINode.
// The references must outlive it.
std::unique_ptr<Authorizer> make_node_authorizer(RbacAuthorizer& rbac, ObjectReader& reader);

// The node's name, when the user is one.
std::optional<std::string> node_name_of(const Identity& user);

}  // namespace ph::apiserver

// Several authorizers as one, as --authorization-mode=Node,RBAC puts them together.
#pragma once

#include <memory>
#include <vector>

#include "apiserver/access.h"

namespace ph::apiserver {

// Members of system:masters may do everything; for others the first authorizer with an opinion decides. They must outlive it.
std::unique_ptr<Authorizer> make_union(std::vector<Authorizer*> authorizers);

}  // namespace ph::apiserver

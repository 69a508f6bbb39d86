// What a pod that a node makes may be.
#pragma once

#include <string>

#include "core/v1.pb.h"

namespace ph::apiserver::node_restriction {

// What is wrong with the pod's owner, which is to be the Node of that name, by any UID; empty: nothing.
std::string owner_problem(const core::v1::Pod& pod, const std::string& node);
// Which other objects it names, as "secrets"; empty: none. Who makes such a pod would be let read them.
std::string named_objects(const core::v1::Pod& pod);

}  // namespace ph::apiserver::node_restriction

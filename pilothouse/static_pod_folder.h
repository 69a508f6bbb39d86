// A folder of static pods' manifests, as a kubelet reads it.
#pragma once

#include <string>
#include <vector>

#include "node/hollow.h"

namespace ph::pilothouse {

// The files of `folder`, in the order of their names, for every node; those of a folder in it, for the node that it is called by. Hidden
// ones are passed over. Throws daemon::FileError for what cannot be read.
std::vector<node::StaticManifest> read_static_pods(const std::string& folder);

// Hands them to the nodes, now and whenever they change. On the nodes' executor; they outlive the task.
Task<void> follow_static_pods(node::HollowNodes& nodes, std::string folder, Log log);

}  // namespace ph::pilothouse

// Volumes of hollow pods that the control plane attaches to their node first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "informers/client.h"
#include "node/hollow_pod.h"

namespace ph::node {

// The unique names of the volumes that the pod's claims are bound to and that are to be attached: those of CSI drivers which do not say
// that they need no attaching. Claims that are bound to nothing have none.
Task<std::vector<std::string>> attachable_volumes(informers::Client& client, std::shared_ptr<const HollowPod> pod);

}  // namespace ph::node

// A ReplicationController as the ReplicaSet it comes down to, and back: pure functions.
#pragma once

#include "api/kinds.h"

namespace ph::controllers::replication_controller {

// Metadata, spec and status.
apps::v1::ReplicaSet as_set(const core::v1::ReplicationController& controller);

// terminatingReplicas has no place in it.
core::v1::ReplicationControllerStatus status(const apps::v1::ReplicaSetStatus& status);

}  // namespace ph::controllers::replication_controller

// What the apiserver does by itself, without being asked.
#pragma once

#include "apiserver/rest/core.h"
#include "base/task.h"

namespace ph::apiserver {

// Removes events an hour (ServerOptions::event_ttl) after their last write or, with others that are due by then, some seconds later.
// Runs until it is dropped.
Task<void> expire_events(Core& core);

// Keeps the `kubernetes` service of the default namespace and its endpoints. Runs until it is dropped.
Task<void> keep_kubernetes_service(Core& core);

// Creates the object as the server itself, unless there is one of that name.
Task<void> ensure_object(Core& core, api::Object object);

}  // namespace ph::apiserver

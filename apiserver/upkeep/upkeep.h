// What the apiserver does by itself, without being asked.
#pragma once

#include "apiserver/rest/core.h"
#include "apiserver/rest/write.h"
#include "base/task.h"

namespace ph::apiserver {

// Removes events an hour (ServerOptions::event_ttl) after their last write or, with others that are due by then, some seconds later.
// Runs until it is dropped.
Task<void> expire_events(Core& core);

// Keeps the `kubernetes` service of the default namespace and its endpoints. Runs until it is dropped.
Task<void> keep_kubernetes_service(Core& core);

// The API services of built-in groups: those that are missing are made, those that were kept so are put right, once.
Task<void> make_api_services(Core& core);

// Keeps the API services of custom kinds. Runs until it is dropped.
Task<void> keep_api_services(Core& core);

// Keeps the conditions of flow schemas. Runs until it is dropped.
Task<void> keep_flow_schemas(Core& core);

// Sets `changed` at once, and whenever an object of the resource changes; ends when the server does.
Task<void> notice_changes(Core& core, Served& served, Event& changed);
// Calls `put_right` whenever `changed` is set, and a second later when it is refused: somebody else was there at the same moment.
// Runs until it is dropped. `what` it is that waits then outlives it.
Task<void> keep_right(Core& core, Event& changed, const char* what, std::function<Task<void>()> put_right);

// On whose behalf the server itself writes.
WriteRequest own_request();

// Creates the object as the server itself, unless there is one of that name.
Task<void> ensure_object(Core& core, api::Object object);

}  // namespace ph::apiserver

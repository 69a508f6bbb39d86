// What tools ask a running server about its store: GET /pilothouse/status and /pilothouse/snapshot.
//
// Both give away all that is stored, secrets of every namespace included, and cannot be narrowed: besides RBAC's leave
// for the path they need the group system:masters.
#pragma once

#include <memory>

#include "apiserver/extensions.h"
#include "apiserver/storage/store.h"

namespace ph::apiserver {

//   /pilothouse/status    JSON: {"revision", "history": {"since", "begins"}, "objects": {RESOURCE: {"count", "bytes"}}}
//   /pilothouse/snapshot  a snapshot (storage/snapshot.h) of the moment of the request, without files; writes go on
// The references must outlive it.
std::unique_ptr<PathHandler> store_paths(Store& store, const Clock& clock);

}  // namespace ph::apiserver

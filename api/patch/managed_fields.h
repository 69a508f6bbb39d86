// metadata.managedFields: who last set which field (KEP-555). Server-side apply builds on the same sets (field_set.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/object.h"
#include "base/time.h"

namespace ph::api {

struct Manager {
  std::string name;         // ?fieldManager=, else the first word of User-Agent up to "/", at most 128 characters
  std::string operation;    // "Update" or "Apply"
  std::string subresource;  // "", "status", "scale"
};

// An object as another version of its kind; none when there is no such version. The object's schema outlives the call.
using AsVersion = std::function<Object(const Object& object, const std::string& api_version)>;

// Records in `object` that `manager` changed what differs from `old` (null: created), and takes what was changed or removed
// away from the other managers. Call it after defaulting and before admission: what admission and the registry add belongs to
// nobody. Entries are kept in upstream's order, at most ten of them updates (older ones become "ancient-changes"). Managed
// fields the request brings replace the stored ones, except through a sub-resource or when they cannot be read; an object whose
// request set them to [{}] has none. Of what nobody manages no update is recorded until somebody applies. A write that changes
// nothing else leaves them, and their times, alone.
// Managers who spoke another version lose what was changed in that version; without `as_version` all are taken to speak this one.
void record_update(Object& object, const Object* old, const Manager& manager, Time now, const AsVersion& as_version = {});

}  // namespace ph::api

// Kinds that are shown as another kind than they are stored as: a table of conversions, one line a pair.
#pragma once

#include "api/object.h"

#include "core/v1.pb.h"
#include "events/v1.pb.h"

namespace ph::api {

// Events are one resource under two groups, stored as core/v1's. Nothing is lost either way.
events::v1::Event convert_event(const core::v1::Event& event);
core::v1::Event convert_event(const events::v1::Event& event);

// The object as another kind: a new object, which loses nothing that the way back would need.
using Conversion = Object (*)(const Object&);
// Null when there is none.
Conversion conversion(const GroupVersionKind& from, const GroupVersionKind& to);

}  // namespace ph::api

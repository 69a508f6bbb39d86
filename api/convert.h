// Kinds that are stored as another kind.
#pragma once

#include "core/v1.pb.h"
#include "events/v1.pb.h"

namespace ph::api {

// Events are one resource under two groups, stored as core/v1's. Nothing is lost either way.
events::v1::Event convert_event(const core::v1::Event& event);
core::v1::Event convert_event(const events::v1::Event& event);

}  // namespace ph::api

// When a finished Job is to go: pure, for the loop and its tests.
#pragma once

#include <optional>

#include "api/kinds.h"
#include "base/time.h"

namespace ph::controllers {

// Nothing while it runs, when it has no TTL, or when it is being deleted already.
std::optional<Time> expiry(const batch::v1::Job& job);

}  // namespace ph::controllers

// An explanation as JSON, both ways. Members that are empty, zero or false are left out.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/why/explanation.h"

namespace ph::scheduler::why {

std::string to_json(const Explanation& explanation);
// Throws api::DecodeError for what is no explanation. Unknown members are passed over.
Explanation from_json(std::string_view text);

}  // namespace ph::scheduler::why

// The CEL expressions by which webhooks choose requests: matchConditions. They know `object`, `oldObject` and `request`.
#pragma once

#include <string>
#include <string_view>

#include "api/cel/expression.h"

namespace ph::api {

// Throws cel::Error: what is wrong with it, or not known here (`authorizer`).
cel::Expression compile_match_condition(std::string_view text);

// Why it cannot be a condition, in upstream's words as far as it is read as upstream does; empty: it can.
std::string match_condition_error(std::string_view text);

}  // namespace ph::api

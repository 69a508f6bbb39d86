// Upstream's names of types, as its complaints about JSON of the wrong type show them: "v1.TaintEffect", "[]string".
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"

namespace ph::api {

std::string go_type(const Schema& schema);

// Of a member of `owner`, or (`item`) of what that member's list or map holds: some texts, lists and maps have names of their own.
std::string go_type(const Schema& schema, const Schema& owner, std::string_view member, bool item);

}  // namespace ph::api

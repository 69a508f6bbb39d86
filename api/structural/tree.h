// What is done to values by a node, for the judging of defaults. Internal to api/structural and the rules of definitions.
#pragma once

#include <string_view>

#include "api/structural/node.h"

namespace ph::api::structural {

// `resource`: apiVersion, kind and metadata of the value itself stay.
void prune_value(Json& value, const Node& node, bool resource);
// False: an error was recorded.
bool coerce_value(Json& value, const Node& node, std::string_view path, Errors& errors);
void default_value(Json& value, const Node& node);

void validate_value(const Json& value, const Node& node, std::string_view path, Errors& errors);
void validate_embedded_value(const Json& value, const Node& node, std::string_view path, bool root_is_resource, Errors& errors);
void validate_list_values(const Json& value, const Node& node, std::string_view path, Errors& errors);

}  // namespace ph::api::structural

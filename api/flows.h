// The flow schemas and priority levels of a fresh cluster. Mandatory ones are always what they are here; suggested ones are the
// cluster's own once it says so in their annotation.
#pragma once

#include <string_view>
#include <vector>

#include "flowcontrol/v1.pb.h"

namespace ph::api {

// "true" or "false": whether the server keeps the spec of an object up to date.
inline constexpr const char* kAutoUpdateSpec = "apf.kubernetes.io/autoupdate-spec";

// By name, each with its annotation.
const std::vector<flowcontrol::v1::FlowSchema>& mandatory_flow_schemas();
const std::vector<flowcontrol::v1::FlowSchema>& suggested_flow_schemas();
const std::vector<flowcontrol::v1::PriorityLevelConfiguration>& mandatory_priority_levels();
const std::vector<flowcontrol::v1::PriorityLevelConfiguration>& suggested_priority_levels();

// The mandatory one of that name; null: there is none.
const flowcontrol::v1::FlowSchema* mandatory_flow_schema(std::string_view name);
const flowcontrol::v1::PriorityLevelConfiguration* mandatory_priority_level(std::string_view name);

}  // namespace ph::api

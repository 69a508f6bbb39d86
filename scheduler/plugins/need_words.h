// The words in which plugins say what would have to change (FilterPlugin::needs).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/kinds.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

// "1500m" of cpu, "512Mi" of memory, "3" of anything else.
std::string amount_text(std::string_view resource, std::int64_t amount);
// A pod asks for `wanted` of a resource of which a node has `capacity`, and `taken` of it is in use.
Need more_of(std::string_view resource, std::int64_t wanted, std::int64_t capacity, std::int64_t taken);

// "key=value:NoSchedule", "key:NoExecute".
std::string taint_text(const core::v1::Taint& taint);
// "app=web,tier in (a,b)"; "all pods" for an empty one.
std::string selector_text(const meta::v1::LabelSelector& selector);
// "zone=a", or "no label zone".
std::string label_text(const core::v1::Node& node, const std::string& key);

// What a node lacks of spec.nodeSelector and of the required term of affinity.nodeAffinity that asks for the least more.
std::vector<Need> missing_labels(const core::v1::PodSpec& pod, const core::v1::Node& node);

}  // namespace ph::scheduler

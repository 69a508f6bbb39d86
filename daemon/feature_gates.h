// --feature-gates=A=true,B=false.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ph::daemon {

// What is wrong with these settings, in upstream's words; empty when all is well. The programs behave as the gates' defaults
// of v1.36 say: a known gate may be set to its default, another value is refused, so that nobody relies on what is not there. Only
// those that `is_on` is asked about may be set.
std::vector<std::string> feature_gate_problems(const std::map<std::string, std::string>& settings);

// Whether a gate that may be set is on.
bool is_on(const std::map<std::string, std::string>& settings, const std::string& gate);
inline constexpr const char* kMaxUnavailableStatefulSet = "MaxUnavailableStatefulSet";

}  // namespace ph::daemon

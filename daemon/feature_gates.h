// --feature-gates=A=true,B=false.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ph::daemon {

// What is wrong with these settings, in upstream's words; empty when all is well. The programs behave as the gates' defaults
// of v1.36 say: a known gate may be set to its default, another value is refused, so that nobody relies on what is not there.
std::vector<std::string> feature_gate_problems(const std::map<std::string, std::string>& settings);

}  // namespace ph::daemon

// ph-node: hollow nodes as a program of their own, with the part of the kubelets' API that `kubectl logs` needs.
#pragma once

#include <span>
#include <string>

namespace ph::pilothouse {

// As controller_manager().
int node_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse

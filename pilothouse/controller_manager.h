// kube-controller-manager as a program: the loops, in leader election, with a secure port.
#pragma once

#include <span>
#include <string>

namespace ph::pilothouse {

// Runs until SIGINT or SIGTERM. `program`: as it was called, for messages. The exit code: 0 after a clean stop, 1 when it
// could not start.
int controller_manager(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse

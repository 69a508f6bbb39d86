// kube-scheduler as a program: the scheduler, in leader election, with a secure port.
#pragma once

#include <span>
#include <string>

namespace ph::pilothouse {

// As controller_manager().
int scheduler_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse

// kube-apiserver as a program: the apiserver alone, on a data directory.
#pragma once

#include <span>
#include <string>

namespace ph::pilothouse {

// As controller_manager(). Prints where the kubeconfigs are once it is ready.
int apiserver_program(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse

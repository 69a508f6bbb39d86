#include "pilothouse/options.h"

#include <algorithm>

namespace ph::pilothouse {

const std::vector<std::string> kComponents = {"apiserver", "controller-manager", "scheduler", "node"};

bool UpOptions::runs(std::string_view component) const {
  return std::ranges::find(components, component) != components.end();
}

}  // namespace ph::pilothouse

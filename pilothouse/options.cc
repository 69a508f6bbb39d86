#include "pilothouse/options.h"

#include <algorithm>
#include <thread>

namespace ph::pilothouse {

const std::vector<std::string> kComponents = {"apiserver", "controller-manager", "scheduler", "node"};

int default_io_threads() {
  return static_cast<int>(std::clamp<unsigned>(std::thread::hardware_concurrency(), 1, kIoThreadsMax));  // 0 is "nobody knows"
}

bool UpOptions::runs(std::string_view component) const { return std::ranges::find(components, component) != components.end(); }

}  // namespace ph::pilothouse

#include "pilothouse/node_options.h"

#include <stdexcept>

#include <fmt/format.h>

#include "daemon/files.h"

namespace ph::pilothouse {

std::shared_ptr<const node::Stages> read_stages(const std::string& path) {
  if (path.empty()) return nullptr;
  const auto text = daemon::read_file(path);
  if (!text) throw std::invalid_argument(fmt::format("--stages: there is no file {}", path));
  try {
    return std::make_shared<const node::Stages>(node::Stages::parse(*text));
  } catch (const node::StagesError& error) {
    throw std::invalid_argument(fmt::format("--stages {}: {}", path, error.what()));
  }
}

}  // namespace ph::pilothouse

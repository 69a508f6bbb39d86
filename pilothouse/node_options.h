// What is told of hollow nodes, to whichever program runs them.
#pragma once

#include <memory>
#include <string>

#include "node/stages.h"

namespace ph::pilothouse {

// The stages of a file; null where there is none (`path` is empty). Throws std::invalid_argument: what is wrong with it, and where.
std::shared_ptr<const node::Stages> read_stages(const std::string& path);

}  // namespace ph::pilothouse

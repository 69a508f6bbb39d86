// An explanation in lines for a person at a terminal.
#pragma once

#include <string>

#include "scheduler/why/explanation.h"

namespace ph::scheduler::why {

struct TextOptions {
  bool all_nodes = false;  // the names of all nodes, not only the first few
};

std::string to_text(const Explanation& explanation, const TextOptions& options = {});

}  // namespace ph::scheduler::why

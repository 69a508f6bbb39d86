// Which loops run: `--controllers=*,bootstrapsigner,-ttl`.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <vector>

#include "controllers/registry.h"

namespace ph::controllers {

// `items` as given: "*" (all that are on by default), names, old aliases, "-name"; the first that names a loop decides. An
// unknown name is an error that lists the known ones; upstream's loops that are not here may be left out, but not asked for. The
// answer is in the order of `loops`.
std::expected<std::vector<const LoopEntry*>, std::string> select_loops(const std::vector<std::string>& items,
                                                                       std::span<const LoopEntry> loops);

}  // namespace ph::controllers

// Which loops run: `--controllers=*,bootstrapsigner,-ttl`.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/registry.h"

namespace ph::controllers {

// `items` as given: "*" (all that are on by default), names, old aliases, "-name"; the first that names a loop decides. An
// unknown name is an error that lists the known ones; upstream's loops that are not here may be left out, but not asked for, unless they
// would have nothing to do. The answer is in the order of `loops`.
std::expected<std::vector<const LoopEntry*>, std::string> select_loops(const std::vector<std::string>& items,
                                                                       std::span<const LoopEntry> loops);

// A loop of upstream's that would have nothing to do, and why.
struct IdleLoop {
  std::string_view name, why;
};
// Those that `items` name, or all of them that they do not leave out when there is a "*", in the order of their names.
std::vector<IdleLoop> idle_loops(const std::vector<std::string>& items);

}  // namespace ph::controllers

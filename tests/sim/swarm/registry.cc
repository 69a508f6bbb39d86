#include <algorithm>

#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {

#define SWARM(name, entry) std::unique_ptr<Swarm> entry();
#include "tests/sim/swarm/registry.def"
#undef SWARM

namespace {
constexpr Entry kSwarms[] = {
#define SWARM(name, entry) {name, &entry},
#include "tests/sim/swarm/registry.def"
#undef SWARM
};
}  // namespace

std::span<const Entry> registry() { return kSwarms; }

const Entry* find(std::string_view name) {
  const auto found = std::ranges::find(kSwarms, name, &Entry::name);
  return found == std::end(kSwarms) ? nullptr : found;
}

}  // namespace ph::sim::swarm

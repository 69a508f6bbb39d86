#include "controllers/registry.h"

#include <algorithm>

namespace ph::controllers {

#define LOOP(name, alias, entry, on, workers) void entry(LoopBuilder&);
#include "controllers/registry.def"
#undef LOOP

namespace {

constexpr bool On = true, Off = false;

constexpr LoopEntry kLoops[] = {
#define LOOP(name, alias, entry, on, workers) {name, alias, &entry, on, workers},
#include "controllers/registry.def"
#undef LOOP
};

constexpr bool names_and_aliases_are_unique(std::span<const LoopEntry> loops) {
  for (const LoopEntry& a : loops) {
    for (const LoopEntry& b : loops) {
      if (&a == &b) continue;
      if (a.name == b.name || a.name == b.alias || (!a.alias.empty() && a.alias == b.alias)) return false;
    }
  }
  return true;
}
static_assert(names_and_aliases_are_unique(kLoops));
static_assert(std::ranges::is_sorted(kLoops, {}, &LoopEntry::name));
static_assert(std::ranges::all_of(kLoops, [](const LoopEntry& loop) { return loop.workers > 0; }));
[[maybe_unused]] constexpr bool kBothAreUsed = On != Off;

}  // namespace

std::span<const LoopEntry> registry() { return kLoops; }

const LoopEntry* find_loop(std::string_view name) {
  const auto found = std::ranges::find_if(
      kLoops, [&](const LoopEntry& loop) { return loop.name == name || (!loop.alias.empty() && loop.alias == name); });
  return found == std::end(kLoops) ? nullptr : found;
}

}  // namespace ph::controllers

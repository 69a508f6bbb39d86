#include "controllers/runtime/selection.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::controllers {
namespace {

bool names(std::string_view item, const LoopEntry& loop) {
  return item == loop.name || (!loop.alias.empty() && item == loop.alias);
}

bool selected(const std::vector<std::string>& items, const LoopEntry& loop) {
  bool star = false;
  for (const std::string_view item : items) {
    if (names(item, loop)) return true;
    if (item.starts_with('-') && names(item.substr(1), loop)) return false;
    star = star || item == "*";
  }
  return star && loop.on_by_default;
}

}  // namespace

std::expected<std::vector<const LoopEntry*>, std::string> select_loops(const std::vector<std::string>& items,
                                                                       std::span<const LoopEntry> loops) {
  for (const std::string_view item : items) {
    if (item == "*") continue;
    const std::string_view name = item.starts_with('-') ? item.substr(1) : item;
    if (std::ranges::any_of(loops, [&](const LoopEntry& loop) { return names(name, loop); })) continue;
    std::vector<std::string_view> known;
    for (const LoopEntry& loop : loops) known.push_back(loop.name);
    return std::unexpected(
        fmt::format("\"{}\" is not in the list of known controllers; known are: {}", name, fmt::join(known, ", ")));
  }
  std::vector<const LoopEntry*> out;
  for (const LoopEntry& loop : loops) {
    if (selected(items, loop)) out.push_back(&loop);
  }
  return out;
}

}  // namespace ph::controllers

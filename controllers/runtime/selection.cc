#include "controllers/runtime/selection.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::controllers {
namespace {

struct UpstreamLoop {
  std::string_view name, alias;
};
constexpr UpstreamLoop kUpstream[] = {
#define UPSTREAM_LOOP(name, alias) {name, alias},
#include "controllers/upstream.def"
#undef UPSTREAM_LOOP
};

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
    const bool of_upstream = std::ranges::any_of(
        kUpstream, [&](const UpstreamLoop& loop) { return name == loop.name || (!loop.alias.empty() && name == loop.alias); });
    // What is not here does not run: leaving it out is what happens anyway.
    if (of_upstream && item.starts_with('-')) continue;
    if (of_upstream) return std::unexpected(fmt::format("\"{}\" is a loop of Kubernetes that is not here yet", name));
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

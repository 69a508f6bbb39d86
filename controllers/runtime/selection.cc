#include "controllers/runtime/selection.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ph::controllers {
namespace {

struct UpstreamLoop {
  std::string_view name, alias, idle_because;
};
constexpr UpstreamLoop kUpstream[] = {
#define UPSTREAM_LOOP(name, alias, idle_because) {name, alias, idle_because},
#include "controllers/upstream.def"
#undef UPSTREAM_LOOP
};

template <class Entry>
bool names(std::string_view item, const Entry& loop) {
  return item == loop.name || (!loop.alias.empty() && item == loop.alias);
}

template <class Entry>
bool selected(const std::vector<std::string>& items, const Entry& loop, bool on_by_default) {
  bool star = false;
  for (const std::string_view item : items) {
    if (names(item, loop)) return true;
    if (item.starts_with('-') && names(item.substr(1), loop)) return false;
    star = star || item == "*";
  }
  return star && on_by_default;
}

}  // namespace

std::expected<std::vector<const LoopEntry*>, std::string> select_loops(const std::vector<std::string>& items,
                                                                       std::span<const LoopEntry> loops) {
  for (const std::string_view item : items) {
    if (item == "*") continue;
    const std::string_view name = item.starts_with('-') ? item.substr(1) : item;
    if (std::ranges::any_of(loops, [&](const LoopEntry& loop) { return names(name, loop); })) continue;
    const auto of_upstream = std::ranges::find_if(kUpstream, [&](const UpstreamLoop& loop) { return names(name, loop); });
    const bool is_of_upstream = of_upstream != std::end(kUpstream);
    // What is not here does not run: leaving it out is what happens anyway, and so is that it does nothing.
    if (is_of_upstream && (item.starts_with('-') || !of_upstream->idle_because.empty())) continue;
    if (is_of_upstream) return std::unexpected(fmt::format("\"{}\" is a loop of Kubernetes that is not here yet", name));
    std::vector<std::string_view> known;
    for (const LoopEntry& loop : loops) known.push_back(loop.name);
    return std::unexpected(
        fmt::format("\"{}\" is not in the list of known controllers; known are: {}", name, fmt::join(known, ", ")));
  }
  std::vector<const LoopEntry*> out;
  for (const LoopEntry& loop : loops) {
    if (selected(items, loop, loop.on_by_default)) out.push_back(&loop);
  }
  return out;
}

std::vector<IdleLoop> idle_loops(const std::vector<std::string>& items) {
  std::vector<IdleLoop> out;
  for (const UpstreamLoop& loop : kUpstream) {
    if (!loop.idle_because.empty() && selected(items, loop, true)) out.push_back({loop.name, loop.idle_because});
  }
  return out;
}

}  // namespace ph::controllers

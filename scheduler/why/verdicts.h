// What the filters say of each node, and which of those that they refuse are the nearest misses.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/framework/profile.h"
#include "scheduler/why/explanation.h"

namespace ph::scheduler::why {

struct Judged {
  const NodeInfo* node = nullptr;
  std::vector<Verdict> verdicts;  // the one that counts, and those of the other plugins that refuse it
  double distance = 0;  // how much would have to change: an amount that is missing counts as a part of what is asked for
};

struct Verdicts {
  std::vector<const NodeInfo*> fits;
  std::vector<Judged> refused;
  std::string error;  // what makes an attempt fail; then the rest means nothing
};

// The verdicts refer to `state` and to the plugins.
Verdicts judge(const Profile& profile, const CycleState& state, const Pod& pod, std::span<const NodeInfo* const> nodes,
               const Nominator& nominated);

// The same, with nodes of which the same is said taken together.
std::vector<Refused> grouped(const std::vector<Judged>& refused);
PluginVerdict told(const Verdict& verdict);

// Their places among `refused`, the nearest first.
std::vector<std::size_t> by_distance(const std::vector<Judged>& refused, std::size_t most);
NearMiss near_miss(const Profile& profile, const CycleState& state, const Pod& pod, const Judged& judged,
                   const Nominator& nominated);

}  // namespace ph::scheduler::why

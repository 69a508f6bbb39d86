#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

Score scaled(Scale scale, Score score, Score lowest, Score highest) {
  switch (scale) {
    case Scale::AsIs:
    case Scale::Own: return score;
    case Scale::ByHighest: return highest > 0 ? kMaxNodeScore * score / highest : score;
    case Scale::ByHighestReversed: return kMaxNodeScore - scaled(Scale::ByHighest, score, lowest, highest);
    case Scale::ByRange: break;
  }
  if (highest == lowest) return 0;
  const double part = static_cast<double>(score - lowest) / static_cast<double>(highest - lowest);
  return static_cast<Score>(static_cast<double>(kMaxNodeScore) * part);
}

void check_range(std::string_view plugin, Score score) {
  if (score >= 0 && score <= kMaxNodeScore) return;
  throw std::out_of_range(
      fmt::format("plugin \"{}\" returns an invalid score {}, it should in the range of [0, {}] after normalizing", plugin, score,
                  kMaxNodeScore));
}

void ScorePlugin::normalize(const CycleState& state, const Pod& pod, std::span<NodeScore> scores) const {
  const Scale how = scale();
  if (how == Scale::Own) return normalize_own(state, pod, scores);
  if (how == Scale::AsIs || scores.empty()) return;
  const auto [least, most] = std::ranges::minmax(scores, {}, &NodeScore::score);
  for (NodeScore& node : scores) node.score = scaled(how, node.score, least.score, most.score);
}

}  // namespace ph::scheduler

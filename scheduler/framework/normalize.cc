#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

Score scaled(Scale scale, Score score, const ScoreBounds& bounds) {
  const auto& [lowest, highest] = bounds;
  switch (scale) {
    case Scale::AsIs: return score;
    case Scale::ByHighest: return highest > 0 ? kMaxNodeScore * score / highest : score;
    case Scale::ByHighestReversed: return kMaxNodeScore - scaled(Scale::ByHighest, score, bounds);
    case Scale::FewestBest:
      if (score == kNoScore) return 0;
      return highest == 0 ? kMaxNodeScore : kMaxNodeScore * (highest + lowest - score) / highest;
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

void ScorePlugin::normalize(std::span<NodeScore> scores) const {
  const Scale how = scale();
  if (how == Scale::AsIs) return;
  ScoreBounds bounds;
  bool first = true;
  for (const NodeScore& node : scores) {
    if (!is_bound(how, node.score)) continue;
    bounds.lowest = first ? node.score : std::min(bounds.lowest, node.score);
    bounds.highest = first ? node.score : std::max(bounds.highest, node.score);
    first = false;
  }
  for (NodeScore& node : scores) node.score = scaled(how, node.score, bounds);
}

}  // namespace ph::scheduler

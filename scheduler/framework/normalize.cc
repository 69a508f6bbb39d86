#include <algorithm>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

void normalize(std::span<NodeScore> scores, bool reversed) {
  Score most = 0;
  for (const NodeScore& node : scores) most = std::max(most, node.score);
  for (NodeScore& node : scores) {
    if (most > 0) node.score = kMaxNodeScore * node.score / most;
    if (reversed) node.score = kMaxNodeScore - node.score;
  }
}

}  // namespace

void normalize_scores(std::span<NodeScore> scores) { normalize(scores, false); }

// Nodes with nothing against them all get the highest score, even when that is every node.
void normalize_reversed(std::span<NodeScore> scores) { normalize(scores, true); }

}  // namespace ph::scheduler

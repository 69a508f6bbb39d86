// Scores: a place costs what it lacks of the best there could be, by the profile's own score plugins and their weights. What a second pod
// on the same node would cost more is measured on the best node, with the plugins that score a node by itself (Scale::AsIs); what the others
// would say of a batch that is half placed is not asked.
#include <algorithm>
#include <stdexcept>

#include "scheduler/flow/policy.h"

namespace ph::scheduler::flow {
namespace {

constexpr Cost kPoint = 1024;  // of a score
constexpr int kSample = 8;     // pods that the best node is tried with
// No node of a cache has it, so that nobody takes what was said of the fuller node for the real one's.
constexpr std::uint64_t kImagined = ~std::uint64_t{0};

class Scores final : public Policy {
 public:
  Prices prices(const Wanted& wanted) const override {
    const Profile& profile = wanted.profile;
    if (!profile.has_scores()) return {std::vector<Cost>(wanted.nodes.size(), 0), 1};
    if (const Verdict verdict = profile.pre_score(wanted.state, wanted.pod, wanted.nodes); !verdict.success()) {
      throw std::runtime_error(verdict.message());
    }
    const std::vector<NodeScore> totals =
        wanted.kept ? wanted.kept->totals(profile, wanted.state, wanted.pod, wanted.snapshot, wanted.nodes)
                    : profile.score(wanted.state, wanted.pod, wanted.nodes);
    Prices out;
    if (totals.empty()) return out;
    const auto best = std::ranges::max_element(totals, {}, &NodeScore::score);
    out.of_nodes.reserve(totals.size());
    for (const NodeScore& total : totals) out.of_nodes.push_back(std::min((best->score - total.score) * kPoint, kPriceMost));
    out.step = step(wanted, *best->node);
    return out;
  }

 private:
  // At least 1: of equal nodes each gets its part.
  static Cost step(const Wanted& wanted, const NodeInfo& node) {
    NodeInfo fuller = node;
    const PodRef one = placed_on(wanted.state.pod(), node.name());
    for (int i = 0; i < kSample; ++i) fuller.add_pod(one);
    fuller.set_generation(kImagined);
    Score lost = 0;
    for (std::size_t p = 0; p < wanted.profile.score_plugins(); ++p) {
      if (!wanted.profile.is_scored(p, wanted.state) || wanted.profile.score_plugin(p).scale() != Scale::AsIs) continue;
      const Score before = wanted.profile.raw_score(p, wanted.state, wanted.pod, node);
      lost += (before - wanted.profile.raw_score(p, wanted.state, wanted.pod, fuller)) * wanted.profile.weight(p);
    }
    return std::clamp(lost * kPoint / kSample, Cost{1}, kPriceMost);
  }
};

}  // namespace

std::unique_ptr<Policy> make_scores() { return std::make_unique<Scores>(); }

}  // namespace ph::scheduler::flow

// Cost scaling: flow may go along arcs that cost less than nothing, by up to epsilon; prices of nodes that cannot get rid of their excess
// fall until they can; then epsilon is made smaller, and what has become wrong is put right again. Costs are multiplied by the number of
// nodes and one, so that at an epsilon of one the flow is the cheapest.
//
// Where to begin: prices that were kept are exact (Start), so only the excess that changes have left is to be moved, and a small epsilon is
// enough for it. And where to end: once epsilon is below a whole unit of cost, exact prices are looked for (price refinement). Where
// there are some, which is nearly always, the flow is the cheapest already, and the remaining phases would only prove it.
//
// An auction is the same, ended at a coarse epsilon: every unit of flow goes where it is within epsilon of the best price.
#include <algorithm>
#include <vector>

#include "scheduler/flow/line.h"
#include "scheduler/flow/start.h"

namespace ph::scheduler::flow {
namespace {

constexpr Cost kCoarse = 16;              // an auction's last epsilon: a usual cost by so much
constexpr std::int64_t kAskEvery = 8192;  // arcs
constexpr Cost kSmaller = 12;             // each epsilon than the last
constexpr Amount kMuch = 8;               // with more than so much of a supply to move, old prices are no help

class CostScaling final : public Solver {
 public:
  explicit CostScaling(bool approximate) : approximate_(approximate) {}
  std::string_view name() const override { return approximate_ ? "auction" : "cost-scaling"; }
  Outcome solve(Network& network, const Limits& limits) override;

 private:
  enum class Step { kDone, kStopped, kInfeasible };
  struct Near {
    Cost distance;
    NodeIndex node;
    bool operator<(const Near& other) const { return distance != other.distance ? distance > other.distance : node > other.node; }
  };

  void begin(const Network& network);
  Cost first_epsilon(const Network& network) const;
  Cost coarse_epsilon(const Network& network);
  Outcome approximate(Network& network, const Limits& limits);
  Step phases(Network& network, const Limits& limits);
  Step refine(Network& network, const Limits& limits);
  bool discharge(Network& network, NodeIndex node);
  bool has_way_out(const Network& network, NodeIndex node);
  bool relabel(const Network& network, NodeIndex node);
  bool update_prices(const Network& network);
  bool exact_prices(Network& network, const Limits& limits, std::int64_t looks);
  bool stopped(const Limits& limits);
  // Scaled.
  Cost reduced(const Network& network, ArcIndex half) const {
    return network.cost(half) * scale_ + price_[network.from(half)] - price_[network.to(half)];
  }
  Cost reduced_from(const Network& network, ArcIndex half, Cost price) const {
    return network.cost(half) * scale_ + price - price_[network.to(half)];
  }

  const bool approximate_;
  Start start_;
  std::vector<NodeIndex> sources_;
  Line line_;
  std::vector<Cost> price_;         // scaled
  std::vector<ArcIndex> current_;   // of a node, the half arc to look at next: those before it are no way out
  std::vector<Cost> distance_;      // to a deficit, in epsilons; below zero: unknown
  std::vector<std::uint8_t> near_;  // distance_ is final
  std::vector<Near> heap_;
  Cost scale_ = 1, epsilon_ = 1, last_epsilon_ = 1;
  std::vector<Cost> costs_;  // those that are not zero
  std::int64_t iterations_ = 0, ask_at_ = 0;
  std::int64_t relabels_ = 0, patience_ = 0;  // since prices were updated, and how many until they are
};

void CostScaling::begin(const Network& network) {
  const auto slots = static_cast<std::size_t>(network.node_slots());
  scale_ = network.node_count() + 1;
  patience_ = network.node_count() / 2 + 16;
  price_.resize(slots);
  current_.resize(slots);
  distance_.resize(slots);
  near_.resize(slots);
  for (NodeIndex n = 0; n < network.node_slots(); ++n) price_[n] = network.price(n) * scale_;
  line_.reset(network.node_slots());
  iterations_ = 0;
  ask_at_ = kAskEvery;
}

Outcome CostScaling::solve(Network& network, const Limits& limits) {
  start_.prepare(network, sources_);
  begin(network);
  if (network.imbalance() != 0) return gave_up(network, Found::kInfeasible, iterations_, name());
  if (sources_.empty()) {
    network.solved(true);
    return {.found = Found::kOptimal, .cost = network.flow_cost(), .iterations = iterations_, .solver = name()};
  }
  last_epsilon_ = approximate_ ? coarse_epsilon(network) : 1;
  epsilon_ = std::max(last_epsilon_, first_epsilon(network));
  const Step step = phases(network, limits);
  if (step != Step::kDone) {
    for (NodeIndex n = 0; n < network.node_slots(); ++n) network.set_price(n, price_[n] / scale_);
    return gave_up(network, step == Step::kStopped ? Found::kStopped : Found::kInfeasible, iterations_, name());
  }
  if (approximate_) return approximate(network, limits);
  return {.found = Found::kOptimal, .cost = network.flow_cost(), .iterations = iterations_, .solver = name()};
}

// How far the flow may be from the cheapest is measured, not estimated: no flow costs less than the dual at these prices (weak duality). A
// cheapest flow is made of ways, which carry what is supplied, and of cycles, each with an arc of a negative cost: no arc carries more than
// both, whatever its capacity.
Outcome CostScaling::approximate(Network& network, const Limits& limits) {
  Amount most = 0;
  __int128 dual = 0;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n)) continue;
    most += std::max<Amount>(0, network.supply(n));
    dual -= static_cast<__int128>(price_[n]) * network.supply(n);
  }
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (network.has_arc(a) && network.cost(a) < 0) most += network.capacity(a);
  }
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (!network.has_arc(a)) continue;
    dual += static_cast<__int128>(std::min<Cost>(0, reduced(network, a))) * std::min(most, network.capacity(a));
  }
  // Costs are whole: the least is not below the dual, rounded up.
  const Cost bound = static_cast<Cost>(dual / scale_) + (dual > 0 && dual % scale_ != 0 ? 1 : 0);
  const Cost gap = network.flow_cost() - bound;
  // It is the cheapest: there are exact prices.
  if (gap == 0)
    network.solved(exact_prices(network, limits, 64 * (static_cast<std::int64_t>(network.arc_slots()) + network.node_slots())));
  return {.found = gap == 0 ? Found::kOptimal : Found::kApproximate,
          .cost = network.flow_cost(),
          .gap = gap,
          .iterations = iterations_,
          .solver = name()};
}

// Below the usual cost, not the highest: that of staying unscheduled is far above the others.
Cost CostScaling::coarse_epsilon(const Network& network) {
  costs_.clear();
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (network.has_arc(a) && network.cost(a) != 0) costs_.push_back(std::abs(network.cost(a)));
  }
  if (costs_.empty()) return 1;
  const auto usual = costs_.begin() + static_cast<std::ptrdiff_t>(costs_.size() / 4);
  std::nth_element(costs_.begin(), usual, costs_.end());
  return std::max<Cost>(1, *usual * scale_ / kCoarse);
}

Cost CostScaling::first_epsilon(const Network& network) const {
  Amount supply = 0, left = 0;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) supply += network.has_node(n) ? std::max<Amount>(0, network.supply(n)) : 0;
  for (const NodeIndex n : sources_) left += network.excess(n);
  if (left <= supply / kMuch) return scale_;
  Cost most = 1;
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (network.has_arc(a)) most = std::max(most, std::abs(network.cost(a)));
  }
  return std::max(scale_, most * scale_ / kSmaller);
}

CostScaling::Step CostScaling::phases(Network& network, const Limits& limits) {
  const std::int64_t size = static_cast<std::int64_t>(network.arc_slots()) + network.node_slots();
  for (;; epsilon_ = std::max(last_epsilon_, epsilon_ / kSmaller)) {
    if (const Step step = refine(network, limits); step != Step::kDone) return step;
    const bool last = epsilon_ == last_epsilon_;
    if (epsilon_ > scale_ && !last) continue;
    // An auction's flow is good as it is: its prices are only rounded.
    const bool exact = exact_prices(network, limits, approximate_ ? 0 : last ? 64 * size : 2 * size);
    if (exact || last) {
      network.solved(exact);
      return Step::kDone;
    }
    if (stopped(limits)) return Step::kStopped;
  }
}

bool CostScaling::stopped(const Limits& limits) {
  if (iterations_ < ask_at_ && iterations_ < limits.iterations) return false;
  ask_at_ = iterations_ + kAskEvery;
  return iterations_ >= limits.iterations || (limits.stop && limits.stop());
}

CostScaling::Step CostScaling::refine(Network& network, const Limits& limits) {
  for (ArcIndex a = 0; a < network.arc_slots(); a += 2) {
    if (!network.has_arc(a)) continue;
    const Cost cost = reduced(network, a);
    const ArcIndex half = cost < 0 ? a : a ^ 1;
    if (cost != 0 && network.residual(half) > 0) network.push(half, network.residual(half));
  }
  iterations_ += network.arc_slots();
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n)) continue;
    current_[n] = network.first(n);
    if (network.excess(n) > 0) line_.push(n);
  }
  relabels_ = 0;
  while (!line_.empty()) {
    const NodeIndex node = line_.pop();
    if (!discharge(network, node)) return Step::kInfeasible;
    if (stopped(limits)) return Step::kStopped;
    if (relabels_ > patience_) {
      relabels_ = 0;
      if (!update_prices(network)) return Step::kInfeasible;
    }
  }
  return Step::kDone;
}

// Pushes all that the node has too much of, its price falling as it needs. False: there is no arc out of it.
bool CostScaling::discharge(Network& network, NodeIndex node) {
  while (network.excess(node) > 0) {
    ArcIndex& a = current_[node];
    const Cost price = price_[node];
    for (; a != kNone; a = network.next(a)) {
      ++iterations_;
      if (network.residual(a) == 0 || reduced_from(network, a, price) >= 0) continue;
      const NodeIndex other = network.to(a);
      // Looking ahead: what cannot go on from there would come back.
      if (network.excess(other) >= 0 && !has_way_out(network, other)) {
        if (!relabel(network, other)) return false;
        if (reduced_from(network, a, price) >= 0) continue;
      }
      network.push(a, std::min(network.excess(node), network.residual(a)));
      if (network.excess(other) > 0) line_.push(other);
      if (network.excess(node) == 0) return true;
    }
    if (!relabel(network, node)) return false;
    if (relabels_ > patience_) {  // prices are to be updated, or there is no way at all
      line_.push(node);
      return true;
    }
  }
  return true;
}

bool CostScaling::has_way_out(const Network& network, NodeIndex node) {
  ArcIndex& a = current_[node];
  const Cost price = price_[node];
  while (a != kNone && (network.residual(a) == 0 || reduced_from(network, a, price) >= 0)) {
    ++iterations_;
    a = network.next(a);
  }
  return a != kNone;
}

bool CostScaling::relabel(const Network& network, NodeIndex node) {
  Cost best = std::numeric_limits<Cost>::min();
  ArcIndex by = kNone;
  for (ArcIndex a = network.first(node); a != kNone; a = network.next(a)) {
    ++iterations_;
    if (network.residual(a) == 0) continue;
    const Cost there = price_[network.to(a)] - network.cost(a) * scale_;
    if (there > best) {
      best = there;
      by = a;
    }
  }
  ++relabels_;
  if (by == kNone) return network.excess(node) <= 0;
  price_[node] = best - epsilon_;
  current_[node] = network.first(node);
  return true;
}

// Prices by the distance to the nearest deficit, for all nodes that are not farther than the farthest excess (Dijkstra, backwards). False:
// there is an excess that cannot reach any.
bool CostScaling::update_prices(const Network& network) {
  heap_.clear();
  NodeIndex left = 0;
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    near_[n] = 0;
    distance_[n] = -1;
    if (!network.has_node(n)) continue;
    if (network.excess(n) > 0) ++left;
    if (network.excess(n) < 0) heap_.push_back({distance_[n] = 0, n});
  }
  Cost farthest = 0;
  while (left > 0) {
    if (heap_.empty()) return false;
    const auto [distance, node] = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    if (near_[node] != 0) continue;
    near_[node] = 1;
    farthest = distance;
    if (network.excess(node) > 0) --left;
    for (ArcIndex a = network.first(node); a != kNone; a = network.next(a)) {
      ++iterations_;
      const NodeIndex other = network.to(a);
      if (near_[other] != 0 || network.residual(a ^ 1) == 0) continue;
      // From the other to this one: never below −epsilon, so never below zero here.
      const Cost there = distance + (reduced(network, a ^ 1) + epsilon_) / epsilon_;
      if (distance_[other] >= 0 && distance_[other] <= there) continue;
      distance_[other] = there;
      heap_.push_back({there, other});
      std::push_heap(heap_.begin(), heap_.end());
    }
  }
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    if (!network.has_node(n)) continue;
    price_[n] -= epsilon_ * (near_[n] != 0 ? distance_[n] : farthest);
    current_[n] = network.first(n);
  }
  return true;
}

// Lowers prices until no arc with room costs less than nothing; where flow is not the cheapest that has no end, hence `looks`.
bool CostScaling::exact_prices(Network& network, const Limits& limits, std::int64_t looks) {
  for (NodeIndex n = 0; n < network.node_slots(); ++n) {
    const Cost price = price_[n];
    network.set_price(n, price >= 0 ? price / scale_ : -((-price + scale_ - 1) / scale_));
    if (network.has_node(n)) line_.push(n);
  }
  const std::int64_t end = iterations_ + looks;
  while (!line_.empty()) {
    const NodeIndex node = line_.pop();
    const Cost price = network.price(node);
    for (ArcIndex a = network.first(node); a != kNone; a = network.next(a)) {
      ++iterations_;
      const Cost there = price + network.cost(a);
      if (network.residual(a) == 0 || there >= network.price(network.to(a))) continue;
      network.set_price(network.to(a), there);
      line_.push(network.to(a));
    }
    if (iterations_ > end || stopped(limits)) break;
  }
  const bool exact = line_.empty();
  while (!line_.empty()) line_.pop();
  return exact;
}

}  // namespace

std::unique_ptr<Solver> make_cost_scaling() { return std::make_unique<CostScaling>(false); }

std::unique_ptr<Solver> make_auction() { return std::make_unique<CostScaling>(true); }

}  // namespace ph::scheduler::flow

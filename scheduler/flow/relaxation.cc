// Relaxation: takes a node with an excess and grows a set around it along arcs of reduced cost zero. When the set meets a deficit, the excess
// flows there. When what the set has too much of is more than those arcs can take out of it, the prices of the whole set fall (the dual
// gets better by it), until one more arc costs nothing; the arcs that would then cost less than nothing are filled before.
//
// Two things keep it local. A node's arcs are looked at only until enough of them are found, beginning with the one that served last, so that
// a class with an arc to each of ten thousand machines costs a step as long as one has room; what is found last is followed first,
// as the paper's arc prioritization has it (§5.3.1). And a set whose prices fall is kept: what it could reach next waits in a heap by
// how far they have to fall.
#include <algorithm>
#include <limits>
#include <vector>

#include "scheduler/flow/line.h"
#include "scheduler/flow/start.h"

namespace ph::scheduler::flow {
namespace {

constexpr std::string_view kName = "relaxation";
constexpr std::int64_t kAskEvery = 8192;  // arcs

class Relaxation final : public Solver {
 public:
  std::string_view name() const override { return kName; }
  Outcome solve(Network& network, const Limits& limits) override;

 private:
  enum class Step { kDone, kStopped, kInfeasible };
  // Of a node; what is of an earlier search is told by its number.
  struct Mark {
    std::uint32_t search = 0;    // in the set
    std::uint32_t balanced = 0;  // balanced_in is of this search
    std::uint32_t on_way = 0;    // to the deficit of this search
    std::uint32_t dead = 0;      // led nowhere, as of dead_
    ArcIndex came_by = kNone;
    ArcIndex at = kNone;      // the arc out to look at next
    ArcIndex begin = kNone;   // where looking began; round once
    ArcIndex in_at = kNone;   // the arc in to look at next
    ArcIndex served = kNone;  // the last one that flow left by; across solves
    Cost joined = 0;          // how far prices had fallen
    Amount balanced_in = 0;   // residual capacity of arcs of reduced cost zero from the set
  };
  struct Later {
    Cost fall;  // of the set's prices, until the arc's reduced cost is zero
    ArcIndex half;
    bool operator<(const Later& other) const { return fall != other.fall ? fall > other.fall : half > other.half; }
  };

  void begin(Network& network);
  Step search(Network& network, NodeIndex source, const Limits& limits);
  bool stopped(const Limits& limits);
  void renumber();
  void revive();
  void begin_search(const Network& network, NodeIndex source);
  void bury(const Network& network, ArcIndex last);
  bool leads_to_way(const Network& network, NodeIndex node) const;
  void join(const Network& network, NodeIndex node, ArcIndex by);
  bool in_set(NodeIndex node) const { return marks_[node].search == search_; }
  void found(const Network& network, ArcIndex half);
  ArcIndex look(Network& network);
  ArcIndex look_at(const Network& network, ArcIndex half, Cost price);
  void grow(Network& network);
  bool fill(Network& network);
  bool fall(Network& network, ArcIndex& to_deficit);
  void augment(Network& network, NodeIndex source, ArcIndex last);
  void finish(Network& network);

  Start start_;
  std::vector<NodeIndex> sources_;
  std::vector<Mark> marks_;
  Line line_;  // whose excess is to be moved
  std::int64_t iterations_ = 0, ask_at_ = 0;
  std::int64_t doubt_at_ = 0;  // in iterations: when to look whether there is a way at all

  // One search.
  std::uint32_t search_ = 0;
  std::vector<NodeIndex> set_;
  // In the set, not wholly looked at: their arcs out, and those in. The latter are followed when no other is left, for they lead to what
  // is settled already: to other classes, and from there to all of their pods.
  std::vector<NodeIndex> open_, open_in_;
  std::vector<ArcIndex> balanced_, balanced_in_;  // out of the set, of reduced cost zero when found
  std::vector<Later> later_;                      // out of the set, of a higher reduced cost; the first heaped_ are a heap
  std::size_t heaped_ = 0;
  Amount excess_ = 0, room_ = 0;  // of the set; of balanced_
  // Between two falls of prices, searches pass by what others have found to lead nowhere. When one finds nothing, all counts again.
  std::uint32_t dead_ = 0;
  bool passed_by_ = false;
  Cost fallen_ = 0;
};

// Where flow cannot get anywhere, neighbours could send it to and fro for ever, and prices fall without bound. So many steps are worth a
// look at the whole network.
std::int64_t patience(const Network& network) {
  return 64 * (static_cast<std::int64_t>(network.arc_slots()) + network.node_slots());
}

void Relaxation::begin(Network& network) {
  const auto slots = static_cast<std::size_t>(network.node_slots());
  if (marks_.size() < slots) marks_.resize(slots);
  line_.reset(network.node_slots());
  iterations_ = 0;
  ask_at_ = kAskEvery;
  doubt_at_ = patience(network);
  revive();
  start_.prepare(network, sources_);
  for (const NodeIndex node : sources_) line_.push(node);
}

Outcome Relaxation::solve(Network& network, const Limits& limits) {
  begin(network);
  if (network.imbalance() != 0) return gave_up(network, Found::kInfeasible, iterations_, kName);
  while (!line_.empty()) {
    const NodeIndex node = line_.pop();
    while (network.excess(node) > 0) {
      if (iterations_ > doubt_at_) {
        if (!routable(network)) return gave_up(network, Found::kInfeasible, iterations_, kName);
        doubt_at_ = std::numeric_limits<std::int64_t>::max();
      }
      const Step step = search(network, node, limits);
      if (step == Step::kStopped) return gave_up(network, Found::kStopped, iterations_, kName);
      if (step == Step::kInfeasible) return gave_up(network, Found::kInfeasible, iterations_, kName);
    }
  }
  network.solved(true);
  return {.found = Found::kOptimal, .cost = network.flow_cost(), .iterations = iterations_, .solver = kName};
}

bool Relaxation::stopped(const Limits& limits) {
  if (iterations_ < ask_at_ && iterations_ < limits.iterations) return false;
  ask_at_ = iterations_ + kAskEvery;
  return iterations_ >= limits.iterations || (limits.stop && limits.stop());
}

void Relaxation::renumber() {
  if (++search_ != 0) return;
  for (Mark& mark : marks_) mark.search = mark.balanced = mark.on_way = 0;  // the numbers have gone round
  search_ = 1;
}

void Relaxation::revive() {
  passed_by_ = false;
  if (++dead_ != 0) return;
  for (Mark& mark : marks_) mark.dead = 0;
  dead_ = 1;
}

void Relaxation::begin_search(const Network& network, NodeIndex source) {
  renumber();
  passed_by_ = false;
  set_.clear();
  open_.clear();
  open_in_.clear();
  balanced_.clear();
  balanced_in_.clear();
  later_.clear();
  heaped_ = 0;
  excess_ = room_ = 0;
  fallen_ = 0;
  join(network, source, kNone);
}

Relaxation::Step Relaxation::search(Network& network, NodeIndex source, const Limits& limits) {
  begin_search(network, source);
  for (;;) {
    ++iterations_;
    ArcIndex to_deficit = look(network);
    if (to_deficit == kNone && room_ < excess_) {
      const bool passed_by = passed_by_;
      revive();
      if (passed_by) {
        begin_search(network, source);
        continue;
      }
      const bool kept = fill(network);
      if (!fall(network, to_deficit)) {
        finish(network);
        return Step::kInfeasible;
      }
      if (!kept) break;
    }
    if (to_deficit != kNone) {
      augment(network, source, to_deficit);
      if (fallen_ == 0) bury(network, to_deficit);
      break;
    }
    if (stopped(limits)) {
      finish(network);
      return Step::kStopped;
    }
    if (room_ >= excess_) grow(network);
  }
  finish(network);
  return stopped(limits) ? Step::kStopped : Step::kDone;
}

void Relaxation::join(const Network& network, NodeIndex node, ArcIndex by) {
  Mark& mark = marks_[node];
  if (mark.balanced == search_) room_ -= mark.balanced_in;
  mark.search = search_;
  mark.came_by = by;
  mark.joined = fallen_;
  const bool known = mark.served != kNone && mark.served < network.arc_slots() && network.from(mark.served) == node;
  mark.in_at = network.first_in(node);
  mark.begin = mark.at = known ? mark.served : network.first(node);
  excess_ += network.excess(node);
  set_.push_back(node);
  if (mark.in_at != kNone) open_in_.push_back(node);
  if (mark.at != mark.in_at) open_.push_back(node);
}

// Out of the set, at no cost.
void Relaxation::found(const Network& network, ArcIndex half) {
  Mark& mark = marks_[network.to(half)];
  if (mark.balanced != search_) {
    mark.balanced = search_;
    mark.balanced_in = 0;
  }
  mark.balanced_in += network.residual(half);
  room_ += network.residual(half);
  ((half & 1) == 0 ? balanced_ : balanced_in_).push_back(half);
}

// Until there is room for the set's excess, or all of it is looked at; or a deficit is met: then the half arc that leads there.
ArcIndex Relaxation::look(Network& network) {
  ArcIndex to_deficit = kNone;
  while (to_deficit == kNone && room_ < excess_ && !open_.empty()) {
    const NodeIndex node = open_.back();
    Mark& mark = marks_[node];
    bool through = false;
    while (to_deficit == kNone && room_ < excess_ && !through) {
      to_deficit = look_at(network, mark.at, network.price(node) + mark.joined);
      mark.at = network.next(mark.at);
      if (mark.at == mark.in_at) mark.at = network.first(node);
      through = mark.at == mark.begin;
    }
    if (through) open_.pop_back();
  }
  while (to_deficit == kNone && room_ < excess_ && !open_in_.empty()) {
    const NodeIndex node = open_in_.back();
    Mark& mark = marks_[node];
    while (to_deficit == kNone && room_ < excess_ && mark.in_at != kNone) {
      to_deficit = look_at(network, mark.in_at, network.price(node) + mark.joined);
      mark.in_at = network.next(mark.in_at);
    }
    if (mark.in_at == kNone) open_in_.pop_back();
  }
  return to_deficit;
}

// The half arc, when it leads to a deficit at no cost.
ArcIndex Relaxation::look_at(const Network& network, ArcIndex half, Cost price) {
  ++iterations_;
  if (network.residual(half) == 0) return kNone;
  const NodeIndex other = network.to(half);
  if (in_set(other)) return kNone;
  const Cost fall = network.cost(half) + price - network.price(other);
  if (fall > fallen_) {
    later_.push_back({fall, half});
  } else if (network.excess(other) < 0) {
    return half;
  } else if (marks_[other].dead == dead_) {
    passed_by_ = true;
  } else {
    found(network, half);
  }
  return kNone;
}

void Relaxation::grow(Network& network) {
  for (;;) {
    std::vector<ArcIndex>& from = balanced_.empty() ? balanced_in_ : balanced_;
    const ArcIndex by = from.back();
    from.pop_back();
    if (!in_set(network.to(by))) return join(network, network.to(by), by);
  }
}

// All arcs that would cost less than nothing when prices fall. False when a node of the set now sends on more than it has: the set's
// search ends then, for the deficit is in it.
bool Relaxation::fill(Network& network) {
  if (room_ == 0) return true;
  bool kept = true;
  balanced_.insert(balanced_.end(), balanced_in_.begin(), balanced_in_.end());
  for (const ArcIndex half : balanced_) {
    const NodeIndex other = network.to(half), node = network.from(half);
    if (in_set(other)) continue;
    const Amount amount = network.residual(half);
    network.push(half, amount);
    excess_ -= amount;
    kept = kept && network.excess(node) >= 0;
    if (network.excess(other) > 0) line_.push(other);
  }
  balanced_.clear();
  balanced_in_.clear();
  room_ = 0;
  renumber();  // what was found counts no more
  for (const NodeIndex node : set_) marks_[node].search = search_;
  return kept;
}

// To where the next arcs cost nothing. False: no arc leads out of the set. Every node of the set has been looked at.
bool Relaxation::fall(Network& network, ArcIndex& to_deficit) {
  if (later_.size() - heaped_ > heaped_ / 8) {
    std::make_heap(later_.begin(), later_.end());
  } else {
    while (heaped_ < later_.size()) std::push_heap(later_.begin(), later_.begin() + static_cast<std::ptrdiff_t>(++heaped_));
  }
  bool any = false;
  while (!later_.empty()) {
    const auto [fall, half] = later_.front();
    const bool out = !in_set(network.to(half));
    if (out && any && fall > fallen_) break;
    std::pop_heap(later_.begin(), later_.end());
    later_.pop_back();
    if (!out) continue;
    any = true;
    fallen_ = fall;
    if (network.excess(network.to(half)) < 0 && to_deficit == kNone) to_deficit = half;
    found(network, half);
  }
  heaped_ = later_.size();
  return any;
}

void Relaxation::augment(Network& network, NodeIndex source, ArcIndex last) {
  Amount amount = std::min(network.excess(source), -network.excess(network.to(last)));
  for (ArcIndex a = last; a != kNone; a = marks_[network.from(a)].came_by) amount = std::min(amount, network.residual(a));
  for (ArcIndex a = last; a != kNone;) {
    network.push(a, amount);
    Mark& mark = marks_[network.from(a)];
    if ((a & 1) == 0) mark.served = a;
    a = mark.came_by;
  }
}

// What has been looked at and led nowhere: neither to the deficit nor back to the way there.
void Relaxation::bury(const Network& network, ArcIndex last) {
  for (const NodeIndex node : open_) marks_[node].on_way = search_;
  for (ArcIndex a = last; a != kNone; a = marks_[network.from(a)].came_by) marks_[network.from(a)].on_way = search_;
  for (const NodeIndex node : set_) {
    Mark& mark = marks_[node];
    if (mark.on_way != search_ && ((mark.came_by & 1) == 0 || !leads_to_way(network, node))) mark.dead = dead_;
  }
}

bool Relaxation::leads_to_way(const Network& network, NodeIndex node) const {
  const ArcIndex end = network.first_in(node);
  for (ArcIndex a = network.first(node); a != end; a = network.next(a)) {
    if (marks_[network.to(a)].on_way == search_ && network.residual(a) > 0 && network.reduced_cost(a) == 0) return true;
  }
  return false;
}

void Relaxation::finish(Network& network) {
  if (fallen_ == 0) return;
  for (const NodeIndex node : set_) network.set_price(node, network.price(node) - (fallen_ - marks_[node].joined));
}

}  // namespace

std::unique_ptr<Solver> make_relaxation() { return std::make_unique<Relaxation>(); }

}  // namespace ph::scheduler::flow

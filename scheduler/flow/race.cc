// Relaxation is the faster by far where changes are few or there is room, cost scaling where much is contested; nobody can tell beforehand.
#include <atomic>
#include <thread>

#include "scheduler/flow/start.h"

namespace ph::scheduler::flow {
namespace {

bool is_answer(const Outcome& outcome) { return outcome.found == Found::kOptimal || outcome.found == Found::kInfeasible; }

// Of two that were stopped.
bool is_better(const Outcome& one, const Outcome& other) {
  return one.uncovered != other.uncovered ? one.uncovered < other.uncovered : one.cost < other.cost;
}

class Race final : public Solver {
 public:
  Race(Turns turns, std::int64_t share) : turns_(turns), share_(share) {}
  std::string_view name() const override { return "race"; }
  Outcome solve(Network& network, const Limits& limits) override {
    return turns_ == Turns::kSideBySide ? side_by_side(network, limits) : one_after_another(network, limits);
  }

 private:
  // The caller's `stop` is asked on the caller's thread alone; when that ends the first, it ends the second.
  Outcome side_by_side(Network& network, const Limits& limits) {
    copy_ = network;
    std::atomic<bool> relaxed = false, scaled = false;
    Outcome second;
    Outcome first;
    {
      const std::jthread thread([&] {
        second = cost_scaling_->solve(
            copy_, {.stop = [&] { return relaxed.load(std::memory_order_relaxed); }, .iterations = limits.iterations});
        if (is_answer(second)) scaled.store(true, std::memory_order_relaxed);
      });
      first = relaxation_->solve(
          network, {.stop = [&] { return scaled.load(std::memory_order_relaxed) || (limits.stop && limits.stop()); },
                    .iterations = limits.iterations});
      // Out of iterations alone it leaves the other its own.
      if (is_answer(first) || first.iterations < limits.iterations) relaxed.store(true, std::memory_order_relaxed);
    }
    return choose(network, first, second);
  }

  Outcome one_after_another(Network& network, const Limits& limits) {
    copy_ = network;
    const Outcome first = relaxation_->solve(network, {.stop = limits.stop, .iterations = std::min(limits.iterations, share_)});
    return is_answer(first) ? first : choose(network, first, cost_scaling_->solve(copy_, limits));
  }

  Outcome choose(Network& network, const Outcome& first, const Outcome& second) {
    if (is_answer(first) || (!is_answer(second) && !is_better(second, first))) return first;
    std::swap(network, copy_);
    return second;
  }

  const Turns turns_;
  const std::int64_t share_;
  const std::unique_ptr<Solver> relaxation_ = make_relaxation();
  const std::unique_ptr<Solver> cost_scaling_ = make_cost_scaling();
  Network copy_;  // its memory is kept
};

}  // namespace

std::unique_ptr<Solver> make_race(Turns turns, std::int64_t relaxation_share) {
  return std::make_unique<Race>(turns, relaxation_share);
}

}  // namespace ph::scheduler::flow

// ClassResults: what the plugins of a profile have said of each node about the pods of one class (Profile::class_of), kept for the next
// pod of the class and repaired by what has happened since. A pod that comes after a thousand of its kind has one node looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/changes.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/profile.h"

namespace ph::scheduler {

class ClassResults {
 public:
  // Brings the verdicts up to date. `state` is that of a pod of the class after a pre-filter that left all nodes. Throws what a plugin
  // throws, and for one that fails.
  void refresh(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot, const Changes& changes,
               const Nominator& nominated);

  // -- After `refresh`
  std::size_t feasible() const { return feasible_; }
  std::vector<const NodeInfo*> feasible_nodes(const Snapshot& snapshot) const;
  // The weighted sums for `nodes`, the feasible ones, after pre-score.
  std::vector<NodeScore> totals(const Profile& profile, const CycleState& state, const Pod& pod,
                                std::span<const NodeInfo* const> nodes);
  // Why the others are not feasible.
  void explain(Diagnosis& diagnosis) const;
  // The same, node by node. Its verdicts refer to these results.
  std::vector<Rejection> rejections(const Snapshot& snapshot) const;

 private:
  // What one or more nodes were refused for.
  struct Refusal {
    std::string_view plugin;
    Code code;
    std::vector<std::string> reasons;
    std::size_t nodes = 0;
    Verdict verdict() const;
    bool is(const Verdict& verdict) const;
  };
  using Kind = std::uint16_t;  // of a node: one of these, or the number of a refusal behind them
  static constexpr Kind kFits = 0, kAbsent = 1, kFirstRefusal = 2;
  enum Stale : std::uint8_t { kFresh = 0, kStaleVerdict = 1, kStaleScores = 2 };

  void resize(std::size_t slots);
  void note(const Profile& profile, const Pod& pod, const NodeChange& change, const Snapshot& snapshot);
  void spoil(std::size_t slot, std::uint8_t what);
  void spoil(const Outdated& outdated, const NodeChange& change, std::uint8_t what, const Snapshot& snapshot);
  void spoil_all(std::uint8_t what) { all_ |= what; }
  void judge(const Profile& profile, const CycleState& state, const Pod& pod, const Nominator& nominated, std::size_t slot,
             const NodeInfo* node);
  void set_kind(std::size_t slot, Kind kind);
  Kind kind_of(const Verdict& verdict);

  std::optional<std::uint64_t> seen_;                // the changes that have been taken into account
  PluginSet filters_ = 0, scorers_ = 0;              // the plugins that took part
  std::vector<Kind> kinds_;                          // by slot
  std::vector<std::uint8_t> stale_;                  // by slot
  std::vector<std::size_t> spoiled_;                 // slots with a stale verdict
  std::uint8_t all_ = kStaleVerdict | kStaleScores;  // of all slots
  std::vector<std::size_t> passing_;                 // slots whose verdict does not outlive the cycle
  std::vector<Refusal> refusals_;
  std::vector<std::vector<Score>> scores_;  // by score plugin, then slot
  std::size_t feasible_ = 0;
};

}  // namespace ph::scheduler

// ClassResults: what the plugins of a profile have said of each node about the pods of one class (Profile::class_of), kept for the next
// pod of the class and repaired by what has happened since. A pod that comes after a thousand of its kind has one node looked at.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/cluster/changes.h"
#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/framework/profile.h"
#include "scheduler/kept/score_board.h"

namespace ph::scheduler {

class ClassResults {
 public:
  // Brings the verdicts up to date. `state` is that of a pod of the class after a pre-filter that left all nodes. Throws what a plugin
  // throws, and for one that fails.
  void refresh(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot, const Changes& changes,
               const Nominator& nominated);

  // -- After `refresh`
  std::size_t feasible() const { return feasible_; }
  // Good until the next `refresh`.
  std::span<const NodeInfo* const> feasible_nodes(const Snapshot& snapshot);
  // -- After pre-score
  // One of the feasible nodes with the highest weighted sum, each with the same chance. One number is drawn, and only when there is a
  // choice.
  const NodeInfo* best(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot, Rng& rng);
  // The weighted sums for `nodes`, the feasible ones.
  std::vector<NodeScore> totals(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot,
                                std::span<const NodeInfo* const> nodes);
  // --
  // Why the others are not feasible.
  void explain(Diagnosis& diagnosis) const;
  // The same, node by node. Its verdicts refer to these results.
  std::vector<Rejection> rejections(const Snapshot& snapshot) const;
  ClassMemory& memory() { return memory_; }

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
  // kTouched: what stands of the slot on the board may be another now.
  enum Stale : std::uint8_t { kFresh = 0, kStaleVerdict = 1, kTouched = 2 };
  static constexpr PluginSet kAllPlugins = ~PluginSet{0};
  static constexpr std::size_t kMuchTouched = 4;  // one in so many: the board is made anew in one go

  void resize(std::size_t slots);
  void note(const Profile& profile, const Pod& pod, const NodeChange& change, const Snapshot& snapshot);
  void spoil_verdict(std::size_t slot);
  void spoil_scores(std::size_t slot, PluginSet plugins);
  void spoil_all_scores(PluginSet plugins);
  // `spoil`: a slot; `spoil_all`: all of them.
  template <class F, class G>
  static void reach(const Outdated& outdated, const NodeChange& change, const Snapshot& snapshot, F spoil, G spoil_all);
  void take_domains(const Profile& profile, const CycleState& state, const Snapshot& snapshot);
  void take_scored_domains(const Profile& profile, const CycleState& state, const Snapshot& snapshot);
  void spoil_nominated(const Snapshot& snapshot, const Nominator& nominated, const PodInfo& pod);
  void touch(std::size_t slot);
  void take_scorers(const Profile& profile, const CycleState& state, const Snapshot& snapshot);
  void score(const Profile& profile, const CycleState& state, const Pod& pod, std::size_t slot, const NodeInfo& node);
  static std::vector<ScoreBoard::Column> columns(const Profile& profile, const CycleState& state);
  void refresh_board(const Profile& profile, const CycleState& state, const Pod& pod, const Snapshot& snapshot);
  void judge(const Profile& profile, const CycleState& state, const Pod& pod, const Nominator& nominated, std::size_t slot,
             const NodeInfo* node);
  void set_kind(std::size_t slot, Kind kind);
  Kind kind_of(const Verdict& verdict);

  std::optional<std::uint64_t> seen_;    // the changes that have been taken into account
  PluginSet filters_ = 0, scorers_ = 0;  // the plugins that took part
  std::vector<Kind> kinds_;              // by slot
  std::vector<std::uint8_t> stale_;      // by slot
  std::vector<PluginSet> stale_scores_;  // by slot: whose
  std::vector<std::size_t> spoiled_;     // slots with a stale verdict
  bool are_all_verdicts_stale_ = true;
  DomainChanges domains_;  // room for what a plugin tells
  // Nominated pods have a say in the verdicts on their nodes: up to which change of the nominations they are taken into account, for
  // pods of which priority, and on which slots.
  std::optional<std::uint64_t> nominations_seen_;
  std::int32_t priority_ = 0;
  std::vector<std::size_t> with_nominated_;
  std::optional<std::size_t> passing_;  // the slot whose verdict is true for the last pod alone
  std::vector<Refusal> refusals_;
  ClassMemory memory_;
  std::uint64_t last_stamp_ = 0;
  ScoreBoard board_;            // and the raw scores
  bool is_board_kept_ = false;  // all that is not as it stands there is touched
  std::vector<std::size_t> touched_;
  std::size_t feasible_ = 0;
  std::vector<const NodeInfo*> list_;  // of the feasible nodes, by slot
  bool is_list_good_ = false;
};

}  // namespace ph::scheduler

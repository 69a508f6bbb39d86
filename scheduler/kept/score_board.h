// ScoreBoard: the weighted sums of the nodes that fit, kept from pod to pod. A node whose scores have changed costs a step up a tree;
// only where the lowest or the highest score of a plugin that scales by it becomes another, all sums are made anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

class ScoreBoard {
 public:
  // A plugin that has a say.
  struct Column {
    std::size_t number = 0;  // of its raw scores
    std::string_view plugin;
    Scale scale = Scale::AsIs;
    Score weight = 1;
    bool operator==(const Column&) const = default;
  };

  // For so many nodes and plugins. Raw scores stay; who is on the board does, too.
  void resize(std::size_t slots, std::size_t plugins);
  // Nobody is on the board, or those are of whom `here` says so, by slot. Many who come at once cost little each.
  void begin(std::vector<Column> columns);
  template <class F>
  void begin(std::vector<Column> columns, F here) {
    begin(std::move(columns));
    for (std::size_t slot = 0; slot < here_.size(); ++slot) count_ += here_[slot] = here(slot) ? 1 : 0;
    for (Bounds& bounds : bounds_) bounds.members = kUnknown;
  }
  const std::vector<Column>& columns() const { return columns_; }

  // -- Raw scores, by the plugin's number and the node's slot. Those of nodes on the board change between `leave` and `join` only.
  Score raw(std::size_t number, std::size_t slot) const { return raw_[number][slot] + added_[number]; }
  void set_raw(std::size_t number, std::size_t slot, Score score) { raw_[number][slot] = score - added_[number]; }
  // All that are known are higher by so much. Only of a plugin whose scores go by their distance from the lowest.
  void shift(std::size_t number, Score by);

  void join(std::size_t slot);
  void leave(std::size_t slot);  // nothing when it is not there

  // -- The highest sum, and how many nodes have it; at least one node is on the board. Throws when a plugin leaves 0..100.
  struct Best {
    Score score = 0;
    std::uint32_t equals = 0;
  };
  Best best();
  // Of the nodes with the highest sum the one with so many before it, by slot. After `best`.
  std::size_t among_best(std::uint64_t number) const;

 private:
  // Of the raw scores on the board that are bounds at all.
  struct Bounds : ScoreBounds {
    std::size_t at_lowest = 0, at_highest = 0;  // how many have it; 0: it is to be looked for
    std::size_t members = 0;                    // kUnknown: all is to be looked for
  };
  static constexpr std::size_t kUnknown = SIZE_MAX;
  static constexpr Best kNobody{INT64_MIN, 0};

  static Best better(const Best& a, const Best& b);
  static Score checked(const Column& column, Score raw, const Bounds& bounds);
  Score sum(std::size_t slot) const;
  void add_column(std::size_t column);
  void look_for_bounds(std::size_t column);
  bool bounds_moved();
  void set_leaf(std::size_t slot, const Best& best);
  void make_all_anew();

  std::vector<Column> columns_;
  std::vector<std::vector<Score>> raw_;
  std::vector<Score> added_;           // by the plugin's number, to each of its raw scores
  std::vector<Bounds> bounds_, used_;  // by column: now, and when the sums were made
  std::vector<std::uint8_t> here_;     // by slot
  std::vector<Score> sums_;            // by slot; while all are made anew
  std::size_t count_ = 0;
  std::vector<std::size_t> changed_;  // slots whose leaf is to be made
  std::vector<Best> tree_;            // the root at 1, leaves from `leaves_`
  std::size_t leaves_ = 0;
  bool all_changed_ = true;
};

}  // namespace ph::scheduler

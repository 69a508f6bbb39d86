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
  // A plugin that has a say. Its scale is not Own.
  struct Column {
    std::size_t number = 0;  // of its raw scores
    std::string_view plugin;
    Scale scale = Scale::AsIs;
    Score weight = 1;
    bool operator==(const Column&) const = default;
  };

  // For so many nodes and plugins. Raw scores stay; who is on the board does, too.
  void resize(std::size_t slots, std::size_t plugins);
  // Nobody is on the board.
  void begin(std::vector<Column> columns);
  const std::vector<Column>& columns() const { return columns_; }

  // -- Raw scores, by the plugin's number and the node's slot. Those of nodes on the board change between `leave` and `join` only.
  Score raw(std::size_t number, std::size_t slot) const { return raw_[number][slot]; }
  void set_raw(std::size_t number, std::size_t slot, Score score) { raw_[number][slot] = score; }

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
  // Of the raw scores on the board.
  struct Bounds {
    Score lowest = 0, highest = 0;
    std::size_t at_lowest = 0, at_highest = 0;  // how many have it; 0: it is to be looked for
  };
  static constexpr Best kNobody{INT64_MIN, 0};

  static Best better(const Best& a, const Best& b);
  Score sum(std::size_t slot) const;
  void look_for_bounds(std::size_t column);
  bool bounds_moved();
  void set_leaf(std::size_t slot, const Best& best);
  void make_all_anew();

  std::vector<Column> columns_;
  std::vector<std::vector<Score>> raw_;
  std::vector<Bounds> bounds_, used_;  // by column: now, and when the sums were made
  std::vector<bool> here_;             // by slot
  std::size_t count_ = 0;
  std::vector<std::size_t> changed_;  // slots whose leaf is to be made
  std::vector<Best> tree_;            // the root at 1, leaves from `leaves_`
  std::size_t leaves_ = 0;
  bool all_changed_ = true;
};

}  // namespace ph::scheduler

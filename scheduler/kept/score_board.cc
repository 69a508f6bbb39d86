#include "scheduler/kept/score_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace ph::scheduler {

void ScoreBoard::resize(std::size_t slots, std::size_t plugins) {
  if (raw_.size() < plugins) raw_.resize(plugins), added_.resize(plugins);
  for (auto& column : raw_) column.resize(std::max(column.size(), slots));
  if (here_.size() >= slots) return;
  here_.resize(slots);
  if (slots > leaves_) {
    leaves_ = std::bit_ceil(slots);
    tree_.assign(2 * leaves_, kNobody);
    all_changed_ = true;
  }
}

void ScoreBoard::begin(std::vector<Column> columns) {
  columns_ = std::move(columns);
  bounds_.assign(columns_.size(), {});
  here_.assign(here_.size(), 0);
  count_ = 0;
  changed_.clear();
  all_changed_ = true;
}

void ScoreBoard::join(std::size_t slot) {
  here_[slot] = 1;
  changed_.push_back(slot);
  ++count_;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].scale == Scale::AsIs || bounds_[c].members == kUnknown) continue;
    Bounds& bounds = bounds_[c];
    const Score score = raw(columns_[c].number, slot);
    if (!is_bound(columns_[c].scale, score)) continue;
    if (++bounds.members == 1) {
      bounds = {{score, score}, 1, 1, 1};
      continue;
    }
    // Where a bound is to be looked for anyway, its old value says nothing.
    if (bounds.at_lowest > 0 && score <= bounds.lowest) {
      bounds.at_lowest = score < bounds.lowest ? 1 : bounds.at_lowest + 1;
      bounds.lowest = score;
    }
    if (bounds.at_highest > 0 && score >= bounds.highest) {
      bounds.at_highest = score > bounds.highest ? 1 : bounds.at_highest + 1;
      bounds.highest = score;
    }
  }
}

void ScoreBoard::leave(std::size_t slot) {
  if (here_[slot] == 0) return;
  here_[slot] = 0;
  changed_.push_back(slot);
  --count_;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].scale == Scale::AsIs || bounds_[c].members == kUnknown) continue;
    Bounds& bounds = bounds_[c];
    const Score score = raw(columns_[c].number, slot);
    if (!is_bound(columns_[c].scale, score)) continue;
    if (--bounds.members == 0) {
      bounds = {};
      continue;
    }
    if (bounds.at_lowest > 0 && score == bounds.lowest) --bounds.at_lowest;
    if (bounds.at_highest > 0 && score == bounds.highest) --bounds.at_highest;
  }
}

void ScoreBoard::shift(std::size_t number, Score by) {
  added_[number] += by;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].number != number) continue;
    bounds_[c].lowest += by, bounds_[c].highest += by;
    // The sums are the same.
    if (c < used_.size()) used_[c].lowest += by, used_[c].highest += by;
  }
}

void ScoreBoard::look_for_bounds(std::size_t column) {
  const auto& [number, plugin, scale, weight] = columns_[column];
  Bounds found;
  for (std::size_t slot = 0; slot < here_.size(); ++slot) {
    if (here_[slot] == 0) continue;
    const Score score = raw(number, slot);
    if (!is_bound(scale, score)) continue;
    const bool first = ++found.members == 1;
    if (first || score < found.lowest) found.lowest = score, found.at_lowest = 0;
    if (first || score > found.highest) found.highest = score, found.at_highest = 0;
    found.at_lowest += score == found.lowest ? 1 : 0;
    found.at_highest += score == found.highest ? 1 : 0;
  }
  bounds_[column] = found;
}

// Whether the sums on the board were made with other bounds than there are now.
bool ScoreBoard::bounds_moved() {
  bool moved = used_.size() != columns_.size();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (columns_[c].scale == Scale::AsIs) continue;
    if (bounds_[c].members > 0 && (bounds_[c].at_lowest == 0 || bounds_[c].at_highest == 0)) look_for_bounds(c);
    moved = moved || bounds_[c].lowest != used_[c].lowest || bounds_[c].highest != used_[c].highest;
  }
  return moved;
}

Score ScoreBoard::checked(const Column& column, Score raw, const Bounds& bounds) {
  const Score score = scaled(column.scale, raw, bounds);
  check_range(column.plugin, score);
  return score * column.weight;
}

Score ScoreBoard::sum(std::size_t slot) const {
  Score out = 0;
  for (std::size_t c = 0; c < columns_.size(); ++c) out += checked(columns_[c], raw(columns_[c].number, slot), bounds_[c]);
  return out;
}

ScoreBoard::Best ScoreBoard::better(const Best& a, const Best& b) {
  if (a.score != b.score) return a.score > b.score ? a : b;
  return {a.score, a.equals + b.equals};
}

void ScoreBoard::set_leaf(std::size_t slot, const Best& best) {
  std::size_t at = leaves_ + slot;
  tree_[at] = best;
  while ((at /= 2) > 0) {
    const Best now = better(tree_[2 * at], tree_[2 * at + 1]);
    if (now.score == tree_[at].score && now.equals == tree_[at].equals) return;
    tree_[at] = now;
  }
}

void ScoreBoard::add_column(std::size_t column) {
  const Bounds& bounds = bounds_[column];
  const Column& of = columns_[column];
  // Most plugins say the same of most nodes.
  Score raw_before = 0, before = 0;
  bool is_known = false;
  for (std::size_t slot = 0; slot < here_.size(); ++slot) {
    if (here_[slot] == 0) continue;
    const Score score = raw(of.number, slot);
    if (!is_known || score != raw_before) before = checked(of, raw_before = score, bounds), is_known = true;
    sums_[slot] += before;
  }
}

void ScoreBoard::make_all_anew() {
  sums_.assign(here_.size(), 0);
  for (std::size_t c = 0; c < columns_.size(); ++c) add_column(c);
  for (std::size_t slot = 0; slot < here_.size(); ++slot) {
    tree_[leaves_ + slot] = here_[slot] != 0 ? Best{sums_[slot], 1} : kNobody;
  }
  for (std::size_t at = leaves_; --at > 0;) tree_[at] = better(tree_[2 * at], tree_[2 * at + 1]);
}

ScoreBoard::Best ScoreBoard::best() {
  const bool moved = bounds_moved();
  if (all_changed_ || moved) {
    all_changed_ = true;  // until it is done: a plugin may throw
    make_all_anew();
    used_ = bounds_;
    all_changed_ = false;
  } else {
    for (const std::size_t slot : changed_) set_leaf(slot, here_[slot] != 0 ? Best{sum(slot), 1} : kNobody);
  }
  changed_.clear();
  return tree_[1];
}

std::size_t ScoreBoard::among_best(std::uint64_t number) const {
  std::size_t at = 1;
  while (at < leaves_) {
    at *= 2;
    const Best& left = tree_[at];
    if (left.score == tree_[1].score) {
      if (number < left.equals) continue;
      number -= left.equals;
    }
    ++at;
  }
  return at - leaves_;
}

}  // namespace ph::scheduler

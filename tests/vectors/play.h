// Plays the rows of a set, each from the same beginning, in processes of their own: a row that crashes or never ends is a row
// that disagrees, and the others go on.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/vectors/scoring.h"

namespace ph::vectors {

// Plays rows of one set. What leaves as an exception is a row that disagrees.
class Player {
 public:
  virtual ~Player() = default;
  virtual Outcome play(const nlohmann::json& row) = 0;
  // Something is left of the last row that could be seen by others: the next one is played by a fresh copy.
  virtual bool is_spent() const { return false; }
};

struct Set {
  std::string name;                 // "observed/patch": where its rows are
  std::vector<std::string> levels;  // of agreement, each including those before
  std::function<std::string(const nlohmann::json& row)> row_name, group;
};

struct Played {
  std::string row, group;
  Outcome outcome;
};
// No row takes as long, on any machine or under any sanitizer, unless it never ends.
inline constexpr std::chrono::milliseconds kPatience = std::chrono::minutes(1);
// Plays these rows of a set, in order. `player` is copied (by fork) before it plays, so it must have no threads.
std::vector<Played> play_rows(const Set& set, Player& player, const std::vector<std::string>& rows,
                              std::chrono::milliseconds patience = kPatience);

// Reads and plays the set, and judges its agreement: a failure of the test when it is under the floor.
void play(const Set& set, Player& player);

// The first part of the name before '/', and so on.
std::string part_of(const std::string& name, std::size_t parts);

}  // namespace ph::vectors

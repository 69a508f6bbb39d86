// How far our answers agree with recorded ones, counted by set and group, and the floors below which no count may fall.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ph::vectors {

// What came of one row.
struct Outcome {
  int level = 0;                   // how many of the set's levels it reaches; each includes those before it
  bool served = true;              // false: what it is about is not there yet
  std::vector<std::string> kinds;  // of differences, in a few words, for counting
  std::string shown;               // what differs, for people

  static Outcome agrees(int level) { return {.level = level, .served = true, .kinds = {}, .shown = {}}; }
  static Outcome differs(int level, std::string kind, std::string shown) {
    return {.level = level, .served = true, .kinds = {std::move(kind)}, .shown = std::move(shown)};
  }
  static Outcome not_served(const std::string& what) {
    return {.level = 0, .served = false, .kinds = {"not served: " + what}, .shown = "not served: " + what + "\n"};
  }
};

struct Tally {
  std::uint64_t rows = 0;
  std::uint64_t not_served = 0;
  std::vector<std::uint64_t> reached;  // rows that reach each level

  void add(const Outcome& outcome);
};

class Agreement {
 public:
  Agreement(std::string set, std::vector<std::string> levels) : set_(std::move(set)), levels_(std::move(levels)) {}

  void add(const std::string& row, const std::string& group, const Outcome& outcome);
  const Tally& group(const std::string& name) const { return groups_.at(name); }
  // Prints the numbers (also to a file of PH_AGREEMENT_DIR, when that is given) and compares them with the floors of
  // tests/data/agreement.json; empty when none is undercut, else what is. Other rows than those the floors were taken with are
  // not judged, unless they are the tree's. PH_VECTORS_RAISE=1 writes the floors anew, where they are higher.
  std::string judge(bool rows_are_ours) const;

 private:
  std::string report() const;

  const std::string set_;
  const std::vector<std::string> levels_;
  std::map<std::string, Tally> groups_;
  std::map<std::string, std::uint64_t> kinds_;
  std::uint64_t rows_digest_ = 0;  // of the rows' names, in whatever order
};

// Whether PH_VECTORS_SHOW, a regular expression, matches: such rows' differences are printed.
bool is_shown(const std::string& set, const std::string& row);

}  // namespace ph::vectors

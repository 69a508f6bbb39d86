// A set of completion indexes, as a Job's status writes it: "1,3-5,7". Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ph::controllers::job {

class Indexes {
 public:
  // Those below `limit`; what cannot be read is passed over.
  static Indexes parse(std::string_view text, int limit);

  void add(int index);
  bool has(int index) const;
  int total() const;
  // The first `count` of 0 … limit - 1 that are not in it.
  std::vector<int> missing(int count, int limit) const;
  // Of three and more in a row only the ends.
  std::string text() const;
  // How many are in both.
  int common(const Indexes& other) const;
  void add(const Indexes& other);

 private:
  void add(int first, int last);

  std::vector<std::pair<int, int>> intervals_;  // first and last, ordered, with gaps between them
};

}  // namespace ph::controllers::job

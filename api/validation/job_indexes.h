// Indexes of a Job's pods as text: "1,3-5,7".
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::api {

struct IndexRange {
  std::int64_t first, last;
};

// What the text names, or what is wrong with it: every index is below `completions` and above the one before.
std::expected<std::vector<IndexRange>, std::string> read_indexes(std::string_view text, std::int64_t completions);

// The smallest index that both texts name. What is no range in them names nothing.
std::optional<std::int64_t> common_index(std::string_view a, std::string_view b, std::int64_t completions);

}  // namespace ph::api

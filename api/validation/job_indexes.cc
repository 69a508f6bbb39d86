#include "api/validation/job_indexes.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "api/validation/quote.h"

namespace ph::api {
namespace {

using Read = std::expected<std::int64_t, std::string>;

Read read_index(std::string_view text, std::int64_t completions) {
  std::int64_t index = 0;
  const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return std::unexpected(fmt::format("cannot convert string to integer for index: {}", quote(text)));
  if (index >= completions) return std::unexpected(fmt::format("too large index: {}", quote(text)));
  return index;
}

std::string not_increasing(std::int64_t before, std::int64_t now) {
  return fmt::format("non-increasing order, previous: {}, current: {}", before, now);
}

std::expected<IndexRange, std::string> read_range(std::string_view text, std::int64_t completions) {
  const auto dash = text.find('-');
  if (dash != text.npos && text.find('-', dash + 1) != text.npos) {
    return std::unexpected(
        fmt::format("the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
                    quote(text)));
  }
  const Read first = read_index(text.substr(0, dash), completions);
  if (!first) return std::unexpected(first.error());
  if (dash == text.npos) return IndexRange{*first, *first};
  const Read last = read_index(text.substr(dash + 1), completions);
  if (!last) return std::unexpected(last.error());
  if (*first >= *last) return std::unexpected(not_increasing(*first, *last));
  return IndexRange{*first, *last};
}

// Calls `take` with every part between commas, until it says stop.
void each_part(std::string_view text, auto&& take) {
  if (text.empty()) return;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    if (!take(text.substr(from, comma - from))) return;
    from = comma + 1;
  }
}

std::vector<IndexRange> ranges_in(std::string_view text, std::int64_t completions) {
  std::vector<IndexRange> out;
  each_part(text, [&](std::string_view part) {
    if (const auto range = read_range(part, completions)) out.push_back(*range);
    return true;
  });
  return out;
}

}  // namespace

std::expected<std::vector<IndexRange>, std::string> read_indexes(std::string_view text, std::int64_t completions) {
  std::vector<IndexRange> out;
  std::string problem;
  each_part(text, [&](std::string_view part) {
    const auto range = read_range(part, completions);
    if (!range) problem = range.error();
    else if (!out.empty() && out.back().last >= range->first) problem = not_increasing(out.back().last, range->first);
    else out.push_back(*range);
    return problem.empty();
  });
  if (!problem.empty()) return std::unexpected(std::move(problem));
  return out;
}

std::optional<std::int64_t> common_index(std::string_view a, std::string_view b, std::int64_t completions) {
  const auto left = ranges_in(a, completions), right = ranges_in(b, completions);
  for (auto l = left.begin(), r = right.begin(); l != left.end() && r != right.end();) {
    const std::int64_t first = std::max(l->first, r->first);
    if (first <= std::min(l->last, r->last)) return first;
    l->last < r->last ? ++l : ++r;
  }
  return std::nullopt;
}

}  // namespace ph::api

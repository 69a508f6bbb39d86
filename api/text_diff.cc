#include "api/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace ph::api {
namespace {

constexpr std::size_t kContext = 3;
// From so many lines on, those that make up more than a hundredth of a text begin no match.
constexpr std::size_t kLong = 200;
// Lines looked at in one comparison. Both texts come from clients.
constexpr std::int64_t kStepsMax = 20'000'000;

using Lines = std::vector<std::string_view>;

Lines split(std::string_view text) {
  Lines out;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

struct Block {
  std::size_t a, b, size;
};

class Matcher {
 public:
  Matcher(const Lines& a, const Lines& b) : a_(a), b_(b) {
    for (std::size_t j = 0; j < b.size(); ++j) places_[b[j]].push_back(j);
    if (b.size() < kLong) return;
    std::erase_if(places_, [&](const auto& line) { return line.second.size() > b.size() / 100 + 1; });
  }

  // What the two have in common, in order; the last block is empty and at their ends.
  std::vector<Block> blocks() {
    std::vector<Block> found;
    struct Range {
      std::size_t a_low, a_high, b_low, b_high;
    };
    std::vector<Range> open{{0, a_.size(), 0, b_.size()}};
    while (!open.empty()) {
      const Range at = open.back();
      open.pop_back();
      const Block block = longest(at.a_low, at.a_high, at.b_low, at.b_high);
      if (block.size == 0) continue;
      found.push_back(block);
      if (at.a_low < block.a && at.b_low < block.b) open.push_back({at.a_low, block.a, at.b_low, block.b});
      const std::size_t a_end = block.a + block.size, b_end = block.b + block.size;
      if (a_end < at.a_high && b_end < at.b_high) open.push_back({a_end, at.a_high, b_end, at.b_high});
    }
    std::ranges::sort(found, {}, &Block::a);
    return joined(found);
  }

 private:
  // Of equal ones the one that begins first, in `a` and then in `b`.
  Block longest(std::size_t a_low, std::size_t a_high, std::size_t b_low, std::size_t b_high) {
    Block best{a_low, b_low, 0};
    std::unordered_map<std::size_t, std::size_t> lengths, next;  // of matches, by where they end in `b`
    for (std::size_t i = a_low; i < a_high && steps_ < kStepsMax; ++i, ++steps_) {
      next.clear();
      if (const auto places = places_.find(a_[i]); places != places_.end()) {
        for (const std::size_t j : places->second) {
          ++steps_;
          if (j < b_low) continue;
          if (j >= b_high) break;
          const auto before = j > 0 ? lengths.find(j - 1) : lengths.end();
          const std::size_t size = next[j] = (before == lengths.end() ? 0 : before->second) + 1;
          if (size > best.size) best = {i + 1 - size, j + 1 - size, size};
        }
      }
      std::swap(lengths, next);
    }
    // Popular lines begin no match, but they may be part of one.
    while (best.a > a_low && best.b > b_low && a_[best.a - 1] == b_[best.b - 1]) best = {best.a - 1, best.b - 1, best.size + 1};
    while (best.a + best.size < a_high && best.b + best.size < b_high && a_[best.a + best.size] == b_[best.b + best.size])
      ++best.size;
    return best;
  }

  // Blocks that touch are one.
  std::vector<Block> joined(const std::vector<Block>& blocks) const {
    std::vector<Block> out;
    for (const Block& block : blocks) {
      if (!out.empty() && out.back().a + out.back().size == block.a && out.back().b + out.back().size == block.b) {
        out.back().size += block.size;
      } else {
        out.push_back(block);
      }
    }
    out.push_back({a_.size(), b_.size(), 0});
    return out;
  }

  const Lines& a_;
  const Lines& b_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> places_;
  std::int64_t steps_ = 0;
};

// Lines that are kept, or lines of `a` in whose place those of `b` come.
struct Step {
  bool kept;
  std::size_t a_from, a_to, b_from, b_to;
};

std::vector<Step> steps_of(const std::vector<Block>& blocks) {
  std::vector<Step> out;
  std::size_t a = 0, b = 0;
  for (const Block& block : blocks) {
    if (a < block.a || b < block.b) out.push_back({false, a, block.a, b, block.b});
    a = block.a + block.size;
    b = block.b + block.size;
    if (block.size > 0) out.push_back({true, block.a, a, block.b, b});
  }
  return out;
}

Step cut_front(Step step) {
  if (!step.kept) return step;
  return {true, std::max(step.a_from, step.a_to - std::min(step.a_to, kContext)), step.a_to,
          std::max(step.b_from, step.b_to - std::min(step.b_to, kContext)), step.b_to};
}
Step cut_back(Step step) {
  if (!step.kept) return step;
  return {true, step.a_from, std::min(step.a_to, step.a_from + kContext), step.b_from,
          std::min(step.b_to, step.b_from + kContext)};
}

// Changes that have more than twice the context between them are told apart.
std::vector<std::vector<Step>> hunks_of(const std::vector<Step>& steps) {
  std::vector<std::vector<Step>> out;
  std::vector<Step> hunk;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Step step = steps[i];
    if (i == 0) step = cut_front(step);
    const bool last = i + 1 == steps.size();
    if (last) step = cut_back(step);
    if (!last && step.kept && step.a_to - step.a_from > 2 * kContext) {
      hunk.push_back(cut_back(step));
      out.push_back(std::move(hunk));
      hunk.clear();
      step = cut_front(step);
    }
    hunk.push_back(step);
  }
  if (!hunk.empty()) out.push_back(std::move(hunk));
  std::erase_if(out, [](const std::vector<Step>& each) { return each.size() == 1 && each[0].kept; });
  return out;
}

// "4", "4,2"; what has no lines is placed after the line before it.
std::string range(std::size_t from, std::size_t to) {
  const std::size_t size = to - from;
  if (size == 1) return fmt::format("{}", from + 1);
  return fmt::format("{},{}", size == 0 ? from : from + 1, size);
}

}  // namespace

std::string diff_lines(std::string_view old_text, std::string_view new_text) {
  const Lines a = split(old_text), b = split(new_text);
  std::string out;
  const auto lines = [&](char sign, const Lines& text, std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) out.append(1, sign).append(text[i]).append(1, '\n');
  };
  for (const std::vector<Step>& hunk : hunks_of(steps_of(Matcher(a, b).blocks()))) {
    out += fmt::format("@@ -{} +{} @@\n", range(hunk.front().a_from, hunk.back().a_to),
                       range(hunk.front().b_from, hunk.back().b_to));
    for (const Step& step : hunk) {
      if (step.kept) {
        lines(' ', a, step.a_from, step.a_to);
        continue;
      }
      lines('-', a, step.a_from, step.a_to);
      lines('+', b, step.b_from, step.b_to);
    }
  }
  return out;
}

}  // namespace ph::api

#include "controllers/job/indexes.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace ph::controllers::job {
namespace {

std::optional<int> read_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

Indexes Indexes::parse(std::string_view text, int limit) {
  Indexes out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find(',', from), text.size());
    const std::string_view item = text.substr(from, end - from);
    from = end + 1;
    const std::size_t dash = item.find('-');
    const auto first = read_number(item.substr(0, dash));
    const auto last = dash == item.npos ? first : read_number(item.substr(dash + 1));
    if (first && last && *first < limit) out.add(*first, std::min(*last, limit - 1));
  }
  return out;
}

void Indexes::add(int index) { add(index, index); }

void Indexes::add(int first, int last) {
  if (first > last) return;
  // Those that overlap it or touch it become one with it. In order, as texts are, this is at the end.
  const auto from = std::ranges::lower_bound(intervals_, first, {}, [](const auto& each) { return each.second + 1; });
  auto to = from;
  for (; to != intervals_.end() && to->first - 1 <= last; ++to) {
    first = std::min(first, to->first);
    last = std::max(last, to->second);
  }
  intervals_.insert(intervals_.erase(from, to), {first, last});
}

void Indexes::add(const Indexes& other) {
  for (const auto& [first, last] : other.intervals_) add(first, last);
}

bool Indexes::has(int index) const {
  const auto found = std::ranges::lower_bound(intervals_, index, {}, &std::pair<int, int>::second);
  return found != intervals_.end() && found->first <= index;
}

int Indexes::total() const {
  int out = 0;
  for (const auto& [first, last] : intervals_) out += last - first + 1;
  return out;
}

std::vector<int> Indexes::missing(int count, int limit) const {
  std::vector<int> out;
  int candidate = 0;
  const auto take_until = [&](int end) {
    for (; candidate < end && static_cast<int>(out.size()) < count; ++candidate) out.push_back(candidate);
  };
  for (const auto& [first, last] : intervals_) {
    take_until(std::min(first, limit));
    candidate = std::max(candidate, last + 1);
  }
  take_until(limit);
  return out;
}

std::string Indexes::text() const {
  std::string out;
  for (const auto& [first, last] : intervals_) {
    if (!out.empty()) out += ',';
    out += std::to_string(first);
    if (last > first) out += fmt::format("{}{}", last == first + 1 ? ',' : '-', last);
  }
  return out;
}

int Indexes::common(const Indexes& other) const {
  int out = 0;
  auto theirs = other.intervals_.begin();
  for (const auto& [first, last] : intervals_) {
    while (theirs != other.intervals_.end() && theirs->second < first) ++theirs;
    for (auto each = theirs; each != other.intervals_.end() && each->first <= last; ++each)
      out += std::min(last, each->second) - std::max(first, each->first) + 1;
  }
  return out;
}

}  // namespace ph::controllers::job

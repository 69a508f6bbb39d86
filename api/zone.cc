#include "api/zone.h"

#include <algorithm>
#include <cstdint>

namespace ph::api {
namespace {

using std::chrono::seconds;
using Seconds = std::chrono::sys_seconds;

// -- TZ as text

// Takes pieces from the front; a piece that is not there makes all of it fail.
struct Text {
  std::string_view left;
  bool failed = false;

  bool take(char c) {
    if (!left.starts_with(c)) return false;
    left.remove_prefix(1);
    return true;
  }
  void expect(char c) { failed |= !take(c); }
  int number(int most) {
    int out = 0;
    std::size_t digits = 0;
    for (; digits < left.size() && left[digits] >= '0' && left[digits] <= '9' && out <= most; ++digits)
      out = out * 10 + (left[digits] - '0');
    failed |= digits == 0 || out > most;
    left.remove_prefix(digits);
    return out;
  }
  void name() {
    std::size_t size = 0;
    if (take('<')) {
      size = left.find('>');
      if (size == left.npos) failed = true;
      else left.remove_prefix(size + 1);
      return;
    }
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (size < left.size() && is_letter(left[size])) ++size;
    failed |= size < 3;
    left.remove_prefix(size);
  }
  seconds time() {
    const bool minus = take('-');
    if (!minus) take('+');
    int out = number(167) * 3600;
    if (take(':')) out += number(59) * 60;
    if (take(':')) out += number(59);
    return seconds(minus ? -out : out);
  }
  YearlyRule::Change change() {
    YearlyRule::Change out;
    if (take('M')) {
      out.month = number(12);
      expect('.');
      out.week = number(5);
      expect('.');
      out.weekday = number(6);
      failed |= out.month < 1 || out.week < 1;
    } else {
      out.kind = take('J') ? YearlyRule::Change::Kind::Julian : YearlyRule::Change::Kind::Day;
      out.day = number(365);
      failed |= out.kind == YearlyRule::Change::Kind::Julian && out.day < 1;
    }
    if (take('/')) out.time = time();
    return out;
  }
};

// The day of a change, and its time of day, as the wall shows them.
Seconds local_time(const YearlyRule::Change& change, std::chrono::year year) {
  using namespace std::chrono;
  const sys_days new_year = year / January / 1;
  switch (change.kind) {
    case YearlyRule::Change::Kind::Day: return new_year + days(change.day) + change.time;
    case YearlyRule::Change::Kind::Julian:
      return new_year + days(change.day - 1 + (year.is_leap() && change.day >= 60)) + change.time;
    case YearlyRule::Change::Kind::Month: break;
  }
  const month month(static_cast<unsigned>(change.month));
  const weekday weekday(static_cast<unsigned>(change.weekday));
  // The fifth is the last.
  if (change.week == 5) return sys_days(year / month / weekday[last]) + change.time;
  return sys_days(year / month / weekday[static_cast<unsigned>(change.week)]) + change.time;
}

// -- Files

// Big-endian numbers from the front. Beyond the end there are zeros, and `failed` is set.
struct Bytes {
  std::string_view left;
  bool failed = false;

  std::string_view take(std::size_t size) {
    if (size > left.size()) {
      failed = true;
      return {};
    }
    const std::string_view out = left.substr(0, size);
    left.remove_prefix(size);
    return out;
  }
  std::int64_t number(std::size_t size) {
    const std::string_view bytes = take(size);
    if (bytes.empty()) return 0;
    std::uint64_t out = static_cast<signed char>(bytes[0]) < 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : bytes) out = out << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(out);
  }
};

struct Header {
  char version = 0;
  std::size_t utc = 0, standard = 0, leaps = 0, times = 0, types = 0, letters = 0;

  // What follows it, with times of that many bytes.
  std::size_t size(std::size_t time) const {
    return times * (time + 1) + types * 6 + letters + leaps * (time + 4) + standard + utc;
  }
};

Header read_header(Bytes& in) {
  Header out;
  in.failed |= in.take(4) != "TZif";
  const std::string_view version = in.take(1);
  if (!version.empty()) out.version = version[0];
  in.take(15);
  constexpr std::int64_t kMost = 100'000;  // far beyond any zone's, and no sum of them overflows
  for (std::size_t* count : {&out.utc, &out.standard, &out.leaps, &out.times, &out.types, &out.letters}) {
    const std::int64_t number = in.number(4);
    in.failed |= number < 0 || number > kMost;
    *count = in.failed ? 0 : static_cast<std::size_t>(number);
  }
  return out;
}

}  // namespace

std::optional<YearlyRule> YearlyRule::parse(std::string_view text) {
  Text in{text};
  YearlyRule out;
  in.name();
  out.standard = -in.time();
  if (!in.failed && !in.left.empty()) {
    in.name();
    out.summer = in.left.starts_with(',') ? out.standard + seconds(3600) : -in.time();
    in.expect(',');
    out.begins = in.change();
    in.expect(',');
    out.ends = in.change();
  }
  if (in.failed || !in.left.empty()) return std::nullopt;
  return out;
}

std::optional<Zone> Zone::read(std::string_view file) {
  Bytes in{file};
  Header header = read_header(in);
  std::size_t time = 4;
  // Files of version 2 and later begin with what older readers understand.
  if (header.version >= '2') {
    in.take(header.size(time));
    header = read_header(in);
    time = 8;
  }
  if (in.failed || header.types == 0) return std::nullopt;
  Zone out;
  // Some files begin with the Big Bang; nobody asks for times that far away.
  constexpr std::int64_t kFar = std::int64_t{1} << 40;
  for (std::size_t i = 0; i < header.times; ++i)
    out.changes_.push_back({Seconds(seconds(std::clamp(in.number(time), -kFar, kFar))), {}});
  const std::string_view types = in.take(header.times);
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < header.types; ++i) {
    offsets.emplace_back(in.number(4));
    in.take(2);
  }
  if (in.failed) return std::nullopt;
  for (std::size_t i = 0; i < header.times; ++i) {
    const auto type = static_cast<unsigned char>(types[i]);
    if (type >= offsets.size() || (i > 0 && out.changes_[i].at <= out.changes_[i - 1].at)) return std::nullopt;
    out.changes_[i].offset = offsets[type];
  }
  const auto is_absurd = [](seconds offset) { return offset > std::chrono::hours(48) || offset < -std::chrono::hours(48); };
  if (std::ranges::any_of(offsets, is_absurd)) return std::nullopt;
  out.first_ = offsets[0];
  in.take(header.letters + header.leaps * (time + 4) + header.standard + header.utc);
  if (in.failed) return std::nullopt;
  if (in.left.starts_with('\n') && in.left.find('\n', 1) != in.left.npos) {
    out.after_ = YearlyRule::parse(in.left.substr(1, in.left.find('\n', 1) - 1));
  }
  return out;
}

std::vector<Zone::Change> Zone::rule_changes(std::chrono::year year) const {
  std::vector<Change> out;
  if (!after_ || !after_->begins) return out;
  for (int y = static_cast<int>(year) - 1; y <= static_cast<int>(year) + 1; ++y) {
    out.push_back({local_time(*after_->begins, std::chrono::year(y)) - after_->standard, after_->summer});
    out.push_back({local_time(*after_->ends, std::chrono::year(y)) - after_->summer, after_->standard});
  }
  std::ranges::sort(out, {}, &Change::at);
  return out;
}

Zone::Period Zone::at(Seconds time) const {
  Period out{.offset = first_};
  const auto note = [&](const std::vector<Change>& changes) {
    const auto next = std::ranges::upper_bound(changes, time, {}, &Change::at);
    if (next != changes.begin() && std::prev(next)->at > out.begin)
      out.begin = std::prev(next)->at, out.offset = std::prev(next)->offset;
    if (next != changes.end()) out.end = std::min(out.end, next->at);
  };
  note(changes_);
  const bool beyond = changes_.empty() || time >= changes_.back().at;
  if (!beyond || !after_) return out;
  if (!after_->begins) {
    if (changes_.empty()) out.offset = after_->standard;
    return out;
  }
  note(rule_changes(std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(time)).year()));
  return out;
}

bool Zone::is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' ||
           c == '/';
  };
  return !text.empty() && text.size() < 256 && !text.starts_with('/') && std::ranges::all_of(text, allowed);
}

}  // namespace ph::api

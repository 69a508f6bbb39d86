#include "api/times.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace ph::api {

namespace {

using std::chrono::floor;
using std::chrono::seconds;

// ph::Time counts nanoseconds and reaches from 1678 to 2261.
constexpr std::int64_t kReach = INT64_MAX / 1'000'000'000 - 1;

Instant to_instant(Time time) {
  const auto second = floor<seconds>(time);
  return {second.time_since_epoch().count(), static_cast<std::int32_t>((time - second).count())};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"\u03bcs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};

// "1.5h" at the head of `text`, added to `sum`; false for anything else or too much.
bool take_span(std::string_view& text, unsigned __int128& sum) {
  unsigned __int128 whole = 0, fraction = 0, scale = 1;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits) {
    whole = whole * 10 + static_cast<unsigned>(text[0] - '0');
    if (whole > static_cast<unsigned __int128>(1) << 63) return false;
  }
  if (take(text, '.')) {
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits) {
      if (scale >= 1'000'000'000'000'000) continue;  // finer than a nanosecond of any unit
      fraction = fraction * 10 + static_cast<unsigned>(text[0] - '0');
      scale *= 10;
    }
  }
  if (!digits) return false;
  std::size_t end = 0;
  while (end < text.size() && text[end] != '.' && !is_digit(text[end])) ++end;
  const std::string_view name = text.substr(0, end);
  text.remove_prefix(end);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    sum += whole * static_cast<std::uint64_t>(unit.nanos) + fraction * static_cast<std::uint64_t>(unit.nanos) / scale;
    return sum <= static_cast<unsigned __int128>(1) << 63;
  }
  return false;
}

// 1500000000 of 10^9 → "1.5"
std::string with_fraction(std::uint64_t value, std::uint64_t unit) {
  std::string out = std::to_string(value / unit);
  std::uint64_t rest = value % unit;
  if (!rest) return out;
  out.push_back('.');
  while (rest) {
    unit /= 10;
    out.push_back(static_cast<char>('0' + rest / unit));
    rest %= unit;
  }
  return out;
}

}  // namespace

Time to_time(Instant instant) {
  const std::int64_t second = std::clamp(instant.seconds, -kReach, kReach);
  if (second != instant.seconds) return Time(seconds(second));
  return Time(seconds(second) + std::chrono::nanoseconds(std::clamp(instant.nanos, 0, 999'999'999)));
}
Time to_time(const meta::v1::Time& time) { return to_time(Instant{time.seconds(), time.nanos()}); }
Time to_time(const meta::v1::MicroTime& time) { return to_time(Instant{time.seconds(), time.nanos()}); }
bool is_zero(const meta::v1::Time& time) { return !time.has_seconds(); }
bool is_zero(const meta::v1::MicroTime& time) { return !time.has_seconds(); }

void set_time(meta::v1::Time* out, Time time) {
  out->set_seconds(floor<seconds>(time).time_since_epoch().count());
  out->set_nanos(0);
}

void set_time(meta::v1::MicroTime* out, Time time) {
  const auto second = floor<seconds>(time);
  out->set_seconds(second.time_since_epoch().count());
  out->set_nanos(static_cast<std::int32_t>(floor<std::chrono::microseconds>(time - second).count() * 1000));
}

meta::v1::Time make_time(Time time) {
  meta::v1::Time out;
  set_time(&out, time);
  return out;
}

meta::v1::MicroTime make_micro_time(Time time) {
  meta::v1::MicroTime out;
  set_time(&out, time);
  return out;
}

std::string rfc3339(Time time) {
  std::string out;
  append_instant(to_instant(time), false, out);
  return out;
}

std::string rfc3339_micro(Time time) {
  std::string out;
  append_instant(to_instant(time), true, out);
  return out;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  const auto instant = parse_instant(text);
  if (!instant || instant->seconds < -kReach || instant->seconds > kReach) return std::nullopt;
  return to_time(*instant);
}

std::string duration_text(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t nanos = count < 0 ? -static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (nanos < 1'000) return fmt::format("{}{}ns", sign, nanos);
  if (nanos < 1'000'000) return fmt::format("{}{}\u00b5s", sign, with_fraction(nanos, 1'000));
  if (nanos < 1'000'000'000) return fmt::format("{}{}ms", sign, with_fraction(nanos, 1'000'000));
  const std::uint64_t minute = 60'000'000'000, hour = 60 * minute;
  std::string out = sign;
  if (nanos >= hour) out += fmt::format("{}h", nanos / hour);
  if (nanos >= minute) out += fmt::format("{}m", nanos % hour / minute);
  return out + with_fraction(nanos % minute, 1'000'000'000) + "s";
}

std::optional<Duration> parse_duration(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  unsigned __int128 sum = 0;
  while (!text.empty()) {
    if (!take_span(text, sum)) return std::nullopt;
  }
  const auto nanos = static_cast<std::uint64_t>(sum);
  if (!minus && nanos > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return Duration(static_cast<std::int64_t>(minus ? -nanos : nanos));
}

std::string human_duration(Duration duration) {
  const std::int64_t s = std::chrono::duration_cast<seconds>(duration).count();
  if (s < -1) return "<invalid>";
  if (s < 0) return "0s";
  if (s < 120) return fmt::format("{}s", s);
  const std::int64_t m = s / 60;
  if (m < 10) return s % 60 == 0 ? fmt::format("{}m", m) : fmt::format("{}m{}s", m, s % 60);
  if (m < 180) return fmt::format("{}m", m);
  const std::int64_t h = m / 60;
  if (h < 8) return m % 60 == 0 ? fmt::format("{}h", h) : fmt::format("{}h{}m", h, m % 60);
  if (h < 48) return fmt::format("{}h", h);
  const std::int64_t d = h / 24;
  if (h < 192) return h % 24 == 0 ? fmt::format("{}d", d) : fmt::format("{}d{}h", d, h % 24);
  if (h < 24 * 365 * 2) return fmt::format("{}d", d);
  const std::int64_t y = d / 365;
  if (h < 24 * 365 * 8) return d % 365 == 0 ? fmt::format("{}y", y) : fmt::format("{}y{}d", y, d % 365);
  return fmt::format("{}y", y);
}

}  // namespace ph::api

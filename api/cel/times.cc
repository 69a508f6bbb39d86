// Upstream: github.com/google/cel-go/common/types (duration, timestamp, overflow)
#include "api/cel/times.h"

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "api/cel/functions.h"
#include "api/times.h"
#include "api/validation/time_zones.h"
#include "api/zone.h"

namespace ph::api::cel {

namespace {

using Args = std::span<const Value>;

constexpr std::int64_t kSecond = 1'000'000'000;
// The years 1 to 9999.
constexpr std::int64_t kFirst = -62'135'596'800, kLast = 253'402'300'799;

[[noreturn]] void too_large() { throw Error("integer overflow"); }

Timestamp checked(std::int64_t seconds, std::int32_t nanos, std::int32_t offset) {
  if (seconds < kFirst || seconds > kLast) throw Error("timestamp overflow");
  return Timestamp(seconds, nanos, offset);
}

// -- Arithmetic

Timestamp moved(const Timestamp& time, std::int64_t nanos) {
  const __int128 sum = static_cast<__int128>(time.seconds) * kSecond + time.nanos + nanos;
  auto seconds = static_cast<std::int64_t>(sum / kSecond);
  auto rest = static_cast<std::int32_t>(sum % kSecond);
  if (rest < 0) --seconds, rest += static_cast<std::int32_t>(kSecond);
  return checked(seconds, rest, time.offset);
}

Duration between(const Timestamp& from, const Timestamp& to) {
  const __int128 nanos = static_cast<__int128>(to.seconds - from.seconds) * kSecond + (to.nanos - from.nanos);
  if (nanos > INT64_MAX || nanos < INT64_MIN) too_large();
  return Duration(static_cast<std::int64_t>(nanos));
}

// -- Made of others

Value to_duration(Args args) {
  if (args[0].as<Duration>()) return args[0];
  if (const auto* i = args[0].as<std::int64_t>()) return Duration(*i);
  const auto* s = args[0].as<std::string>();
  if (!s) no_such_overload("duration", args);
  if (const auto out = parse_duration(*s)) return Duration(out->count());
  throw Error("type conversion error from 'string' to 'google.protobuf.Duration'");
}

// Of RFC 3339 text, which ends in Z or in an offset.
std::int32_t offset_at_end(std::string_view text) {
  if (text.ends_with('Z')) return 0;
  text = text.substr(text.size() - 6);
  const auto two = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  const std::int32_t out = two(1) * 3600 + two(4) * 60;
  return text[0] == '-' ? -out : out;
}

Value to_timestamp(Args args) {
  if (args[0].as<Timestamp>()) return args[0];
  if (const auto* i = args[0].as<std::int64_t>()) return checked(*i, 0, 0);
  const auto* s = args[0].as<std::string>();
  if (!s) no_such_overload("timestamp", args);
  const auto instant = parse_instant(*s);
  if (!instant) throw Error("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  return checked(instant->seconds, instant->nanos, offset_at_end(*s));
}

// -- Time zones

std::atomic<ZoneFile> zone_file = nullptr;

// Of names that the world knows, so that no text of others leads to a file, and there are only so many. What has been read is kept
// by each thread: a zone does not change while a program runs.
const Zone* zone_of(const std::string& name) {
  static thread_local std::map<std::string, std::optional<Zone>, std::less<>> known;
  static thread_local ZoneFile known_from = nullptr;
  const ZoneFile read = zone_file.load();
  if (!read || !is_time_zone(name)) return nullptr;
  if (known_from != read) known.clear(), known_from = read;
  const auto [found, fresh] = known.try_emplace(name);
  if (fresh) {
    if (const auto file = read(name)) found->second = Zone::read(*file);
  }
  return found->second ? &*found->second : nullptr;
}

// "+02:00", "-02:30", "02:00"; nothing: it is no such text.
std::optional<std::int32_t> fixed_offset(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (minus || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto two = [&](std::size_t at) -> int {
    int out = 0;
    const char* const end = text.data() + at + 2;
    const auto [read, error] = std::from_chars(text.data() + at, end, out);
    return error == std::errc() && read == end && out >= 0 ? out : -1;
  };
  const int hours = two(0), minutes = two(3);
  if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59) return std::nullopt;
  const std::int32_t out = hours * 3600 + minutes * 60;
  return minus ? -out : out;
}

std::int32_t offset_in(const std::string& zone, std::int64_t seconds) {
  if (zone.empty() || zone == "UTC") return 0;
  if (const auto fixed = fixed_offset(zone)) return *fixed;
  if (const Zone* found = zone_of(zone)) {
    const auto period = found->at(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
    return static_cast<std::int32_t>(period.offset.count());
  }
  throw Error(fmt::format("unknown time zone {}", zone));
}

// -- Getters

// What a wall shows.
struct Wall {
  Wall(const Timestamp& time, std::int32_t offset)
      : local(std::chrono::seconds(time.seconds + offset)),
        day(std::chrono::floor<std::chrono::days>(local)),
        date(day),
        clock(local - day),
        nanos(time.nanos) {}
  std::chrono::sys_seconds local;
  std::chrono::sys_days day;
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::seconds> clock;
  std::int32_t nanos;
};

std::int64_t year(const Wall& wall) { return static_cast<int>(wall.date.year()); }
std::int64_t month(const Wall& wall) { return static_cast<unsigned>(wall.date.month()) - std::int64_t{1}; }
std::int64_t date(const Wall& wall) { return static_cast<unsigned>(wall.date.day()); }
std::int64_t day_of_month(const Wall& wall) { return date(wall) - 1; }
std::int64_t day_of_year(const Wall& wall) {
  return (wall.day - std::chrono::sys_days(wall.date.year() / std::chrono::January / 1)).count();
}
std::int64_t day_of_week(const Wall& wall) { return std::chrono::weekday(wall.day).c_encoding(); }
std::int64_t hours(const Wall& wall) { return wall.clock.hours().count(); }
std::int64_t minutes(const Wall& wall) { return wall.clock.minutes().count(); }
std::int64_t seconds(const Wall& wall) { return wall.clock.seconds().count(); }
std::int64_t milliseconds(const Wall& wall) { return wall.nanos / 1'000'000; }

// `unit`: of durations, whose getters count the whole of it in that unit; 0: they have none of this name.
template <std::int64_t (*get)(const Wall&), std::int64_t unit = 0>
Value getter(Args args) {
  const auto* duration = args[0].as<Duration>();
  if constexpr (unit != 0) {
    if (duration && args.size() == 1) return duration->nanos / unit;
  }
  const auto* time = args[0].as<Timestamp>();
  const auto* zone = args.size() > 1 ? args[1].as<std::string>() : nullptr;
  if (!time || (args.size() > 1 && !zone)) no_such_overload("getter of time", args);
  return get(Wall(*time, zone ? offset_in(*zone, time->seconds) : time->offset));
}

constexpr int kZoneCost = 100;  // a file may be read

constexpr Function kFunctions[] = {
    {"duration", false, 1, to_duration},
    {"timestamp", false, 1, to_timestamp},
    {"getFullYear", true, 1, getter<year>},
    {"getFullYear", true, 2, getter<year>, kZoneCost},
    {"getMonth", true, 1, getter<month>},
    {"getMonth", true, 2, getter<month>, kZoneCost},
    {"getDate", true, 1, getter<date>},
    {"getDate", true, 2, getter<date>, kZoneCost},
    {"getDayOfMonth", true, 1, getter<day_of_month>},
    {"getDayOfMonth", true, 2, getter<day_of_month>, kZoneCost},
    {"getDayOfYear", true, 1, getter<day_of_year>},
    {"getDayOfYear", true, 2, getter<day_of_year>, kZoneCost},
    {"getDayOfWeek", true, 1, getter<day_of_week>},
    {"getDayOfWeek", true, 2, getter<day_of_week>, kZoneCost},
    {"getHours", true, 1, getter<hours, 3600 * kSecond>},
    {"getHours", true, 2, getter<hours>, kZoneCost},
    {"getMinutes", true, 1, getter<minutes, 60 * kSecond>},
    {"getMinutes", true, 2, getter<minutes>, kZoneCost},
    {"getSeconds", true, 1, getter<seconds, kSecond>},
    {"getSeconds", true, 2, getter<seconds>, kZoneCost},
    {"getMilliseconds", true, 1, getter<milliseconds, kSecond / 1000>},
    {"getMilliseconds", true, 2, getter<milliseconds>, kZoneCost},
};

// -- As text

std::string text(const Duration& duration) {
  const double seconds = static_cast<double>(duration.nanos / kSecond) +
                         static_cast<double>(duration.nanos % kSecond) / static_cast<double>(kSecond);
  std::array<char, 64> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), seconds, std::chars_format::fixed);
  return std::string(buffer.data(), written.ptr) + "s";
}

std::string text(const Timestamp& time) {
  const Wall wall(time, time.offset);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", year(wall), month(wall) + 1, date(wall), hours(wall),
                                minutes(wall), seconds(wall));
  if (time.nanos) {
    out += fmt::format(".{:09}", time.nanos);
    out.erase(out.find_last_not_of('0') + 1);
  }
  const std::int32_t minutes = std::abs(time.offset) / 60;
  return out + (minutes ? fmt::format("{}{:02}:{:02}", time.offset < 0 ? '-' : '+', minutes / 60, minutes % 60) : "Z");
}

}  // namespace

void use_zone_files(ZoneFile read) { zone_file = read; }

std::span<const Function> time_functions() { return kFunctions; }

std::optional<Value> sum_of_times(const Value& a, const Value& b) {
  const auto *d = a.as<Duration>(), *e = b.as<Duration>();
  const auto *t = a.as<Timestamp>(), *u = b.as<Timestamp>();
  if (t && e) return moved(*t, e->nanos);
  if (d && u) return moved(*u, d->nanos);
  if (!d || !e) return std::nullopt;
  std::int64_t sum = 0;
  if (__builtin_add_overflow(d->nanos, e->nanos, &sum)) too_large();
  return Duration(sum);
}

std::optional<Value> difference_of_times(const Value& a, const Value& b) {
  const auto *d = a.as<Duration>(), *e = b.as<Duration>();
  const auto *t = a.as<Timestamp>(), *u = b.as<Timestamp>();
  if (t && u) return between(*u, *t);
  std::int64_t difference = 0;
  if (t && e) {
    // It is turned round first, as upstream does: the least one cannot be.
    if (__builtin_sub_overflow(std::int64_t{0}, e->nanos, &difference)) too_large();
    return moved(*t, difference);
  }
  if (!d || !e) return std::nullopt;
  if (__builtin_sub_overflow(d->nanos, e->nanos, &difference)) too_large();
  return Duration(difference);
}

std::optional<std::int64_t> number_of_time(const Value& value) {
  if (const auto* duration = value.as<Duration>()) return duration->nanos;
  if (const auto* time = value.as<Timestamp>()) return time->seconds;
  return std::nullopt;
}

std::optional<std::string> text_of_time(const Value& value) {
  if (const auto* duration = value.as<Duration>()) return text(*duration);
  if (const auto* time = value.as<Timestamp>()) return text(*time);
  return std::nullopt;
}

}  // namespace ph::api::cel

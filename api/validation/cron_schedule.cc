#include "api/validation/cron_schedule.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/times.h"
#include "api/validation/quote.h"
#include "base/ascii.h"

namespace ph::api {
namespace {

using Problem = std::optional<std::string>;

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kDays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct FieldRule {
  int min, max;
  std::span<const std::string_view> names = {};
  int first_name = 0;
};

constexpr FieldRule kFields[] = {{0, 59}, {0, 23}, {1, 31}, {1, 12, kMonths, 1}, {0, 6, kDays, 0}};

std::vector<std::string> split(std::string_view text, std::string_view separators, bool keep_empty) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= text.size()) {
    const auto end = std::min(text.find_first_of(separators, from), text.size());
    if (keep_empty || end > from) out.emplace_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

Problem parse_int(std::string_view text, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fmt::format("failed to parse int from {}: strconv.Atoi: parsing {}: invalid syntax", text, quote(text));
  }
  if (out < 0) return fmt::format("negative number ({}) not allowed: {}", out, text);
  return std::nullopt;
}

Problem parse_value(std::string_view text, const FieldRule& rule, int& out) {
  const auto named = std::ranges::find(rule.names, lower_ascii(text));
  if (named == rule.names.end()) return parse_int(text, out);
  out = rule.first_name + static_cast<int>(named - rule.names.begin());
  return std::nullopt;
}

// What a field allows.
struct FieldValues {
  std::uint64_t bits = 0;
  bool any = false;  // by a star without a step
};

// number | number "-" number [ "/" number ] | "*" [ "/" number ]: added to `out`.
Problem parse_range(const std::string& text, const FieldRule& rule, FieldValues& out) {
  const auto with_step = split(text, "/", true);
  const auto ends = split(with_step[0], "-", true);
  int start = rule.min, end = rule.max;
  const bool all = ends[0] == "*" || ends[0] == "?";
  if (!all) {
    if (auto problem = parse_value(ends[0], rule, start)) return problem;
    end = start;
    if (ends.size() == 2) {
      if (auto problem = parse_value(ends[1], rule, end)) return problem;
    } else if (ends.size() > 2) {
      return fmt::format("too many hyphens: {}", text);
    }
  }
  int step = 1;
  if (with_step.size() == 2) {
    if (auto problem = parse_int(with_step[1], step)) return problem;
    if (!all && ends.size() == 1) end = rule.max;  // "N/step" means "N-max/step"
  } else if (with_step.size() > 2) {
    return fmt::format("too many slashes: {}", text);
  }
  if (start < rule.min) return fmt::format("beginning of range ({}) below minimum ({}): {}", start, rule.min, text);
  if (end > rule.max) return fmt::format("end of range ({}) above maximum ({}): {}", end, rule.max, text);
  if (start > end) return fmt::format("beginning of range ({}) beyond end of range ({}): {}", start, end, text);
  if (step == 0) return fmt::format("step of range should be a positive number: {}", text);
  for (int value = start; value <= end; value += std::min(step, rule.max + 1)) out.bits |= std::uint64_t{1} << value;
  out.any |= all && step == 1;
  return std::nullopt;
}

Problem parse_field(const std::string& text, const FieldRule& rule, FieldValues& out) {
  for (const std::string& range : split(text, ",", false)) {
    if (auto problem = parse_range(range, rule, out)) return problem;
  }
  return std::nullopt;
}

Problem parse_fields(std::string_view text, CronSchedule& out) {
  const auto fields = split(text, " \t\n\v\f\r", false);
  if (fields.size() != 5) return fmt::format("expected exactly 5 fields, found {}: [{}]", fields.size(), fmt::join(fields, " "));
  FieldValues values[5];
  for (std::size_t i = 0; i < 5; ++i) {
    if (auto problem = parse_field(fields[i], kFields[i], values[i])) return problem;
  }
  out.minutes = values[0].bits;
  out.hours = values[1].bits;
  out.days = values[2].bits;
  out.months = values[3].bits;
  out.weekdays = values[4].bits;
  out.any_day = values[2].any;
  out.any_weekday = values[4].any;
  return std::nullopt;
}

Problem parse_descriptor(std::string_view text, CronSchedule& out) {
  constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
      {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};
  const auto known = std::ranges::find(kKnown, text, &std::pair<std::string_view, std::string_view>::first);
  if (known != std::end(kKnown)) return parse_fields(known->second, out);
  constexpr std::string_view kEvery = "@every ";
  if (!text.starts_with(kEvery)) return fmt::format("unrecognized descriptor: {}", text);
  const std::string_view duration = text.substr(kEvery.size());
  out.every = parse_duration(duration);
  if (out.every) return std::nullopt;
  return fmt::format("failed to parse duration {}: time: invalid duration {}", text, quote(duration));
}

Problem parse(std::string_view schedule, CronSchedule& out) {
  if (schedule.empty()) return "empty spec string";
  if (schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=")) {
    const auto space = schedule.find(' '), from = schedule.find('=') + 1;
    if (space == schedule.npos) return fmt::format("provided bad location {}", schedule.substr(from));
    out.zone = schedule.substr(from, space - from);
    schedule.remove_prefix(space);
    schedule.remove_prefix(std::min(schedule.find_first_not_of(' '), schedule.size()));
  }
  return schedule.starts_with('@') ? parse_descriptor(schedule, out) : parse_fields(schedule, out);
}

}  // namespace

std::expected<CronSchedule, std::string> parse_schedule(std::string_view schedule) {
  CronSchedule out;
  if (auto problem = parse(schedule, out)) return std::unexpected(std::move(*problem));
  return out;
}

std::optional<std::string> schedule_problem(std::string_view schedule) {
  CronSchedule ignored;
  return parse(schedule, ignored);
}

}  // namespace ph::api

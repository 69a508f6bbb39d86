// RFC 3339 text, read and written as Go does it, with Go's words for what is wrong.
#include <chrono>

#include <fmt/format.h>

#include "api/times.h"

namespace ph::api {

namespace {

using std::chrono::seconds;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads element by element; the first that does not fit is remembered as Go's layout names it.
class InstantReader {
 public:
  explicit InstantReader(std::string_view text) : rest_(text) {}

  bool read(bool micro) {
    const bool date = number(4, "2006", year_) && literal("-") && number(2, "01", month_) &&
                      in_range(month_ >= 1 && month_ <= 12, "month") && literal("-") && number(2, "02", day_);
    const bool clock = date && literal("T") && number(2, "15", hour_) && in_range(hour_ < 24, "hour") && literal(":") &&
                       number(2, "04", minute_) && in_range(minute_ < 60, "minute") && literal(":") && number(2, "05", second_) &&
                       in_range(second_ < 60, "second");
    if (!clock || !(micro ? six_digits() : fraction()) || !offset()) return false;
    if (!rest_.empty()) return message_ = fmt::format(": extra text: \"{}\"", rest_), false;
    return in_range(date_of().ok(), "day");
  }

  Instant instant() const {
    const auto time =
        std::chrono::sys_days(date_of()) + std::chrono::hours(hour_) + std::chrono::minutes(minute_) + seconds(second_) - offset_;
    return {std::chrono::sys_seconds(time).time_since_epoch().count(), nanos_};
  }

  std::string why(std::string_view text, bool micro) const {
    if (!message_.empty()) return fmt::format("parsing time \"{}\"{}", text, message_);
    return fmt::format("parsing time \"{}\" as \"2006-01-02T15:04:05{}Z07:00\": cannot parse \"{}\" as \"{}\"", text,
                       micro ? ".000000" : "", rest_, element_);
  }

 private:
  std::chrono::year_month_day date_of() const {
    return {std::chrono::year(year_), std::chrono::month(static_cast<unsigned>(month_)),
            std::chrono::day(static_cast<unsigned>(day_))};
  }
  bool expected(std::string_view element) { return element_ = element, false; }
  bool in_range(bool good, std::string_view what) {
    if (!good) message_ = fmt::format(": {} out of range", what);
    return good;
  }
  bool literal(std::string_view text) {
    if (!rest_.starts_with(text)) return expected(text);
    rest_.remove_prefix(text.size());
    return true;
  }
  static bool digits(std::string_view text, int& out) {
    out = 0;
    for (const char c : text) {
      if (!is_digit(c)) return false;
      out = out * 10 + (c - '0');
    }
    return true;
  }
  bool number(std::size_t count, std::string_view element, int& out) {
    if (rest_.size() < count || !digits(rest_.substr(0, count), out)) return expected(element);
    rest_.remove_prefix(count);
    return true;
  }

  bool six_digits() {
    int micros = 0;
    if (rest_.size() < 7 || rest_[0] != '.' || !digits(rest_.substr(1, 6), micros)) return expected(".000000");
    nanos_ = micros * 1000;
    rest_.remove_prefix(7);
    return true;
  }
  // Any number of digits, or none at all.
  bool fraction() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return true;
    rest_.remove_prefix(1);
    for (int unit = 100'000'000; !rest_.empty() && is_digit(rest_[0]); unit /= 10, rest_.remove_prefix(1))
      nanos_ += (rest_[0] - '0') * unit;
    return true;
  }
  bool offset() {
    if (rest_.starts_with('Z')) return rest_.remove_prefix(1), true;
    int hours = 0, minutes = 0;
    const bool shaped = rest_.size() >= 6 && (rest_[0] == '+' || rest_[0] == '-') && rest_[3] == ':' &&
                        digits(rest_.substr(1, 2), hours) && digits(rest_.substr(4, 2), minutes);
    if (!shaped) return expected("Z07:00");
    if (!in_range(hours <= 24, "time zone offset hour") || !in_range(minutes <= 60, "time zone offset minute")) return false;
    offset_ = std::chrono::hours(hours) + std::chrono::minutes(minutes);
    if (rest_[0] == '-') offset_ = -offset_;
    rest_.remove_prefix(6);
    return true;
  }

  std::string_view rest_, element_;
  std::string message_;
  int year_ = 0, month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  std::int32_t nanos_ = 0;
  seconds offset_{};
};

void append_number(int value, int digits, std::string& out) {
  char buffer[8];
  for (int i = digits; i-- > 0; value /= 10) buffer[i] = static_cast<char>('0' + value % 10);
  out.append(buffer, static_cast<std::size_t>(digits));
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
  InstantReader reader(text);
  if (!reader.read(false)) return std::nullopt;
  return reader.instant();
}

std::optional<Instant> parse_instant(std::string_view text, bool micro, std::string& why) {
  InstantReader reader(text);
  if (reader.read(micro)) return reader.instant();
  why = reader.why(text, micro);
  return std::nullopt;
}

void append_instant(Instant instant, bool micro, std::string& out) {
  // What no calendar of four digits holds is shown at its edge.
  constexpr std::int64_t kYear0 = -62'167'219'200, kYear10000 = 253'402'300'800;
  const std::chrono::sys_seconds time{seconds(std::clamp(instant.seconds, kYear0, kYear10000 - 1))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const int clock = static_cast<int>((time - day).count());
  append_number(static_cast<int>(date.year()), 4, out);
  append_number(static_cast<int>(static_cast<unsigned>(date.month())), 2, out.append("-"));
  append_number(static_cast<int>(static_cast<unsigned>(date.day())), 2, out.append("-"));
  append_number(clock / 3600, 2, out.append("T"));
  append_number(clock / 60 % 60, 2, out.append(":"));
  append_number(clock % 60, 2, out.append(":"));
  if (micro) append_number(std::clamp(instant.nanos, 0, 999'999'999) / 1000, 6, out.append("."));
  out.push_back('Z');
}

}  // namespace ph::api

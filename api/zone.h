// A time zone: how far the clock on the wall is ahead of UTC, and from when until when. Of tzdata's files (TZif, RFC 8536). Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ph::api {

// What holds after a file's last change, as POSIX has it in TZ: "CET-1CEST,M3.5.0,M10.5.0/3".
struct YearlyRule {
  // When one half of the year begins, in the local time of the other.
  struct Change {
    enum class Kind { Month, Julian, Day } kind = Kind::Month;  // M3.5.0, J60 (never 29 February), 59 (from 0)
    int month = 1, week = 1, weekday = 0, day = 0;
    std::chrono::seconds time{7200};
  };
  std::chrono::seconds standard{}, summer{};  // ahead of UTC
  std::optional<Change> begins, ends;         // of summer time; nothing: there is none

  static std::optional<YearlyRule> parse(std::string_view text);
};

class Zone {
 public:
  static Zone utc() { return {}; }
  // Nothing when the bytes are no such file.
  static std::optional<Zone> read(std::string_view file);

  // From `begin` until before `end` the wall shows UTC and `offset`.
  struct Period {
    std::chrono::sys_seconds begin = std::chrono::sys_seconds::min(), end = std::chrono::sys_seconds::max();
    std::chrono::seconds offset{};
  };
  Period at(std::chrono::sys_seconds time) const;

  // Whether tzdata may have a zone of that name, and nothing else can be meant by it.
  static bool is_name(std::string_view text);

 private:
  struct Change {
    std::chrono::sys_seconds at;
    std::chrono::seconds offset;  // from then on
  };
  std::vector<Change> rule_changes(std::chrono::year year) const;

  std::chrono::seconds first_{};  // before all changes
  std::vector<Change> changes_;
  std::optional<YearlyRule> after_;
};

}  // namespace ph::api

// Time in API objects: meta/v1 Time and MicroTime against ph::Time, RFC 3339 text, Go durations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "meta/v1.pb.h"

namespace ph::api {

// The zero time (nothing set) reads as the epoch; ask `is_zero` first where it matters.
Time to_time(const meta::v1::Time& time);
Time to_time(const meta::v1::MicroTime& time);
bool is_zero(const meta::v1::Time& time);
bool is_zero(const meta::v1::MicroTime& time);
// Whole seconds, downwards; MicroTime keeps microseconds.
void set_time(meta::v1::Time* out, Time time);
void set_time(meta::v1::MicroTime* out, Time time);
meta::v1::Time make_time(Time time);
meta::v1::MicroTime make_micro_time(Time time);

std::string rfc3339(Time time);        // 2006-01-02T15:04:05Z
std::string rfc3339_micro(Time time);  // 2006-01-02T15:04:05.000000Z
// Any offset and fraction.
std::optional<Time> parse_rfc3339(std::string_view text);

// The same without ph::Time's limits (1678 to 2261): years 0 to 9999, as objects may hold them.
struct Instant {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
};
std::optional<Instant> parse_instant(std::string_view text);
// What ph::Time cannot hold becomes the nearest it can, to the second.
Time to_time(Instant instant);
// As an object's field: MicroTime wants exactly six digits of fraction. On failure `why` says so in Go's words.
std::optional<Instant> parse_instant(std::string_view text, bool micro, std::string& why);
// Appends 2006-01-02T15:04:05Z, with `micro` six digits of fraction.
void append_instant(Instant instant, bool micro, std::string& out);

// Go's time.Duration text: "1h0m0s", "1.5s", "0s".
std::string duration_text(Duration duration);
std::optional<Duration> parse_duration(std::string_view text);
// As kubectl shows ages: "5s", "3m12s", "4h", "2d3h".
std::string human_duration(Duration duration);

}  // namespace ph::api

// Durations and timestamps of CEL expressions. https://github.com/google/cel-spec/blob/master/doc/langdef.md
#include <gtest/gtest.h>

#include "api/cel/expression.h"
#include "api/cel/times.h"

namespace ph::api::cel {
namespace {

// Of tzdata's form: an hour ahead of UTC, two from the last Sunday of March to that of October.
std::optional<std::string> file_of(const std::string& name) {
  if (name != "Europe/Paris") return std::nullopt;
  std::string header = std::string("TZif2") + std::string(15, '\0');
  for (const char count : {0, 0, 0, 0, 1, 4}) header += std::string(3, '\0') + count;
  const std::string type("\0\0\x0e\x10\0\0", 6);
  const std::string block = header + type + std::string("CET\0", 4);
  return block + block + "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
}

// The text, or "compile: …", "error: …".
std::string result(const std::string& text) {
  use_zone_files(file_of);
  static constexpr std::string_view kNames[] = {"moment", "span"};
  static const Variables kVariables{{"moment", std::string("2026-07-31T23:59:58.987654321Z")}, {"span", std::string("1h30m")}};
  try {
    const Expression expression = Expression::compile(text, kNames);
    try {
      const Value value = expression.evaluate(kVariables);
      if (const bool* yes = value.as<bool>()) return *yes ? "true" : "false";
      if (const auto* s = value.as<std::string>()) return *s;
      if (const auto* i = value.as<std::int64_t>()) return std::to_string(*i);
      return std::string(value.type_name());
    } catch (const Error& error) {
      return std::string("error: ") + error.what();
    }
  } catch (const Error& error) {
    return std::string("compile: ") + error.what();
  }
}

struct Case {
  const char *text, *wanted;
};
void expect(std::span<const Case> cases) {
  for (const auto& [text, wanted] : cases) EXPECT_EQ(result(text), wanted) << text;
}

TEST(CelTimes, Conversions) {
  static constexpr Case kCases[] = {
      {"duration('1h')", "google.protobuf.Duration"},
      {"timestamp('2026-01-01T00:00:00Z')", "google.protobuf.Timestamp"},
      {"type(duration(span)) == google.protobuf.Duration", "true"},
      {"type(timestamp(moment)) == google.protobuf.Timestamp && type(google.protobuf.Timestamp) == type", "true"},
      {"string(duration('1h30m'))", "5400s"},
      {"string(duration('1.5s'))", "1.5s"},
      {"string(duration('-250ms'))", "-0.25s"},
      {"string(duration('1ns'))", "0.000000001s"},
      {"string(duration('1us'))", "0.000001s"},
      {"string(duration('0'))", "0s"},
      {"string(duration('+1m'))", "60s"},
      {"string(duration('2562047h47m16.854775807s'))", "9223372036.854776s"},
      {"string(duration('-2562047h47m16.854775808s'))", "-9223372036.854776s"},
      {"string(duration(1500000000))", "1.5s"},
      {"int(duration('1s'))", "1000000000"},
      {"int(duration(9223372036854775807))", "9223372036854775807"},
      {"duration(duration(span)) == duration('90m')", "true"},
      {"string(timestamp(moment))", "2026-07-31T23:59:58.987654321Z"},
      {"string(timestamp('2026-01-01T00:00:00.500Z'))", "2026-01-01T00:00:00.5Z"},
      {"string(timestamp('2026-01-01T00:00:00+02:30'))", "2026-01-01T00:00:00+02:30"},
      {"string(timestamp('2026-01-01T00:00:00-08:00'))", "2026-01-01T00:00:00-08:00"},
      {"string(timestamp('2026-01-01T00:00:00+00:00'))", "2026-01-01T00:00:00Z"},
      {"string(timestamp(0))", "1970-01-01T00:00:00Z"},
      {"string(timestamp(-1))", "1969-12-31T23:59:59Z"},
      {"string(timestamp(-62135596800))", "0001-01-01T00:00:00Z"},
      {"string(timestamp(253402300799))", "9999-12-31T23:59:59Z"},
      {"int(timestamp('1970-01-01T00:01:00.9Z'))", "60"},
      {"int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"},
      {"int(timestamp('1970-01-01T02:00:00+02:00'))", "0"},
      {"timestamp(timestamp(moment)) == timestamp(moment)", "true"},
      {"string(timestamp('2024-02-29T00:00:00Z'))", "2024-02-29T00:00:00Z"},
  };
  expect(kCases);
}

TEST(CelTimes, ArithmeticAndComparison) {
  static constexpr Case kCases[] = {
      {"string(duration('1h') + duration('30m'))", "5400s"},
      {"string(duration('1h') - duration('90m'))", "-1800s"},
      {"string(-duration('1h'))", "-3600s"},
      {"string(timestamp('2026-01-01T00:00:00Z') + duration('36h'))", "2026-01-02T12:00:00Z"},
      {"string(duration('1ns') + timestamp('1969-12-31T23:59:59.999999999Z'))", "1970-01-01T00:00:00Z"},
      {"string(timestamp('2026-01-01T00:00:00Z') - duration('1ns'))", "2025-12-31T23:59:59.999999999Z"},
      {"string(timestamp('2026-01-01T00:00:00Z') + duration('-1ns'))", "2025-12-31T23:59:59.999999999Z"},
      {"string(timestamp('2026-01-01T00:00:00+02:00') + duration('1h'))", "2026-01-01T01:00:00+02:00"},
      {"string(timestamp('2026-01-02T00:00:00Z') - timestamp('2026-01-01T00:00:00.5Z'))", "86399.5s"},
      {"string(timestamp('1970-01-01T00:00:00Z') - timestamp('2026-01-01T00:00:00Z'))", "-1767225600s"},
      {"timestamp('2026-01-01T02:00:00+02:00') == timestamp('2026-01-01T00:00:00Z')", "true"},
      {"timestamp('2026-01-01T02:00:00+02:00') in [timestamp('2026-01-01T00:00:00Z')]", "true"},
      {"timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-01T00:00:00.000000001Z')", "true"},
      {"timestamp('1969-01-01T00:00:00Z') >= timestamp('2026-01-01T00:00:00Z')", "false"},
      {"timestamp('2026-01-01T00:00:00Z') <= timestamp('2026-01-01T00:00:00Z')", "true"},
      {"duration('60s') == duration('1m') && duration('61s') > duration('1m') && duration('-1s') < duration('0')", "true"},
      {"duration('60s') != duration('1m')", "false"},
      {"duration('1s') == 1000000000", "false"},
      {"timestamp(1) == 1", "false"},
      {"[duration('2s'), duration('1s')].exists(d, d < duration('2s'))", "true"},
      {"timestamp(moment) - duration(span) > timestamp('2026-07-31T22:00:00Z')", "true"},
      {"{'a': timestamp(0)}.a == timestamp(0)", "true"},
      {"optional.of(duration('1s')) == optional.of(duration('1000ms'))", "true"},
  };
  expect(kCases);
}

TEST(CelTimes, Getters) {
  static constexpr Case kCases[] = {
      {"timestamp(moment).getFullYear()", "2026"},
      {"timestamp(moment).getMonth()", "6"},
      {"timestamp(moment).getDate()", "31"},
      {"timestamp(moment).getDayOfMonth()", "30"},
      {"timestamp(moment).getDayOfYear()", "211"},
      {"timestamp(moment).getDayOfWeek()", "5"},
      {"timestamp('2026-08-02T00:00:00Z').getDayOfWeek()", "0"},
      {"timestamp('2024-12-31T00:00:00Z').getDayOfYear()", "365"},
      {"timestamp('2024-01-01T00:00:00Z').getDayOfYear()", "0"},
      {"timestamp(moment).getHours()", "23"},
      {"timestamp(moment).getMinutes()", "59"},
      {"timestamp(moment).getSeconds()", "58"},
      {"timestamp(moment).getMilliseconds()", "987"},
      {"timestamp('1969-12-31T23:59:59.5Z').getMilliseconds()", "500"},
      {"timestamp('2026-01-01T01:30:00+02:00').getHours()", "1"},
      {"timestamp('2026-01-01T01:30:00+02:00').getHours('UTC')", "23"},
      {"timestamp('2026-01-01T01:30:00+02:00').getFullYear('')", "2025"},
      {"timestamp(moment).getDate('+00:01')", "1"},
      {"timestamp(moment).getDate('00:02')", "1"},
      {"timestamp(moment).getMonth('+02:00')", "7"},
      {"timestamp(moment).getMinutes('-00:30')", "29"},
      {"timestamp(moment).getHours('-02:30')", "21"},
      {"timestamp(moment).getDayOfWeek('+14:00')", "6"},
      {"timestamp(moment).getDayOfYear('+14:00')", "212"},
      {"timestamp(moment).getSeconds('+05:45')", "58"},
      {"timestamp(moment).getMilliseconds('+05:45')", "987"},
      {"timestamp(moment).getDayOfMonth('+05:45')", "0"},
      {"timestamp(moment).getHours('Europe/Paris')", "1"},
      {"timestamp('2026-01-31T23:30:00Z').getHours('Europe/Paris')", "0"},
      {"timestamp('2026-03-29T00:59:59Z').getHours('Europe/Paris')", "1"},
      {"timestamp('2026-03-29T01:00:00Z').getHours('Europe/Paris')", "3"},
      {"timestamp('0001-01-01T00:00:00Z').getFullYear('-01:00')", "0"},
      {"timestamp('9999-12-31T23:59:59Z').getFullYear('+01:00')", "10000"},
      {"duration('90m').getHours()", "1"},
      {"duration('90m').getMinutes()", "90"},
      {"duration('90m').getSeconds()", "5400"},
      {"duration('123.321456789s').getMilliseconds()", "123321"},
      {"duration('-90m').getHours()", "-1"},
      {"duration('-1ms').getSeconds()", "0"},
  };
  expect(kCases);
}

// The texts come from outside, or are put together: what is a literal is looked at when it is compiled.
TEST(CelTimes, WhatGoesWrong) {
  static constexpr Case kCases[] = {
      {"duration(moment)", "error: type conversion error from 'string' to 'google.protobuf.Duration'"},
      {"duration('' + '')", "error: type conversion error from 'string' to 'google.protobuf.Duration'"},
      {"duration('1d' + '')", "error: type conversion error from 'string' to 'google.protobuf.Duration'"},
      {"duration('2562047h47m16.854775808s' + '')", "error: type conversion error from 'string' to 'google.protobuf.Duration'"},
      {"timestamp(span)", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"},
      {"timestamp('2026-02-30T00:00:00Z' + '')", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"},
      {"timestamp('2026-01-01' + '')", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"},
      {"timestamp('2026-01-01T00:00:00' + '')", "error: type conversion error from 'string' to 'google.protobuf.Timestamp'"},
      {"timestamp('0000-12-31T23:59:59Z' + '')", "error: timestamp overflow"},
      {"timestamp('9999-12-31T23:59:59-00:01' + '')", "error: timestamp overflow"},
      {"timestamp(253402300799 + 1)", "error: timestamp overflow"},
      {"timestamp(-62135596800 - 1)", "error: timestamp overflow"},
      {"timestamp(9223372036854775806 + 1)", "error: timestamp overflow"},
      {"timestamp(253402300799) + duration('1s')", "error: timestamp overflow"},
      {"timestamp(253402300799) + duration('999999999ns') == timestamp('9999-12-31T23:59:59.999999999Z')", "true"},
      {"timestamp(-62135596800) - duration('1ns')", "error: timestamp overflow"},
      {"timestamp(-62135596800) + duration(-9223372036854775807)", "error: timestamp overflow"},
      {"timestamp(253402300799) - timestamp(-62135596800)", "error: integer overflow"},
      {"timestamp(-62135596800) - timestamp(253402300799)", "error: integer overflow"},
      {"timestamp(0) - duration(-9223372036854775808)", "error: integer overflow"},
      {"duration(9223372036854775807) + duration(1)", "error: integer overflow"},
      {"duration(-9223372036854775808) - duration(1)", "error: integer overflow"},
      {"-duration(-9223372036854775808)", "error: integer overflow"},
      {"duration('1s') * 2", "error: no such overload: _*_(google.protobuf.Duration, int)"},
      {"duration('1s') - timestamp(0)", "error: no such overload: _-_(google.protobuf.Duration, google.protobuf.Timestamp)"},
      {"timestamp(0) + timestamp(0)", "error: no such overload: _+_(google.protobuf.Timestamp, google.protobuf.Timestamp)"},
      {"timestamp(0) + 1", "error: no such overload: _+_(google.protobuf.Timestamp, int)"},
      {"-timestamp(0)", "error: no such overload: -_(google.protobuf.Timestamp)"},
      {"timestamp(0) < duration('1s')", "error: no such overload: _<_(google.protobuf.Timestamp, google.protobuf.Duration)"},
      {"uint(timestamp(0))", "error: no such overload: uint(google.protobuf.Timestamp)"},
      {"double(duration('1s'))", "error: no such overload: double(google.protobuf.Duration)"},
      {"duration(true)", "compile: ERROR: <input>:1:10: invalid duration argument"},
      {"duration(1.5 + 0.0)", "error: no such overload: duration(double)"},
      {"timestamp(1u + 0u)", "error: no such overload: timestamp(uint)"},
      {"duration(timestamp(0))", "compile: ERROR: <input>:1:10: invalid duration argument"},
      {"duration('1s').getFullYear()", "error: no such overload: getter of time(google.protobuf.Duration)"},
      {"duration('1s').getHours('UTC')", "error: no such overload: getter of time(google.protobuf.Duration, string)"},
      {"timestamp(0).getHours(1)", "error: no such overload: getter of time(google.protobuf.Timestamp, int)"},
      {"timestamp(0).getHours('Mars/Olympus')", "error: unknown time zone Mars/Olympus"},
      {"timestamp(0).getHours('Europe/Berlin')", "error: unknown time zone Europe/Berlin"},
      {"timestamp(0).getHours('../../etc/passwd')", "error: unknown time zone ../../etc/passwd"},
      {"timestamp(0).getHours('+15:00')", "error: unknown time zone +15:00"},
      {"timestamp(0).getHours('+02:60')", "error: unknown time zone +02:60"},
      {"timestamp(0).getHours('+-1:00')", "error: unknown time zone +-1:00"},
      {"{timestamp(0): 1} == {}", "error: unsupported key type: google.protobuf.Timestamp"},
      {"duration('x') == duration('y')", "compile: ERROR: <input>:1:10: invalid duration argument"},
      {"1 == 1 && timestamp('2026-13-01T00:00:00Z') == timestamp(0)", "compile: ERROR: <input>:1:21: invalid timestamp argument"},
      {"timestamp(253402300800) == timestamp(0)", "compile: ERROR: <input>:1:11: invalid timestamp argument"},
      {"duration()", "compile: ERROR: <input>:1:1: found no matching overload for 'duration' applied to 0 arguments"},
      {"google.protobuf.Any == type(1)",
       "compile: ERROR: <input>:1:1: undeclared reference to 'google.protobuf.Any' (in container '')"},
  };
  expect(kCases);
}

TEST(CelTimes, WithoutFilesOnlyOffsetsAreKnown) {
  EXPECT_EQ(result("timestamp(0).getHours('Europe/Paris')"), "1");
  use_zone_files(nullptr);
  const Expression named = Expression::compile("timestamp(0).getHours('Europe/Paris') == 1", {});
  EXPECT_THROW((void)named.evaluate({}), Error);
  EXPECT_EQ(*Expression::compile("timestamp(0).getHours('+01:00')", {}).evaluate({}).as<std::int64_t>(), 1);
}

}  // namespace
}  // namespace ph::api::cel

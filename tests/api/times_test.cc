#include "api/times.h"

#include <gtest/gtest.h>

namespace ph::api {
namespace {

TEST(Times, Rfc3339) {
  struct Case {
    const char* text;
    const char* back;  // null: refused
  };
  const Case kCases[] = {
      {"2006-01-02T15:04:05Z", "2006-01-02T15:04:05Z"},
      {"2006-01-02T15:04:05+02:00", "2006-01-02T13:04:05Z"},
      {"2006-01-02T15:04:05.999999999-00:30", "2006-01-02T15:34:05Z"},
      {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"},
      {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
      {"2001-02-29T00:00:00Z", nullptr},
      {"2006-13-02T15:04:05Z", nullptr},
      {"2006-01-02T24:04:05Z", nullptr},
      {"2006-01-02 15:04:05Z", nullptr},
      {"2006-01-02T15:04:05", nullptr},
      {"2006-01-02T15:04:05Zx", nullptr},
      {"", nullptr},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto time = parse_rfc3339(c.text);
    ASSERT_EQ(time.has_value(), c.back != nullptr);
    if (time) EXPECT_EQ(rfc3339(*time), c.back);
  }
  EXPECT_EQ(rfc3339_micro(Time(1'000'000'123'456'789ns)), "1970-01-12T13:46:40.123456Z");
}

TEST(Times, WhatTimeCannotHoldIsTheNearestItCan) {
  for (const std::int64_t seconds : {std::int64_t{253'402'300'799}, INT64_MAX, std::int64_t{-62'135'596'800}, INT64_MIN}) {
    SCOPED_TRACE(seconds);
    meta::v1::Time stamp;
    stamp.set_seconds(seconds);
    const Time time = to_time(stamp);
    EXPECT_EQ(time > Time(), seconds > 0);
    EXPECT_EQ(parse_rfc3339(rfc3339(time)), time);
  }
}

TEST(Times, WhatIsWrongInGosWords) {
  struct Case {
    const char* text;
    bool micro;
    const char* why;
  };
  const Case kCases[] = {
      {"yesterday", false, R"(parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006")"},
      {"2024-01-02", false, R"(parsing time "2024-01-02" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T")"},
      {"2024-01-02T10:00:00", false,
       R"(parsing time "2024-01-02T10:00:00" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00")"},
      {"2024-13-02T10:00:00Z", false, R"(parsing time "2024-13-02T10:00:00Z": month out of range)"},
      {"2024-02-30T10:00:00Z", false, R"(parsing time "2024-02-30T10:00:00Z": day out of range)"},
      {"2024-02-03T10:00:00Zz", false, R"(parsing time "2024-02-03T10:00:00Zz": extra text: "z")"},
      {"2024-02-03T10:00:00Z", true,
       R"(parsing time "2024-02-03T10:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000")"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    std::string why;
    EXPECT_FALSE(parse_instant(c.text, c.micro, why));
    EXPECT_EQ(why, c.why);
  }
}

TEST(Times, MessagesKeepWhatTheyCan) {
  const Time time = *parse_rfc3339("2024-05-06T07:08:09.123456789Z");
  EXPECT_EQ(to_time(make_time(time)), *parse_rfc3339("2024-05-06T07:08:09Z"));
  EXPECT_EQ(to_time(make_micro_time(time)), *parse_rfc3339("2024-05-06T07:08:09.123456Z"));
  EXPECT_TRUE(is_zero(meta::v1::Time()));
  EXPECT_FALSE(is_zero(make_time(Time())));
  const Time before = *parse_rfc3339("1969-12-31T23:59:59.25Z");
  EXPECT_EQ(make_time(before).seconds(), -1);
  EXPECT_EQ(make_micro_time(before).nanos(), 250'000'000);
}

TEST(Times, Durations) {
  struct Case {
    const char* text;
    std::optional<Duration> means;
    const char* back;
  };
  const Case kCases[] = {
      {"0", 0ns, "0s"},
      {"0s", 0ns, "0s"},
      {"1h0m0s", 1h, "1h0m0s"},
      {"1.5s", 1500ms, "1.5s"},
      {"90m", 90min, "1h30m0s"},
      {"-2m", -2min, "-2m0s"},
      {"1h2m3.5s", 1h + 2min + 3500ms, "1h2m3.5s"},
      {"100ns", 100ns, "100ns"},
      {"1500us", 1500us, "1.5ms"},
      {"15µs", 15us, "15µs"},
      {"+5s", 5s, "5s"},
      {"", {}, ""},
      {"5", {}, ""},
      {"s", {}, ""},
      {"1d", {}, ""},
      {"1h-5m", {}, ""},
      {".s", {}, ""},
      {"99999999999h", {}, ""},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    const auto duration = parse_duration(c.text);
    EXPECT_EQ(duration, c.means);
    if (duration) EXPECT_EQ(duration_text(*duration), c.back);
  }
}

TEST(Times, AgesAsKubectlShowsThem) {
  struct Case {
    Duration age;
    const char* text;
  };
  const Case kCases[] = {{0s, "0s"},          {119s, "119s"},       {2min, "2m"},       {192s, "3m12s"},
                         {10min + 5s, "10m"}, {179min, "179m"},     {3h, "3h"},         {3h + 5min, "3h5m"},
                         {9h + 5min, "9h"},   {47h, "47h"},         {48h, "2d"},        {51h, "2d3h"},
                         {24h * 9, "9d"},     {24h * 800, "2y70d"}, {-5s, "<invalid>"}, {24h * 365 * 8, "8y"}};
  for (const Case& c : kCases) EXPECT_EQ(human_duration(c.age), c.text);
}

}  // namespace
}  // namespace ph::api

#include "pilothouse/log_request.h"

#include <gtest/gtest.h>

#include "api/errors.h"

namespace ph::pilothouse {
namespace {

using node::ContainerLog;

constexpr Time kNow{1000s};

ContainerLog four_lines() {
  return {.lines = {{Time(900s), "one"}, {Time(910s + 5ms), "two"}, {Time(990s), "three"}, {Time(999s), "four"}},
          .run = "r",
          .ended = true,
          .refusal = {}};
}

TEST(LogRequest, ChoosesAndDressesLines) {
  struct Row {
    const char* name;
    const char* query;
    const char* text;
  };
  const Row rows[] = {
      {"all", "", "one\ntwo\nthree\nfour\n"},
      {"what is false is not asked for", "timestamps=false&follow=0&container=c", "one\ntwo\nthree\nfour\n"},
      {"the last two", "tailLines=2", "three\nfour\n"},
      {"none", "tailLines=0", ""},
      {"more than there are", "tailLines=9", "one\ntwo\nthree\nfour\n"},
      {"times", "timestamps=true&tailLines=3",
       "1970-01-01T00:15:10.005000000Z two\n1970-01-01T00:16:30.000000000Z three\n1970-01-01T00:16:39.000000000Z four\n"},
      {"bytes", "limitBytes=6", "one\ntw"},
      {"bytes count with the times", "timestamps=true&limitBytes=33", "1970-01-01T00:15:00.000000000Z on"},
      {"bytes are counted from the tail on", "tailLines=1&limitBytes=3", "fou"},
      {"the last seconds", "sinceSeconds=10", "three\nfour\n"},
      {"since ever", "sinceSeconds=9223372036854775807", "one\ntwo\nthree\nfour\n"},
      {"since a time", "sinceTime=1970-01-01T00%3A16%3A39Z", "four\n"},
      {"since a time somewhere else", "sinceTime=1970-01-01T01%3A15%3A10%2B01%3A00", "two\nthree\nfour\n"},
      {"the tail is counted first", "tailLines=3&sinceSeconds=5", "four\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(LogText(read_log_request(row.query, "p", kNow)).take(four_lines()), row.text);
  }
}

TEST(LogRequest, Refusals) {
  struct Row {
    const char* query;
    int code;
    const char* message;
  };
  const Row rows[] = {
      {"tailLines=-1", 422, "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"},
      {"limitBytes=0", 422, "PodLogOptions \"p\" is invalid: limitBytes: Invalid value: 0: must be greater than 0"},
      {"sinceSeconds=0", 422, "PodLogOptions \"p\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0"},
      {"sinceSeconds=1&sinceTime=1970-01-01T00:16:39Z", 422,
       "PodLogOptions \"p\" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"},
      {"stream=All", 422, "PodLogOptions \"p\" is invalid: stream: Forbidden: may not be specified"},
      {"tailLines=-1&limitBytes=-1", 422,
       "PodLogOptions \"p\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, limitBytes: Invalid "
       "value: "
       "-1: must be greater than 0]"},
      {"tailLines=many", 400, "strconv.ParseInt: parsing \"many\": invalid syntax"},
      {"limitBytes=", 400, "strconv.ParseInt: parsing \"\": invalid syntax"},
      {"sinceTime=noon", 400, "parsing time \"noon\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"noon\" as \"2006\""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.query);
    try {
      read_log_request(row.query, "p", kNow);
      ADD_FAILURE() << "it was taken";
    } catch (const api::ApiError& error) {
      EXPECT_EQ(error.status().code(), row.code);
      EXPECT_EQ(error.status().message(), row.message);
    }
  }
}

TEST(LogRequest, ALogThatGrowsIsTakenPieceByPiece) {
  ContainerLog log = four_lines();
  log.lines.resize(2);
  LogText text(read_log_request("tailLines=1&limitBytes=11&follow=true", "p", kNow));
  EXPECT_EQ(text.take(log), "two\n");
  EXPECT_EQ(text.take(log), "");
  EXPECT_FALSE(text.full());
  EXPECT_EQ(text.take(four_lines()), "three\nf") << "what is new, as far as the bytes go";
  EXPECT_TRUE(text.full());

  // A tail is of what there was when it was asked for.
  LogText from_now(read_log_request("tailLines=0&follow=true", "p", kNow));
  EXPECT_EQ(from_now.take(log), "");
  EXPECT_EQ(from_now.take(four_lines()), "three\nfour\n");
}

}  // namespace
}  // namespace ph::pilothouse

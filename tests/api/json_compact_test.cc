#include <gtest/gtest.h>

#include "api/json_text.h"

namespace ph::api {
namespace {

TEST(CompactJson, Cases) {
  struct Case {
    const char* name;
    const char* text;
    const char* plain;    // nothing escaped
    const char* escaped;  // as Go's encoder does
  };
  const Case cases[] = {
      {"nothing to do", R"({"f:a":{".":{},"k:{\"b\":1}":{}}})", R"({"f:a":{".":{},"k:{\"b\":1}":{}}})",
       R"({"f:a":{".":{},"k:{\"b\":1}":{}}})"},
      {"blanks between, but not within", "{ \"a b\" :\n[1,\t\"\\\" c\"]\r}", R"({"a b":[1,"\" c"]})", R"({"a b":[1,"\" c"]})"},
      {"what HTML would take for its own", R"({"a":"<b>&c"})", R"({"a":"<b>&c"})", "{\"a\":\"\\u003cb\\u003e\\u0026c\"}"},
      {"line separators", "[\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xac\"]", "[\"\xe2\x80\xa8\xe2\x80\xa9\xe2\x82\xac\"]",
       "[\"\\u2028\\u2029\xe2\x82\xac\"]"},
      {"other letters", "[\"\xc3\xa4\"]", "[\"\xc3\xa4\"]", "[\"\xc3\xa4\"]"},
      {"empty", "", "", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::string plain = "before", escaped = "before";
    append_compact_json(c.text, false, plain);
    append_compact_json(c.text, true, escaped);
    EXPECT_EQ(plain, std::string("before") + c.plain);
    EXPECT_EQ(escaped, std::string("before") + c.escaped);
  }
}

}  // namespace
}  // namespace ph::api

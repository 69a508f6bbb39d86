#include "base/log.h"

#include <gtest/gtest.h>

namespace ph {
namespace {

struct Case {
  const char* name;
  std::function<void(const Log&)> say;
  std::string text, json;
};

const Case kCases[] = {
    {"text alone", [](const Log& log) { log.info("job deleted"); }, "job deleted", R"("msg":"job deleted")"},
    {"fields", [](const Log& log) { log.info("job deleted", "job", "default/a", "tries", 3); },
     "job deleted job=default/a tries=3", R"("msg":"job deleted","job":"default/a","tries":"3")"},
    {"a value with blanks", [](const Log& log) { log.error("failed", "err", "no such \"thing\"\n"); },
     R"(failed err="no such \"thing\"\n")", R"("msg":"failed","err":"no such \"thing\"\n")"},
    {"an empty value", [](const Log& log) { log.error("failed", "err", ""); }, R"(failed err="")", R"("msg":"failed","err":"")"},
    {"parts", [](const Log& log) { log.named("store").named("history").warning("trimmed"); }, "store: history: trimmed",
     R"("msg":"trimmed","logger":"store: history")"},
    {"too quiet to be heard", [](const Log& log) { log.debug("turn"); }, "", ""},
};

TEST(LogTest, TextAndJson) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    std::string text, json;
    c.say(Log([&](const LogLine& line) { text = format_text(line), json = format_json(line); }, LogLevel::Info));
    EXPECT_EQ(text, c.text);
    EXPECT_EQ(json, c.json);
  }
}

}  // namespace
}  // namespace ph

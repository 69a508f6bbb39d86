#include "api/pem.h"

#include <gtest/gtest.h>

namespace ph::api {
namespace {

std::string shown(std::string_view text) {
  std::string out;
  while (const auto block = next_pem_block(text)) {
    out += block->type + (block->has_headers ? "+" : "") + "=" + block->bytes + ";";
  }
  return out;
}

TEST(Pem, Blocks) {
  struct Case {
    const char *name, *text, *expected;
  };
  const Case cases[] = {
      {"nothing", "", ""},
      {"no block", "hello\n", ""},
      {"one", "-----BEGIN A-----\nYWJj\n-----END A-----\n", "A=abc;"},
      {"no line behind it", "-----BEGIN A-----\nYWJj\n-----END A-----", "A=abc;"},
      {"two among other text",
       "x\n-----BEGIN A-----\nYWJj\n-----END A-----\ny\n-----BEGIN B C-----\r\nZA==\r\n-----END B C-----\nz", "A=abc;B C=d;"},
      {"lines", "-----BEGIN A-----\nYW\n Jj\n-----END A-----\n", "A=abc;"},
      {"headers", "-----BEGIN A-----\nk: v\n\nYWJj\n-----END A-----\n", "A+=abc;"},
      {"empty", "-----BEGIN A-----\n-----END A-----\n", "A=;"},
      {"another end", "-----BEGIN A-----\nYWJj\n-----END B-----\n", ""},
      {"no base64", "-----BEGIN A-----\n!\n-----END A-----\n-----BEGIN B-----\nZA==\n-----END B-----\n", "B=d;"},
      {"begun twice", "-----BEGIN A-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n", "A=abc;"},
      {"never ended", "-----BEGIN A-----\nYWJj\n", ""},
      {"a label of dashes", "-----BEGIN -----\nYWJj\n-----END -----\n", "=abc;"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(shown(c.text), c.expected);
  }
}

// Text is read a few times at most, whatever it begins.
TEST(Pem, ManyBeginnings) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "-----BEGIN A-----\nYWJj\n";
  EXPECT_EQ(shown(text), "");
}

}  // namespace
}  // namespace ph::api

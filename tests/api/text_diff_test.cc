// What differs between two texts: the hunks of a unified diff.
#include "api/text_diff.h"

#include <gtest/gtest.h>

namespace ph::api {
namespace {

std::string numbered(int from, int to) {
  std::string out;
  for (int i = from; i <= to; ++i) out += std::to_string(i) + (i < to ? "\n" : "");
  return out;
}

TEST(TextDiff, TellsChangesWithThreeLinesAround) {
  struct Case {
    const char* name;
    std::string before, after, expected;
  };
  const Case cases[] = {
      {"nothing", "a\nb", "a\nb", ""},
      {"one line", "a", "b", "@@ -1 +1 @@\n-a\n+b\n"},
      {"a line more", "a\nb", "a\nx\nb", "@@ -1,2 +1,3 @@\n a\n+x\n b\n"},
      {"a line less", "a\nx\nb", "a\nb", "@@ -1,3 +1,2 @@\n a\n-x\n b\n"},
      {"in the middle", numbered(1, 9), "1\n2\n3\n4\nx\n6\n7\n8\n9", "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n"},
      {"six lines between are told together", numbered(1, 8), "x\n2\n3\n4\n5\n6\n7\ny",
       "@@ -1,8 +1,8 @@\n-1\n+x\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+y\n"},
      {"seven apart", numbered(1, 9), "x\n2\n3\n4\n5\n6\n7\n8\ny",
       "@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n"},
      {"the longest match is kept, though a shorter one comes first", "a\nb\nc\nd", "d\na\nb\nc",
       "@@ -1,4 +1,4 @@\n+d\n a\n b\n c\n-d\n"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(diff_lines(c.before, c.after), c.expected);
  }
}

// A line that makes up much of a long text begins no match, but is kept beside one.
TEST(TextDiff, PopularLinesOfLongTexts) {
  std::string before, after;
  for (int i = 0; i < 150; ++i) before += "same\n" + std::to_string(i) + "\n";
  after = before;
  after.replace(after.find("\n75\n"), 4, "\nx\n");
  EXPECT_EQ(diff_lines(before, after), "@@ -149,7 +149,7 @@\n same\n 74\n same\n-75\n+x\n same\n 76\n same\n");
  EXPECT_EQ(diff_lines("same\n" + before, "same\nsame\n" + before), "@@ -1,3 +1,4 @@\n+same\n same\n same\n 0\n");
}

// What a client can make as bad as he likes ends soon.
TEST(TextDiff, TakesNoForever) {
  std::string before, after;
  for (int i = 0; i < 20'000; ++i) {
    before += "a" + std::to_string(i % 150) + "\n";
    after += "a" + std::to_string((i * 7) % 150) + "\n";
  }
  EXPECT_TRUE(diff_lines(before, after).starts_with("@@ -1,"));
}

}  // namespace
}  // namespace ph::api

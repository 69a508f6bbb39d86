#include <gtest/gtest.h>

#include "apiserver/storage/gaps.h"
#include "apiserver/storage/records.h"

namespace ph::apiserver {
namespace {

TEST(Records, ValuesComeBack) {
  for (const std::string& value : {std::string(), std::string("x"), std::string(70'000, '\0')}) {
    std::string bytes = "left over";
    encode_value(bytes, Revision{7}, Revision{~0ull}, value);
    const auto record = decode_value(bytes);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->created, Revision{7});
    EXPECT_EQ(record->modified, Revision{~0ull});
    EXPECT_EQ(record->value, value);
  }
  EXPECT_FALSE(decode_value("too short"));
}

TEST(Records, HistoryComesBack) {
  const HistoryRecord records[] = {
      {.key = "/registry/pods/default/a",
       .previous = "old",
       .previous_modified = Revision{5},
       .created = Revision{2},
       .time = Time(Duration(1'767'225'600'123'456'789)),
       .author = "system:admin"},
      {.key = "/a", .created = Revision{9}},
      {.key = "/a", .deleted = true, .previous = "", .previous_modified = Revision{1}},
      {.key = "/a", .time = Time(Duration(-1))},
  };
  for (const HistoryRecord& record : records) {
    const std::string bytes = encode_history(record);
    const auto back = decode_history(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->key, record.key);
    EXPECT_EQ(back->deleted, record.deleted);
    EXPECT_EQ(back->previous, record.previous);
    EXPECT_EQ(back->previous_modified, record.previous_modified);
    EXPECT_EQ(back->created, record.created);
    EXPECT_EQ(back->time, record.time);
    EXPECT_EQ(back->author, record.author);
    // Cut anywhere before the value, it is no record.
    const std::size_t fixed = bytes.size() - (record.previous ? record.previous->size() : 0);
    for (std::size_t size = 0; size < fixed; ++size)
      EXPECT_FALSE(decode_history(std::string_view(bytes).substr(0, size))) << size;
  }
}

TEST(Records, KeysOfHistorySortByRevision) {
  const std::pair<std::uint64_t, std::uint32_t> ascending[] = {{0, 0}, {1, 0},   {1, 1},   {1, 256},
                                                               {2, 0}, {255, 9}, {256, 0}, {1ull << 40, 0}};
  std::string last;
  for (const auto& [revision, index] : ascending) {
    const std::string key = history_key(Revision{revision}, index);
    EXPECT_LT(last, key);
    EXPECT_EQ(revision_of_history_key(key), Revision{revision});
    last = key;
  }
}

TEST(Gaps, ConcernThePrefixesTheyOverlap) {
  Gaps gaps;
  EXPECT_TRUE(gaps.note("/e/d/a", Revision{3}));
  EXPECT_FALSE(gaps.note("/e/d/b", Revision{5}));
  EXPECT_TRUE(gaps.note("/e/x/b", Revision{4}));
  struct Case {
    const char* prefix;
    std::uint64_t newest;
  };
  for (const Case& c :
       {Case{"", 5}, Case{"/e/", 5}, Case{"/e/d/", 5}, Case{"/e/d/a", 5}, Case{"/e/x/", 4}, Case{"/e/y/", 0}, Case{"/p/", 0}}) {
    EXPECT_EQ(gaps.newest(c.prefix).value, c.newest) << c.prefix;
  }
  EXPECT_EQ(gaps.after("/e/", Revision{4}).size(), 1u);
  EXPECT_EQ(gaps.after("/e/", Revision{3}).size(), 2u);
}

}  // namespace
}  // namespace ph::apiserver

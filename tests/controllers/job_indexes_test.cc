// Sets of completion indexes, as texts and as numbers.
#include "controllers/job/indexes.h"

#include <gmock/gmock.h>

namespace ph::controllers::job {
namespace {

using testing::ElementsAre;

TEST(JobIndexes, AreReadAndWritten) {
  struct Case {
    const char* name;
    const char* text;
    int limit;
    const char* written;
    int total;
  };
  const Case cases[] = {
      {"none", "", 10, "", 0},
      {"one", "3", 10, "3", 1},
      {"two in a row", "3-4", 10, "3,4", 2},
      {"three in a row", "3,4,5", 10, "3-5", 3},
      {"with gaps", "0,2-4,7", 10, "0,2-4,7", 5},
      {"touching intervals become one", "1-3,4-6", 10, "1-6", 6},
      {"beyond the limit", "1,5-9,12", 7, "1,5,6", 3},
      {"all beyond the limit", "7-9", 7, "", 0},
      {"of no index", "0-9", 0, "", 0},
      {"out of order and overlapping", "6-8,1,7-9,0", 10, "0,1,6-9", 6},
      {"backwards", "5-3,1", 10, "1", 1},
      {"what is no number", "1,x,3-,-4,5-y,,2", 10, "1,2", 2},
      {"too large for a number", "1,99999999999999", 10, "1", 1},
      {"the largest number", "2147483646", 2147483647, "2147483646", 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Indexes indexes = Indexes::parse(c.text, c.limit);
    EXPECT_EQ(indexes.text(), c.written);
    EXPECT_EQ(indexes.total(), c.total);
    EXPECT_EQ(Indexes::parse(indexes.text(), c.limit).text(), c.written);
  }
}

TEST(JobIndexes, GrowInAnyOrder) {
  Indexes indexes;
  for (const int index : {5, 1, 3, 9, 4, 1, 2}) indexes.add(index);
  EXPECT_EQ(indexes.text(), "1-5,9");
  Indexes more = Indexes::parse("0,6-8", 10);
  more.add(indexes);
  EXPECT_EQ(more.text(), "0-9");
}

TEST(JobIndexes, KnowWhatTheyHave) {
  const Indexes indexes = Indexes::parse("0,2-4,7", 10);
  std::vector<int> had;
  for (int i = -1; i < 11; ++i) {
    if (indexes.has(i)) had.push_back(i);
  }
  EXPECT_THAT(had, ElementsAre(0, 2, 3, 4, 7));
  EXPECT_EQ(indexes.common(Indexes::parse("1-2,4-8", 10)), 3);
  EXPECT_EQ(Indexes::parse("1-2,4-8", 10).common(indexes), 3);
  EXPECT_EQ(indexes.common({}), 0);
}

TEST(JobIndexes, TellWhatIsMissing) {
  const Indexes indexes = Indexes::parse("0,2-4,7", 10);
  EXPECT_THAT(indexes.missing(3, 10), ElementsAre(1, 5, 6));
  EXPECT_THAT(indexes.missing(99, 10), ElementsAre(1, 5, 6, 8, 9));
  EXPECT_THAT(indexes.missing(99, 6), ElementsAre(1, 5));
  EXPECT_THAT(indexes.missing(0, 10), ElementsAre());
  EXPECT_THAT(Indexes().missing(2, 5), ElementsAre(0, 1));
}

}  // namespace
}  // namespace ph::controllers::job

// The players' own promises: placeholders, names, and that no row ends the run.
#include <cstdlib>

#include <gtest/gtest.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "tests/vectors/loops_names.h"
#include "tests/vectors/match.h"
#include "tests/vectors/play.h"

namespace ph::vectors {
namespace {

TEST(Match, Placeholders) {
  struct Case {
    const char* name;
    const char* recorded;
    const char* got;
    bool matches;
  };
  const Case kCases[] = {
      {"a text", R"("a")", R"("a")", true},
      {"another text", R"("a")", R"("b")", false},
      {"a number is not its text", "1", R"("1")", false},
      {"more members", R"({"a":1})", R"({"a":1,"b":2})", false},
      {"fewer members", R"({"a":1,"b":2})", R"({"a":1})", false},
      {"a longer list", "[1]", "[1,2]", false},
      {"the same value again", R"(["<rv:1>","x <rv:1>"])", R"(["7","x 7"])", true},
      {"another value for the same", R"(["<rv:1>","<rv:1>"])", R"(["7","8"])", false},
      {"one value for two", R"(["<rv:1>","<rv:2>"])", R"(["7","7"])", false},
      {"one value for two kinds", R"(["<rv:1>","<nodePort:1>"])", R"(["30007",30007])", true},
      {"a time", R"("<time>")", R"("2026-01-01T00:00:00Z")", true},
      {"no time", R"("<time>")", R"("yesterday, before noon")", false},
      {"text around a dump", R"("found <dump>: no")", R"("found {a b c}: no")", true},
      {"another text around it", R"("found <dump>: no")", R"("found {a b c}: yes")", false},
      {"what is no placeholder", R"("<none>")", R"("<some>")", false},
      {"five characters", R"("a-<rand>")", R"("a-x7k2p")", true},
      {"six characters", R"("a-<rand>")", R"("a-x7k2p3")", false},
      {"any UID", R"(["<any-uid>","<any-uid>"])",
       R"(["0b9d2c1e-0000-4000-8000-000000000001","0b9d2c1e-0000-4000-8000-000000000002"])", true},
      {"no UID", R"("<any-uid>")", R"("7")", false},
      {"any revision", R"(["<any-rv>","<any-rv>"])", R"(["7","8"])", true},
      {"a masked value", R"({"a":"<masked>"})", R"({"a":{"b":1}})", true},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Bindings bindings, same;
    const Json recorded = Json::parse(c.recorded), got = Json::parse(c.got);
    EXPECT_EQ(matches(recorded, got, bindings), c.matches);
    EXPECT_EQ(differences(recorded, got, same).empty(), c.matches);
  }
}

TEST(Match, WhatIsKnownIsFilledIn) {
  Bindings bindings;
  ASSERT_TRUE(matches(Json::parse(R"(["<continue:1>","<nodePort:1>"])"), Json::parse(R"(["a=b",30001])"), bindings));
  EXPECT_EQ(bindings.fill("/x?continue=<continue:1>&y=<uid:1>", true), "/x?continue=a%3Db&y=%3Cuid%3A1%3E");
  EXPECT_EQ(bindings.fill(Json::parse(R"({"port":"<nodePort:1>"})")), Json::parse(R"({"port":30001})"));
}

TEST(GeneratedNames, AreDecidedWhenTheirObjectsDiffer) {
  GeneratedNames names;
  for (const char* name : {"web-{1}", "web-{2}"}) names.meet_recorded(name);
  for (const char* name : {"web-aaaaa", "web-bbbbb"}) names.meet_got(name, "web-");
  names.end_step();
  EXPECT_EQ(names.recorded_text("web-{1} is gone"), "web-{?} is gone");
  EXPECT_EQ(names.got_text("web-bbbbb is gone"), "web-{?} is gone");
  const auto all_alike = [](const std::string&, const std::string&) { return true; };
  names.decide(all_alike, all_alike);
  EXPECT_EQ(names.take("web-{2}"), "web-aaaaa");
  // The first is ended, and here that is the one which was taken for the second.
  const auto fate = [](const std::string& name) { return name == "web-{1}" || name == "web-aaaaa"; };
  names.decide([&](const std::string& a, const std::string& b) { return fate(a) == fate(b); },
               [&](const std::string& a, const std::string& b) { return fate(a) == fate(b); });
  EXPECT_EQ(names.counterpart("web-{1}"), "web-aaaaa");
  EXPECT_EQ(names.counterpart("web-{2}"), "web-bbbbb");
  EXPECT_EQ(names.recorded_text("web-{1}, web-{2}"), "web-aaaaa, web-bbbbb");
}

class Scripted final : public Player {
 public:
  Outcome play(const Json& row) override {
    const std::string what = row["do"];
    if (what == "throw") throw std::runtime_error("no");
    if (what == "crash") std::abort();
    while (what == "stay") pause();
    if (what == "write") written_ = true;
    return written_ == (what == "write") ? Outcome::agrees(1) : Outcome::differs(0, "not fresh", "");
  }
  bool is_spent() const override { return written_; }

 private:
  bool written_ = false;
};

TEST(Play, NoRowEndsTheRun) {
  const Set set{.name = "scripted",
                .levels = {"whole"},
                .row_name = [](const Json& row) { return row.at("do").get<std::string>(); },
                .group = [](const Json&) { return std::string("all"); }};
  Scripted player;
  const std::vector<std::string> rows = {R"({"do":"read"})",  R"({"do":"throw"})", R"({"do":"crash"})", "{",
                                         R"({"do":"write"})", R"({"do":"read"})",  R"({"do":"stay"})",  R"({"no":"name"})",
                                         R"({"do":"read"})"};
  Agreement agreement(set.name, set.levels);
  std::string said;
  for (const Played& played : play_rows(set, player, rows, std::chrono::seconds(2))) {
    agreement.add(played.row, "all", played.outcome);
    said += played.row + ": " + (played.outcome.kinds.empty() ? "agrees" : played.outcome.kinds[0]) + "\n";
  }
  EXPECT_EQ(
      said,
      "read: agrees\nthrow: exception: no\ncrash: crashes\nrow 3: is no row\nwrite: agrees\nread: agrees\nstay: never ends\n"
      "row 7: is no row\nread: agrees\n");
  EXPECT_EQ(agreement.group("all").rows, 9u);
  EXPECT_EQ(agreement.group("all").reached[0], 4u);
}

}  // namespace
}  // namespace ph::vectors

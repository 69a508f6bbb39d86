#include "api/structural/json_path.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/structural/scale.h"
#include "api/times.h"

namespace ph::api::structural {
namespace {

using nlohmann::json;

const json kDocument =
    json::parse(R"({"spec":{"n":3,"f":1.5,"big":1e6,"s":"q","b":true,"null":null,"l":[{"k":"a","v":1},{"k":"b","v":2},{"k":"c"}],
    "a.b":{"c d":1},"nested":[[1,2],[3]],"when":"2026-01-01T00:00:00Z"},
    "status":{"conditions":[{"type":"Ready","status":"True"},{"type":"Synced","status":"False"}],"m":{"y":2,"x":1}}})");

TEST(JsonPath, Finds) {
  struct Case {
    const char* path;
    const char* found;
  };
  const Case cases[] = {
      {".spec.n", "[3]"},
      {"spec.n", "[3]"},
      {".spec.zz", "[]"},
      {".spec.n.zz", "[]"},
      {".spec.null", "[null]"},
      {".spec.l[*].k", R"(["a","b","c"])"},
      {".spec.l[*].v", "[1,2]"},
      {".spec.l[0].k", R"(["a"])"},
      {".spec.l[-1].k", R"(["c"])"},
      {".spec.l[0:2].k", R"(["a","b"])"},
      {".spec.l[1:].k", R"(["b","c"])"},
      {".spec.l[-2:].k", R"(["b","c"])"},
      {".spec.l[0:3:2].k", R"(["a","c"])"},
      {".spec.l[3].k", "[]"},
      {".spec.l[9223372036854775807].k", "[]"},
      {".spec.l[-9223372036854775808:].k", "[]"},
      {".spec.l[1::9223372036854775807].k", R"(["b"])"},
      {".spec.l[0,2].k", R"(["a","c"])"},
      {".spec['n','s']", R"([3,"q"])"},
      {".spec.a\\.b['c d']", "[1]"},
      {".spec['a.b'][\"c d\"]", "[1]"},
      {R"(.status.conditions[?(@.type=="Ready")].status)", R"(["True"])"},
      {R"(.status.conditions[?(@.type == 'Synced')].status)", R"(["False"])"},
      {R"(.status.conditions[?(@.type!="Ready")].status)", R"(["False"])"},
      {".spec.l[?(@.v>1)].k", R"(["b"])"},
      {".spec.l[?(@.v<=1)].k", R"(["a"])"},
      {".spec.l[?(@.v)].k", R"(["a","b"])"},
      {".status.m.*", "[1,2]"},
      {".status.m[*]", "[1,2]"},
      {"..type", R"(["Ready","Synced"])"},
      {".spec.nested[*][0]", "[1,3]"},
      {".spec.s[0]", "[]"},
      {".spec.m[?(@.a)]", "[]"},
  };
  for (const Case& c : cases) {
    json found = json::array();
    for (const json* one : JsonPath::parse(c.path).find(kDocument)) found.push_back(*one);
    EXPECT_EQ(found, json::parse(c.found)) << c.path;
  }
}

TEST(JsonPath, RefusesWhatIsNone) {
  for (const char* path : {".spec[", ".spec[?(@.a==)]", ".spec['a", ".spec[a]", ".a{b}", ".spec[0:x]", ".a b", ".a\\"})
    EXPECT_THROW(JsonPath::parse(path), DecodeError) << path;
  std::string deep = ".a";
  for (int i = 0; i < 40; ++i) deep = ".a[?(@" + deep + ")]";
  EXPECT_THROW(JsonPath::parse(deep), DecodeError);
}

TEST(JsonPath, MetadataMayBeHeldApart) {
  const json metadata = {{"creationTimestamp", "2026-01-01T00:00:00Z"}};
  const JsonPath path = JsonPath::parse(".metadata.creationTimestamp");
  EXPECT_TRUE(path.of_metadata());
  EXPECT_TRUE(path.find(kDocument).empty());
  EXPECT_EQ(*path.find(kDocument, &metadata).at(0), metadata["creationTimestamp"]);
}

TEST(JsonPath, MakesCells) {
  const Time now = *parse_rfc3339("2026-01-01T12:30:00Z");
  struct Case {
    const char *type, *path, *cell;
  };
  const Case cases[] = {
      {"integer", ".spec.n", "3"},
      {"integer", ".spec.f", "1"},
      {"integer", ".spec.s", "null"},
      {"integer", ".spec.b", "null"},
      {"integer", ".spec.l", "null"},
      {"number", ".spec.n", "3.0"},
      {"number", ".spec.f", "1.5"},
      {"number", ".spec.s", "null"},
      {"boolean", ".spec.b", "true"},
      {"boolean", ".spec.n", "null"},
      {"string", ".spec.s", R"("q")"},
      {"string", ".spec.n", R"("3")"},
      {"string", ".spec.b", R"("true")"},
      {"string", ".spec.big", R"("1e+06")"},
      {"string", ".spec.null", R"("<no value>")"},
      {"string", ".spec.l[*].k", R"("a")"},
      {"string", ".status.m", R"("{\"x\":1,\"y\":2}")"},
      {"string", ".spec.nested", R"("[[1,2],[3]]")"},
      {"string", ".spec.zz", "null"},
      {"date", ".spec.when", R"("12h")"},
      {"date", ".spec.s", R"("<invalid>")"},
      {"date", ".spec.n", "null"},
      {"unknown", ".spec.s", "null"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(table_cell(c.type, JsonPath::parse(c.path), kDocument, nullptr, now).dump(), json::parse(c.cell).dump())
        << c.type << " " << c.path;
}

TEST(JsonPath, SelectsFields) {
  EXPECT_EQ(selectable_text(JsonPath::parse(".spec.n"), kDocument), "3");
  EXPECT_EQ(selectable_text(JsonPath::parse(".spec.s"), kDocument), "q");
  EXPECT_EQ(selectable_text(JsonPath::parse(".spec.b"), kDocument), "true");
  EXPECT_EQ(selectable_text(JsonPath::parse(".spec.null"), kDocument), "");
  EXPECT_EQ(selectable_text(JsonPath::parse(".spec.zz"), kDocument), "");
}

TEST(Scale, IsReadWrittenAndJudged) {
  ScalePaths paths;
  paths.set_spec_replicas_path(".spec.n");
  paths.set_status_replicas_path(".status.r");
  paths.set_label_selector_path(".status.sel");
  json document = {{"spec", {{"n", 3}}}};
  EXPECT_EQ(replicas_at(document, ".spec.n"), 3);
  EXPECT_EQ(replicas_at(document, ".status.r"), std::nullopt);
  set_value_at(document, ".status.r", 2);
  EXPECT_EQ(document["status"]["r"], 2);
  EXPECT_THROW(set_value_at(document, ".spec.n.m", 2), DecodeError);
  const auto problems = [&](const char* text) {
    Errors errors;
    validate_scale(paths, json::parse(text), errors);
    std::vector<std::string> out;
    for (const FieldError& error : errors.list()) out.push_back(error.field + ": " + error.detail);
    return out;
  };
  using testing::ElementsAre;
  EXPECT_THAT(problems(R"({"spec":{"n":1}})"), ElementsAre());
  EXPECT_THAT(problems(R"({"spec":{"n":-1}})"), ElementsAre(".spec.n: Invalid value: -1: should be a non-negative integer"));
  EXPECT_THAT(problems(R"({"spec":{"n":2147483648}})"),
              ElementsAre(".spec.n: Invalid value: 2147483648: should be less than or equal to 2147483647"));
  EXPECT_THAT(problems(R"({"spec":{"n":"x"}})"),
              ElementsAre(".spec.n: Invalid value: 0: .spec.n accessor error: x is of the type string, expected int64"));
  EXPECT_THAT(problems(R"({"spec":{"n":1e1}})"),
              ElementsAre(".spec.n: Invalid value: 0: .spec.n accessor error: 10 is of the type float64, expected int64"));
  EXPECT_THAT(
      problems(R"({"status":{"sel":5}})"),
      ElementsAre(R"(.status.sel: Invalid value: "": .status.sel accessor error: 5 is of the type int64, expected string)"));
}

}  // namespace
}  // namespace ph::api::structural

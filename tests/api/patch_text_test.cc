// The text of a patch: what comes twice, what Go would print, and what its converter would say.
#include "api/patch/patch_text.h"

#include <gtest/gtest.h>

#include "api/kinds.h"
#include "api/patch/unstructured.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

TEST(PatchText, TheDocumentIsTheParsersOwn) {
  for (const char* text : {"null", "5", R"("x")", "[]", "{}", R"([1,-1,1.5,true,null,"a",[[]],{"b":{"c":[{}]}}])",
                           R"({"a":{"b":1},"c":[{"d":2},{"d":3}],"e":18446744073709551615})"}) {
    SCOPED_TRACE(text);
    const PatchText read = parse_patch(text);
    EXPECT_EQ(read.document.dump(), Json::parse(text).dump());
    EXPECT_TRUE(read.duplicates.empty());
  }
}

TEST(PatchText, Duplicates) {
  const PatchText read = parse_patch(R"({"a":1,"l":[{},{"b":{"c":1,"c":{"d":2}},"b":3}],"a":2,"a":3})");
  EXPECT_EQ(read.document.dump(), R"({"a":3,"l":[{},{"b":3}]})");
  EXPECT_EQ(read.duplicates,
            (std::vector<std::string>{R"(duplicate field "l[1].b.c")", R"(duplicate field "l[1].b")", R"(duplicate field "a")"}));
  std::string many = "{";
  for (int i = 0; i < 1'000; ++i) many += R"("k)" + std::to_string(i) + R"(":1,"k)" + std::to_string(i) + R"(":2,)";
  many.back() = '}';
  EXPECT_EQ(parse_patch(many).duplicates.size(), 100u);
}

TEST(PatchText, AsGoPrints) {
  EXPECT_EQ(go_text(Json::parse(R"({"b":[1,"x y",null,true,[]],"a":{"c":{}},"f":0.5})")),
            "map[a:map[c:map[]] b:[1 x y <nil> true []] f:0.5]");
  EXPECT_EQ(go_type(Json::parse("{}")), "map[string]interface {}");
  EXPECT_EQ(go_type(Json::parse("[]")), "[]interface {}");
  EXPECT_EQ(go_type(Json::parse("1")), "int64");
}

TEST(PatchText, WholeNumbers) {
  Json document = Json::parse(R"({"a":80.0,"b":[1e2,0.5],"c":1e300,"d":"1.0"})");
  make_whole(document);
  EXPECT_EQ(document.dump(), R"({"a":80,"b":[100,0.5],"c":1e+300,"d":"1.0"})");
}

TEST(Unstructured, Mismatches) {
  struct Case {
    const char* name;
    const char* document;
    const char* error;
  };
  const Case kCases[] = {
      {"fits", R"({"metadata":{"labels":{"a":"b"}},"spec":{"replicas":null,"paused":true}})", ""},
      {"a struct", R"({"spec":"x"})", "cannot restore struct from: string"},
      {"a struct from a list", R"({"spec":[]})", "cannot restore struct from: slice"},
      {"a list", R"({"spec":{"template":{"spec":{"containers":{}}}}})", "cannot restore slice from map"},
      {"a map", R"({"metadata":{"labels":"x"}})", "cannot restore map from string"},
      {"a text from a number", R"({"metadata":{"labels":{"a":1}}})", "cannot convert int64 to string"},
      {"a text from a truth", R"({"metadata":{"labels":{"a":true}}})", "unrecognized type: string"},
      {"a number from a text", R"({"spec":{"replicas":"1"}})", "unrecognized type: int32"},
      {"a number from half of one", R"({"spec":{"replicas":1.5}})", "cannot convert float64 to int32"},
      {"a truth from a number", R"({"spec":{"paused":1}})", "unrecognized type: bool"},
      {"the first one in the order of fields", R"({"metadata":1,"spec":1})", "cannot restore struct from: int64"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(unstructured_error(schema_of<apps::v1::Deployment>(), Json::parse(c.document)), c.error);
  }
  EXPECT_EQ(unstructured_error(schema_of<core::v1::Secret>(), Json::parse(R"({"data":{"a":"!"}})")),
            "error decoding from json: illegal base64 data at input byte 0");
}

}  // namespace
}  // namespace ph::api

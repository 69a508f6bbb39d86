// JSON patch and merge patch: upstream's library, case by case.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/patch/patch.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* name;
  const char* document;
  const char* patch;
  const char* result;       // empty: fails
  const char* error = "";
};

const Case kJsonPatchCases[] = {
    {"add a member", R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
    {"add replaces", R"({"a":1})", R"([{"op":"add","path":"/a","value":[]}])", R"({"a":[]})"},
    {"add without a value is null", R"({})", R"([{"op":"add","path":"/a"}])", R"({"a":null})"},
    {"insert into a list", R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])", R"({"a":[1,2,3]})"},
    {"append", R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])", R"({"a":[1,2]})"},
    {"escaped key", R"({"m":{}})", R"([{"op":"add","path":"/m/a.b~1c~0d","value":"x"}])", R"({"m":{"a.b/c~d":"x"}})"},
    {"remove from the end", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})"},
    {"replace in a list", R"({"a":[{"b":1}]})", R"([{"op":"replace","path":"/a/0/b","value":2}])", R"({"a":[{"b":2}]})"},
    {"move", R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])", R"({"b":1})"},
    {"copy", R"({"a":{"x":1}})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"a":{"x":1},"b":{"x":1}})"},
    {"test holds", R"({"a":1})", R"([{"op":"test","path":"/a","value":1}])", R"({"a":1})"},
    {"test of an absent member for null", R"({})", R"([{"op":"test","path":"/a","value":null}])", R"({})"},
    {"test fails", R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", "", "testing value /a failed: test failed"},
    {"remove what is not there", R"({})", R"([{"op":"remove","path":"/a"}])", "",
     "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value"},
    {"no way to the container", R"({})", R"([{"op":"add","path":"/a/b","value":1}])", "",
     R"(add operation does not apply: doc is missing path: "/a/b": missing value)"},
    {"replace what is not there", R"({"a":{}})", R"([{"op":"replace","path":"/a/b","value":1}])", "",
     "replace operation does not apply: doc is missing key: /a/b: missing value"},
    {"index too large", R"({"a":[]})", R"([{"op":"add","path":"/a/1","value":1}])", "",
     "error in add for path: '/a/1': Unable to access invalid index: 1: invalid index referenced"},
    {"unknown operation", R"({})", R"([{"op":"frobnicate","path":"/a"}])", "", "Unexpected kind: frobnicate"},
    {"not a list", R"({})", R"({"op":"add"})", "", "json: cannot unmarshal object into Go value of type jsonpatch.Patch"},
};

const Case kMergePatchCases[] = {
    {"set, change, drop", R"({"a":1,"b":2,"c":3})", R"({"a":9,"b":null,"d":{"e":1}})", R"({"a":9,"c":3,"d":{"e":1}})"},
    {"objects are merged", R"({"m":{"a":1}})", R"({"m":{"b":2}})", R"({"m":{"a":1,"b":2}})"},
    {"lists are replaced", R"({"l":[1,2]})", R"({"l":[3]})", R"({"l":[3]})"},
    {"nulls do not get in", R"({})", R"({"a":{"b":null,"c":[{"d":null}]}})", R"({"a":{"c":[{}]}})"},
    {"a scalar by an object", R"({"a":1})", R"({"a":{"b":null,"c":2}})", R"({"a":{"c":2}})"},
    {"not an object", R"({})", R"([1])", "", "invalid JSON Patch"},
};

template <class Apply>
void run(std::span<const Case> cases, Apply&& apply) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    try {
      const Json result = apply(Json::parse(c.document), Json::parse(c.patch));
      EXPECT_EQ(result.dump(), Json::parse(*c.result ? c.result : "\"fails\"").dump());
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), c.error);
    }
  }
}

TEST(JsonPatch, Cases) { run(kJsonPatchCases, json_patch); }
TEST(MergePatch, Cases) { run(kMergePatchCases, merge_patch); }

TEST(JsonPatch, TooManyOperations) {
  Json patch = Json::array();
  for (int i = 0; i < 10'001; ++i) patch.push_back({{"op", "test"}, {"path", "/a"}});
  try {
    json_patch(Json::object(), patch);
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.code(), 413);
  }
}

TEST(JsonPatch, CopiesAreLimited) {
  const Json document = {{"a", std::string(1'000'000, 'x')}, {"l", Json::array()}};
  const Json copy = {{"op", "copy"}, {"from", "/a"}, {"path", "/l/-"}};
  EXPECT_NO_THROW(json_patch(document, Json::array({copy, copy, copy})));
  EXPECT_THROW(json_patch(document, Json::array({copy, copy, copy, copy})), ApplyError);
}

}  // namespace
}  // namespace ph::api

// JSON patch and merge patch: upstream's library, case by case.
#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/patch/patch.h"
#include "base/rng.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

struct Case {
  const char* name;
  const char* document;
  const char* patch;
  const char* result;  // empty: fails
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
    {"replace what is not there", R"({"a":{}})", R"([{"op":"replace","path":"/a/b","value":1}])", R"({"a":{"b":1}})"},
    {"replace the document", R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}},{"op":"add","path":"/c","value":3}])",
     R"({"b":2,"c":3})"},
    {"replace the document by a scalar", R"({"a":1})", R"([{"op":"replace","path":"","value":1}])", "",
     "replace operation value must be object or array"},
    {"test the document", R"({"a":[1]})", R"([{"op":"test","path":"","value":{"a":[1]}}])", R"({"a":[1]})"},
    {"remove the document", R"({"a":1})", R"([{"op":"remove","path":""}])", "",
     R"(remove operation does not apply: doc is missing path: "": missing value)"},
    {"1 is not 1.0", R"({"a":1})", R"([{"op":"test","path":"/a","value":1.0}])", "", "testing value /a failed: test failed"},
    {"test what has been changed", R"({"a":[{"b":1},2]})",
     R"([{"op":"add","path":"/a/0/c","value":[]},{"op":"remove","path":"/a/1"},{"op":"test","path":"/a","value":[{"b":1,"c":[]}]}])",
     R"({"a":[{"b":1,"c":[]}]})"},
    {"copy what has been changed", R"({"a":{"b":[1,2]}})",
     R"([{"op":"remove","path":"/a/b/0"},{"op":"copy","from":"/a","path":"/c"},{"op":"add","path":"/a/b/0","value":0}])",
     R"({"a":{"b":[0,2]},"c":{"b":[2]}})"},
    {"copy what is not there", R"({})", R"([{"op":"copy","from":"/a","path":"/b"}])", R"({"b":null})"},
    {"move into itself", R"({"a":{"b":1}})", R"([{"op":"move","from":"/a","path":"/a/c"}])", "",
     "move operation does not apply: doc is missing destination path: /a/c: missing value"},
    {"move what is not there", R"({})", R"([{"op":"move","from":"/a","path":"/b"}])", "",
     "error in move for path: '/a': Unable to remove nonexistent key: a: missing value"},
    {"replace behind the end of a list", R"({"a":[1]})", R"([{"op":"replace","path":"/a/1","value":1}])", "",
     "replace operation does not apply: doc is missing key: /a/1: missing value"},
    {"replace in what is not there", R"({"a":{}})", R"([{"op":"replace","path":"/b/c","value":1}])", "",
     "replace operation does not apply: doc is missing path: /b/c: missing value"},
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
    {"not an object", R"({})", R"([1])", "", "Invalid JSON Patch"},
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

// A long list under thousands of changes comes out as if it were an ordinary one.
TEST(JsonPatch, ManyChangesOfALongList) {
  SeededRng rng(3);
  std::vector<int> model(5'000);
  std::iota(model.begin(), model.end(), 0);
  const Json document = {{"l", model}};
  Json patch = Json::array();
  for (int i = 0; i < 9'990; ++i) {
    const std::size_t at = rng.below(model.size()), to = rng.below(4) == 0 ? 0 : rng.below(model.size());
    const auto path = [](std::size_t index) { return "/l/" + std::to_string(index); };
    const auto begin = model.begin();
    switch (rng.below(5)) {
      case 0:
        patch.push_back({{"op", "remove"}, {"path", path(at)}});
        model.erase(begin + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        patch.push_back({{"op", "replace"}, {"path", path(at)}, {"value", -i}});
        model[at] = -i;
        break;
      case 2: {
        patch.push_back({{"op", "move"}, {"from", path(at)}, {"path", path(to)}});
        const int moved = model[at];
        model.erase(begin + static_cast<std::ptrdiff_t>(at));
        model.insert(model.begin() + static_cast<std::ptrdiff_t>(to), moved);
        break;
      }
      default:
        patch.push_back({{"op", "add"}, {"path", path(to)}, {"value", i}});
        model.insert(begin + static_cast<std::ptrdiff_t>(to), i);
    }
  }
  EXPECT_EQ(json_patch(document, patch)["l"], Json(model));
}

TEST(JsonPatch, AListGrowsFromNothingAndGoes) {
  Json patch = Json::array();
  for (int i = 0; i < 3'000; ++i) patch.push_back({{"op", "add"}, {"path", i % 2 ? "/l/0" : "/l/-"}, {"value", i}});
  for (int i = 0; i < 3'000; ++i) patch.push_back({{"op", "remove"}, {"path", i % 2 ? "/l/-1" : "/l/0"}});
  EXPECT_EQ(json_patch({{"l", Json::array()}}, patch), Json({{"l", Json::array()}}));
}

// Each copy doubles the depth, and costs what it copies.
TEST(JsonPatch, DocumentsDoNotGrowDeeperThanTheyMayBe) {
  Json patch = Json::array();
  std::string path = "/a";
  for (int i = 0; i < 12; ++i) {
    patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", path + "/a"}});
    for (int deeper = 1 << i; deeper > 0; --deeper) path += "/a";
  }
  EXPECT_THROW(json_patch({{"a", Json::object()}}, patch), ApplyError);
  patch.erase(patch.begin() + 7, patch.end());
  EXPECT_NO_THROW(json_patch({{"a", Json::object()}}, patch));
}

TEST(JsonPatch, OperationsThatAreNone) {
  const auto error_of = [](const char* text) -> std::string {
    try {
      check_json_patch(Json::parse(text));
      return {};
    } catch (const DecodeError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(error_of(R"({"op":"add"})"), "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
  EXPECT_EQ(error_of(R"(["x"])"), "json: cannot unmarshal string into Go value of type handlers.jsonPatchOp");
  EXPECT_EQ(error_of(R"([{"op":1}])"), "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string");
  EXPECT_EQ(error_of(R"([null])"), "");
  EXPECT_EQ(check_json_patch(Json::parse(R"([{"op":"add","zz":1},{"op":"add","path":"/a","value":1,"from":"/b"}])")),
            std::vector<std::string>{"unknown field \"[0].zz\""});
}

}  // namespace
}  // namespace ph::api

// Patches nobody should send: they are refused, or carried out in time that grows with their size.
#include "apiserver/rest/patching.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"

namespace ph::apiserver {
namespace {

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

core::v1::Pod patched(PatchType type, const std::string& patch, const core::v1::Pod& pod) {
  std::vector<std::string> warnings;
  return apply_patch(type, patch, api::Object::of(pod), api::Unknown::Warn, warnings).as<core::v1::Pod>();
}

TEST(Patching, DeepPatchesAreRefused) {
  core::v1::Pod pod;
  pod.mutable_metadata()->set_name("a");
  const std::string deep = repeated(R"({"a":)", 200'000) + "1" + repeated("}", 200'000);
  const std::pair<PatchType, std::string> patches[] = {
      {PatchType::Merge, deep},
      {PatchType::Strategic, deep},
      {PatchType::Json, R"([{"op":"add","path":"/spec","value":)" + deep + "}]"},
  };
  for (const auto& [type, patch] : patches) {
    try {
      patched(type, patch, pod);
      ADD_FAILURE() << "accepted";
    } catch (const api::ApiError& error) {
      EXPECT_EQ(error.code(), 400);
      EXPECT_NE(std::string_view(error.what()).find("exceeded max depth"), std::string_view::npos) << error.what();
    }
  }
}

// Counted in minutes when every item is looked for among all others.
TEST(Patching, LongListsAreMergedInTheirTime) {
  core::v1::Pod pod;
  auto& finalizers = *pod.mutable_metadata()->mutable_finalizers();
  std::string added, order, gone, items;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const std::string comma = i ? "," : "";
    *finalizers.Add() = "old/" + std::to_string(i);
    added += comma + "\"new/" + std::to_string(i) + '"';
    gone += comma + "\"old/" + std::to_string(i) + '"';
    items += comma + R"({"name":"c)" + std::to_string(i) + R"("})";
  }
  const auto united = patched(PatchType::Strategic, R"({"metadata":{"finalizers":[)" + added + "]}}", pod);
  EXPECT_EQ(united.metadata().finalizers_size(), 2 * kCount);
  const auto without =
      patched(PatchType::Strategic, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":[)" + gone + "]}}", pod);
  EXPECT_EQ(without.metadata().finalizers_size(), 0);
  const auto ordered = patched(PatchType::Strategic, R"({"metadata":{"$setElementOrder/finalizers":[)" + gone + "]}}", pod);
  EXPECT_EQ(ordered.metadata().finalizers_size(), kCount);

  const std::string containers = R"({"spec":{"containers":[)" + items + "]}}";
  const auto with = patched(PatchType::Strategic, containers, pod);
  ASSERT_EQ(with.spec().containers_size(), kCount);
  const auto again = patched(PatchType::Strategic, containers, with);
  EXPECT_EQ(again.spec().containers_size(), kCount);
}

// What a refused patch is told.
struct Refusal {
  const char* name;
  PatchType type;
  const char* patch;
  int code;
  const char* message;
  const char* cause = nullptr;  // of `patch`; null: there are no causes
  api::Unknown unknown = api::Unknown::Warn;
};

constexpr const char* kUnfit = "the server rejected our request due to an error in our request";

const Refusal kRefusals[] = {
    {"no JSON", PatchType::Merge, "{", 400, "error decoding patch: unexpected end of JSON input"},
    {"nothing", PatchType::Json, "", 400, "error decoding patch: unexpected end of JSON input"},
    {"no JSON, strategic", PatchType::Strategic, "{", 400, "unexpected end of JSON input"},
    {"a number", PatchType::Merge, "5", 400,
     "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"},
    {"a number, unread", PatchType::Merge, "5", 400, "Invalid JSON Patch", nullptr, api::Unknown::Ignore},
    {"null", PatchType::Merge, "null", 400, "Invalid JSON Patch"},
    {"a list", PatchType::Strategic, "[]", 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"},
    {"no operations", PatchType::Json, "{}", 400,
     "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"},
    {"a failed test", PatchType::Json, R"([{"op":"test","path":"/kind","value":1}])", 422, kUnfit},
    {"no such operation", PatchType::Json, R"([{"op":"zap"}])", 422, kUnfit},
    {"another kind", PatchType::Json, R"([{"op":"replace","path":"/kind","value":"ConfigMap"}])", 422, nullptr,
     "converting (v1.ConfigMap) to (core.Pod): unknown conversion"},
    {"another kind it cannot be read as", PatchType::Json,
     R"([{"op":"replace","path":"","value":{"kind":"Secret","apiVersion":"v1","data":{"a":"!"}}}])", 422, nullptr,
     "illegal base64 data at input byte 0"},
    {"no kind", PatchType::Merge, R"({"kind":"Zebra"})", 422, nullptr,
     R"(no kind "Zebra" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30")"},
    {"another version", PatchType::Merge, R"({"apiVersion":"v2"})", 422, nullptr,
     R"(no kind "Pod" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30")"},
    {"a list for the document", PatchType::Json, R"([{"op":"replace","path":"","value":[]}])", 422, nullptr,
     R"(couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" })"},
    {"a wrong type", PatchType::Merge, R"({"spec":{"activeDeadlineSeconds":[1]}})", 422, nullptr,
     "json: cannot unmarshal array into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64"},
    {"a wrong type, strategic", PatchType::Strategic, R"({"metadata":{"labels":"x"}})", 422, nullptr,
     "cannot restore map from string"},
    {"an unknown field", PatchType::Merge, R"({"zz":1})", 422, nullptr, R"(strict decoding error: unknown field "zz")",
     api::Unknown::Strict},
    {"a field twice and another unknown", PatchType::Strategic, R"({"metadata":{"labels":{"a":"1","a":"2"}},"zz":1})", 422,
     nullptr, R"(strict decoding error: duplicate field "metadata.labels.a", unknown field "zz")", api::Unknown::Strict},
    {"an unknown member of an operation", PatchType::Json, R"([{"op":"add","path":"/metadata/labels","value":{},"zz":1}])", 422,
     nullptr, R"(strict decoding error: json patch unknown field "[0].zz")", api::Unknown::Strict},
    {"no merge key", PatchType::Strategic, R"({"spec":{"containers":[{"image":"z"}]}})", 500,
     "map: map[image:z] does not contain declared merge key: name"},
    {"a directive that is none", PatchType::Strategic, R"({"spec":{"containers":[{"$patch":1,"name":"c"}]}})", 500,
     "unknown patch type: %!s(int64=1) in map: map[$patch:1 name:c]"},
    {"an order that is no list", PatchType::Strategic, R"({"spec":{"$setElementOrder/containers":{}}})", 500,
     "expected a []interface {}, but received a map[string]interface {}"},
    {"an order of texts", PatchType::Strategic, R"({"spec":{"$setElementOrder/containers":["c"]}})", 500,
     "value for key 0 is not a map"},
    {"an order without the key", PatchType::Strategic, R"({"spec":{"$setElementOrder/containers":[{"x":"c"}]}})", 500,
     "map: map[x:c] does not contain declared merge key: name"},
    {"items of two types", PatchType::Strategic, R"({"metadata":{"finalizers":[{"$patch":"replace"}]}})", 500,
     "list element types are not identical: [[a/b] [map[$patch:replace]]]"},
    {"retainKeys that are no list", PatchType::Strategic, R"({"spec":{"securityContext":{"$retainKeys":"x"}}})", 400,
     "invalid patch format of retainKeys"},
};

TEST(Patching, Refusals) {
  core::v1::Pod pod;
  pod.mutable_metadata()->set_name("a");
  pod.mutable_metadata()->add_finalizers("a/b");
  pod.mutable_spec()->add_containers()->set_name("c");
  for (const Refusal& c : kRefusals) {
    SCOPED_TRACE(c.name);
    std::vector<std::string> warnings;
    try {
      apply_patch(c.type, c.patch, api::Object::of(pod), c.unknown, warnings);
      ADD_FAILURE() << "accepted";
    } catch (const api::ApiError& error) {
      const meta::v1::Status& status = error.status();
      EXPECT_EQ(status.code(), c.code) << status.message();
      EXPECT_EQ(status.has_details(), c.code == 422);
      if (c.message) EXPECT_EQ(status.message(), c.message);
      ASSERT_EQ(status.details().causes_size(), c.cause ? 1 : 0) << status.message();
      if (!c.cause) continue;
      EXPECT_EQ(status.reason(), "Invalid");
      EXPECT_TRUE(status.message().starts_with(" \"\" is invalid: patch: Invalid value: \"")) << status.message();
      EXPECT_EQ(status.details().causes(0).field(), "patch");
      EXPECT_TRUE(status.details().causes(0).message().ends_with(std::string("\": ") + c.cause))
          << status.details().causes(0).message();
    }
  }
}

TEST(Patching, OddOnesThatAreCarriedOut) {
  core::v1::Pod pod;
  pod.mutable_metadata()->set_name("a");
  const auto warnings_of = [&](PatchType type, const char* patch) {
    std::vector<std::string> warnings;
    apply_patch(type, patch, api::Object::of(pod), api::Unknown::Warn, warnings);
    return warnings;
  };
  using Warnings = std::vector<std::string>;
  EXPECT_EQ(warnings_of(PatchType::Strategic, "null"), Warnings{});
  EXPECT_EQ(warnings_of(PatchType::Json, "null"), Warnings{});
  EXPECT_EQ(warnings_of(PatchType::Strategic, R"({"kind":"Secret"})"), Warnings{}) << "what it says it is does not matter there";
  EXPECT_EQ(warnings_of(PatchType::Strategic, R"({"spec":{"activeDeadlineSeconds":80.0}})"), Warnings{});
  EXPECT_EQ(warnings_of(PatchType::Strategic, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":"x"}})"), Warnings{});
  EXPECT_EQ(warnings_of(PatchType::Merge, R"({"metadata":{"labels":{"a":"1","a":"2"}}})"),
            Warnings{R"(duplicate field "metadata.labels.a")"});
  EXPECT_EQ(warnings_of(PatchType::Json, R"([{"op":"replace","path":"/spec/zz","value":1,"y":1}])"),
            (Warnings{R"(json patch unknown field "[0].y")", R"(unknown field "spec.zz")"}));
}

}  // namespace
}  // namespace ph::apiserver

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
  const auto object = apply_patch(type, patch, pod, api::Unknown::Warn, warnings);
  return static_cast<const core::v1::Pod&>(*object);
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
  const auto without = patched(PatchType::Strategic, R"({"metadata":{"$deleteFromPrimitiveList/finalizers":[)" + gone + "]}}", pod);
  EXPECT_EQ(without.metadata().finalizers_size(), 0);
  const auto ordered = patched(PatchType::Strategic, R"({"metadata":{"$setElementOrder/finalizers":[)" + gone + "]}}", pod);
  EXPECT_EQ(ordered.metadata().finalizers_size(), kCount);

  const std::string containers = R"({"spec":{"containers":[)" + items + "]}}";
  const auto with = patched(PatchType::Strategic, containers, pod);
  ASSERT_EQ(with.spec().containers_size(), kCount);
  const auto again = patched(PatchType::Strategic, containers, with);
  EXPECT_EQ(again.spec().containers_size(), kCount);
}

}  // namespace
}  // namespace ph::apiserver

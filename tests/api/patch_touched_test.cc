// A patch applied to what it touches gives what it gives applied to the whole object: the result, the complaints, the error.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/kinds.h"
#include "api/patch/patch.h"
#include "api/patch/touched.h"
#include "tests/api/random_object.h"

namespace ph::api {
namespace {

using google::protobuf::Message;
using Json = nlohmann::json;

enum class Kind { Merge, Strategic };

struct Outcome {
  std::string object;  // as JSON
  std::vector<std::string> complaints;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome apply(Kind kind, const Message& object, const Json& patch, const Touched& touched) {
  Outcome out;
  try {
    const Schema& schema = schema_of(object);
    std::unique_ptr<Message> copy(object.New());
    copy->CopyFrom(object);
    Object result(std::move(copy)), part = Object::make(schema), changed = Object::make(schema);
    touched.move(result, part);
    const Json document =
        kind == Kind::Merge ? merge_patch(to_json(part), patch) : strategic_merge_patch(schema, to_json(part), patch);
    from_json(document, *changed.message(), {.unknown = Unknown::Warn, .warnings = &out.complaints});
    touched.move(changed, result);
    out.object = encode_json(result);
  } catch (const std::exception& error) {
    out.error = error.what();
  }
  return out;
}

struct Case {
  const char* name;
  const char* patch;
};

const char* const kPod = R"({"metadata":{"name":"p","namespace":"n","labels":{"a":"1"},"finalizers":["x/1","y/2"]},
  "spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}],"securityContext":{"runAsUser":1},"nodeName":"n"},
  "status":{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"}]}})";

TEST(PatchTouched, Cases) {
  const Case cases[] = {
      {"nothing", "{}"},
      {"no object", "[]"},
      {"one label", R"({"metadata":{"labels":{"b":"2"}}})"},
      {"labels go", R"({"metadata":{"labels":null}})"},
      {"the first of a kind of member", R"({"metadata":{"annotations":{"b":"2"}}})"},
      {"an empty struct", R"({"status":{}})"},
      {"an empty pointer", R"({"spec":{"affinity":{}}})"},
      {"a struct goes", R"({"status":null})"},
      {"a struct that is none", R"({"status":7})"},
      {"a member of another type", R"({"status":{"phase":7}})"},
      {"a condition comes", R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})"},
      {"with an order",
       R"({"status":{"$setElementOrder/conditions":[{"type":"Ready"},{"type":"PodScheduled"}],"conditions":[{"type":"Ready","status":"True"}]}})"},
      {"an order alone", R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}})"},
      {"values go", R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["x/1"]}})"},
      {"a directive at the root", R"({"$patch":"replace","metadata":{"name":"p"}})"},
      {"a directive within", R"({"spec":{"$patch":"replace","nodeName":"m"}})"},
      {"kept keys", R"({"spec":{"$retainKeys":["nodeName"],"nodeName":"m"}})"},
      {"unknown members everywhere",
       R"({"foo":1,"spec":{"bar":{"x":null}},"status":{"conditions":[{"type":"Ready","baz":1}]},"metadata":{"labels":{"b":"2"}}})"},
      {"kind of another type", R"({"kind":7})"},
      {"kind goes", R"({"kind":null,"apiVersion":null})"},
      {"an order at the root", R"({"$setElementOrder/spec":[]})"},
      {"nested deep", R"({"spec":{"securityContext":{"fsGroup":2}}})"},
      {"an item without its key", R"({"spec":{"containers":[{"image":"x"}]}})"},
  };
  core::v1::Pod pod;
  decode_json(kPod, pod);
  for (const Case& c : cases) {
    for (const Kind kind : {Kind::Merge, Kind::Strategic}) {
      SCOPED_TRACE(std::string(c.name) + (kind == Kind::Merge ? ", merge" : ", strategic"));
      const Json patch = Json::parse(c.patch);
      const Outcome whole = apply(kind, pod, patch, Touched()), part = apply(kind, pod, patch, Touched(schema_of(pod), patch));
      EXPECT_EQ(part.object, whole.object);
      EXPECT_EQ(part.complaints, whole.complaints);
      EXPECT_EQ(part.error, whole.error);
    }
  }
}

// What another state of the object has, some of it gone, with a directive here and there.
Json patch_of(const Json& wanted, Rng& rng, int depth) {
  if (!wanted.is_object()) return rng.below(8) == 0 ? Json() : wanted;
  Json out = Json::object();
  for (const auto& [name, value] : wanted.items()) {
    if (rng.below(2) == 0) out[name] = patch_of(value, rng, depth + 1);
    if (value.is_array() && rng.below(6) == 0) out["$setElementOrder/" + name] = value;
    if (value.is_array() && rng.below(6) == 0) out["$deleteFromPrimitiveList/" + name] = value;
  }
  if (rng.below(20) == 0) out["$patch"] = rng.below(2) == 0 ? "replace" : "delete";
  if (rng.below(20) == 0) out["unknown"] = 1;
  return out;
}

TEST(PatchTouched, RandomPatches) {
  int changed = 0;
  for (const Resource& resource : Scheme::builtin().resources()) {
    const Schema& schema = *resource.schema;
    SCOPED_TRACE(schema.name);
    SeededRng rng(3);
    testing::RandomObject random(rng);
    for (int i = 0; i < 20; ++i) {
      const Json document = random.make(schema);
      const auto object = Scheme::builtin().make(schema);
      from_json(document, *object);
      const Json patch = patch_of(random.change(schema, document), rng, 0);
      for (const Kind kind : {Kind::Merge, Kind::Strategic}) {
        const Outcome whole = apply(kind, *object, patch, Touched());
        ASSERT_TRUE(apply(kind, *object, patch, Touched(schema, patch)) == whole)
            << "object " << to_json(*object) << "\npatch " << patch << "\nwhole: " << whole.object << whole.error
            << "\npart:  " << apply(kind, *object, patch, Touched(schema, patch)).object;
        if (whole.error.empty()) ++changed;
      }
    }
  }
  EXPECT_GT(changed, 500);
}

}  // namespace
}  // namespace ph::api

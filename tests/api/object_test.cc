// The two kinds of objects behind one handle, and their bytes.
#include "api/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"
#include "api/json_member.h"
#include "api/kinds.h"
#include "api/value.h"

namespace ph::api {
namespace {

using core::v1::Pod;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::Pair;

// A custom kind as its structural schema makes it: every member may be absent.
struct Widgets {
  Widgets() {
    text.type = Type::String;
    number.type = Type::Int64;
    spec.fields = {member("n", number), member("s", text)};
    status.fields = {member("ready", number)};
    root.fields = {member("metadata", schema_of<meta::v1::ObjectMeta>()), member("spec", spec), member("status", status)};
    root.kind = {"rec.example.com", "v1", "Widget"};
    for (Schema* schema : {&spec, &status, &root}) schema->index_names();
  }
  static Field member(const char* name, const Schema& schema) {
    Field field;
    field.name = name;
    field.schema = &schema;
    field.pointer = true;
    return field;
  }
  Schema text, number, spec, status, root;
};

const Widgets& widgets() {
  static const Widgets widgets;
  return widgets;
}

const char* const kWidget =
    R"({"apiVersion":"rec.example.com/v1","kind":"Widget","metadata":{"labels":{"b":"2","a":"1"},"name":"w",
  "namespace":"d","uid":"u"},"spec":{"n":0,"s":"x\"y"},"status":{"ready":1}})";
const char* const kPod =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"b":"2","a":"1"},"name":"w","namespace":"d","uid":"u"},
  "spec":{"nodeName":"n","containers":[]},"status":{"phase":"Running"}})";

// Every test runs over both kinds.
class ObjectOver : public testing::TestWithParam<bool> {
 protected:
  bool custom() const { return GetParam(); }
  const Schema& schema() const { return custom() ? widgets().root : schema_of<Pod>(); }
  Object parsed() const { return object_of_document(schema(), Json::parse(custom() ? kWidget : kPod)); }
};
INSTANTIATE_TEST_SUITE_P(Kinds, ObjectOver, testing::Bool(),
                         [](const auto& info) { return info.param ? "Document" : "Message"; });

TEST_P(ObjectOver, HasMetadata) {
  Object object = parsed();
  EXPECT_EQ(object.metadata().name(), "w");
  EXPECT_EQ(object.key().text(), "d/w");
  object.mutable_metadata().set_name("v");
  EXPECT_EQ(object.value().at_path("metadata.name").text(), "v");
  EXPECT_EQ(to_json(object)["metadata"]["name"], "v");
  object.value().set_member(*object.schema().field("metadata"), {{"name", "u"}});
  EXPECT_EQ(object.metadata().name(), "u");
  EXPECT_EQ(object.metadata().labels_size(), 0);
}

TEST_P(ObjectOver, CopiesAreApart) {
  Object object = parsed();
  Object copy = object.clone();
  EXPECT_EQ(to_json(copy), to_json(object));
  EXPECT_TRUE(Value::equal(copy.value(), object.value()));
  copy.mutable_metadata().set_name("other");
  EXPECT_EQ(object.metadata().name(), "w");
  EXPECT_FALSE(Value::equal(copy.value(), object.value()));
}

TEST_P(ObjectOver, StatusAndTheRest) {
  const Object old = parsed();
  Object object = parsed();
  EXPECT_TRUE(has_status(object));
  EXPECT_FALSE(spec_differs(object, old));
  clear_status(object);
  EXPECT_FALSE(spec_differs(object, old));
  EXPECT_TRUE(spec_differs(object, old, false));
  EXPECT_FALSE(Value::equal(object.value().member("status"), old.value().member("status")));
  restore_status(object, old);
  EXPECT_EQ(to_json(object), to_json(old));

  Object other = parsed();
  const Value spec = other.value().member("spec");
  spec.set_member(*spec.schema().field(custom() ? "s" : "nodeName"), "changed");
  const Value status = other.value().member("status");
  status.set_member(*status.schema().field(custom() ? "ready" : "phase"), custom() ? Json(7) : Json("Failed"));
  other.mutable_metadata().set_name("renamed");
  EXPECT_TRUE(spec_differs(other, old));
  restore_all_but_status(other, old);
  EXPECT_FALSE(spec_differs(other, old));
  EXPECT_TRUE(spec_differs(other, old, false));
  EXPECT_EQ(other.metadata().name(), "renamed");
}

TEST_P(ObjectOver, BytesAndBack) {
  const Object object = parsed();
  const std::string stored = encode_stored(object);
  EXPECT_EQ(to_json(decode_stored(schema(), stored)), to_json(object));
  const std::string served = served_bytes(stored, "17");
  const Encoded encoded(schema(), served);
  EXPECT_EQ(encoded.is_json(), custom());
  EXPECT_THAT(encoded.labels(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(encoded.scalar_at("metadata.name"), "w");
  EXPECT_EQ(encoded.scalar_at(custom() ? "spec.s" : "spec.nodeName"), custom() ? "x\"y" : "n");
  EXPECT_EQ(encoded.scalar_at("spec.nothing"), "");
  meta::v1::ObjectMeta metadata;
  std::string scratch;
  decode_protobuf(encoded.metadata(scratch), metadata);
  EXPECT_EQ(metadata.resource_version(), "17");
  EXPECT_EQ(metadata.uid(), "u");
  std::string json;
  encoded.append_json(true, json);
  Json expected = to_json(object);
  expected["metadata"]["resourceVersion"] = "17";
  EXPECT_EQ(Json::parse(json), expected);
  EXPECT_EQ(served_bytes(served, "9"), served_bytes(stored, "9"));
}

TEST(Encoded, ResourceVersionOfJson) {
  const struct {
    const char* stored;
    const char* served;
  } kCases[] = {
      {R"({"metadata":{}})", R"({"metadata":{"resourceVersion":"5"}})"},
      {R"({"a":{"metadata":1},"metadata":{"name":"n","uid":"u"},"z":"}"})",
       R"({"a":{"metadata":1},"metadata":{"name":"n","resourceVersion":"5","uid":"u"},"z":"}"})"},
      {R"({ "metadata" : { "annotations" : {"resourceVersion":"no \" }"} , "resourceVersion" : "4" } })",
       R"({ "metadata" : {"annotations":{"resourceVersion":"no \" }"},"resourceVersion":"5"} })"},
  };
  for (const auto& [stored, served] : kCases) EXPECT_EQ(served_bytes(stored, "5"), served);
  EXPECT_THROW(served_bytes(R"({"spec":{}})", "5"), DecodeError);
}

TEST(JsonMember, Finds) {
  const std::string_view text = R"( {"a" : [1,{"b":2}], "b":"x\"}", "c":{"d":{"e":-1.5}},"n":null,"t":true} )";
  EXPECT_EQ(json_member(text, "a"), R"([1,{"b":2}])");
  EXPECT_EQ(json_member(text, "b"), R"("x\"}")");
  EXPECT_EQ(json_at(text, "c.d.e"), "-1.5");
  EXPECT_EQ(json_member(text, "d"), std::nullopt);
  EXPECT_EQ(json_at(text, "b.c"), std::nullopt);
  EXPECT_EQ(json_plain(*json_member(text, "b")), "x\"}");
  EXPECT_EQ(json_plain(*json_member(text, "n")), "");
  EXPECT_EQ(json_plain(*json_member(text, "t")), "true");
  // Damaged text ends the search; nothing is read beyond its end.
  for (const char* damaged :
       {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":[", "{\"a\":{\"b\\", "[1]", "7"}) {
    EXPECT_EQ(json_member(damaged, "zz"), std::nullopt) << damaged;
  }
}

}  // namespace
}  // namespace ph::api

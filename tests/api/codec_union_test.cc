// Types whose JSON is one of several shapes, and that hold themselves: JSONSchemaProps.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/kinds.h"
#include "api/value.h"

namespace ph::api {
namespace {

using apiextensions::v1::JSONSchemaProps;
using nlohmann::json;

JSONSchemaProps read(const std::string& text, const DecodeOptions& options = {}) {
  JSONSchemaProps out;
  decode_json(text, out, options);
  return out;
}

TEST(CodecUnion, ReadsAndWritesEachShape) {
  const char* const same[] = {
      R"({"items":{"type":"string"}})",
      R"({"items":[{"type":"string"},{}]})",
      R"({"additionalProperties":true})",
      R"({"additionalProperties":false})",
      R"({"additionalProperties":{"type":"string"}})",
      R"({"dependencies":{"a":["b","c"],"d":{"type":"object"}}})",
      R"({"default":{"a":[1,null,"<"]},"enum":[1,null,"a"],"example":false})",
      R"({"$schema":"s","$ref":"r","maximum":0,"exclusiveMaximum":true,"minLength":0,"not":{"not":{"items":{}}}})",
      R"({"x-kubernetes-preserve-unknown-fields":false,"x-kubernetes-list-map-keys":["k"],"x-kubernetes-list-type":"map","x-kubernetes-validations":[{"rule":"true","optionalOldSelf":false}]})",
  };
  for (const char* text : same) {
    const JSONSchemaProps schema = read(text, {.unknown = Unknown::Strict});
    EXPECT_EQ(json::parse(encode_json(schema)), json::parse(text));
    JSONSchemaProps again;
    decode_protobuf(encode_protobuf(schema), again);
    EXPECT_EQ(encode_json(again), encode_json(schema));
    EXPECT_EQ(encode_protobuf(again), encode_protobuf(schema));
  }
}

TEST(CodecUnion, ItsBytesAreUpstreams) {
  JSONSchemaProps schema;
  const auto field = [&](const char* name) { return Value::of(std::as_const(schema)).member(name).json(); };
  schema.mutable_additional_properties()->set_allows(true);
  EXPECT_EQ(field("additionalProperties"), json(true));
  schema.mutable_additional_properties()->mutable_schema()->set_type("string");
  EXPECT_EQ(field("additionalProperties"), json::parse(R"({"type":"string"})"));
  // A schema that is allowed says so: field 1 before field 2, the flag always.
  const auto bytes = encode_protobuf(read(R"({"additionalProperties":false})"));
  EXPECT_NE(bytes.find(std::string("\xf2\x01\x02\x08\x00", 5)), std::string::npos);
  const auto with_schema = encode_protobuf(read(R"({"additionalProperties":{}})"));
  EXPECT_NE(with_schema.find(std::string("\x08\x01\x12", 3)), std::string::npos);
}

TEST(CodecUnion, SaysWhatIsWrong) {
  const auto why = [](const std::string& text, Unknown unknown = Unknown::Ignore) {
    try {
      read(text, {.unknown = unknown});
    } catch (const DecodeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(why(R"({"additionalProperties":"x"})"), "boolean or JSON schema expected");
  EXPECT_EQ(why(R"({"items":{"type":1}})"),
            "json: cannot unmarshal number into Go struct field JSONSchemaProps.items.type of type string");
  EXPECT_EQ(why(R"({"items":5})"), "") << "upstream looks at the first character only";
  EXPECT_EQ(why(R"({"properties":{"a":{"bogus":1}}})", Unknown::Strict),
            R"(strict decoding error: unknown field "properties.a.bogus")");
  EXPECT_EQ(why(R"({"items":{"bogus":1}})", Unknown::Strict), "") << "in there upstream looks for nothing";
}

TEST(CodecUnion, IsReplacedAsAWhole) {
  JSONSchemaProps a = read(R"({"items":{"type":"string"}})"), b = read(R"({"items":{"type":"object"}})");
  EXPECT_FALSE(Value::equal(Value::of(std::as_const(a)), Value::of(std::as_const(b))));
  EXPECT_TRUE(Value::equal(Value::of(std::as_const(a)), Value::of(std::as_const(a))));
}

}  // namespace
}  // namespace ph::api

// Documents of custom kinds, judged: a table of keywords, each in upstream's words.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using test::built;
using test::json;
using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
  const char* name;
  const char* schema;  // of the member x
  const char* value;
  std::vector<std::string> problems;
};

std::vector<std::string> problems(const Case& c) {
  const auto schema = built(fmt::format(R"({{"type":"object","properties":{{"x":{}}}}})", c.schema));
  Errors errors;
  schema->validate(structural::read_document(fmt::format(R"({{"x":{}}})", c.value)), errors);
  return test::lines_of(errors);
}

const Case kCases[] = {
    {"a type", R"({"type":"integer"})", R"("a")", {R"(x: Invalid value: "string": x in body must be of type integer: "string")"}},
    {"a list for an object",
     R"({"type":"object"})",
     "[]",
     {R"(x: Invalid value: "array": x in body must be of type object: "array")"}},
    {"a fraction for an integer",
     R"({"type":"integer"})",
     "1.5",
     {R"(x: Invalid value: "number": x in body must be of type integer: "number")"}},
    {"a whole double is an integer", R"({"type":"integer"})", "1.0", {}},
    {"a whole double with an exponent", R"({"type":"integer"})", "1e1", {}},
    {"beyond what doubles hold whole",
     R"({"type":"integer"})",
     "1e19",
     {R"(x: Invalid value: "number": x in body must be of type integer: "number")"}},
    {"the greatest integer", R"({"type":"integer"})", "9223372036854775807", {}},
    {"one more",
     R"({"type":"integer"})",
     "9223372036854775808",
     {R"(x: Invalid value: "number": x in body must be of type integer: "number")"}},
    {"an integer is a number", R"({"type":"number"})", "1", {}},
    {"null", R"({"type":"string"})", "null", {R"(x: Invalid value: "null": x in body must be of type string: "null")"}},
    {"null that may be", R"({"type":"string","nullable":true})", "null", {}},
    {"null without a type", R"({"x-kubernetes-preserve-unknown-fields":true})", "null", {}},
    {"int or string: a bool",
     R"({"x-kubernetes-int-or-string":true})",
     "true",
     {R"(x: Invalid value: "boolean": x in body must be of type integer,string: "boolean")"}},
    {"int or string: a text", R"({"x-kubernetes-int-or-string":true})", R"("50%")", {}},
    {"int or string: a pattern is of texts", R"({"x-kubernetes-int-or-string":true,"pattern":"^a"})", "5", {}},

    {"an enumeration",
     R"({"type":"string","enum":["a","b"]})",
     R"("c")",
     {R"(x: Unsupported value: "c": supported values: "a", "b")"}},
    {"an enumeration of numbers",
     R"({"type":"integer","enum":[1,2]})",
     "3",
     {R"(x: Unsupported value: 3: supported values: "1", "2")"}},
    {"a double in an enumeration of integers", R"({"type":"integer","enum":[1,2]})", "2.0", {}},
    {"null in an enumeration",
     R"({"type":"string","nullable":true,"enum":["a",null]})",
     "null",
     {R"(x: Unsupported value: null: supported values: "a", "null")"}},
    {"a wrong type in an enumeration",
     R"({"type":"string","enum":["a"]})",
     "1",
     {R"(x: Invalid value: "integer": x in body must be of type string: "integer")",
      R"(x: Unsupported value: 1: supported values: "a")"}},

    {"maximum",
     R"({"type":"integer","maximum":10})",
     "11",
     {"x: Invalid value: 11: x in body should be less than or equal to 10"}},
    {"exclusive maximum",
     R"({"type":"integer","maximum":10,"exclusiveMaximum":true})",
     "10",
     {"x: Invalid value: 10: x in body should be less than 10"}},
    {"minimum",
     R"({"type":"number","minimum":0.5})",
     "0.25",
     {"x: Invalid value: 0.25: x in body should be greater than or equal to 0.5"}},
    {"exclusive minimum",
     R"({"type":"number","minimum":0,"exclusiveMinimum":true})",
     "0",
     {"x: Invalid value: 0: x in body should be greater than 0"}},
    {"a bound that is cut for integers", R"({"type":"integer","minimum":0.5})", "0", {}},
    {"large doubles",
     R"({"type":"number","maximum":1000000})",
     "2000000.5",
     {"x: Invalid value: 2.0000005e+06: x in body should be less than or equal to 1e+06"}},
    {"multiple of", R"({"type":"integer","multipleOf":3})", "10", {"x: Invalid value: 10: x in body should be a multiple of 3"}},
    {"multiple of a fraction", R"({"type":"number","multipleOf":0.1})", "0.3", {}},
    {"no multiple of a fraction",
     R"({"type":"number","multipleOf":0.1})",
     "0.35",
     {"x: Invalid value: 0.35: x in body should be a multiple of 0.1"}},
    {"a factor cut to nothing",
     R"({"type":"integer","multipleOf":0.5})",
     "1",
     {"x: Invalid value: 1: factor MultipleOf declared for x must be positive: 0"}},

    {"too long", R"({"type":"string","maxLength":2})", R"("abc")", {"x: Too long: may not be more than 2 bytes"}},
    {"length is of characters", R"({"type":"string","maxLength":2})", R"("éé")", {}},
    {"too short",
     R"({"type":"string","minLength":2})",
     R"("é")",
     {R"(x: Invalid value: "é": x in body should be at least 2 chars long)"}},
    {"a pattern",
     R"({"type":"string","pattern":"^a+$"})",
     R"("ab")",
     {R"(x: Invalid value: "ab": x in body should match '^a+$')"}},
    {"a pattern is searched", R"({"type":"string","pattern":"b"})", R"("abc")", {}},
    {"one complaint about a text",
     R"({"type":"string","maxLength":1,"pattern":"^b"})",
     R"("ab")",
     {"x: Too long: may not be more than 1 bytes"}},

    {"too many items",
     R"({"type":"array","maxItems":1,"items":{"type":"string"}})",
     R"(["a","b"])",
     {"x: Too many: 2: must have at most 1 item"}},
    {"too few items",
     R"({"type":"array","minItems":1,"items":{"type":"string"}})",
     "[]",
     {"x: Invalid value: []: x in body should have at least 1 items"}},
    {"an item",
     R"({"type":"array","items":{"type":"string"}})",
     R"(["a",1])",
     {R"(x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer")"}},
    {"items all alike",
     R"({"type":"array","uniqueItems":true,"items":{"type":"string"}})",
     R"(["a","a"])",
     {R"(x: Invalid value: ["a","a"]: x in body shouldn't contain duplicates)"}},
    {"required", R"({"type":"object","required":["a"],"properties":{"a":{"type":"string"}}})", "{}", {"x.a: Required value"}},
    {"a member",
     R"({"type":"object","properties":{"a":{"type":"string"}}})",
     R"({"a":{}})",
     {R"(x.a: Invalid value: "object": x.a in body must be of type string: "object")"}},
    {"a value of a map",
     R"({"type":"object","additionalProperties":{"type":"string"}})",
     R"({"a":1})",
     {R"(x.a: Invalid value: "integer": x.a in body must be of type string: "integer")"}},
    {"too few properties",
     R"({"type":"object","minProperties":1})",
     "{}",
     {"x: Invalid value: {}: x in body should have at least 1 properties"}},
    {"too many properties",
     R"({"type":"object","maxProperties":1,"additionalProperties":{"type":"string"}})",
     R"({"a":"","b":1})",
     {"x: Too many: 2: must have at most 1 item"}},

    {"all of",
     R"({"type":"string","allOf":[{"maxLength":1},{"pattern":"^a"}]})",
     R"("bb")",
     {"x: Too long: may not be more than 1 bytes", R"(x: Invalid value: "bb": x in body should match '^a')",
      R"(<nil>: Invalid value: "": "x" must validate all the schemas (allOf). None validated)"}},
    {"any of: the nearest",
     R"({"type":"string","anyOf":[{"maxLength":1},{"pattern":"^a"}]})",
     R"("bb")",
     {R"(<nil>: Invalid value: "": "x" must validate at least one schema (anyOf))", "x: Too long: may not be more than 1 bytes"}},
    {"any of", R"({"type":"string","anyOf":[{"maxLength":1},{"pattern":"^b"}]})", R"("bb")", {}},
    {"one of none",
     R"({"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]})",
     "{}",
     {R"(<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid)", "x.a: Required value"}},
    {"one of two",
     R"({"type":"object","x-kubernetes-preserve-unknown-fields":true,"oneOf":[{"required":["a"]},{"required":["b"]}]})",
     R"({"a":1,"b":1})",
     {R"(<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives)"}},
    {"not",
     R"({"type":"string","not":{"pattern":"^a"}})",
     R"("a")",
     {R"(<nil>: Invalid value: "": "x" must not validate the schema (not))"}},

    {"a set",
     R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}})",
     R"(["a","b","a","a"])",
     {R"(x[2]: Duplicate value: "a")"}},
    {"a list by key",
     R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer"}}}})",
     R"([{"k":"a"},{"k":"a","v":1}])",
     {R"(x[1]: Duplicate value: {"k":"a"})"}},
    {"a list by keys",
     R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","p"],"items":{"type":"object","properties":{"k":{"type":"string"},"p":{"type":"integer"}}}})",
     R"([{"k":"a","p":1},{"k":"a","p":2},{"p":1,"k":"a"},{},{}])",
     {R"(x[2]: Duplicate value: {"k":"a","p":1})", "x[4]: Duplicate value: {}"}},
    {"no objects in a list by key",
     R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"x-kubernetes-preserve-unknown-fields":true}})",
     R"(["a"])",
     {R"(x[0]: Invalid value: "a": must be an object for an array of list-type map)"}},

    {"an embedded resource without a kind",
     R"({"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true})",
     R"({"apiVersion":"v1"})",
     {"x.kind: Required value"}},
    {"… with bad names",
     R"({"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true})",
     R"({"apiVersion":"a/b/c","kind":"Pod","metadata":{"name":"a/b"}})",
     {R"(x.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c)",
      R"(x.metadata.name: Invalid value: "a/b": may not contain '/')"}},
};

TEST(StructuralValidate, Keywords) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems(c), c.problems);
  }
}

TEST(StructuralValidate, Formats) {
  struct Row {
    const char* format;
    std::vector<const char*> good, bad;
  };
  const Row rows[] = {
      {"bsonobjectid", {"507f1f77bcf86cd799439011"}, {"507f1f77bcf86cd79943901", "x07f1f77bcf86cd799439011"}},
      {"uri",
       {"http://a.b/c?d#e", "spiffe://a/b", "/path", "urn:a:b", "http://[::1]:80/"},
       {"", "a b", "relative", "http://a b", "http://[::1", "/%zz"}},
      {"email", {"a@b.c", "Ann Bee <a@b.c>", "\\\"a b\\\"@c"}, {"", "a", "@b", "a@", "a@b@c", "<a@b"}},
      {"hostname", {"a", "a.example.com", "1.example.com", "xn--80ak6aa92e.com"}, {"", "-a", "a_b", "a..b", "a.b.-c"}},
      {"ipv4", {"10.0.0.1", "255.255.255.255"}, {"10.0.0", "256.0.0.1", "::1", "10.0.0.01"}},
      {"ipv6", {"::1", "2001:db8::1", "::ffff:10.0.0.1"}, {"10.0.0.1", ":::", "g::"}},
      {"cidr", {"10.0.0.0/8", "::/0", "10.1.2.3/24"}, {"10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/-1"}},
      {"mac",
       {"00:00:5e:00:53:01", "00-00-5e-00-53-01", "0000.5e00.5301", "02:00:5e:10:00:00:00:01"},
       {"00:00:5e:00:53", "00:00:5e:00-53:01", "zz:00:5e:00:53:01"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"},
       {"123e4567", "g23e4567-e89b-12d3-a456-426614174000"}},
      {"uuid3", {"123e4567-e89b-32d3-a456-426614174000"}, {"123e4567-e89b-12d3-a456-426614174000"}},
      {"uuid4", {"123e4567-e89b-42d3-a456-426614174000"}, {"123e4567-e89b-42d3-c456-426614174000"}},
      {"uuid5", {"123e4567-e89b-52d3-b456-426614174000"}, {"123e4567-e89b-42d3-a456-426614174000"}},
      {"isbn", {"0321751043", "978-0321751041"}, {"0321751044"}},
      {"isbn10", {"0321751043", "3-16-148410-X"}, {"978-0321751041"}},
      {"isbn13", {"978-0321751041"}, {"0321751043", "978-0321751042"}},
      {"creditcard", {"4111 1111 1111 1111", "4012-8888-8888-1881"}, {"4111 1111 1111 1112", "1"}},
      {"ssn", {"111-22-3333", "111223333"}, {"11-22-3333"}},
      {"hexcolor", {"#FFFFFF", "abc"}, {"#FFFF", "#ggg"}},
      {"rgbcolor", {"rgb(255,255,255)", "rgb( 0, 1 , 20)"}, {"rgb(256,0,0)", "rgb(1,2)"}},
      {"byte", {"AAEC", "/w=="}, {"A", "AA", "-_==", ""}},
      {"password", {"", "anything"}, {}},
      {"date", {"2026-01-02"}, {"2026-13-02", "2026-1-2", "2026-02-30", "2026-01-02T00:00:00Z"}},
      {"duration", {"1h30m", "22 ns", "3 days", "1.5h"}, {"", "h", "5 parsecs"}},
      {"date-time", {"2014-12-15T19:30:20.000Z", "2014-12-15t19:30:20+01:00"}, {"2014-12-15", "2014-12-15T25:30:20Z", "now"}},
      {"datetime", {"2014-12-15T19:30:20Z"}, {"x"}},
      {"quantity", {"10Gi", "1.5", "100m"}, {"10 Gi", ""}},
      {"k8s-short-name", {"a-b"}, {"A", "a.b"}},
      {"k8s-long-name", {"a.b-c"}, {"A", "a..b"}},
      {"no-such-format", {"", "anything"}, {}},
  };
  for (const Row& row : rows) {
    const std::string schema = fmt::format(R"({{"type":"string","format":"{}"}})", row.format);
    for (const char* text : row.good)
      EXPECT_THAT(problems({"", schema.c_str(), fmt::format("\"{}\"", text).c_str(), {}}), IsEmpty())
          << row.format << ": " << text;
    for (const char* text : row.bad)
      EXPECT_EQ(problems({"", schema.c_str(), fmt::format("\"{}\"", text).c_str(), {}}).size(), 1u) << row.format << ": " << text;
  }
  EXPECT_THAT(problems({"", R"({"type":"string","format":"date-time"})", R"("now")", {}}),
              ElementsAre(R"(x: Invalid value: "now": x in body must be of type datetime: "now")"));
}

TEST(StructuralValidate, NamesAreHeldApart) {
  const auto schema = built(
      R"({"type":"object","required":["metadata"],"properties":{"metadata":{"type":"object","properties":{"name":{"type":"string","maxLength":3}}}}})");
  meta::v1::ObjectMeta metadata;
  metadata.set_name("long");
  Errors errors;
  schema->validate({{"kind", "K"}}, errors, &metadata);
  EXPECT_THAT(test::lines_of(errors), ElementsAre("metadata.name: Too long: may not be more than 3 bytes"));
}

TEST(StructuralValidate, WhatWasWrongMayStay) {
  const auto schema = built(R"({"type":"object","properties":{
      "a":{"type":"string","maxLength":1},"b":{"type":"string","maxLength":1},
      "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],
           "items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"string","maxLength":1}}}},
      "s":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}})");
  const json old = {{"a", "long"}, {"b", "b"}, {"l", {{{"k", "x"}, {"v", "long"}}}}, {"s", {"a", "a"}}};
  json now = old;
  now["l"].insert(now["l"].begin(), json{{"k", "y"}, {"v", "longer"}});
  now["b"] = "bb";
  Errors errors;
  schema->validate_update(now, old, errors);
  EXPECT_THAT(test::lines_of(errors),
              ElementsAre("b: Too long: may not be more than 1 bytes", "l[0].v: Too long: may not be more than 1 bytes"));
}

TEST(StructuralValidate, ManyMistakesCostLittle) {
  const auto schema = built(R"({"type":"object","properties":{"x":{"type":"array","items":{"type":"string"}}}})");
  json document = {{"x", json::array()}};
  for (int i = 0; i < 20'000; ++i) document["x"].push_back(i);
  Errors errors;
  schema->validate(document, errors);
  EXPECT_LE(errors.list().size(), 1001u);
}

}  // namespace
}  // namespace ph::api

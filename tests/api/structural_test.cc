// Structural schemas: what is cut from documents, what is filled in, and how generic code sees them.
#include "api/structural/structural.h"

#include <gmock/gmock.h>

#include "api/patch/field_set.h"
#include "api/patch/patch.h"
#include "api/value.h"
#include "api/wire.h"
#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using test::built;
using test::json;
using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
  const char* name;
  const char* schema;
  const char* document;
  const char* wanted;
  std::vector<std::string> unknown = {};
};

TEST(Structural, Prunes) {
  const Case cases[] = {
      {"what is not known",
       R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}})",
       R"({"a":{"b":"1","c":2},"d":{"e":1}})",
       R"({"a":{"b":"1"}})",
       {"a.c", "d"}},
      {"in lists",
       R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"object","properties":{"b":{"type":"string"}}}}}})",
       R"({"l":[{"b":"1"},{"c":1},[{"d":1}]]})",
       R"({"l":[{"b":"1"},{},[{}]]})",
       {"l[1].c", "l[2][0].d"}},
      {"the root's own stay",
       R"({"type":"object"})",
       R"({"apiVersion":"g.io/v1","kind":"K","metadata":{"name":"a","x":1},"status":{}})",
       R"({"apiVersion":"g.io/v1","kind":"K","metadata":{"name":"a","x":1}})",
       {"status"}},
      {"nothing where all is kept",
       R"({"type":"object","properties":{"p":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})",
       R"({"p":{"a":[{"b":1}]}})", R"({"p":{"a":[{"b":1}]}})"},
      {"within what is kept, what is known",
       R"({"type":"object","properties":{"p":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
        "properties":{"k":{"type":"object","properties":{"a":{"type":"string"}}}}}}})",
       R"({"p":{"k":{"a":"","b":1},"u":{"b":1}}})",
       R"({"p":{"k":{"a":""},"u":{"b":1}}})",
       {"p.k.b"}},
      {"values of maps",
       R"({"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"string"}}}}}})",
       R"({"m":{"x":{"a":"","b":1}}})",
       R"({"m":{"x":{"a":""}}})",
       {"m.x.b"}},
      {"values of maps of anything",
       R"({"type":"object","properties":{"m":{"type":"object","additionalProperties":true}}})",
       R"({"m":{"x":{"a":""},"y":1}})",
       R"({"m":{"x":{},"y":1}})",
       {"m.x.a"}},
      {"an embedded resource's own stay",
       R"({"type":"object","properties":{"e":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}}})",
       R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"a":1},"status":{}}})",
       R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{}}})",
       {"e.spec.a", "e.status"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json document = json::parse(c.document);
    std::vector<std::string> unknown;
    built(c.schema)->prune(document, &unknown);
    EXPECT_EQ(document, json::parse(c.wanted));
    EXPECT_EQ(unknown, c.unknown);
  }
}

TEST(Structural, Defaults) {
  const Case cases[] = {
      {"where nothing is",
       R"({"type":"object","properties":{"a":{"type":"string","default":"d"},"b":{"type":"integer","default":0}}})", R"({"b":7})",
       R"({"a":"d","b":7})"},
      {"within what is there",
       R"({"type":"object","properties":{"o":{"type":"object","properties":{"a":{"type":"string","default":"d"}}}}})",
       R"({"o":{}})", R"({"o":{"a":"d"}})"},
      {"not within what is not",
       R"({"type":"object","properties":{"o":{"type":"object","properties":{"a":{"type":"string","default":"d"}}}}})", "{}",
       "{}"},
      {"within a default",
       R"({"type":"object","properties":{"o":{"type":"object","default":{},"properties":{"a":{"type":"string","default":"d"}}}}})",
       "{}", R"({"o":{"a":"d"}})"},
      {"in lists and maps",
       R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string","default":"d"}}}},
        "m":{"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"string","default":"d"}}}}}})",
       R"({"l":[{},{"a":"1"}],"m":{"k":{}}})", R"({"l":[{"a":"d"},{"a":"1"}],"m":{"k":{"a":"d"}}})"},
      {"for null that may not be", R"({"type":"object","properties":{"a":{"type":"string","default":"d"}}})", R"({"a":null})",
       R"({"a":"d"})"},
      {"not for null that may be", R"({"type":"object","properties":{"a":{"type":"string","nullable":true,"default":"d"}}})",
       R"({"a":null})", R"({"a":null})"},
      {"null without a default goes",
       R"({"type":"object","properties":{"a":{"type":"string"},"m":{"type":"object","additionalProperties":{"type":"string"}}}})",
       R"({"a":null,"m":{"x":null,"y":""}})", R"({"m":{"y":""}})"},
      {"null in a list stays", R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"string"}}}})",
       R"({"l":[null]})", R"({"l":[null]})"},
      {"null in a list with a default",
       R"({"type":"object","properties":{"l":{"type":"array","items":{"type":"string","default":"d"}}}})", R"({"l":[null]})",
       R"({"l":["d"]})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    json document = json::parse(c.document);
    const auto schema = built(c.schema);
    schema->apply_defaults(document);
    EXPECT_EQ(document, json::parse(c.wanted));
    json again = document;
    schema->apply_defaults(again);
    EXPECT_EQ(again, document) << "defaults of a defaulted document are nothing";
  }
}

TEST(Structural, CoercesEmbeddedMetadata) {
  const auto schema = built(
      R"({"type":"object","properties":{"e":{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}}})");
  json document = json::parse(
      R"({"e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","bogus":1,"labels":{"a":"b"},"creationTimestamp":null}}})");
  Errors errors;
  std::vector<std::string> unknown;
  schema->coerce(document, false, errors, &unknown);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(document["e"]["metadata"], json::parse(R"({"name":"a","labels":{"a":"b"}})"));
  EXPECT_THAT(unknown, ElementsAre("e.metadata.bogus"));

  json wrong = json::parse(R"({"e":{"apiVersion":1,"kind":"Pod","metadata":{"labels":[],"name":"a"}}})");
  json dropped = wrong;
  schema->coerce(wrong, false, errors);
  EXPECT_THAT(test::lines_of(errors), ElementsAre("e.apiVersion: Invalid value: 1: must be a string"));
  Errors none;
  schema->coerce(dropped, true, none);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(dropped, json::parse(R"({"e":{"kind":"Pod","metadata":{"name":"a"}}})"));
}

const char* const kWidget = R"({"type":"object","properties":{"spec":{"type":"object","properties":{
    "n":{"type":"integer"},"s":{"type":"string"},"null":{"type":"string","nullable":true},
    "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true},"free":{"x-kubernetes-preserve-unknown-fields":true},
    "atom":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"x":{"type":"string"}}},
    "io":{"x-kubernetes-int-or-string":true},"m":{"type":"object","additionalProperties":{"type":"string"}},
    "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},"plain":{"type":"array","items":{"type":"string"}},
    "half":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"l":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}},
    "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","p"],
         "items":{"type":"object","required":["k"],"properties":{"k":{"type":"string"},"p":{"type":"string","default":"TCP"},"v":{"type":"string"}}}}}}}})";

std::string fields(const std::string& spec) {
  const auto schema = built(kWidget);
  json document = {{"apiVersion", "g.io/v1"}, {"kind", "K"}, {"spec", json::parse(spec)}};
  return fields_of(Value::of(document, schema->schema())).fields_v1();
}

TEST(Structural, SchemaKnowsItsKind) {
  const auto structural = built(kWidget);
  const Schema& schema = structural->schema();
  EXPECT_EQ(schema.kind->kind, "K");
  EXPECT_EQ(schema.field("metadata")->schema, &schema_of<meta::v1::ObjectMeta>());
  const Schema& spec = *schema.field("spec")->schema;
  EXPECT_EQ(spec.field("n")->schema->type, Type::Int64);
  EXPECT_EQ(spec.field("io")->schema->type, Type::IntOrString);
  EXPECT_EQ(spec.field("m")->schema->type, Type::Map);
  EXPECT_EQ(spec.field("l")->schema->list_type, ListType::Map);
  EXPECT_THAT(spec.field("l")->schema->list_map_keys, ElementsAre("k", "p"));
  EXPECT_EQ(spec.field("l")->schema->element->field("p")->default_json, "\"TCP\"");
  EXPECT_TRUE(spec.field("atom")->schema->atomic);
  EXPECT_EQ(spec.field("plain")->schema->list_type, ListType::Atomic);
}

TEST(Structural, ManagedFieldsSeeWhatIsThere) {
  EXPECT_EQ(fields(R"({"n":0,"s":"","m":{},"set":[],"plain":[]})"),
            R"({"f:spec":{".":{},"f:m":{},"f:n":{},"f:plain":{},"f:s":{},"f:set":{}}})")
      << "zero is something";
  EXPECT_EQ(fields(R"({"null":null})"), R"({"f:spec":{".":{},"f:null":{}}})");
  EXPECT_EQ(fields(R"({"s":null})"), R"({"f:spec":{}})") << "null that may not be is nothing";
  EXPECT_EQ(fields(R"({"any":{"a":{"b":1},"l":[{"c":1}]},"free":{"x":1}})"),
            R"({"f:spec":{".":{},"f:any":{".":{},"f:a":{".":{},"f:b":{}},"f:l":{}},"f:free":{".":{},"f:x":{}}}})");
  EXPECT_EQ(fields(R"({"free":[1,2]})"), R"({"f:spec":{".":{},"f:free":{}}})");
  EXPECT_EQ(fields(R"({"atom":{"x":"1"},"io":"50%"})"), R"({"f:spec":{".":{},"f:atom":{},"f:io":{}}})");
  EXPECT_EQ(fields(R"({"half":{"l":["a"],"u":{"v":1}}})"),
            R"({"f:spec":{".":{},"f:half":{".":{},"f:l":{".":{},"v:\"a\"":{}},"f:u":{".":{},"f:v":{}}}}})");
  EXPECT_EQ(
      fields(R"({"l":[{"k":"a"},{"k":"a","p":"UDP","v":"1"}]})"),
      R"({"f:spec":{".":{},"f:l":{".":{},"k:{\"k\":\"a\",\"p\":\"TCP\"}":{".":{},"f:k":{}},"k:{\"k\":\"a\",\"p\":\"UDP\"}":{".":{},"f:k":{},"f:p":{},"f:v":{}}}}})");
}

TEST(Structural, ComparesDocuments) {
  const auto schema = built(kWidget);
  const auto changes = [&](const char* before, const char* after) {
    json old = {{"spec", json::parse(before)}}, now = {{"spec", json::parse(after)}};
    const FieldChanges out = compare_fields(Value::of(old, schema->schema()), Value::of(now, schema->schema()));
    return out.added.fields_v1() + " " + out.modified.fields_v1() + " " + out.removed.fields_v1();
  };
  EXPECT_EQ(changes(R"({"n":1})", R"({"n":1.0})"), "{} {} {}") << "numbers are alike by their value";
  EXPECT_EQ(changes(R"({"n":0})", "{}"), R"({} {} {"f:spec":{"f:n":{}}})");
  EXPECT_EQ(changes(R"({"free":{"a":1}})", R"({"free":5})"), R"({} {"f:spec":{"f:free":{}}} {})");
  EXPECT_EQ(changes(R"({"any":{"a":1,"b":{"c":1}}})", R"({"any":{"b":{"c":2},"d":null}})"),
            R"({"f:spec":{"f:any":{"f:d":{}}}} {"f:spec":{"f:any":{"f:b":{"f:c":{}}}}} {"f:spec":{"f:any":{"f:a":{}}}})");
  EXPECT_EQ(changes(R"({"l":"no list","m":[1],"n":{}})", R"({"l":[1,"2"],"m":7,"s":[]})").empty(), false)
      << "wrong types are compared, somehow";
}

TEST(Structural, WrongTypesAreReadAsNothing) {
  const auto schema = built(kWidget);
  for (const char* text : {R"({"spec":5})", R"({"spec":[1]})", R"({"spec":{"l":"x","m":5,"set":{},"any":7,"half":[1]}})",
                           R"({"spec":{"l":[5,null,{"k":[]}],"m":{"a":{}}}})"}) {
    json document = json::parse(text);
    const FieldSet set = fields_of(Value::of(document, schema->schema()));
    EXPECT_EQ(FieldSet::from_fields_v1(set.fields_v1()), set) << text;
  }
}

TEST(Structural, ReadsDocuments) {
  const auto read = [](const char* text) { return structural::read_document(text); };
  EXPECT_TRUE(read(R"({"a":1.0})")["a"].is_number_float());
  EXPECT_TRUE(read(R"({"a":1e1})")["a"].is_number_float());
  EXPECT_TRUE(read(R"({"a":9223372036854775807})")["a"].is_number_integer());
  EXPECT_TRUE(read(R"({"a":9223372036854775808})")["a"].is_number_float());
  std::string out;
  structural::append_document(read(R"({"b":1.0,"a":[1e21,0.5,"<",{}],"c":9223372036854775808})"), out);
  EXPECT_EQ(out, R"({"a":[1e+21,0.5,"\u003c",{}],"b":1,"c":9223372036854776000})");
  EXPECT_THROW(read("[]"), DecodeError);
  EXPECT_THROW(read("{"), DecodeError);
  EXPECT_THROW(read(R"({"a":1e999})"), DecodeError);
  std::vector<std::string> warnings;
  const json twice = structural::read_document(R"({"a":{"b":1,"b":2},"l":[{"c":1},{"c":1,"c":1}]})",
                                               {.unknown = Unknown::Warn, .warnings = &warnings});
  EXPECT_EQ(twice["a"]["b"], 2);
  EXPECT_THAT(warnings, ElementsAre(R"(duplicate field "a.b")", R"(duplicate field "l[1].c")"));
  EXPECT_THROW(structural::read_document(R"({"a":1,"a":1})", {.unknown = Unknown::Strict}), DecodeError);
}

TEST(Structural, DepthIsLimited) {
  const auto nested = [](int depth) {
    json out = 1;
    for (int i = 0; i < depth; ++i) out = json{{"a", std::move(out)}};
    return out;
  };
  EXPECT_NO_THROW(structural::check_depth(nested(512)));
  EXPECT_THROW(structural::check_depth(nested(513)), DecodeError);
  EXPECT_THROW(structural::read_document(nested(600).dump()), DecodeError);
  // A schema as deep as JSON lets it be, and one deeper in protobuf.
  structural::JSONSchemaProps props, deeper;
  structural::JSONSchemaProps* at = &props;
  for (int i = 0; i < 200; ++i) at = &(*at->mutable_properties())["a"];
  decode_json(encode_json(props), deeper);
  const auto schema = structural::Structural::build(deeper, {"g.io", "v1", "K"});
  json document = nested(400);
  schema->prune(document);
  schema->apply_defaults(document);
  Errors errors;
  schema->validate(document, errors);
  std::string bytes;
  for (int i = 0; i < 2000; ++i) {
    std::string inner = std::move(bytes);
    bytes.clear();
    wire::Writer(bytes).bytes(28, inner);
  }
  EXPECT_THROW(decode_protobuf(bytes, deeper), DecodeError);
}

TEST(Structural, WarnsOfFormats) {
  structural::JSONSchemaProps props;
  decode_json(
      R"({"type":"object","properties":{"a":{"type":"string","format":"zz"},"b":{"type":"integer","format":"int64"},"c":{"type":"integer","format":"date"},
      "d":{"type":"string","format":"date-time"},"e":{"type":"array","items":{"type":"string","format":"zz"}}}})",
      props);
  EXPECT_THAT(structural::unrecognized_formats(props),
              ElementsAre(R"(unrecognized format "zz")", R"(unrecognized format "date")"));
}

TEST(Structural, FindsRules) {
  structural::JSONSchemaProps props;
  decode_json(
      R"({"type":"object","x-kubernetes-validations":[{"rule":"true"}],"properties":{"a":{"type":"array","items":{"type":"string","x-kubernetes-validations":[{"rule":"true"}]}}}})",
      props);
  EXPECT_THAT(structural::rule_paths(props, "s"),
              ElementsAre("s.x-kubernetes-validations", "s.properties[a].items.x-kubernetes-validations"));
}

}  // namespace
}  // namespace ph::api

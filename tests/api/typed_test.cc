// Documents as server-side apply sees them: what is wrong with one, what it speaks of, one laid over another, and what is left
// when fields are taken away.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "api/patch/typed.h"
#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

const Schema& config_map() { return schema_of<core::v1::ConfigMap>(); }
const Schema& deployment() { return schema_of<apps::v1::Deployment>(); }
const Schema& pod() { return schema_of<core::v1::Pod>(); }
const Schema& service() { return schema_of<core::v1::Service>(); }
const Schema& custom() {
  static const auto schema = test::built(R"({"type":"object","properties":{
    "n":{"type":"integer"},"s":{"type":"string"},"b":{"type":"boolean"},"is":{"x-kubernetes-int-or-string":true},
    "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
    "list":{"type":"array","items":{"type":"object","properties":{"k":{"type":"string"}}}},
    "keyed":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","p"],"items":{"type":"object","required":["k"],"properties":{
      "k":{"type":"string"},"p":{"type":"string","default":"TCP"},"v":{"type":"integer"}}}},
    "map":{"type":"object","additionalProperties":{"type":"string"}},
    "atom":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"x":{"type":"string"}}},
    "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"known":{"type":"object","properties":{"x":{"type":"integer"}}}}}}})");
  return schema->schema();
}

TEST(Typed, WhatIsWrong) {
  struct Case {
    const char* name;
    const Schema& schema;
    const char* document;
    const char* error;
  };
  const Case cases[] = {
      {"nothing", deployment(), R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1}})", ""},
      {"null is anything", deployment(), R"({"metadata":null,"spec":{"replicas":null,"template":{"spec":{"containers":null}}}})",
       ""},
      {"an unknown field", deployment(), R"({"spec":{"zz":1}})", ".spec.zz: field not declared in schema"},
      {"kind and apiVersion only at the root", pod(), R"({"spec":{"kind":"x"}})", ".spec.kind: field not declared in schema"},
      {"within an item", pod(), R"({"spec":{"containers":[{"name":"a","zz":1}]}})",
       R"(.spec.containers[name="a"].zz: field not declared in schema)"},
      {"a number as text", config_map(), R"({"data":{"a":1}})",
       ".data.a: expected string, got &value.valueUnstructured{Value:1}"},
      {"a map as text", config_map(), R"({"data":{"a":{"b":"c"}}})",
       R"(.data.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":"c"}})"},
      {"text as a number", deployment(), R"({"spec":{"replicas":"1"}})",
       ".spec.replicas: expected numeric (int or float), got string"},
      {"text as a flag", pod(), R"({"spec":{"hostNetwork":"yes"}})", ".spec.hostNetwork: expected boolean, got &{yes}"},
      {"a list as a map", config_map(), R"({"data":["a"]})", ".data: expected map, got &{[a]}"},
      {"a map as a list", pod(), R"({"spec":{"containers":{"a":"b"}}})", ".spec.containers: expected list, got &{map[a:b]}"},
      {"an item of a list that is one value", pod(), R"({"spec":{"tolerations":[{"zz":1}]}})",
       ".spec.tolerations[0].zz: field not declared in schema"},
      {"a quantity may be a number", pod(), R"({"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":1}}}]}})", ""},
      {"a quantity may not be a list", pod(), R"({"spec":{"overhead":{"cpu":[1]}}})",
       ".spec.overhead.cpu: expected any scalar, got &{[1]}"},
      {"keys twice", pod(), R"({"spec":{"containers":[{"name":"a"},{"name":"a"}]}})",
       R"(.spec.containers: duplicate entries for key [name="a"])"},
      {"keys twice, one by default", service(), R"({"spec":{"ports":[{"port":80},{"port":80,"protocol":"TCP"}]}})",
       R"(.spec.ports: duplicate entries for key [port=80,protocol="TCP"])"},
      {"a default is a key, too", custom(), R"({"set":[],"keyed":[{"v":1}]})", ""},
      {"what is always written is a key when it is not", pod(), R"({"spec":{"containers":[{"image":"i"},{"name":""}]}})",
       R"(.spec.containers: duplicate entries for key [name=""])"},
      {"no key at all", schema_of<core::v1::ServiceAccount>(), R"({"secrets":[{"namespace":"n"}]})",
       ".secrets: element 0: associative list with keys has an element that omits all key fields [\"name\"] (and doesn't have "
       "default values for any key fields)"},
      {"null in a list by keys", pod(), R"({"spec":{"containers":[null]}})",
       ".spec.containers: element 0: associative list with keys may not have a null element"},
      {"a value twice", custom(), R"({"set":["a","a"]})", R"(.set: duplicate entries for key [="a"])"},
      {"no value", custom(), R"({"set":[null]})",
       ".set: element 0: associative list without keys has an element that's an explicit null"},
      {"several", custom(), R"({"n":"x","s":1})",
       "errors:\n  .n: expected numeric (int or float), got string\n  .s: expected string, got "
       "&value.valueUnstructured{Value:1}"},
      {"what is kept unknown", custom(), R"({"any":{"x":[1,{"y":2}],"known":{"x":1}}})", ""},
      {"what is known of it", custom(), R"({"any":{"known":{"x":"1"}}})",
       ".any.known.x: expected numeric (int or float), got string"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Json document = Json::parse(c.document);
    EXPECT_EQ(typed_error(Literal(c.schema, document), Repeats::Refused), c.error);
  }
  const Json twice = Json::parse(R"({"set":["a","a"]})");
  EXPECT_EQ(typed_error(Literal(custom(), twice), Repeats::Allowed), "");
}

TEST(Typed, WhatIsSaid) {
  struct Case {
    const char* name;
    const Schema& schema;
    const char* document;
    const char* fields;
  };
  const Case cases[] = {
      {"leaves, not what is around them", deployment(), R"({"spec":{"replicas":1,"strategy":{"type":"Recreate"}}})",
       R"({"f:spec":{"f:replicas":{},"f:strategy":{"f:type":{}}}})"},
      {"entries of maps", config_map(), R"({"data":{"a":"1"}})", R"({"f:data":{"f:a":{}}})"},
      {"an empty map", config_map(), R"({"data":{}})", R"({"f:data":{}})"},
      {"null", config_map(), R"({"data":null})", R"({"f:data":{}})"},
      {"an empty list by keys is nothing", pod(), R"({"spec":{"containers":[]}})", R"({})"},
      {"an empty list that is one value", pod(), R"({"spec":{"tolerations":[]}})", R"({"f:spec":{"f:tolerations":{}}})"},
      {"items and their keys", pod(), R"({"spec":{"containers":[{"name":"b"},{"name":"a","image":"i"}]}})",
       R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{},"f:name":{}},"k:{\"name\":\"b\"}":{".":{},"f:name":{}}}}})"},
      {"a default of a key", service(), R"({"spec":{"ports":[{"port":80}]}})",
       R"({"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}})"},
      {"an atomic struct and an atomic map", service(), R"({"spec":{"selector":{"a":"b"}}})", R"({"f:spec":{"f:selector":{}}})"},
      {"a set", custom(), R"({"set":["b","a"]})", R"({"f:set":{"v:\"a\"":{},"v:\"b\"":{}}})"},
      {"no list type", custom(), R"({"list":[{"k":"a"}],"atom":{"x":"y"}})", R"({"f:atom":{},"f:list":{}})"},
      {"what is kept unknown", custom(), R"({"any":{"l":[1],"q":{"r":1},"known":{"x":1}}})",
       R"({"f:any":{"f:known":{"f:x":{}},"f:l":{},"f:q":{".":{},"f:r":{}}}})"},
      {"zero is said", pod(), R"({"spec":{"hostNetwork":false,"nodeName":""}})",
       R"({"f:spec":{"f:hostNetwork":{},"f:nodeName":{}}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Json document = Json::parse(c.document);
    EXPECT_EQ(said_by(Literal(c.schema, document)).fields_v1(), c.fields);
  }
}

TEST(Typed, OneLaidOverAnother) {
  struct Case {
    const char* name;
    const Schema& schema;
    const char* live;
    const char* config;
    const char* result;
  };
  const Case cases[] = {
      {"members", deployment(), R"({"spec":{"replicas":1,"paused":true}})", R"({"spec":{"replicas":2}})",
       R"({"spec":{"replicas":2,"paused":true}})"},
      {"an empty map takes nothing away", config_map(), R"({"data":{"a":"1"}})", R"({"data":{}})", R"({"data":{"a":"1"}})"},
      {"null takes nothing away from a map", config_map(), R"({"data":{"a":"1"}})", R"({"data":null})", R"({"data":{"a":"1"}})"},
      {"an empty map is kept", config_map(), R"({})", R"({"data":{}})", R"({"data":{}})"},
      {"a leaf becomes null", custom(), R"({"s":"x"})", R"({"s":null})", R"({"s":null})"},
      {"atomic lists are replaced", pod(), R"({"spec":{"tolerations":[{"key":"a"}]}})", R"({"spec":{"tolerations":[]}})",
       R"({"spec":{"tolerations":[]}})"},
      {"atomic maps are replaced", service(), R"({"spec":{"selector":{"a":"b"}}})", R"({"spec":{"selector":{"c":"d"}}})",
       R"({"spec":{"selector":{"c":"d"}}})"},
      {"an item by its key", pod(), R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"2"}]}})",
       R"({"spec":{"containers":[{"name":"a","image":"2"},{"name":"b"}]}})"},
      {"untyped parts", custom(), R"({"any":{"q":{"r":1},"l":[1]}})", R"({"any":{"q":{"z":1},"l":[2]}})",
       R"({"any":{"q":{"r":1,"z":1},"l":[2]}})"},
      {"an untyped part of another kind", custom(), R"({"any":{"q":{"r":1}}})", R"({"any":{"q":[1]}})", R"({"any":{"q":[1]}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Json live = Json::parse(c.live), config = Json::parse(c.config);
    EXPECT_EQ(merged(Literal(c.schema, live), Literal(c.schema, config)), Json::parse(c.result));
  }
}

// A list's order is that of whoever applied last, as far as he speaks of it.
TEST(Typed, OrderOfItems) {
  struct Case {
    const char *live, *config, *result;
  };
  const Case cases[] = {
      {"", "ab", "ab"},     {"ab", "", "ab"},    {"ab", "ba", "ba"},   {"ab", "c", "abc"},      {"abc", "cxa", "bcxa"},
      {"ca", "da", "cda"},  {"ab", "ca", "cab"}, {"abc", "ca", "bca"}, {"abcd", "dx", "abcdx"}, {"abcd", "xd", "abcxd"},
      {"axb", "ba", "xba"}, {"aab", "a", "ab"},  {"aab", "ac", "acb"}, {"abx", "bac", "bxac"},
  };
  const auto list = [](const char* letters) {
    Json out = Json::array();
    for (; *letters; ++letters) out.push_back(std::string(1, *letters));
    return Json{{"set", out}};
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.live) + " + " + c.config);
    const Json live = list(c.live), config = list(c.config);
    EXPECT_EQ(merged(Literal(custom(), live), Literal(custom(), config)), list(c.result));
  }
}

TEST(Typed, TakingAway) {
  struct Case {
    const char* name;
    const Schema& schema;
    const char* document;
    const char* fields;
    const char* result;
  };
  const Case cases[] = {
      {"a leaf", deployment(), R"({"spec":{"replicas":1,"paused":true}})", R"({"f:spec":{"f:replicas":{}}})",
       R"({"spec":{"paused":true}})"},
      {"what is not there", config_map(), R"({"data":{"a":"1"}})", R"({"f:data":{"f:b":{}}})", R"({"data":{"a":"1"}})"},
      {"a map loses all", config_map(), R"({"data":{"a":"1"}})", R"({"f:data":{"f:a":{}}})", R"({"data":{}})"},
      {"with all that is below", config_map(), R"({"data":{"a":"1"},"immutable":true})", R"({"f:data":{".":{},"f:a":{}}})",
       R"({"immutable":true})"},
      {"an item", pod(), R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
       R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{}}}}})", R"({"spec":{"containers":[{"name":"b"}]}})"},
      {"of an item", pod(), R"({"spec":{"containers":[{"name":"a","image":"i"}]}})",
       R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}}}}})", R"({"spec":{"containers":[{"name":"a"}]}})"},
      {"of a set", custom(), R"({"set":["a","b"]})", R"({"f:set":{"v:\"a\"":{}}})", R"({"set":["b"]})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Json document = Json::parse(c.document);
    EXPECT_EQ(without_fields(Literal(c.schema, document), FieldSet::from_fields_v1(c.fields)), Json::parse(c.result));
  }
}

TEST(Typed, DeclaredMembersOnTheWay) {
  const FieldSet fields = FieldSet::from_fields_v1(
      R"({"f:any":{"f:q":{"f:r":{}},"f:known":{"f:x":{}}},"f:keyed":{"k:{\"k\":\"a\"}":{"f:v":{}}},"f:map":{"f:a":{}}})");
  EXPECT_EQ(
      with_parents(custom(), fields).fields_v1(),
      R"({"f:any":{".":{},"f:known":{".":{},"f:x":{}},"f:q":{"f:r":{}}},"f:keyed":{".":{},"k:{\"k\":\"a\"}":{"f:v":{}}},"f:map":{".":{},"f:a":{}}})");
}

TEST(Typed, ComparedLiterally) {
  struct Case {
    const char* name;
    const char *old, *now;
    const char *added, *modified, *removed;
  };
  const Case cases[] = {
      {"the same", R"({"n":1,"map":{"a":"b"}})", R"({"n":1.0,"map":{"a":"b"}})", "{}", "{}", "{}"},
      {"a map comes with its entries", "{}", R"({"map":{"a":"b"}})", R"({"f:map":{".":{},"f:a":{}}})", "{}", "{}"},
      {"an empty map comes", "{}", R"({"map":{}})", R"({"f:map":{}})", "{}", "{}"},
      {"empty is not null", R"({"map":null})", R"({"map":{}})", "{}", R"({"f:map":{}})", "{}"},
      {"zero comes", "{}", R"({"n":0})", R"({"f:n":{}})", "{}", "{}"},
      {"an item by its key", R"({"keyed":[{"k":"a","v":1}]})", R"({"keyed":[{"k":"a","p":"TCP","v":2}]})",
       R"({"f:keyed":{"k:{\"k\":\"a\",\"p\":\"TCP\"}":{"f:p":{}}}})",
       R"({"f:keyed":{"k:{\"k\":\"a\",\"p\":\"TCP\"}":{"f:v":{}}}})", "{}"},
      {"an atomic list", R"({"list":[]})", R"({"list":[{"k":"a"}]})", "{}", R"({"f:list":{}})", "{}"},
      {"untyped parts", R"({"any":{"q":{"r":1}}})", R"({"any":{"q":{"s":1}}})", R"({"f:any":{"f:q":{"f:s":{}}}})", "{}",
       R"({"f:any":{"f:q":{"f:r":{}}}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Json old = Json::parse(c.old), now = Json::parse(c.now);
    const FieldChanges changes = compare_fields(Literal(custom(), old), Literal(custom(), now));
    EXPECT_EQ(changes.added.fields_v1(), c.added);
    EXPECT_EQ(changes.modified.fields_v1(), c.modified);
    EXPECT_EQ(changes.removed.fields_v1(), c.removed);
  }
}

}  // namespace
}  // namespace ph::api

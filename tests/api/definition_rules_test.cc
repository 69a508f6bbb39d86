// CustomResourceDefinition's rules beyond those that were recorded: updates, what versions share, and the corners of schemas.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using test::CustomResourceDefinition;
using test::json;
using testing::ElementsAre;
using testing::IsEmpty;

// One version whose root has these members.
json definition(const json& properties, const json& more = json::object()) {
  json schema = {{"type", "object"}, {"properties", properties}};
  schema.update(more);
  return {{"metadata", {{"name", "ws.vx.io"}}},
          {"spec",
           {{"group", "vx.io"},
            {"names", {{"plural", "ws"}, {"kind", "W"}}},
            {"scope", "Namespaced"},
            {"versions",
             json::array({{{"name", "v1"}, {"served", true}, {"storage", true}, {"schema", {{"openAPIV3Schema", schema}}}}})}}}};
}

json changed(json object, const json& patch) {
  object.merge_patch(patch);
  return object;
}

std::vector<std::string> problems(const json& body) {
  const CustomResourceDefinition object = test::definition_of(body.dump());
  Errors errors;
  rules_of(schema_of(object)).validate(object, errors);
  return test::lines_of(errors);
}

std::vector<std::string> update_problems(const json& before, const json& after) {
  const CustomResourceDefinition old = test::definition_of(before.dump()), now = test::definition_of(after.dump());
  Errors errors;
  rules_of(schema_of(now)).validate_update(now, old, errors);
  return test::lines_of(errors);
}

TEST(DefinitionRules, Schemas) {
  const std::string s = "spec.validation.openAPIV3Schema";
  struct Case {
    const char* name;
    const char* properties;
    std::vector<std::string> problems;
  };
  const Case cases[] = {
      {"fine", R"({"a":{"type":"string"}})", {}},
      {"said of what is not there",
       R"({"a":{"type":"object","anyOf":[{"properties":{"b":{"minLength":1}}}]}})",
       {s + ".properties[a].properties[b]: Required value: because it is defined in " + s +
        ".properties[a].anyOf[0].properties[b]"}},
      {"said of items that are not there",
       R"({"a":{"type":"object","not":{"items":{"minLength":1}}}})",
       {s + ".properties[a].items: Required value: because it is defined in " + s + ".properties[a].not.items"}},
      {"a shape within a choice",
       R"({"a":{"type":"object","oneOf":[{"description":"d","nullable":true,"default":{},"x-kubernetes-preserve-unknown-fields":true}]}})",
       {s + ".properties[a].oneOf[0].default: Forbidden: must be undefined to be structural",
        s + ".properties[a].oneOf[0].description: Forbidden: must be empty to be structural",
        s + ".properties[a].oneOf[0].nullable: Forbidden: must be false to be structural",
        s + ".properties[a].oneOf[0].x-kubernetes-preserve-unknown-fields: Forbidden: must be false to be structural"}},
      {"int or string in its two forms",
       R"({"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]},
        "b":{"x-kubernetes-int-or-string":true,"allOf":[{"anyOf":[{"type":"integer"},{"type":"string"}]},{"pattern":"^a"}]}})",
       {}},
      {"int or string the other way round",
       R"({"a":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"string"},{"type":"integer"}]}})",
       {s + ".properties[a].anyOf[0].type: Forbidden: must be empty to be structural",
        s + ".properties[a].anyOf[1].type: Forbidden: must be empty to be structural"}},
      {"int or string and anything",
       R"({"a":{"x-kubernetes-int-or-string":true,"x-kubernetes-preserve-unknown-fields":true}})",
       {s + ".properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if "
            "x-kubernetes-int-or-string is true"}},
      {"metadata within",
       R"({"a":{"type":"object","properties":{"metadata":{"type":"object"}},"allOf":[{"properties":{"metadata":{"required":["x"]}}}]}})",
       {s + ".properties[a].allOf[0].properties[metadata]: Forbidden: must not be specified in a nested context"}},
      {"an embedded resource of another type",
       R"({"a":{"type":"string","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}})",
       {s + R"(.properties[a].type: Invalid value: "string": must be object if x-kubernetes-embedded-resource is true)"}},
      {"kinds that are no texts",
       R"({"kind":{"type":"integer"}})",
       {s + R"(.properties[kind].type: Invalid value: "integer": must be string)"}},
      {"a default with something unknown",
       R"({"a":{"type":"object","default":{"b":1,"c":2},"properties":{"b":{"type":"integer"}}}})",
       {s + R"(.properties[a].default: Invalid value: {"b":1,"c":2}: must not have unknown fields)"}},
      {"a default in metadata",
       R"({"metadata":{"type":"object","properties":{"name":{"type":"string","default":"a"}}}})",
       {s + ".properties[metadata].properties[name].default: Forbidden: must not be set in top-level metadata"}},
      {"a default of a resource without a kind",
       R"({"a":{"type":"object","default":{"apiVersion":"v1"},"x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}})",
       {s + ".properties[a].default.kind: Required value"}},
      {"keys that may be null",
       R"({"a":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","k"],
        "items":{"type":"object","nullable":true,"required":["k"],"properties":{"k":{"type":"string","nullable":true}}}}})",
       {s + R"(.properties[a].x-kubernetes-list-map-keys: Invalid value: ["k","k"]: must not contain duplicate entries)",
        s + ".properties[a].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is map",
        s + ".properties[a].items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it "
            "cannot be nullable",
        s + ".properties[a].items.properties[k].nullable: Forbidden: this property is in x-kubernetes-list-map-keys, so it "
            "cannot be nullable"}},
      {"a list of no items", R"({"a":{"type":"array"}})", {s + ".properties[a].items: Required value: must be specified"}},
      {"unknown fields are not not kept",
       R"({"a":{"type":"object","x-kubernetes-preserve-unknown-fields":false}})",
       {s + ".properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems(definition(json::parse(c.properties))), c.problems);
  }
}

TEST(DefinitionRules, SchemasAsDeepAsTheyCome) {
  json deep = {{"type", "string"}};
  for (int i = 0; i < 60; ++i) deep = json{{"type", "object"}, {"properties", {{"a", deep}}}};
  EXPECT_THAT(problems(definition({{"spec", deep}})), IsEmpty());
  json* at = &deep;
  for (int i = 0; i < 60; ++i) at = &(*at)["properties"]["a"];
  (*at)["type"] = "bogus";
  const auto found = problems(definition({{"spec", deep}}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_GT(found[0].size(), 60 * std::string(".properties[a]").size());
}

TEST(DefinitionRules, WhatVersionsShareIsToldOnce) {
  json body = definition({{"a", {{"type", "bogus"}}}});
  json second = body["spec"]["versions"][0];
  second["name"] = "v2";
  second["storage"] = false;
  body["spec"]["versions"].push_back(second);
  EXPECT_THAT(
      problems(body),
      ElementsAre(
          R"(spec.validation.openAPIV3Schema.properties[a].type: Unsupported value: "bogus": supported values: "array", "boolean", "integer", "number", "object", "string")"));
  body["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["description"] = "differs";
  EXPECT_EQ(problems(body).size(), 2u);
  EXPECT_TRUE(problems(body)[0].starts_with("spec.versions[0].schema.openAPIV3Schema.properties[a].type: "));
  body["spec"]["versions"][1]["name"] = "v1";
  body["spec"]["versions"][1]["storage"] = true;
  const auto found = problems(body);
  ASSERT_EQ(found.size(), 4u);
  EXPECT_TRUE(found[2].ends_with("must contain unique version names")) << found[2];
  EXPECT_TRUE(found[3].ends_with("must have exactly one version marked as storage version")) << found[3];

  json columns = definition({{"a", {{"type", "string"}}}});
  columns["spec"]["versions"][0]["additionalPrinterColumns"] = {{{"name", "A"}, {"type", "string"}, {"jsonPath", "a"}}};
  columns["spec"]["versions"][0]["subresources"] = {
      {"scale", {{"specReplicasPath", ".spec.a"}, {"statusReplicasPath", ".spec.b"}}}};
  columns["spec"]["versions"][0]["selectableFields"] = {{{"jsonPath", ".b"}}};
  EXPECT_THAT(
      problems(columns),
      ElementsAre(
          R"(spec.subresources.scale.statusReplicasPath: Invalid value: ".spec.b": should be a json path under .status)",
          R"(spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .)",
          R"(spec.selectableFields[0].jsonPath: Invalid value: ".b": is an invalid path: does not refer to a valid field)"));
}

TEST(DefinitionRules, SelectableFieldsAreFew) {
  json properties = json::object(), fields = json::array();
  for (int i = 0; i < 9; ++i) {
    properties[fmt::format("a{}", i)] = {{"type", "integer"}};
    fields.push_back({{"jsonPath", fmt::format(".a{}", i)}});
  }
  json body = definition(properties);
  body["spec"]["versions"][0]["selectableFields"] = fields;
  EXPECT_THAT(problems(body), ElementsAre("spec.selectableFields: Too many: 9: must have at most 8 items"));
}

TEST(DefinitionRules, Conversion) {
  const auto with = [](const char* conversion) {
    return problems(changed(definition({{"a", {{"type", "string"}}}}), {{"spec", {{"conversion", json::parse(conversion)}}}}));
  };
  EXPECT_THAT(
      with(
          R"({"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"service":{"namespace":"n","name":"s","path":"/a"}}}})"),
      IsEmpty());
  EXPECT_THAT(
      with(R"({"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://a/b"}}})"),
      IsEmpty());
  EXPECT_THAT(
      with(R"({"strategy":"Webhook","webhook":{"conversionReviewVersions":["v2","v2"],"clientConfig":{}}})"),
      ElementsAre(
          "spec.conversion.webhookClientConfig: Required value: exactly one of url or service is required",
          R"(spec.conversion.conversionReviewVersions[1]: Invalid value: "v2": duplicate version)",
          R"(spec.conversion.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1)"));
  EXPECT_THAT(
      with(R"({"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"http://u@/b?c#d"}}})"),
      ElementsAre(
          R"(spec.conversion.webhookClientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path])",
          R"(spec.conversion.webhookClientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path])",
          R"(spec.conversion.webhookClientConfig.url: Invalid value: "u": user information is not permitted in the URL)",
          R"(spec.conversion.webhookClientConfig.url: Invalid value: "d": fragments are not permitted in the URL)",
          R"(spec.conversion.webhookClientConfig.url: Invalid value: "c": query parameters are not permitted in the URL)"));
  EXPECT_THAT(
      with(
          R"({"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"service":{"path":"a//b","port":0}}}})"),
      ElementsAre("spec.conversion.webhookClientConfig.service.name: Required value: service name is required",
                  "spec.conversion.webhookClientConfig.service.namespace: Required value: service namespace is required",
                  "spec.conversion.webhookClientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and "
                  "65535, inclusive",
                  R"(spec.conversion.webhookClientConfig.service.path: Invalid value: "a//b": must start with a '/')",
                  R"(spec.conversion.webhookClientConfig.service.path: Invalid value: "a//b": segment[0] may not be empty)",
                  testing::HasSubstr("segment[1]")));
  EXPECT_THAT(
      with(R"({"strategy":"None","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://a"}}})"),
      ElementsAre("spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
                  "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook"));
}

TEST(DefinitionRules, Updates) {
  const json old =
      changed(definition({{"a", {{"type", "string"}}}}),
              {{"status", {{"conditions", {{{"type", "Established"}, {"status", "True"}}}}, {"storedVersions", {"v1"}}}}});
  EXPECT_THAT(update_problems(old, old), IsEmpty());
  EXPECT_THAT(
      update_problems(old,
                      changed(old, {{"spec",
                                     {{"scope", "Cluster"},
                                      {"group", "vy.io"},
                                      {"names", {{"plural", "wx"}, {"kind", "X"}, {"singular", "x"}, {"listKind", "XList"}}}}}})),
      ElementsAre(R"(spec.scope: Invalid value: "Cluster": field is immutable)",
                  R"(spec.names.kind: Invalid value: "X": field is immutable)",
                  R"(spec.group: Invalid value: "vy.io": field is immutable)",
                  R"(spec.names.plural: Invalid value: "wx": field is immutable)"));
  const json young = changed(old, {{"status", {{"conditions", nullptr}}}});
  EXPECT_THAT(update_problems(young, changed(young, {{"spec", {{"scope", "Cluster"}, {"names", {{"kind", "X"}}}}}})), IsEmpty());
  json renamed = old;
  renamed["spec"]["versions"][0]["name"] = "v2";
  EXPECT_THAT(update_problems(old, renamed),
              ElementsAre(R"(status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions)"));
  const json keeping = changed(old, {{"spec", {{"preserveUnknownFields", true}}}});
  EXPECT_THAT(update_problems(old, keeping), ElementsAre("spec.preserveUnknownFields: Invalid value: true: cannot set to true, "
                                                         "set x-kubernetes-preserve-unknown-fields to true in "
                                                         "spec.versions[*].schema instead"));
  EXPECT_THAT(update_problems(keeping, keeping), IsEmpty());
}

TEST(DefinitionRules, GroupsOfTheCommunityWantApproval) {
  const auto with = [](const json& annotations) {
    json body = definition({{"a", {{"type", "string"}}}});
    body["spec"]["group"] = "x.k8s.io";
    body["metadata"] = {{"name", "ws.x.k8s.io"}, {"annotations", annotations}};
    return problems(body).size();
  };
  EXPECT_EQ(with(json::object()), 1u);
  EXPECT_EQ(with({{"api-approved.kubernetes.io", "because"}}), 1u);
  EXPECT_EQ(with({{"api-approved.kubernetes.io", "unapproved, a test"}}), 0u);
  EXPECT_EQ(with({{"api-approved.kubernetes.io", "https://github.com/x"}}), 0u);
}

}  // namespace
}  // namespace ph::api

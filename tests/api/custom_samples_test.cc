// Ten definitions as operators ship them (tests/data/crds), and an object of each: all that is done with either.
#include <gmock/gmock.h>

#include "api/patch/field_set.h"
#include "api/value.h"
#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using test::json;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(CustomSamples, AreValidAndBuilt) {
  const auto all = test::samples();
  ASSERT_GE(all.size(), 10u);
  for (const test::Sample& sample : all) {
    SCOPED_TRACE(sample.name);
    const auto definition = test::definition_of(sample.definition);
    Errors errors;
    validate_metadata(*Scheme::builtin().resource(schema_of(definition)), definition.metadata(), errors);
    rules_of(schema_of(definition)).validate(definition, errors);
    EXPECT_THAT(test::lines_of(errors), IsEmpty());
    // Both ways through both forms.
    test::CustomResourceDefinition again;
    decode_protobuf(encode_protobuf(definition), again);
    EXPECT_EQ(encode_json(again), encode_json(definition));
    decode_json(encode_json(definition), again, {.unknown = Unknown::Strict});
    EXPECT_EQ(encode_protobuf(again), encode_protobuf(definition));
  }
}

TEST(CustomSamples, ObjectsArePrunedDefaultedAndValid) {
  for (const test::Sample& sample : test::samples()) {
    SCOPED_TRACE(sample.name);
    const auto definition = test::definition_of(sample.definition);
    json document = structural::read_document(sample.object);
    const std::string version = document["apiVersion"].get<std::string>().substr(definition.spec().group().size() + 1);
    for (const auto& one : definition.spec().versions()) {
      const auto schema = structural::Structural::build(
          one.schema().open_api_v3_schema(), {definition.spec().group(), one.name(), definition.spec().names().kind()});
      if (one.name() != version) continue;
      json now = document;
      std::vector<std::string> unknown;
      schema->prune(now, &unknown);
      EXPECT_THAT(unknown, IsEmpty());
      EXPECT_EQ(now, document);
      Errors errors;
      schema->coerce(now, false, errors);
      schema->apply_defaults(now);
      schema->validate(now, errors);
      EXPECT_THAT(test::lines_of(errors), IsEmpty());
      json defaulted = now;
      schema->apply_defaults(defaulted);
      EXPECT_EQ(defaulted, now);
      const FieldSet set = fields_of(Value::of(now, schema->schema()));
      EXPECT_FALSE(set.empty());
      EXPECT_EQ(FieldSet::from_fields_v1(set.fields_v1()), set);
      EXPECT_TRUE(compare_fields(Value::of(now, schema->schema()), Value::of(defaulted, schema->schema())).empty());
      // Something nobody knows, deep within.
      now["spec"]["bogus"] = {{"a", 1}};
      schema->prune(now, &unknown);
      EXPECT_THAT(unknown, ElementsAre("spec.bogus"));
    }
  }
}

TEST(CustomSamples, DefaultsWithinDefaults) {
  for (const test::Sample& sample : test::samples()) {
    if (sample.name != "http-routes") continue;
    const auto definition = test::definition_of(sample.definition);
    const auto schema = structural::Structural::build(definition.spec().versions(0).schema().open_api_v3_schema(),
                                                      {"gateway.example.dev", "v1", "HTTPRoute"});
    json document = {{"spec", json::object()}};
    schema->apply_defaults(document);
    EXPECT_EQ(document["spec"], json::parse(R"({"rules":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]})"));
  }
}

}  // namespace
}  // namespace ph::api

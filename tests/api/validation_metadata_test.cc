// The rules of metadata, and the error types and words causes carry.
#include "tests/api/validation_helpers.h"

namespace ph::api {
namespace {

using namespace test;
using core::v1::ConfigMap, core::v1::Node;

TEST(MetadataValidation, OnCreate) {
  struct Case {
    const char* name;
    const char* metadata;
    Lines expected;
  };
  const std::string subdomain =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
      "with an "
      "alphanumeric character (e.g. 'example.com', regex used for validation is "
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const Case cases[] = {
      {"fine", R"("name":"a","namespace":"n")", {}},
      {"no name", R"("namespace":"n")", {"metadata.name: Required value: name or generateName is required"}},
      {"bad name", R"("name":"A_b","namespace":"n")", {"metadata.name: Invalid value: \"A_b\": " + subdomain}},
      {"generateName may end in a dash", R"("name":"a-x","generateName":"a-","namespace":"n")", {}},
      {"no namespace", R"("name":"a")", {"metadata.namespace: Required value"}},
      {"bad label value",
       R"("name":"a","namespace":"n","labels":{"k":"-"})",
       {"metadata.labels: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, "
        "'-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
        "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"}},
      {"plain finalizer",
       R"("name":"a","namespace":"n","finalizers":["x"])",
       {"metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully qualified"}},
      {"both deletion finalizers",
       R"("name":"a","namespace":"n","finalizers":["orphan","foregroundDeletion"])",
       {"metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot "
        "be both set"}},
      {"owner without a uid",
       R"("name":"a","namespace":"n","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p"}])",
       {"metadata.ownerReferences.uid: Invalid value: \"\": must not be empty"}},
      {"owner of no version",
       R"("name":"a","namespace":"n","ownerReferences":[{"apiVersion":"a/b/c","kind":"Pod","name":"p","uid":"1"}])",
       {"metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(problems<ConfigMap>(std::string("{\"metadata\":{") + c.metadata + "}}"), c.expected);
  }
  EXPECT_EQ(problems<Node>(R"({"metadata":{"name":"a","namespace":"n"}})"),
            Lines{"metadata.namespace: Forbidden: not allowed on this type"});
}

TEST(MetadataValidation, AnnotationsAreLimitedTogether) {
  const auto with = [](std::size_t bytes) {
    return problems<ConfigMap>(R"({"metadata":{"name":"a","namespace":"n","annotations":{"k":")" + std::string(bytes, 'x') +
                               "\"}}}");
  };
  EXPECT_EQ(with(256 * 1024 - 1), Lines{});
  EXPECT_EQ(with(256 * 1024), Lines{"metadata.annotations: Too long: may not be more than 262144 bytes"});
}

TEST(MetadataValidation, OnlyOneController) {
  const auto lines = problems<ConfigMap>(R"({"metadata":{"name":"a","namespace":"n","ownerReferences":[
      {"apiVersion":"v1","kind":"Pod","name":"p","uid":"1","controller":true},
      {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"2","controller":true}]}})");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].ends_with(
      R"(Only one reference can have Controller set to true. Found "true" in references for Pod/p and ReplicaSet/r)"))
      << lines[0];
}

// What is judged again with the kind is told again: as often as upstream does.
TEST(MetadataValidation, OnUpdate) {
  const char* old =
      R"({"metadata":{"name":"a","namespace":"n","uid":"1","generation":3,"deletionTimestamp":"2020-01-01T00:00:00Z",
          "finalizers":["x/y"]}})";
  const std::string finalizers =
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
      "[]string{\"x/z\"}";
  const std::string name = "metadata.name: Invalid value: \"b\": field is immutable";
  const std::string uid = "metadata.uid: Invalid value: \"2\": field is immutable";
  const char* changed = R"({"metadata":{"name":"b","namespace":"n","uid":"2","finalizers":["x/y","x/z"]}})";
  EXPECT_EQ(update_problems<ConfigMap>(old, old), Lines{});
  EXPECT_EQ(update_problems<ConfigMap>(old, changed), (Lines{finalizers, name, uid, finalizers, name, uid}));
  const auto event = [](std::string object) { return object.insert(1, R"("involvedObject":{"namespace":"n"},)"); };
  EXPECT_EQ(update_problems<core::v1::Event>(event(old), event(changed)), (Lines{finalizers, name, uid}));

  const char* backwards = R"({"metadata":{"name":"a","namespace":"n","generation":-1}})";
  const std::string negative = "metadata.generation: Invalid value: -1: must be greater than or equal to 0";
  const std::string decremented = "metadata.generation: Invalid value: -1: must not be decremented";
  EXPECT_EQ(update_problems<ConfigMap>(old, backwards), (Lines{negative, decremented, decremented, negative}));
  EXPECT_EQ(update_problems<discovery::v1::EndpointSlice>(
                R"({"metadata":{"name":"a","namespace":"n","generation":3},"addressType":"IPv4"})",
                R"({"metadata":{"name":"a","namespace":"n","generation":-1},"addressType":"IPv4"})"),
            (Lines{negative, decremented, negative}));

  const char* labelled = R"({"metadata":{"name":"a","namespace":"n","labels":{"k":"-"}}})";
  EXPECT_EQ(update_problems<ConfigMap>(labelled, labelled).size(), 4u);
  EXPECT_EQ(update_problems<core::v1::Event>(event(labelled), event(labelled)).size(), 2u);
}

TEST(Errors, TypesAndWords) {
  struct Case {
    void (*act)(Errors&);
    const char* type;
    const char* detail;
  };
  const Case cases[] = {
      {[](Errors& e) { e.required(Path("a"), "why"); }, "FieldValueRequired", "Required value: why"},
      {[](Errors& e) { e.invalid(Path("a"), 3, "why"); }, "FieldValueInvalid", "Invalid value: 3: why"},
      {[](Errors& e) { e.invalid_text(Path("a"), "x\"\n\x01", "why"); }, "FieldValueInvalid",
       R"(Invalid value: "x\"\n\x01": why)"},
      {[](Errors& e) { e.not_supported(Path("a"), "x", {"A", "B"}); }, "FieldValueNotSupported",
       R"(Unsupported value: "x": supported values: "A", "B")"},
      {[](Errors& e) { e.forbidden(Path("a"), "why"); }, "FieldValueForbidden", "Forbidden: why"},
      {[](Errors& e) { e.duplicate(Path("a"), "x"); }, "FieldValueDuplicate", R"(Duplicate value: "x")"},
      {[](Errors& e) { e.too_long(Path("a"), 5); }, "FieldValueTooLong", "Too long: may not be more than 5 bytes"},
      {[](Errors& e) { e.too_many(Path("a"), 7, 5); }, "FieldValueTooMany", "Too many: 7: must have at most 5 items"},
      {[](Errors& e) { e.not_found(Path("a"), "x"); }, "FieldValueNotFound", R"(Not found: "x")"},
  };
  for (const Case& c : cases) {
    Errors errors;
    c.act(errors);
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_EQ(errors.list()[0].type, c.type);
    EXPECT_EQ(errors.list()[0].detail, c.detail);
  }
}

TEST(Errors, AThousandAreTold) {
  Errors errors;
  for (std::size_t i = 0; i < 70'000; ++i) errors.required(Path("a").index(i));
  EXPECT_EQ(errors.size(), 70'000u);
  ASSERT_EQ(errors.list().size(), 1001u);
  EXPECT_EQ(errors.list()[999].field, "a[999]");
  EXPECT_EQ(errors.list()[1000].detail, "Too many errors: the first 1000 are told");
}

TEST(Errors, LongOnesAreToldUntilThereIsEnough) {
  Errors errors;
  const std::string megabyte(1 << 20, 'x');
  for (std::size_t i = 0; i < 3; ++i) errors.invalid_text(Path("a").index(i), megabyte, "why");
  ASSERT_EQ(errors.list().size(), 2u);
  EXPECT_EQ(errors.list()[1].detail, "Too many errors: the first 1 are told");
}

TEST(Errors, WhatIsTheSameIsToldOnceInTheMessage) {
  Errors errors;
  for (const char* field : {"b", "a", "b"}) errors.required(Path(field));
  EXPECT_EQ(invalid("Pod", "p", errors.list()).status().message(),
            "Pod \"p\" is invalid: [b: Required value, a: Required value]");
}

TEST(Path, Text) {
  EXPECT_EQ(Path("spec").member("containers").index(0).member("name").text(), "spec.containers[0].name");
  EXPECT_EQ(Path("data").key("a.b").text(), "data[a.b]");
}

}  // namespace
}  // namespace ph::api

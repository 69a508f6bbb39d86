// Server-side apply: who owns what after which configurations, what goes, and what is refused.
#include "api/patch/apply.h"

#include <gtest/gtest.h>

#include "api/convert.h"
#include "api/encoded.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "tests/api/custom_data.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

Time at(int seconds) { return Time(std::chrono::seconds(1'700'000'000 + seconds)); }

// One step of a story: somebody applies, or updates (`manager` begins with "=": the document replaces the object).
struct Step {
  const char* manager;  // "m", "m!" (force), "m/status"
  const char* config;   // without apiVersion, kind and name
  const char* answer;   // the object without these and metadata; or, of a refusal, its message
};

struct Story {
  const char* name;
  const Schema& schema;
  std::vector<Step> steps;
  const char* owners;  // in the end: "m Apply {…}", one a line
};

class Teller {
 public:
  explicit Teller(const Schema& schema) : schema_(schema) {}

  std::string tell(const Step& step, int second) {
    std::string manager = step.manager;
    const bool updates = manager.starts_with('='), force = manager.ends_with('!');
    if (updates) manager.erase(0, 1);
    if (force) manager.pop_back();
    const auto slash = manager.find('/');
    const std::string subresource = slash == manager.npos ? "" : manager.substr(slash + 1);
    Json config = Json::parse(step.config);
    config["apiVersion"] = schema_.kind->api_version();
    config["kind"] = schema_.kind->kind;
    config["metadata"]["name"] = "x";
    if (updates) {
      Object now = object_of_document(schema_, config);
      record_update(now, object_ ? &object_ : nullptr, {manager, "Update", subresource}, at(second));
      object_ = std::move(now);
    } else {
      Application application{.config = &config, .manager = manager.substr(0, slash), .subresource = subresource, .force = force};
      if (!subresource.empty()) application.reset = FieldSet::from_fields_v1(R"({"f:spec":{}})");
      try {
        object_ = apply(schema_, object_ ? &object_ : nullptr, application,
                        AsVersion([](const Object&, const std::string&) { return Object(); }), at(second));
      } catch (const ApiError& error) {
        return error.what();
      }
    }
    Json out = to_json(object_);
    for (const char* member : {"apiVersion", "kind", "metadata"}) out.erase(member);
    return out.dump();
  }

  std::string owners() const {
    std::string out;
    if (!object_) return out;
    for (const auto& entry : object_.metadata().managed_fields()) {
      out += entry.manager() + " " + entry.operation() + (entry.subresource().empty() ? "" : " " + entry.subresource()) + " " +
             (entry.has_time() ? std::to_string(entry.time().seconds() - 1'700'000'000) : "-") + " " + entry.fields_v1().raw() +
             "\n";
    }
    return out;
  }

 private:
  const Schema& schema_;
  Object object_;
};

const Schema& custom() {
  static const auto schema = test::built(R"({"type":"object","properties":{
    "spec":{"type":"object","properties":{"n":{"type":"integer"},"d":{"type":"string","default":"dflt"},
      "set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
      "m":{"type":"object","additionalProperties":{"type":"string"}},
      "any":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
    "status":{"type":"object","properties":{"r":{"type":"integer"}}}}})");
  return schema->schema();
}
const Schema& config_map() { return schema_of<core::v1::ConfigMap>(); }

TEST(Apply, Stories) {
  const Story stories[] = {
      {"what is applied is owned",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"}},
       "a Apply 0 {\"f:data\":{\"f:x\":{}}}\n"},
      {"the same again changes no time",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"}, {"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"}},
       "a Apply 0 {\"f:data\":{\"f:x\":{}}}\n"},
      {"nor does null for what the server fills in",
       custom(),
       {{"a", R"({"spec":{"n":1}})", R"({"spec":{"d":"dflt","n":1}})"},
        {"a", R"({"metadata":{"creationTimestamp":null},"spec":{"n":1}})", R"({"spec":{"d":"dflt","n":1}})"}},
       "a Apply 0 {\"f:spec\":{\"f:n\":{}}}\n"},
      {"what is not applied any more goes",
       config_map(),
       {{"a", R"({"data":{"x":"1","y":"1"}})", R"({"data":{"x":"1","y":"1"}})"},
        {"a", R"({"data":{"y":"1"}})", R"({"data":{"y":"1"}})"}},
       "a Apply 1 {\"f:data\":{\"f:y\":{}}}\n"},
      {"all goes, and the owner with it",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"}, {"a", "{}", "{}"}},
       ""},
      {"but not what another one has",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"},
        {"b", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"},
        {"a", "{}", R"({"data":{"x":"1"}})"}},
       "b Apply - {\"f:data\":{\"f:x\":{}}}\n"},
      {"another value is a conflict",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"},
        {"b", R"({"data":{"x":"2"}})", "Apply failed with 1 conflict: conflict with \"a\": .data.x"}},
       "a Apply 0 {\"f:data\":{\"f:x\":{}}}\n"},
      {"several conflicts, by their managers",
       config_map(),
       {{"b", R"({"data":{"x":"1","y":"1"}})", R"({"data":{"x":"1","y":"1"}})"},
        {"a", R"({"data":{"z":"1"}})", R"({"data":{"x":"1","y":"1","z":"1"}})"},
        {"c", R"({"data":{"x":"2","y":"2","z":"2"}})",
         "Apply failed with 3 conflicts: conflicts with \"a\":\n- .data.z\nconflicts with \"b\":\n- .data.x\n- .data.y"}},
       "b Apply 0 {\"f:data\":{\"f:x\":{},\"f:y\":{}}}\na Apply 1 {\"f:data\":{\"f:z\":{}}}\n"},
      {"unless it is forced",
       config_map(),
       {{"a", R"({"data":{"x":"1","y":"1"}})", R"({"data":{"x":"1","y":"1"}})"},
        {"b!", R"({"data":{"x":"2"}})", R"({"data":{"x":"2","y":"1"}})"}},
       "a Apply 0 {\"f:data\":{\"f:y\":{}}}\nb Apply 1 {\"f:data\":{\"f:x\":{}}}\n"},
      {"who updates owns what he changes",
       config_map(),
       {{"a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"},
        {"=u", R"({"data":{"x":"2"}})", R"({"data":{"x":"2"}})"},
        {"a", R"({"data":{"x":"1"}})", "Apply failed with 1 conflict: conflict with \"u\" using v1: .data.x"}},
       "u Update 1 {\"f:data\":{\"f:x\":{}}}\n"},
      {"who applies and updates is two",
       config_map(),
       {{"=a", R"({"data":{"x":"1"}})", R"({"data":{"x":"1"}})"},
        {"a", R"({"data":{"x":"2"}})", "Apply failed with 1 conflict: conflict with \"a\" using v1: .data.x"}},
       "a Update 0 {\"f:data\":{\".\":{},\"f:x\":{}}}\n"},
      {"an empty map is owned",
       config_map(),
       {{"a", R"({"data":{}})", "{}"},
        {"b", R"({"data":{"x":"1"}})", "Apply failed with 1 conflict: conflict with \"a\": .data"}},
       "a Apply 0 {\"f:data\":{}}\n"},
      {"sets are shared",
       custom(),
       {{"a", R"({"spec":{"set":["x","y"]}})", R"({"spec":{"d":"dflt","set":["x","y"]}})"},
        {"b", R"({"spec":{"set":["z","x"]}})", R"({"spec":{"d":"dflt","set":["z","x","y"]}})"},
        {"a", R"({"spec":{"set":["y"]}})", R"({"spec":{"d":"dflt","set":["z","x","y"]}})"},
        {"b", R"({"spec":{"set":[]}})", R"({"spec":{"d":"dflt","set":["y"]}})"}},
       "a Apply 0 {\"f:spec\":{\"f:set\":{\"v:\\\"y\\\"\":{}}}}\n"},
      {"a default comes back",
       custom(),
       {{"a", R"({"spec":{"d":"x"}})", R"({"spec":{"d":"x"}})"}, {"a", R"({"spec":{}})", R"({"spec":{"d":"dflt"}})"}},
       "a Apply 1 {\"f:spec\":{}}\n"},
      {"what is kept unknown",
       custom(),
       {{"a", R"({"spec":{"any":{"l":[1],"q":{"r":1}}}})", R"({"spec":{"any":{"l":[1],"q":{"r":1}},"d":"dflt"}})"},
        {"b", R"({"spec":{"any":{"q":{"z":1}}}})", R"({"spec":{"any":{"l":[1],"q":{"r":1,"z":1}},"d":"dflt"}})"},
        {"b", R"({"spec":{"any":{"l":[2]}}})", "Apply failed with 1 conflict: conflict with \"a\": .spec.any.l"},
        {"a", R"({"spec":{"n":1}})", R"({"spec":{"any":{"q":{"z":1}},"d":"dflt","n":1}})"}},
       "b Apply 1 {\"f:spec\":{\"f:any\":{\"f:q\":{\".\":{},\"f:z\":{}}}}}\na Apply 3 {\"f:spec\":{\"f:n\":{}}}\n"},
      {"through a part, only that part",
       custom(),
       {{"a", R"({"spec":{"n":1}})", R"({"spec":{"d":"dflt","n":1}})"},
        {"c/status", R"({"spec":{"n":1},"status":{"r":1}})", R"({"spec":{"d":"dflt","n":1},"status":{"r":1}})"},
        {"d/status", R"({"status":{"r":2}})",
         "Apply failed with 1 conflict: conflict with \"c\" with subresource \"status\": .status.r"}},
       "a Apply 0 {\"f:spec\":{\"f:n\":{}}}\nc Apply status 1 {\"f:status\":{\"f:r\":{}}}\n"},
      {"what was within something that goes, goes",
       schema_of<apps::v1::Deployment>(),
       {{"a", R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"i:1"},{"name":"d","image":"i:1"}]}}}})",
         nullptr},
        {"a", R"({"spec":{"template":{"spec":{"containers":[{"name":"d","image":"i:1"}]}}}})", nullptr},
        {"b", R"({"spec":{"template":{"spec":{"containers":[{"name":"c"}]}}}})", nullptr}},
       "a Apply 1 "
       "{\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"d\\\"}\":{\".\":{},\"f:image\":{},\"f:"
       "name\":{}}}}}}}\n"
       "b Apply 2 "
       "{\"f:spec\":{\"f:template\":{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{}}}}}}}"
       "\n"},
      {"another kind of value",
       config_map(),
       {{"a", R"({"data":{"x":1}})",
         "failed to create typed patch object (/x; /v1, Kind=ConfigMap): .data.x: expected string, got "
         "&value.valueUnstructured{Value:1}"}},
       ""},
      {"managed fields are nobody's to apply",
       config_map(),
       {{"a", R"({"metadata":{"managedFields":[]}})", "metadata.managedFields must be nil"}},
       ""},
      {"what cannot be read as the kind",
       schema_of<core::v1::Pod>(),
       {{"a", R"({"spec":{"overhead":{"cpu":"x"}}})", nullptr}},
       ""},
  };
  for (const Story& story : stories) {
    SCOPED_TRACE(story.name);
    Teller teller(story.schema);
    int second = 0;
    for (const Step& step : story.steps) {
      const std::string answer = teller.tell(step, second++);
      if (step.answer) EXPECT_EQ(answer, step.answer) << step.config;
    }
    EXPECT_EQ(teller.owners(), story.owners);
  }
}

Object applied(const Object* live, const char* config, const char* manager, int second, bool force = false) {
  const Json document = Json::parse(config);
  const Application application{.config = &document, .manager = manager, .subresource = {}, .force = force, .reset = {}};
  return apply(config_map(), live, application, AsVersion([](const Object&, const std::string&) { return Object(); }),
               at(second));
}

Object written(const char* json) { return object_of_document(config_map(), Json::parse(json)); }

TEST(Apply, WhatNobodyRecordedIsOfBefore) {
  const Object live = written(R"({"metadata":{"name":"x"},"data":{"a":"1"}})");
  EXPECT_THROW(applied(&live, R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"2"}})", "m", 1), ApiError);
  const Object now = applied(&live, R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"2"}})", "m", 1, true);
  ASSERT_EQ(now.metadata().managed_fields_size(), 2);
  EXPECT_EQ(now.metadata().managed_fields(1).manager(), "before-first-apply");
  EXPECT_EQ(now.metadata().managed_fields(1).operation(), "Update");
  EXPECT_EQ(now.metadata().managed_fields(1).fields_v1().raw(), R"({"f:data":{}})");
}

constexpr const char* kAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

// What kubectl once applied by patches it takes over without a conflict, as long as nobody has changed it since.
TEST(Apply, KubectlTakesOverWhatItHadApplied) {
  Object live = written(R"({"metadata":{"name":"x","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
      "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"a\":\"1\",\"b\":\"1\"}}"}},"data":{"a":"1","b":"2"}})");
  record_update(live, nullptr, {"kubectl-client-side-apply", "Update", ""}, at(0));
  const char* change_a = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"<&>"}})";
  const char* change_b = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"a":"5","b":"5"}})";
  EXPECT_THROW(applied(&live, change_a, "other", 1), ApiError);
  try {
    applied(&live, change_b, "kubectl", 1);
    ADD_FAILURE() << "accepted";
  } catch (const ApiError& error) {
    EXPECT_STREQ(error.what(), "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.b");
  }
  const Object now = applied(&live, change_a, "kubectl", 1);
  EXPECT_EQ(now.as<core::v1::ConfigMap>().data().at("a"), "<&>");
  EXPECT_EQ(now.metadata().annotations().at(kAnnotation),
            "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"\\u003c\\u0026\\u003e\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
            "\"x\"}}\n");
}

TEST(Apply, AnAnnotationOfKubectlThatCannotBeReadAllowsNothing) {
  for (const char* text : {"", "{", "[]", "{\"apiVersion\":1}", "{\"apiVersion\":\"v2\",\"data\":{\"a\":\"1\"}}",
                           "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"data\":{\"a\":1}}"}) {
    SCOPED_TRACE(text);
    Object live = written(R"({"metadata":{"name":"x"},"data":{"a":"1"}})");
    (*live.mutable_metadata().mutable_annotations())[kAnnotation] = text;
    record_update(live, nullptr, {"kubectl-client-side-apply", "Update", ""}, at(0));
    EXPECT_THROW(applied(&live, R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"2"}})", "kubectl", 1), ApiError);
  }
}

// An autoscaler is two versions of one object: what was applied as one is found in the other.
TEST(Apply, AcrossVersions) {
  const Schema& v1 = schema_of<autoscaling::v1::HorizontalPodAutoscaler>();
  const Schema& v2 = schema_of<autoscaling::v2::HorizontalPodAutoscaler>();
  const AsVersion as_version = [&](const Object& object, const std::string& version) -> Object {
    const Schema& to = version == "autoscaling/v1" ? v1 : v2;
    if (version != "autoscaling/v1" && version != "autoscaling/v2") return {};
    if (&object.schema() == &to) return object.clone();
    return conversion(*object.schema().kind, *to.kind)(object);
  };
  const auto run = [&](const Schema& schema, const Object* live, const char* manager, const char* spec) {
    Json config{{"apiVersion", schema.kind->api_version()},
                {"kind", schema.kind->kind},
                {"metadata", {{"name", "h"}}},
                {"spec", Json::parse(spec)}};
    const Application application{.config = &config, .manager = manager, .subresource = {}, .force = false, .reset = {}};
    return apply(schema, live, application, as_version, at(0));
  };
  const Object first =
      run(v2, nullptr, "a", R"({"maxReplicas":3,"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"}})");
  const Object shown = as_version(first, "autoscaling/v1");
  try {
    run(v1, &shown, "b", R"({"maxReplicas":4})");
    ADD_FAILURE() << "accepted";
  } catch (const ApiError& error) {
    EXPECT_STREQ(error.what(), "Apply failed with 1 conflict: conflict with \"a\": .spec.maxReplicas");
  }
  const Object now =
      run(v1, &shown, "a", R"({"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"}})");
  ASSERT_EQ(now.metadata().managed_fields_size(), 1);
  EXPECT_EQ(now.metadata().managed_fields(0).api_version(), "autoscaling/v1");
  EXPECT_EQ(now.metadata().managed_fields(0).fields_v1().raw(), R"({"f:spec":{"f:maxReplicas":{},"f:scaleTargetRef":{}}})");
}

// Two managers shared a map; then its kind was changed, and it is one value.
TEST(Apply, WhatHasBecomeOneValueIsOwnedAsOne) {
  const auto schema_of_map = [](const char* type) {
    return test::built(
        std::string(
            R"({"type":"object","properties":{"spec":{"type":"object","additionalProperties":{"type":"string"},"x-kubernetes-map-type":")") +
        type + "\"}}}");
  };
  const auto before = schema_of_map("granular"), after = schema_of_map("atomic");
  const auto apply_to = [](const Schema& schema, const Object* live, const char* manager, const char* spec) {
    Json config{{"apiVersion", "g.io/v1"}, {"kind", "K"}, {"metadata", {{"name", "x"}}}, {"spec", Json::parse(spec)}};
    const Application application{.config = &config, .manager = manager, .subresource = {}, .force = false, .reset = {}};
    return apply(schema, live, application, AsVersion([](const Object&, const std::string&) { return Object(); }), at(0));
  };
  const Object one = apply_to(before->schema(), nullptr, "a", R"({"x":"1"})");
  const Object both = apply_to(before->schema(), &one, "b", R"({"y":"1"})");
  const Object stored = object_of_document(after->schema(), to_json(both));
  try {
    apply_to(after->schema(), &stored, "c", R"({"z":"1"})");
    ADD_FAILURE() << "accepted";
  } catch (const ApiError& error) {
    EXPECT_STREQ(error.what(), "Apply failed with 2 conflicts: conflicts with \"a\":\n- .spec\nconflicts with \"b\":\n- .spec");
  }
}

TEST(Apply, AVersionThatIsNoMoreOwnsNothing) {
  Object live = written(R"({"metadata":{"name":"x"},"data":{"a":"1"}})");
  auto& entry = *live.mutable_metadata().add_managed_fields();
  entry.set_manager("old");
  entry.set_operation("Update");
  entry.set_api_version("v0");
  entry.set_fields_type("FieldsV1");
  entry.mutable_fields_v1()->set_raw(R"({"f:data":{"f:a":{}}})");
  const Object now = applied(&live, R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"2"}})", "m", 1);
  ASSERT_EQ(now.metadata().managed_fields_size(), 1);
  EXPECT_EQ(now.metadata().managed_fields(0).manager(), "m");
}

}  // namespace
}  // namespace ph::api

// One object: what a server does to any kind, played by the same steps over a built-in kind and a custom one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/tables/tables.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kGang =
    R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"gangs.one.example.com"},
  "spec":{"group":"one.example.com","scope":"Namespaced","names":{"plural":"gangs","kind":"Gang"},"versions":[{"name":"v1","served":true,"storage":true,
    "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
    "additionalPrinterColumns":[{"name":"Desired","type":"integer","jsonPath":".spec.replicas"}],
    "selectableFields":[{"jsonPath":".spec.color"}],
    "schema":{"openAPIV3Schema":{"type":"object","properties":{
      "spec":{"type":"object","properties":{"replicas":{"type":"integer","minimum":0,"default":1},"minReadySeconds":{"type":"integer"},
        "color":{"type":"string"},"template":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}},
      "status":{"type":"object","properties":{"replicas":{"type":"integer"},"selector":{"type":"string"}}}}}}}]}})";

struct Case {
  const char* name;
  const char* definition;  // null: built in
  const char* api_version;
  const char* kind;
  const char* collection;
  const char* spec;  // without the number of replicas
  const char* column;
};

const Case kCases[] = {
    {"BuiltIn", nullptr, "apps/v1", "ReplicaSet", "/apis/apps/v1/namespaces/default/replicasets",
     R"({"selector":{"matchLabels":{"a":"b"}},
         "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}})",
     "Desired"},
    {"Custom", kGang, "one.example.com/v1", "Gang", "/apis/one.example.com/v1/namespaces/default/gangs",
     R"({"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}})", "Desired"},
};

Extensions with_tables() {
  Extensions out;
  out.tables = make_table_converter();
  return out;
}

class OneObject : public ::testing::TestWithParam<Case> {
 protected:
  OneObject() {
    if (!kind.definition) return;
    const Answer made = api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kind.definition);
    EXPECT_EQ(made.status, 201) << made.body;
    api.executor.drain();
  }

  Json object(const std::string& name) const {
    return {
        {"apiVersion", kind.api_version}, {"kind", kind.kind}, {"metadata", {{"name", name}}}, {"spec", Json::parse(kind.spec)}};
  }
  Answer post(const Json& body, const std::string& query = "") { return api.post(kind.collection + query, body.dump()); }
  Json create(const std::string& name, const Json& labels = nullptr) {
    Json body = object(name);
    if (!labels.is_null()) body["metadata"]["labels"] = labels;
    const Answer made = post(body);
    EXPECT_EQ(made.status, 201) << made.body;
    return made.json();
  }
  std::string path(const std::string& name) const { return std::string(kind.collection) + "/" + name; }

  const Case& kind = GetParam();
  Harness api{quiet_options(), with_tables()};
};

TEST_P(OneObject, IsCreatedDefaultedPrunedAndRead) {
  Json body = object("a");
  body["spec"]["bogus"] = 1;
  body["status"] = {{"replicas", 7}};
  const Answer made = post(body);
  ASSERT_EQ(made.status, 201) << made.body;
  const Json stored = made.json();
  EXPECT_EQ(stored["spec"]["replicas"], 1) << "defaulted";
  EXPECT_FALSE(stored["spec"].contains("bogus")) << "pruned";
  EXPECT_NE(stored.value(Json::json_pointer("/status/replicas"), 0), 7) << "the status has a door of its own";
  EXPECT_EQ(stored["metadata"]["generation"], 1);
  EXPECT_EQ(stored["metadata"]["namespace"], "default");
  EXPECT_EQ(stored["metadata"]["managedFields"][0]["operation"], "Update");
  EXPECT_EQ(api.get(path("a")).json(), stored);
  EXPECT_EQ(post(object("a")).reason(), "AlreadyExists");
  EXPECT_EQ(post(object("dry"), "?dryRun=All").status, 201);
  EXPECT_EQ(api.get(path("dry")).status, 404);
}

TEST_P(OneObject, IsReadStrictly) {
  Json body = object("a");
  body["spec"]["bogus"] = 1;
  const Answer refused = post(body, "?fieldValidation=Strict");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.message(), HasSubstr("unknown field \"spec.bogus\""));
  const Answer warned = post(body, "?fieldValidation=Warn");
  EXPECT_EQ(warned.status, 201);
  EXPECT_THAT(std::string(warned.headers.get("Warning")), HasSubstr("unknown field"));
  const Answer quiet = api.put(path("a") + "?fieldValidation=Ignore", body.dump());
  EXPECT_FALSE(quiet.headers.has("Warning"));
}

TEST_P(OneObject, IsValidated) {
  Json body = object("a");
  body["spec"]["replicas"] = -1;
  const Answer refused = post(body);
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.reason(), "Invalid");
  EXPECT_EQ(refused.json()["details"]["causes"][0]["field"], "spec.replicas");
  EXPECT_EQ(refused.json()["details"]["kind"], kind.kind);
  body["spec"]["replicas"] = "many";
  EXPECT_THAT(post(body).status, ::testing::AnyOf(400, 422));
  body = object("Not A Name");
  EXPECT_EQ(post(body).json()["details"]["causes"][0]["field"], "metadata.name") << post(body).body;
}

TEST_P(OneObject, IsListedAndSelected) {
  create("a", {{"x", "1"}});
  create("b", {{"x", "2"}});
  EXPECT_THAT(api.names(kind.collection), ElementsAre("a", "b"));
  EXPECT_THAT(api.names(kind.collection + std::string("?labelSelector=x%3D2")), ElementsAre("b"));
  EXPECT_THAT(api.names(kind.collection + std::string("?fieldSelector=metadata.name%3Da")), ElementsAre("a"));
  EXPECT_EQ(api.get(kind.collection + std::string("?fieldSelector=spec.nothing%3Da")).status, 400);
  const Json list = api.get(kind.collection + std::string("?limit=1")).json();
  EXPECT_EQ(list["kind"], std::string(kind.kind) + "List");
  EXPECT_EQ(list["apiVersion"], kind.api_version);
  EXPECT_EQ(list["metadata"]["remainingItemCount"], 1);
  const Json rest =
      api.get(kind.collection + std::string("?limit=1&continue=") + list["metadata"]["continue"].get<std::string>()).json();
  EXPECT_EQ(rest["items"][0]["metadata"]["name"], "b");
}

TEST_P(OneObject, IsWatched) {
  const auto log = api.watch(kind.collection + std::string("?watch=1&labelSelector=x%3D1"));
  create("a", {{"x", "1"}});
  create("b");
  api.patch(path("b"), R"({"metadata":{"labels":{"x":"1"}}})");
  api.patch(path("a"), R"({"metadata":{"labels":{"x":"2"}}})");
  api.remove(path("b"));
  EXPECT_THAT(log->take(), ElementsAre("ADDED a", "ADDED b", "DELETED a", "DELETED b"));
}

TEST_P(OneObject, IsUpdated) {
  Json changed = create("a");
  changed["spec"]["replicas"] = 3;
  const Answer put = api.put(path("a"), changed.dump());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["metadata"]["generation"], 2);
  EXPECT_EQ(api.put(path("a"), changed.dump()).reason(), "Conflict") << "a stale revision";
  Json label = put.json();
  label["metadata"]["labels"] = {{"x", "1"}};
  EXPECT_EQ(api.put(path("a"), label.dump()).json()["metadata"]["generation"], 2) << "only the spec counts";
  label["metadata"]["name"] = "b";
  EXPECT_EQ(api.put(path("a"), label.dump()).status, 400);
}

TEST_P(OneObject, IsPatched) {
  create("a");
  const Answer merged = api.patch(path("a"), R"({"spec":{"replicas":2,"minReadySeconds":5},"metadata":{"labels":{"x":"1"}}})");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(merged.json()["spec"]["replicas"], 2);
  EXPECT_EQ(merged.json()["metadata"]["labels"], Json::parse(R"({"x":"1"})"));
  const Answer removed = api.patch(path("a"), R"({"spec":{"replicas":null}})");
  EXPECT_EQ(removed.json()["spec"]["replicas"], 1) << "defaulted again";
  const Answer json = api.patch(
      path("a"), R"([{"op":"test","path":"/spec/replicas","value":1},{"op":"replace","path":"/spec/replicas","value":4}])",
      "application/json-patch+json");
  ASSERT_EQ(json.status, 200) << json.body;
  EXPECT_EQ(json.json()["spec"]["replicas"], 4);
  EXPECT_EQ(api.patch(path("a"), R"([{"op":"test","path":"/spec/replicas","value":9}])", "application/json-patch+json").status,
            422);
  EXPECT_EQ(api.patch(path("a"), R"({"spec":{"replicas":-2}})").status, 422);
  EXPECT_EQ(api.patch(path("a"), R"({"metadata":{"uid":"x"}})").status, 422);
  EXPECT_EQ(api.patch(path("a"), "{}", "text/plain").status, 415);
  EXPECT_EQ(api.get(path("a")).json()["spec"]["replicas"], 4);
}

TEST_P(OneObject, HasAStatus) {
  Json body = create("a");
  body["status"]["replicas"] = 3;
  body["spec"]["replicas"] = 9;
  const Answer put = api.put(path("a") + "/status", body.dump());
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["status"]["replicas"], 3);
  EXPECT_EQ(put.json()["spec"]["replicas"], 1);
  EXPECT_EQ(put.json()["metadata"]["generation"], 1);
  const Answer patched = api.patch(path("a") + "/status", R"({"status":{"replicas":4}})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(api.get(path("a") + "/status").json()["status"]["replicas"], 4);
}

TEST_P(OneObject, IsScaled) {
  create("a");
  const Json scale = api.get(path("a") + "/scale").json();
  EXPECT_EQ(scale["kind"], "Scale");
  EXPECT_EQ(scale["spec"]["replicas"], 1);
  EXPECT_EQ(api.patch(path("a") + "/scale", R"({"spec":{"replicas":6}})").status, 200);
  Json wanted = api.get(path("a") + "/scale").json();
  wanted["spec"]["replicas"] = 8;
  EXPECT_EQ(api.put(path("a") + "/scale", wanted.dump()).status, 200);
  EXPECT_EQ(api.put(path("a") + "/scale", wanted.dump()).status, 409) << "a stale revision";
  EXPECT_EQ(api.patch(path("a") + "/scale", R"({"spec":{"replicas":-1}})").status, 422);
  EXPECT_EQ(api.get(path("a")).json()["spec"]["replicas"], 8);
}

TEST_P(OneObject, IsShownAsATable) {
  create("a");
  const Json table = api.get(kind.collection, "application/json;as=Table;v=v1;g=meta.k8s.io").json();
  EXPECT_EQ(table["kind"], "Table");
  EXPECT_EQ(table["columnDefinitions"][0]["name"], "Name");
  EXPECT_EQ(table["columnDefinitions"][1]["name"], kind.column);
  ASSERT_EQ(table["rows"].size(), 1u);
  EXPECT_EQ(table["rows"][0]["cells"][0], "a");
  EXPECT_EQ(table["rows"][0]["cells"][1], 1);
  EXPECT_EQ(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  const auto refused =
      api.get(kind.collection + std::string("?includeObject=Zap"), "application/json;as=Table;v=v1;g=meta.k8s.io");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json()["message"],
            "Unable to convert to Table as requested: includeObject: Invalid value: \"Zap\": must be 'Metadata', 'Object', "
            "'None', or empty");
}

TEST_P(OneObject, IsDeleted) {
  Json held = object("held");
  held["metadata"]["finalizers"] = {"x.example.com/y"};
  ASSERT_EQ(post(held).status, 201);
  create("a");
  create("b");
  EXPECT_EQ(api.remove(path("a"), R"({"preconditions":{"uid":"another"}})").status, 409);
  EXPECT_EQ(api.remove(path("a")).status, 200);
  EXPECT_EQ(api.get(path("a")).status, 404);
  EXPECT_EQ(api.remove(path("a")).status, 404);
  EXPECT_EQ(api.remove(kind.collection).status, 200);
  EXPECT_THAT(api.names(kind.collection), ElementsAre("held"));
  EXPECT_TRUE(api.get(path("held")).json()["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(api.patch(path("held"), R"({"metadata":{"finalizers":null}})").status, 200);
  EXPECT_THAT(api.names(kind.collection), IsEmpty());
}

// The row is the scale's, not the workload's; the columns are not quite the same.
TEST_P(OneObject, ItsScaleIsShownAsATable) {
  constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  constexpr const char* kPartial = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json";
  create("a");
  ASSERT_EQ(api.patch(path("a") + "/status", R"({"status":{"replicas":3}})").status, 200);
  const auto columns = [](const Json& table) {
    std::vector<std::string> out;
    for (const Json& column : table["columnDefinitions"]) {
      out.push_back(column["name"].get<std::string>() + " " + column["type"].get<std::string>() + " " +
                    column["format"].get<std::string>());
    }
    return out;
  };
  Json table = api.get(path("a") + "/scale", kTable).json();
  ASSERT_EQ(table["kind"], "Table") << table;
  if (kind.definition) {
    EXPECT_THAT(columns(table), ElementsAre("Name string name", "Desired integer ", "Available integer ", "Age date "));
  } else {
    EXPECT_THAT(columns(table), ElementsAre("Name string ", "Desired integer ", "Available integer ", "Age string "));
  }
  ASSERT_EQ(table["rows"].size(), 1u);
  EXPECT_EQ(table["rows"][0]["cells"].dump(), R"(["a",1,3,"0s"])");
  EXPECT_EQ(table["metadata"]["resourceVersion"], api.get(path("a")).json()["metadata"]["resourceVersion"]);
  EXPECT_EQ(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
  EXPECT_EQ(table["rows"][0]["object"]["metadata"]["name"], "a");
  EXPECT_EQ(api.get(path("a") + "/scale?includeObject=Object", kTable).json()["rows"][0]["object"]["kind"], "Scale");
  const Json partial = api.get(path("a") + "/scale", kPartial).json();
  EXPECT_EQ(partial["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(partial.contains("spec"));

  HttpRequest none =
      Harness::request("PATCH", path("a") + "/scale", R"({"spec":{"replicas":0}})", "application/merge-patch+json", kTable);
  table = api.send(std::move(none)).json();
  // A wish for none is not in the JSON that the columns of custom kinds are read off.
  EXPECT_EQ(table["rows"][0]["cells"].dump(), kind.definition ? R"(["a",null,3,"0s"])" : R"(["a",0,3,"0s"])");
}

INSTANTIATE_TEST_SUITE_P(Kinds, OneObject, ::testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace ph::apiserver::testing

// Server-side apply as a server answers it: what is created, changed, left alone and refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/apiserver/harness.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;

constexpr const char* kApply = "application/apply-patch+yaml";
constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps/";
constexpr const char* kDeployments = "/apis/apps/v1/namespaces/default/deployments/";

class Apply : public ::testing::Test {
 protected:
  Answer apply(const std::string& path, const std::string& query, const std::string& body) {
    return api.patch(path + query, body, kApply);
  }
  Answer apply_map(const std::string& query, const std::string& rest = "data: {a: \"1\"}") {
    return apply(kMaps + std::string("m"), query, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n" + rest + "\n");
  }

  // "manager operation subresource", in their order.
  std::vector<std::string> owners(const std::string& path) {
    std::vector<std::string> out;
    for (const Json& entry : api.get(path).json()["metadata"].value("managedFields", Json::array())) {
      out.push_back(entry.value("manager", "") + " " + entry.value("operation", "") + " " + entry.value("subresource", ""));
    }
    return out;
  }
  std::string revision(const std::string& path) { return api.get(path).json()["metadata"]["resourceVersion"]; }

  Harness api;
  const std::string map = kMaps + std::string("m");
};

TEST_F(Apply, CreatesAndUpdates) {
  EXPECT_EQ(apply_map("?fieldManager=a").status, 201);
  EXPECT_EQ(apply_map("?fieldManager=a", "data: {a: \"2\"}").status, 200);
  EXPECT_EQ(api.get(map).json()["data"], (Json{{"a", "2"}}));
  EXPECT_THAT(owners(map), ElementsAre("a Apply "));
}

TEST_F(Apply, WhatIsMeantForAnObjectThatThereWasCreatesNone) {
  const auto with_uid = [&](const std::string& uid) {
    return apply(map, "?fieldManager=a", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, uid: " + uid + "}\n");
  };
  const Answer none = with_uid("x");
  EXPECT_EQ(none.status, 409);
  EXPECT_EQ(
      none.json()["message"],
      "Operation cannot be fulfilled on configmaps \"m\": uid mismatch: the provided object specified uid x, and no existing "
      "object was found");
  EXPECT_EQ(api.get(map).status, 404);
  apply_map("?fieldManager=a");
  EXPECT_EQ(with_uid("x").status, 422) << "it is another's";
  EXPECT_EQ(with_uid(api.get(map).json()["metadata"]["uid"]).status, 200);
}

TEST_F(Apply, WhatChangesNothingIsNoWrite) {
  apply_map("?fieldManager=a");
  const std::string before = revision(map);
  api.executor.advance(5s);
  EXPECT_EQ(apply_map("?fieldManager=a").status, 200);
  EXPECT_EQ(apply_map("?fieldManager=a", "data: {a: \"1\"}\nbinaryData: null").status, 200);
  EXPECT_NE(revision(map), before) << "a field more is owned";
  const std::string then = revision(map);
  EXPECT_EQ(apply_map("?fieldManager=a", "data: {a: \"1\"}\nbinaryData: null").status, 200);
  EXPECT_EQ(revision(map), then);
}

TEST_F(Apply, DryRunsWriteNothing) {
  EXPECT_EQ(apply_map("?fieldManager=a&dryRun=All").status, 201);
  EXPECT_EQ(api.get(map).status, 404);
  apply_map("?fieldManager=a");
  EXPECT_EQ(apply_map("?fieldManager=b&dryRun=All", "data: {a: \"2\"}").status, 409);
  const Answer forced = apply_map("?fieldManager=b&dryRun=All&force=true", "data: {a: \"2\"}");
  EXPECT_EQ(forced.status, 200);
  EXPECT_EQ(forced.json()["data"]["a"], "2");
  EXPECT_EQ(api.get(map).json()["data"]["a"], "1");
}

TEST_F(Apply, Refusals) {
  apply_map("?fieldManager=a");
  struct Case {
    const char* name;
    const char* query;
    const char* body;
    int status;
    const char* message;
  };
  const Case cases[] = {
      {"nobody's", "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n", 422,
       "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"},
      {"no YAML", "?fieldManager=b", "{", 400, nullptr},
      {"a list", "?fieldManager=b", "[]", 400,
       "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type "
       "map[string]interface {}"},
      {"nothing", "?fieldManager=b", "", 400, "invalid object type: /, Kind="},
      {"another kind", "?fieldManager=b", "apiVersion: v1\nkind: Secret\n", 400, "invalid object type: /v1, Kind=Secret"},
      {"another version", "?fieldManager=b", "apiVersion: a/v1\nkind: ConfigMap\n", 400,
       "invalid object type: a/v1, Kind=ConfigMap"},
      {"another name", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", 400,
       "the name of the object (x) does not match the name on the URL (m)"},
      {"another namespace", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: x}\n", 400,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"another revision", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, resourceVersion: \"1\"}\n",
       409,
       "Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please apply your changes to the latest "
       "version "
       "and try again"},
      {"managed fields", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, managedFields: []}\n", 400,
       "metadata.managedFields must be nil"},
      {"an unknown field, whatever is asked", "?fieldManager=b&fieldValidation=Ignore",
       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\nzz: 1\n", 500,
       "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .zz: field not declared in schema"},
      {"a key twice", "?fieldManager=b&fieldValidation=Strict",
       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n  b: \"1\"\n  b: \"2\"\n", 400,
       "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 6: key \"b\" already set in "
       "map"},
      {"a conflict", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"2\"}\n", 409,
       "Apply failed with 1 conflict: conflict with \"a\": .data.a"},
      {"invalid", "?fieldManager=b", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {\"a b\": \"2\"}\n", 422,
       nullptr},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Answer answer = apply(map, c.query, c.body);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    if (c.message) EXPECT_EQ(answer.message(), c.message);
  }
  EXPECT_THAT(owners(map), ElementsAre("a Apply "));
}

TEST_F(Apply, AKeyTwiceIsWarnedOf) {
  const Answer answer = apply_map("?fieldManager=a", "data:\n  a: \"1\"\n  a: \"2\"");
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.json()["data"]["a"], "2");
  EXPECT_EQ(answer.headers.get("Warning"), "299 - \"line 6: key \\\"a\\\" already set in map\"");
}

TEST_F(Apply, CborIsNotRead) { EXPECT_EQ(api.patch(map + "?fieldManager=a", "x", "application/apply-patch+cbor").status, 415); }

TEST_F(Apply, APartIsNotCreated) {
  const Answer answer = apply(kDeployments + std::string("d/status"), "?fieldManager=a",
                              "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nstatus: {replicas: 1}\n");
  EXPECT_EQ(answer.status, 404);
}

constexpr const char* kDeployment =
    R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},
  "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";

TEST_F(Apply, TheStatusHasADoorOfItsOwn) {
  const std::string path = kDeployments + std::string("d");
  Json deployment = Json::parse(kDeployment);
  deployment["status"]["replicas"] = 5;
  EXPECT_EQ(apply(path, "?fieldManager=a", deployment.dump()).status, 201);
  EXPECT_EQ(api.get(path).json()["status"], Json::object());
  const Answer status = apply(
      path + "/status", "?fieldManager=c",
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":9},"status":{"replicas":2}})");
  EXPECT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(status.json()["spec"]["replicas"], 1);
  EXPECT_EQ(status.json()["status"]["replicas"], 2);
  EXPECT_THAT(owners(path), ElementsAre("a Apply ", "c Apply status"));
  deployment["spec"]["replicas"] = 3;
  EXPECT_EQ(apply(path, "?fieldManager=a", deployment.dump()).status, 200);
  EXPECT_EQ(api.get(path).json()["status"]["replicas"], 2);
}

TEST_F(Apply, Scale) {
  const std::string path = kDeployments + std::string("d");
  Json deployment = Json::parse(kDeployment);
  deployment["spec"]["replicas"] = 3;
  apply(path, "?fieldManager=a", deployment.dump());
  const std::string scale = R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":4}})";
  const Answer refused = apply(path + "/scale", "?fieldManager=s", scale);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.message(), "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
  const Answer forced = apply(path + "/scale", "?fieldManager=s&force=true", scale);
  EXPECT_EQ(forced.status, 200) << forced.body;
  EXPECT_EQ(forced.json()["spec"]["replicas"], 4);
  EXPECT_EQ(api.get(path).json()["spec"]["replicas"], 4);
  EXPECT_THAT(owners(path), ElementsAre("s Apply scale", "a Apply "));
  const Answer back = apply(path, "?fieldManager=a", deployment.dump());
  EXPECT_EQ(back.message(), "Apply failed with 1 conflict: conflict with \"s\" with subresource \"scale\": .spec.replicas");
}

TEST_F(Apply, AnEmptyListOfManagersMeansNone) {
  apply_map("?fieldManager=a");
  EXPECT_EQ(api.patch(map, R"({"metadata":{"managedFields":[]}})").status, 200);
  EXPECT_THAT(owners(map), ElementsAre());
  apply_map("?fieldManager=a");
  Json whole = api.get(map).json();
  whole["metadata"]["managedFields"] = Json::array();
  EXPECT_EQ(api.put(map, whole.dump()).status, 200);
  EXPECT_THAT(owners(map), ElementsAre());
  apply_map("?fieldManager=a");
  whole["metadata"].erase("managedFields");
  whole["metadata"].erase("resourceVersion");
  EXPECT_EQ(api.put(map, whole.dump()).status, 200);
  EXPECT_THAT(owners(map), ElementsAre("a Apply ", "before-first-apply Update ")) << "who does not speak of them keeps them";
}

TEST_F(Apply, AnEventIsOneObjectInTwoGroups) {
  const std::string body =
      R"(,"kind":"Event","metadata":{"name":"e"},"type":"Normal","reason":"R","action":"A","reportingController":"c",
      "reportingInstance":"i","eventTime":"2026-01-01T00:00:00.000000Z")";
  const Answer made = apply("/apis/events.k8s.io/v1/namespaces/default/events/e", "?fieldManager=a",
                            R"({"apiVersion":"events.k8s.io/v1")" + body +
                                R"(,"note":"n","regarding":{"kind":"Pod","name":"p","namespace":"default"}})");
  ASSERT_EQ(made.status, 201) << made.body;
  const Answer other = apply("/api/v1/namespaces/default/events/e", "?fieldManager=b",
                             R"({"apiVersion":"v1","kind":"Event","metadata":{"name":"e"},"message":"other"})");
  EXPECT_EQ(other.message(), "Apply failed with 1 conflict: conflict with \"a\": .note");
}

// Whoever may patch, but not create, may not create by a patch.
TEST(ApplyAccess, CreatingIsAskedFor) {
  StandardWorld world;
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/";
  const auto post = [&](const std::string& path, const std::string& body) {
    return world.send(StandardWorld::request("POST", path, body));
  };
  ASSERT_EQ(post(rbac + "roles", R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r"},
      "rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["patch"]}]})")
                .status,
            201);
  ASSERT_EQ(
      post(rbac + "rolebindings", R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"r"},
      "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jane"}]})")
          .status,
      201);
  const auto apply_as = [&](const Identity& who) {
    HttpRequest request =
        StandardWorld::request("PATCH", kMaps + std::string("m?fieldManager=a"),
                               R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"1"}})", who);
    request.headers.set("Content-Type", kApply);
    return world.send(std::move(request));
  };
  const Reply refused = apply_as(StandardWorld::user("jane"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "configmaps \"m\" is forbidden: User \"jane\" cannot create resource \"configmaps\" in API group \"\" in the "
            "namespace \"default\"");
  EXPECT_EQ(apply_as(StandardWorld::admin()).status, 201);
  EXPECT_EQ(apply_as(StandardWorld::user("jane")).status, 200);
}

}  // namespace
}  // namespace ph::apiserver::testing

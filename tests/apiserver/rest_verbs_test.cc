// Requests and what becomes of them: statuses, bodies, and what is stored.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/errors.h"
#include "tests/apiserver/harness.h"

namespace ph::apiserver::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr const char* kPods = "/api/v1/namespaces/default/pods";

std::string map(const std::string& name, const std::string& extra = "") {
  return R"({"metadata":{"name":")" + name + R"("},"data":{"a":"1"})" + extra + "}";
}
std::string pod(const std::string& name, const std::string& spec = "", const std::string& metadata = "") {
  return R"({"metadata":{"name":")" + name + "\"" + metadata + R"(},"spec":{"containers":[{"name":"c","image":"i"}])" + spec +
         "}}";
}
std::string deployment(const std::string& name, int replicas = 1) {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"replicas":)" + std::to_string(replicas) +
         R"(,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})";
}

TEST(RestVerbs, AKindOnItsWayOutSaysSo) {
  Harness api;
  EXPECT_EQ(api.get("/api/v1/namespaces/default/endpoints").headers.get("Warning"),
            "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"");
  EXPECT_FALSE(api.get(kMaps).headers.has("Warning"));
}

TEST(RestVerbs, CreateFillsInWhatTheServerSets) {
  Harness api;
  const Answer answer = api.post(kMaps, map("a"));
  ASSERT_EQ(answer.status, 201) << answer.body;
  const Json object = answer.json();
  EXPECT_EQ(object["kind"], "ConfigMap");
  EXPECT_EQ(object["apiVersion"], "v1");
  EXPECT_EQ(object["metadata"]["namespace"], "default");
  EXPECT_EQ(object["metadata"]["uid"].get<std::string>().size(), 36u);
  EXPECT_EQ(object["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(object["metadata"]["managedFields"][0]["manager"], "harness");
  EXPECT_FALSE(object["metadata"].contains("generation"));
  EXPECT_EQ(api.get(std::string(kMaps) + "/a").json(), object);
  EXPECT_TRUE(answer.headers.has("Audit-Id"));
}

TEST(RestVerbs, CreateRefusals) {
  struct Case {
    const char* name;
    const char* target;
    std::string body;
    int status;
    const char* message;
  };
  const Case kCases[] = {
      {"taken name", kMaps, map("taken"), 409, "configmaps \"taken\" already exists"},
      {"other namespace in the body", kMaps, R"({"metadata":{"name":"x","namespace":"other"}})", 400,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"bad name", kMaps, map("Bad_Name"), 422, "ConfigMap \"Bad_Name\" is invalid: metadata.name: Invalid value"},
      {"no name", kMaps, R"({"metadata":{}})", 422, "ConfigMap \"\" is invalid: "},
      {"not JSON", kMaps, "{", 400, "the object provided is unrecognized (must be of type ConfigMap)"},
      {"empty", kMaps, "", 400, "(<empty>)"},
      {"another kind", kMaps, R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}})", 400,
       "Secret in version \"v1\" cannot be handled as a ConfigMap"},
      {"another group", kMaps, R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"x"}})", 400,
       "the API version in the data (apps/v1) does not match the expected API version (v1)"},
      {"all namespaces", "/api/v1/configmaps", map("x"), 405, "the server does not allow this method on the requested resource"},
      {"unknown resource", "/api/v1/namespaces/default/wheels", map("x"), 404, "could not find the requested resource"},
      {"dry run of something else", "/api/v1/namespaces/default/configmaps?dryRun=Some", map("x"), 422, "dryRun"},
      {"resourceVersion set", kMaps, R"({"metadata":{"name":"x","resourceVersion":"5"}})", 500,
       "resourceVersion should not be set on objects to be created"},
  };
  Harness api;
  ASSERT_EQ(api.post(kMaps, map("taken")).status, 201);
  const Revision before = api.store->revision();
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.post(c.target, c.body);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_THAT(answer.message(), HasSubstr(c.message));
    EXPECT_EQ(answer.json()["kind"], "Status");
  }
  EXPECT_EQ(api.store->revision(), before);
}

TEST(RestVerbs, BodiesThatAreTooLargeOrOfNoKnownType) {
  Harness api;
  EXPECT_EQ(api.post(kMaps, std::string(4 << 20, ' ')).status, 413);
  EXPECT_EQ(api.post(kMaps, map("a"), "text/html").status, 415);
  EXPECT_EQ(api.get(kMaps, "image/png").status, 406);
  EXPECT_EQ(api.get("/apis/apps/v1/nothing/at/all/here").status, 404);
}

TEST(RestVerbs, UnknownFieldsAreWarnedOfRefusedOrIgnored) {
  Harness api;
  const std::string extra = R"(,"wheels":4)";
  const Answer warned = api.post(kMaps, map("a", extra));
  EXPECT_EQ(warned.status, 201);
  EXPECT_THAT(std::string(warned.headers.get("Warning")), HasSubstr("unknown field \\\"wheels\\\""));
  const Answer strict = api.post(std::string(kMaps) + "?fieldValidation=Strict", map("b", extra));
  EXPECT_EQ(strict.status, 400);
  EXPECT_THAT(strict.message(), HasSubstr("strict decoding error: unknown field \"wheels\""));
  const Answer ignored = api.post(std::string(kMaps) + "?fieldValidation=Ignore", map("c", extra));
  EXPECT_EQ(ignored.status, 201);
  EXPECT_FALSE(ignored.headers.has("Warning"));
}

TEST(RestVerbs, DryRunStoresNothing) {
  Harness api;
  const Revision before = api.store->revision();
  EXPECT_EQ(api.post(std::string(kMaps) + "?dryRun=All", map("a")).status, 201);
  EXPECT_EQ(api.get(std::string(kMaps) + "/a").status, 404);
  ASSERT_EQ(api.post(kMaps, map("a")).status, 201);
  const Revision after = api.store->revision();
  EXPECT_GT(after, before);
  EXPECT_EQ(api.patch(std::string(kMaps) + "/a?dryRun=All", R"({"data":{"a":"2"}})").json()["data"]["a"], "2");
  EXPECT_EQ(api.remove(std::string(kMaps) + "/a?dryRun=All").status, 200);
  EXPECT_EQ(api.store->revision(), after);
}

TEST(RestVerbs, GeneratedNames) {
  Harness api;
  const Json object = api.post(kMaps, R"({"metadata":{"generateName":"web-"}})").json();
  EXPECT_THAT(object["metadata"]["name"].get<std::string>(), StartsWith("web-"));
  EXPECT_EQ(object["metadata"]["name"].get<std::string>().size(), 9u);
  EXPECT_EQ(object["metadata"]["generateName"], "web-");
}

// Draws few different letters, so that writers meet in the names they make of them.
class FewLetters final : public Rng {
 public:
  explicit FewLetters(std::uint64_t letters) : letters_(letters) {}
  std::uint64_t next() override { return (drawn_.next() % letters_ + 1) << 60; }

 private:
  SeededRng drawn_{5};
  std::uint64_t letters_;
};

TEST(RestVerbs, WritersWhoMeetInAGeneratedNameTryAnother) {
  Harness api(quiet_options(), {}, {}, std::make_unique<FewLetters>(3));
  std::vector<std::shared_ptr<std::optional<Answer>>> answers;
  for (int i = 0; i < 64; ++i) {
    answers.push_back(api.start(Harness::request("POST", kMaps, R"({"metadata":{"generateName":"m-"}})", "application/json")));
  }
  api.executor.drain();
  std::set<std::string> names;
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    ASSERT_EQ((*answer)->status, 201) << (*answer)->body;
    names.insert((*answer)->json()["metadata"]["name"]);
  }
  EXPECT_EQ(names.size(), 64u);
  EXPECT_EQ(api.names(kMaps).size(), 64u);
}

TEST(RestVerbs, GeneratedNamesThatAreAllTaken) {
  Harness api(quiet_options(), {}, {}, std::make_unique<FewLetters>(1));
  const std::string body = R"({"metadata":{"generateName":"m-"}})";
  const Answer first = api.post(kMaps, body);
  ASSERT_EQ(first.status, 201) << first.body;
  const std::string name = first.json()["metadata"]["name"];
  for (const char* query : {"", "?dryRun=All"}) {
    SCOPED_TRACE(query);
    const Answer second = api.post(kMaps + std::string(query), body);
    EXPECT_EQ(second.status, 409);
    EXPECT_EQ(second.reason(), "AlreadyExists");
    EXPECT_EQ(second.message(),
              "configmaps \"" + name + "\" already exists, the server was not able to generate a unique name for the object");
    EXPECT_EQ(second.headers.get("Retry-After"), "1");
  }
  // At the same time: both see that the name is free, one of them gets it.
  api.remove(std::string(kMaps) + "/" + name);
  auto left = api.start(Harness::request("POST", kMaps, body, "application/json"));
  auto right = api.start(Harness::request("POST", kMaps, body, "application/json"));
  api.executor.drain();
  EXPECT_EQ((*left)->status + (*right)->status, 201 + 409);
}

TEST(RestVerbs, ADryRunSeesThatANameIsTaken) {
  Harness api;
  ASSERT_EQ(api.post(kMaps, map("a")).status, 201);
  const Answer answer = api.post(std::string(kMaps) + "?dryRun=All", map("a"));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.message(), "configmaps \"a\" already exists");
}

// A revision is a number, and zero is none.
TEST(RestVerbs, RevisionsAreNumbers) {
  struct Case {
    const char* name;
    const char* revision;  // null: none
    int map, lease;        // the status of a PUT
    const char* message = "";
  };
  const Case kCases[] = {
      {"none", nullptr, 200, 422,
       "leases.coordination.k8s.io \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an "
       "update"},
      {"zero", "0", 200, 422,
       "leases.coordination.k8s.io \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an "
       "update"},
      {"zeros", "000", 200, 422},
      {"an old one", "1", 409, 409,
       "Operation cannot be fulfilled on leases.coordination.k8s.io \"a\": the object has been modified; please apply your "
       "changes to the latest version and try again"},
      {"a word", "abc", 500, 500, "strconv.ParseUint: parsing \"abc\": invalid syntax"},
      {"a sign", "+1", 500, 500, "strconv.ParseUint: parsing \"+1\": invalid syntax"},
      {"too much", "18446744073709551616", 500, 500, "strconv.ParseUint: parsing \"18446744073709551616\": value out of range"},
  };
  constexpr const char* kLeases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  Harness api;
  ASSERT_EQ(api.post(kMaps, map("a")).status, 201);
  ASSERT_EQ(api.post(kLeases, R"({"metadata":{"name":"a"},"spec":{}})").status, 201);
  int change = 0;
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Json metadata = {{"name", "a"}, {"labels", {{"n", std::to_string(++change)}}}};
    if (c.revision) metadata["resourceVersion"] = c.revision;
    const Answer first = api.put(std::string(kMaps) + "/a", Json({{"metadata", metadata}}).dump());
    EXPECT_EQ(first.status, c.map) << first.body;
    const Answer second = api.put(std::string(kLeases) + "/a", Json({{"metadata", metadata}, {"spec", Json::object()}}).dump());
    EXPECT_EQ(second.status, c.lease) << second.body;
    if (*c.message) EXPECT_EQ(second.message(), c.message);
    if (!c.revision) continue;
    metadata["labels"]["n"] = std::to_string(++change);
    EXPECT_EQ(api.patch(std::string(kMaps) + "/a", Json({{"metadata", metadata}}).dump()).status, c.map);
    EXPECT_EQ(api.patch(std::string(kLeases) + "/a", Json({{"metadata", metadata}}).dump()).status, c.lease);
  }
  // With leading zeros it is the same number.
  const std::string revision = api.get(std::string(kMaps) + "/a").json()["metadata"]["resourceVersion"];
  EXPECT_EQ(api.put(std::string(kMaps) + "/a", Json({{"metadata", {{"name", "a"}, {"resourceVersion", "00" + revision}}}}).dump())
                .status,
            200);
  // A patch that takes the revision away is one without.
  EXPECT_EQ(api.patch(std::string(kLeases) + "/a", R"({"metadata":{"resourceVersion":null}})").status, 422);
  EXPECT_EQ(api.patch(std::string(kLeases) + "/a", R"({"metadata":{"labels":{"b":"c"}}})").status, 200);
  // The preconditions of a delete are texts.
  EXPECT_EQ(api.remove(std::string(kMaps) + "/a", R"({"preconditions":{"resourceVersion":"0"}})").status, 409);
}

TEST(RestVerbs, StatusAndScaleTakeZeroForNone) {
  Harness api;
  ASSERT_EQ(api.post(kPods, pod("p")).status, 201);
  Json object = api.get(std::string(kPods) + "/p").json();
  object["metadata"]["resourceVersion"] = "0";
  object["status"]["phase"] = "Running";
  EXPECT_EQ(api.put(std::string(kPods) + "/p/status", object.dump()).json()["status"]["phase"], "Running");
  const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";
  ASSERT_EQ(api.post(deployments, deployment("d")).status, 201);
  const char* scale =
      R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"d","resourceVersion":"0"},"spec":{"replicas":3}})";
  EXPECT_EQ(api.put(deployments + "/d/scale", scale).json()["spec"]["replicas"], 3);
  const Answer other = api.put(deployments + "/d/scale", R"({"metadata":{"name":"d","uid":"x"},"spec":{"replicas":3}})");
  EXPECT_EQ(other.status, 409) << other.body;
}

TEST(RestVerbs, ACreateMayNameTheRevisionZero) {
  Harness api;
  EXPECT_EQ(api.post(kMaps, R"({"metadata":{"name":"b","resourceVersion":"0"}})").status, 201);
  EXPECT_EQ(api.post(kMaps, R"({"metadata":{"name":"c","resourceVersion":"abc"}})").status, 201);
  EXPECT_EQ(api.post(kMaps, R"({"metadata":{"name":"d","resourceVersion":"05"}})").status, 500);
}

TEST(RestVerbs, AnotherUid) {
  Harness api;
  const std::string uid = api.post(kMaps, map("a")).json()["metadata"]["uid"];
  const std::string other = R"({"metadata":{"name":"a","uid":"zz"}})";
  const Answer put = api.put(std::string(kMaps) + "/a", other);
  EXPECT_EQ(put.status, 409);
  EXPECT_THAT(api.put(std::string(kMaps) + "/a?dryRun=All", other).message(), HasSubstr("Key: /configmaps/default/a,"));
  EXPECT_EQ(put.message(),
            "Operation cannot be fulfilled on configmaps \"a\": StorageError: invalid object, Code: 4, Key: "
            "/registry/configmaps/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in "
            "precondition: zz, UID in object meta: " +
                uid);
  const Answer patch = api.patch(std::string(kMaps) + "/a", R"([{"op":"replace","path":"/metadata/uid","value":"z"}])",
                                 "application/json-patch+json");
  EXPECT_EQ(patch.status, 422);
  EXPECT_EQ(patch.message(), "ConfigMap \"a\" is invalid: metadata.uid: Invalid value: \"z\": field is immutable");
  // A certain object that is gone is not made anew.
  const char* const lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l";
  const Answer gone = api.put(lease, R"({"metadata":{"name":"l","uid":"zz","resourceVersion":"7"}})");
  EXPECT_EQ(gone.status, 409);
  EXPECT_THAT(gone.message(), HasSubstr("UID in precondition: zz, UID in object meta: "));
  EXPECT_EQ(api.get(lease).status, 404);
  // Which is how clients that pin a UID learn that their object has gone.
  const auto of_another_uid = [](const Answer& answer) {
    meta::v1::Status status;
    api::decode_json(answer.body, status);
    return api::is_of_another_uid(api::ApiError(std::move(status)));
  };
  EXPECT_TRUE(of_another_uid(patch));
  EXPECT_FALSE(of_another_uid(put)) << "a conflict like others";
  EXPECT_FALSE(of_another_uid(api.patch(std::string(kMaps) + "/a", R"({"metadata":{"labels":{"a b":"c"}}})")));
}

TEST(RestVerbs, UpdateNeedsTheRevisionItNames) {
  Harness api;
  Json object = api.post(kMaps, map("a")).json();
  const std::string target = std::string(kMaps) + "/a";
  object["data"]["a"] = "2";
  const Answer first = api.put(target, object.dump());
  ASSERT_EQ(first.status, 200) << first.body;
  const Answer stale = api.put(target, object.dump());
  EXPECT_EQ(stale.status, 409);
  EXPECT_EQ(stale.reason(), "Conflict");
  EXPECT_THAT(stale.message(), HasSubstr("Operation cannot be fulfilled on configmaps \"a\": the object has been modified"));
  object["metadata"].erase("resourceVersion");
  object["data"]["a"] = "3";
  EXPECT_EQ(api.put(target, object.dump()).json()["data"]["a"], "3");
  object["metadata"]["uid"] = "somebody-else";
  EXPECT_THAT(api.put(target, object.dump()).message(), HasSubstr("Precondition failed: UID in precondition: somebody-else"));
  object["metadata"].erase("uid");
  object["metadata"]["name"] = "b";
  EXPECT_THAT(api.put(target, object.dump()).message(), HasSubstr("does not match the name on the URL"));
  EXPECT_EQ(api.put(std::string(kMaps) + "/b", object.dump()).status, 404);
}

TEST(RestVerbs, AnUpdateThatChangesNothingKeepsTheRevision) {
  Harness api;
  const Json object = api.post(kMaps, map("a")).json();
  const Revision before = api.store->revision();
  api.executor.advance(1h);
  const Json again = api.put(std::string(kMaps) + "/a", object.dump()).json();
  EXPECT_EQ(again, object);
  EXPECT_EQ(api.store->revision(), before);
}

TEST(RestVerbs, OneOfTwoUpdatesAtTheSameTimeWins) {
  Harness api;
  Json object = api.post(kMaps, map("a")).json();
  const std::string target = std::string(kMaps) + "/a";
  object["data"]["a"] = "left";
  auto left = api.start(Harness::request("PUT", target, object.dump(), "application/json"));
  object["data"]["a"] = "right";
  auto right = api.start(Harness::request("PUT", target, object.dump(), "application/json"));
  api.executor.drain();
  ASSERT_TRUE(left->has_value());
  ASSERT_TRUE(right->has_value());
  EXPECT_EQ((*left)->status, 200);
  EXPECT_EQ((*right)->status, 409);
}

TEST(RestVerbs, PatchesAtTheSameTimeBothCount) {
  Harness api;
  api.post(kMaps, map("a"));
  const std::string target = std::string(kMaps) + "/a";
  auto left = api.start(Harness::request("PATCH", target, R"({"data":{"l":"1"}})", "application/merge-patch+json"));
  auto right = api.start(Harness::request("PATCH", target, R"({"data":{"r":"1"}})", "application/strategic-merge-patch+json"));
  api.executor.drain();
  EXPECT_EQ((*left)->status, 200);
  EXPECT_EQ((*right)->status, 200);
  EXPECT_EQ(api.get(target).json()["data"], Json::parse(R"({"a":"1","l":"1","r":"1"})"));
}

TEST(RestVerbs, PatchRefusals) {
  struct Case {
    const char* name;
    const char* type;
    const char* patch;
    int status;
  };
  const Case kCases[] = {
      {"apply without a manager", "application/apply-patch+yaml", "{}", 422},
      {"apply in CBOR", "application/apply-patch+cbor", "", 415},
      {"plain JSON", "application/json", "{}", 415},
      {"malformed", "application/merge-patch+json", "{", 400},
      {"a test that fails", "application/json-patch+json", R"([{"op":"test","path":"/data/a","value":"9"}])", 422},
      {"stale revision", "application/merge-patch+json", R"({"metadata":{"resourceVersion":"1"}})", 409},
      {"another name", "application/merge-patch+json", R"({"metadata":{"name":"b"}})", 400},
      {"a field of the wrong type", "application/merge-patch+json", R"({"data":{"a":{}}})", 422},
      {"another UID", "application/merge-patch+json", R"({"metadata":{"uid":"x"}})", 422},
      {"another kind", "application/merge-patch+json", R"({"kind":"Pod"})", 422},
      {"a revision that is none", "application/merge-patch+json", R"({"metadata":{"resourceVersion":"x"}})", 500},
  };
  Harness api;
  api.post(kMaps, map("a"));
  const Revision before = api.store->revision();
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Answer answer = api.patch(std::string(kMaps) + "/a", c.patch, c.type);
    EXPECT_EQ(answer.status, c.status) << answer.body;
  }
  EXPECT_EQ(api.store->revision(), before);
}

TEST(RestVerbs, StatusAndSpecAreSeparate) {
  Harness api;
  const std::string target = "/apis/apps/v1/namespaces/default/deployments";
  Json object = api.post(target, deployment("d")).json();
  EXPECT_EQ(object["metadata"]["generation"], 1);
  object["status"]["replicas"] = 7;
  object["spec"]["replicas"] = 2;
  Json updated = api.put(target + "/d", object.dump()).json();
  EXPECT_EQ(updated["spec"]["replicas"], 2);
  EXPECT_FALSE(updated["status"].contains("replicas"));
  EXPECT_EQ(updated["metadata"]["generation"], 2);
  updated["status"]["replicas"] = 7;
  updated["spec"]["replicas"] = 9;
  const Answer status = api.put(target + "/d/status", updated.dump());
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(status.json()["status"]["replicas"], 7);
  EXPECT_EQ(status.json()["spec"]["replicas"], 2);
  EXPECT_EQ(status.json()["metadata"]["generation"], 2);
}

TEST(RestVerbs, DeleteAnswersWithWhatWentOrStays) {
  Harness api;
  const Json object = api.post(kMaps, map("a")).json();
  const Answer gone = api.remove(std::string(kMaps) + "/a");
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.json(), Json::parse(R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":
      {"name":"a","kind":"configmaps","uid":)" +
                                     object["metadata"]["uid"].dump() + "}}"));
  EXPECT_EQ(api.remove(std::string(kMaps) + "/a").reason(), "NotFound");

  api.post(kMaps, R"({"metadata":{"name":"held","finalizers":["example.com/x"]}})");
  const Json held = api.remove(std::string(kMaps) + "/held").json();
  EXPECT_EQ(held["metadata"]["deletionTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(held["metadata"]["deletionGracePeriodSeconds"], 0);
  EXPECT_EQ(api.patch(std::string(kMaps) + "/held", R"({"metadata":{"finalizers":null}})").status, 200);
  EXPECT_EQ(api.get(std::string(kMaps) + "/held").status, 404);
}

TEST(RestVerbs, DeletePreconditions) {
  Harness api;
  const Json object = api.post(kMaps, map("a")).json();
  const std::string target = std::string(kMaps) + "/a";
  EXPECT_THAT(api.remove(target, R"({"preconditions":{"uid":"x"}})").message(),
              StartsWith("Operation cannot be fulfilled on ConfigMap \"a\": the UID"));
  EXPECT_THAT(api.remove(target, R"({"dryRun":["x"]})").message(),
              HasSubstr("dryRun: Unsupported value: [\"x\"]: supported values: \"All\""));
  EXPECT_EQ(api.remove(target, R"({"preconditions":{"resourceVersion":"1"}})").status, 409);
  EXPECT_THAT(api.remove(target, R"({"propagationPolicy":"Sideways"})").message(),
              HasSubstr("supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
  EXPECT_EQ(api.remove(target, R"({"propagationPolicy":"Orphan","orphanDependents":true})").status, 422);
  EXPECT_EQ(api.remove(target, R"({"preconditions":{"uid":)" + object["metadata"]["uid"].dump() + "}}").status, 200);
}

TEST(RestVerbs, PropagationPoliciesBecomeFinalizers) {
  struct Case {
    const char* name;
    const char* options;
    std::vector<std::string> finalizers;  // none: gone at once
  };
  const Case kCases[] = {
      {"background", R"({"propagationPolicy":"Background"})", {}},
      {"none given", "", {}},
      {"foreground", R"({"propagationPolicy":"Foreground"})", {"foregroundDeletion"}},
      {"orphan", R"({"propagationPolicy":"Orphan"})", {"orphan"}},
      {"the old way to orphan", R"({"orphanDependents":true})", {"orphan"}},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    Harness api;
    const std::string target = "/apis/apps/v1/namespaces/default/deployments";
    api.post(target, deployment("d"));
    const Answer answer = api.remove(target + "/d", c.options);
    EXPECT_EQ(answer.status, 200);
    if (c.finalizers.empty()) {
      EXPECT_EQ(answer.json()["status"], "Success");
      continue;
    }
    EXPECT_EQ(answer.json()["metadata"]["finalizers"], Json(c.finalizers));
    EXPECT_EQ(answer.json()["metadata"]["generation"], 2);
  }
}

TEST(RestVerbs, PodsOnNodesGoInGrace) {
  Harness api;
  api.post(kPods, pod("free"));
  const Json gone = api.remove(std::string(kPods) + "/free").json();
  EXPECT_EQ(gone["kind"], "Pod");
  EXPECT_EQ(gone["metadata"]["deletionGracePeriodSeconds"], 0) << "as it went";
  EXPECT_EQ(gone["metadata"]["deletionTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(gone["metadata"]["generation"], 2);
  EXPECT_EQ(api.get(std::string(kPods) + "/free").status, 404);

  const std::string target = std::string(kPods) + "/bound";
  api.post(kPods, pod("bound", R"(,"nodeName":"n")"));
  const Json going = api.remove(target).json();
  EXPECT_EQ(going["metadata"]["deletionGracePeriodSeconds"], 30);
  EXPECT_EQ(going["metadata"]["deletionTimestamp"], "2026-01-01T00:00:30Z");
  EXPECT_EQ(going["metadata"]["generation"], 2);
  const Json shorter = api.remove(target, R"({"gracePeriodSeconds":5})").json();
  EXPECT_EQ(shorter["metadata"]["deletionTimestamp"], "2026-01-01T00:00:05Z");
  EXPECT_EQ(api.remove(target, R"({"gracePeriodSeconds":50})").json()["metadata"]["deletionGracePeriodSeconds"], 5);
  EXPECT_EQ(api.remove(target, R"({"gracePeriodSeconds":0})").status, 200);
  EXPECT_EQ(api.get(target).status, 404);
}

TEST(RestVerbs, DeleteCollectionTakesTheSelected) {
  Harness api;
  for (const char* name : {"a", "b", "c"}) {
    api.post(kMaps, std::string(R"({"metadata":{"name":")") + name + R"(","labels":{"x":")" + name + "\"}}}");
  }
  const Answer answer = api.remove(std::string(kMaps) + "?labelSelector=x!%3Db");
  EXPECT_EQ(answer.json()["kind"], "ConfigMapList");
  EXPECT_EQ(answer.json()["items"].size(), 2u);
  EXPECT_THAT(api.names(kMaps), ElementsAre("b"));
}

TEST(RestVerbs, NamespacesWaitForTheirContents) {
  Harness api;
  const Json created = api.post("/api/v1/namespaces", R"({"metadata":{"name":"n"}})").json();
  EXPECT_EQ(created["spec"]["finalizers"], Json::parse(R"(["kubernetes"])"));
  EXPECT_EQ(created["status"]["phase"], "Active");
  const Json going = api.remove("/api/v1/namespaces/n").json();
  EXPECT_EQ(going["status"]["phase"], "Terminating");
  EXPECT_TRUE(going["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(api.remove("/api/v1/namespaces/n").status, 200);
  EXPECT_EQ(api.get("/api/v1/namespaces/n").status, 200);
  Json finalized = going;
  finalized["spec"]["finalizers"] = {"zz"};
  EXPECT_THAT(
      api.put("/api/v1/namespaces/n/finalize", finalized.dump()).message(),
      HasSubstr(
          "spec.finalizers[0]: Invalid value: \"zz\": name is neither a standard finalizer name nor is it fully qualified"));
  finalized["spec"]["finalizers"] = Json::array();
  EXPECT_EQ(api.put("/api/v1/namespaces/n/finalize", finalized.dump()).status, 200);
  EXPECT_EQ(api.get("/api/v1/namespaces/n").status, 404);
}

}  // namespace
}  // namespace ph::apiserver::testing

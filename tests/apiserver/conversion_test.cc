// Conversion webhooks at a whole server: when they are asked, and what becomes of requests in another version than the stored one.
#include <gmock/gmock.h>

#include "tests/apiserver/conversion_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const json kV1 = {{"hostPort", "a:80"}};
const json kV2 = {{"host", "a"}, {"kind", "plain"}, {"port", 80}};

std::vector<std::string> names_of(const Reply& list) {
  std::vector<std::string> out;
  for (const json& item : list.json().at("items")) out.push_back(item["metadata"]["name"]);
  return out;
}

TEST_F(Conversion, WhatIsSent) {
  define();
  const json made = create("v1", "a", kV1);
  EXPECT_EQ(asked(), 0u);
  EXPECT_EQ(spec("v2", "a"), kV2) << "with the defaults of the version that is asked for";
  ASSERT_EQ(script.reviews.size(), 1u);
  EXPECT_EQ(script.targets[0], "/crd?timeout=30s");
  EXPECT_EQ(script.hosts[0], "convert.example.com");
  json review = script.reviews[0];
  EXPECT_EQ(review["request"]["uid"].get<std::string>().size(), 36u);
  review["request"].erase("uid");
  EXPECT_EQ(review, (json{{"kind", "ConversionReview"},
                          {"apiVersion", "apiextensions.k8s.io/v1"},
                          {"request", {{"desiredAPIVersion", "conv.example.com/v2"}, {"objects", {made}}}}}));
}

TEST_F(Conversion, TheStoredVersionAsksNobody) {
  define();
  create("v1", "a", kV1);
  EXPECT_EQ(spec("v1", "a"), kV1);
  EXPECT_EQ(world.get(path_of("v1")).status, 200);
  EXPECT_EQ(send("PATCH", path_of("v1", "a"), {{"spec", {{"note", "x"}}}}, "application/merge-patch+json").status, 200);
  EXPECT_EQ(send("DELETE", path_of("v1", "a")).status, 200);
  EXPECT_EQ(asked(), 0u);
}

TEST_F(Conversion, WritesInAnotherVersion) {
  define();
  EXPECT_EQ(create("v2", "a", {{"host", "a"}, {"port", 80}})["spec"], kV2);
  EXPECT_EQ(spec("v1", "a"), kV1);
  json object = world.get(path_of("v2", "a")).json();
  object["spec"]["port"] = 81;
  const Reply put = send("PUT", path_of("v2", "a"), object);
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json()["apiVersion"], "conv.example.com/v2");
  EXPECT_EQ(put.json()["spec"]["port"], 81);
  EXPECT_EQ(put.json()["metadata"]["generation"], 2);
  EXPECT_EQ(spec("v1", "a")["hostPort"], "a:81");
  const Reply merged = send("PATCH", path_of("v2", "a"), {{"spec", {{"host", "b"}}}}, "application/merge-patch+json");
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(spec("v1", "a")["hostPort"], "b:81");
  const Reply status = send("PATCH", path_of("v2", "a") + "/status", {{"status", {{"size", 3}}}}, "application/merge-patch+json");
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(world.get(path_of("v1", "a")).json()["status"]["size"], 3);
  EXPECT_EQ(send("DELETE", path_of("v2", "a")).json()["status"], "Success");
  EXPECT_EQ(world.get(path_of("v1", "a")).status, 404);
}

// What comes in is judged as it was sent, not as what it becomes.
TEST_F(Conversion, AreJudgedInTheirVersion) {
  define();
  const Reply refused = send("POST", path_of("v2"), thing("v2", "a", {{"host", "a"}, {"port", 70000}}));
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.message(), HasSubstr("spec.port"));
  EXPECT_EQ(asked(), 0u);
  create("v2", "a", {{"host", "a"}, {"port", 80}});
  json object = world.get(path_of("v2", "a")).json();
  object["spec"]["port"] = 70000;
  EXPECT_EQ(send("PUT", path_of("v2", "a"), object).status, 422);
  EXPECT_EQ(send("PATCH", path_of("v2", "a"), {{"spec", {{"port", 70000}}}}, "application/merge-patch+json").status, 422);
  EXPECT_EQ(spec("v1", "a"), kV1);
}

TEST_F(Conversion, ADryRunStoresNothing) {
  define();
  EXPECT_EQ(send("POST", path_of("v2") + "?dryRun=All", thing("v2", "a", {{"host", "a"}})).status, 201);
  EXPECT_EQ(world.get(path_of("v1", "a")).status, 404);
}

TEST_F(Conversion, ListsAreOneQuestion) {
  define();
  for (const char* name : {"a", "b", "c"}) create("v1", name, kV1);
  const Reply list = world.get(path_of("v2"));
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.json()["kind"], "ThingList");
  EXPECT_THAT(names_of(list), ElementsAre("a", "b", "c"));
  for (const json& item : list.json()["items"]) EXPECT_EQ(item["spec"], kV2);
  EXPECT_EQ(asked(), 1u);
  EXPECT_EQ(script.reviews[0]["request"]["objects"].size(), 3u);
  create("v1", "d", kV1);
  EXPECT_EQ(names_of(world.get(path_of("v2"))).size(), 4u);
  ASSERT_EQ(asked(), 1u);
  EXPECT_EQ(script.reviews[1]["request"]["objects"].size(), 1u) << "of the others it is known";
  EXPECT_EQ(world.get(path_of("v2")).status, 200);
  EXPECT_EQ(asked(), 0u);
}

TEST_F(Conversion, TablesAndMetadata) {
  define();
  create("v1", "a", kV1);
  const Reply table = world.get_as(path_of("v2"), "application/json;as=Table;v=v1;g=meta.k8s.io");
  ASSERT_EQ(table.status, 200) << table.body;
  EXPECT_EQ(table.json()["rows"][0]["cells"], (json{"a", "a"}));
  const Reply partial = world.get_as(path_of("v2", "a"), "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io");
  EXPECT_EQ(partial.json()["metadata"]["name"], "a");
}

// Selectors mean what the version shows.
TEST_F(Conversion, Selections) {
  script.at(kConverter, [](const json& review) {
    json answer = converted(review);
    for (json& object : answer["response"]["convertedObjects"]) object["metadata"]["labels"] = {{"seen", object["spec"]["host"]}};
    return HookReply{.body = answer.dump()};
  });
  define();
  create("v1", "a", {{"hostPort", "x:1"}});
  create("v1", "b", {{"hostPort", "y:2"}});
  EXPECT_THAT(names_of(world.get(path_of("v2") + "?labelSelector=seen%3Dy")), ElementsAre("b"));
  EXPECT_EQ(asked(), 1u);
  EXPECT_THAT(names_of(world.get(path_of("v2") + "?fieldSelector=spec.host%3Dx")), ElementsAre("a"));
  EXPECT_THAT(names_of(world.get(path_of("v2") + "?fieldSelector=metadata.name%3Db")), ElementsAre("b"));
  EXPECT_THAT(names_of(world.get(path_of("v1") + "?labelSelector=seen%3Dy")), ElementsAre());
  const json chunk = world.get(path_of("v2") + "?limit=1").json();
  EXPECT_EQ(chunk["items"].size(), 1u);
  EXPECT_THAT(names_of(world.get(path_of("v2") + "?limit=1&continue=" + chunk["metadata"]["continue"].get<std::string>())),
              ElementsAre("b"));
}

TEST_F(Conversion, CollectionsAreDeleted) {
  define();
  create("v1", "a", kV1);
  create("v1", "b", kV1);
  const Reply gone = send("DELETE", path_of("v2"));
  ASSERT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(gone.json()["items"][0]["spec"], kV2);
  EXPECT_EQ(asked(), 1u);
  EXPECT_THAT(names_of(world.get(path_of("v1"))), ElementsAre());
}

// -- The stored version changes

TEST_F(Conversion, WhatIsStoredMayBeOfSeveralVersions) {
  define();
  create("v1", "old", kV1);
  store_as("v2");
  EXPECT_EQ(world.get(kDefinitions + "/things.conv.example.com").json()["status"]["storedVersions"], (json{"v1", "v2"}));
  create("v2", "new", {{"host", "n"}, {"port", 1}});
  EXPECT_EQ(asked(), 0u) << "what is stored as it is sent needs nobody";
  EXPECT_EQ(spec("v1", "old"), kV1);
  EXPECT_EQ(asked(), 0u) << "nor does what is stored as it is asked for";
  const Reply list = world.get(path_of("v2"));
  EXPECT_THAT(names_of(list), ElementsAre("new", "old"));
  EXPECT_EQ(list.json()["items"][1]["spec"], kV2);
  ASSERT_EQ(asked(), 1u);
  EXPECT_EQ(script.reviews.back()["request"]["objects"].size(), 1u);
  EXPECT_EQ(spec("v1", "new")["hostPort"], "n:1");
  // A write that changes nothing writes it in the version of today.
  const Reply rewritten = send("PUT", path_of("v2", "old"), world.get(path_of("v2", "old")).json());
  ASSERT_EQ(rewritten.status, 200) << rewritten.body;
  asked();
  EXPECT_EQ(spec("v2", "old"), kV2);
  EXPECT_EQ(asked(), 0u);
  EXPECT_EQ(spec("v1", "old"), kV1);
  EXPECT_EQ(asked(), 1u);
}

TEST_F(Conversion, WithoutAWebhookAndBack) {
  define(things("None"));
  create("v1", "a", {{"hostPort", "a:80"}, {"note", "n"}});
  EXPECT_EQ(spec("v2", "a"), (json{{"kind", "plain"}, {"note", "n"}})) << "only the version changes";
  redefine({{"spec", {{"conversion", things()["spec"]["conversion"]}}}});
  EXPECT_EQ(spec("v2", "a")["host"], "a");
  EXPECT_EQ(asked(), 1u);
  redefine({{"spec", {{"conversion", {{"strategy", "None"}, {"webhook", nullptr}}}}}});
  EXPECT_EQ(spec("v2", "a"), (json{{"kind", "plain"}, {"note", "n"}}));
  EXPECT_EQ(asked(), 0u);
}

TEST_F(Conversion, AnotherWebhookIsAskedAnew) {
  define();
  create("v1", "a", kV1);
  EXPECT_EQ(names_of(world.get(path_of("v2"))).size(), 1u);
  script.at("https://other.example.com", [](const json& review) {
    json answer = converted(review);
    answer["response"]["convertedObjects"][0]["spec"]["note"] = "other";
    return HookReply{.body = answer.dump()};
  });
  redefine({{"spec", {{"conversion", {{"webhook", {{"clientConfig", {{"url", "https://other.example.com/"}}}}}}}}}});
  EXPECT_EQ(world.get(path_of("v2")).json()["items"][0]["spec"]["note"], "other");
}

// The objects of a definition that goes need nobody to go with it.
TEST_F(Conversion, ADefinitionGoesWithoutItsWebhook) {
  define();
  create("v1", "old", kV1);
  store_as("v2");
  script.at(kConverter, [](const json&) { return HookReply{.broken = "connection refused"}; });
  EXPECT_EQ(send("DELETE", kDefinitions + "/things.conv.example.com").status, 200);
  world.executor.advance(5s);
  EXPECT_EQ(world.get(kDefinitions + "/things.conv.example.com").status, 404);
}

TEST_F(Conversion, ARestartFindsWhatWasStored) {
  define();
  create("v1", "a", kV1);
  store_as("v2");
  world.restart();
  EXPECT_EQ(spec("v2", "a"), kV2);
  EXPECT_EQ(asked(), 1u);
}

// -- Who is dead, or slow

TEST_F(Conversion, WithoutItsWebhookOnlyOtherVersionsFail) {
  define();
  create("v1", "a", kV1);
  const json object = world.get(path_of("v2", "a")).json();
  create("v1", "unseen", kV1);
  script.at(kConverter, [](const json&) { return HookReply{.broken = "dial tcp: connection refused"}; });
  const std::string post = " failed: Post \"https://convert.example.com/crd?timeout=30s\": dial tcp: connection refused";
  const std::string from_v1 = "conversion webhook for conv.example.com/v1, Kind=Thing" + post;
  const std::string from_v2 = "conversion webhook for conv.example.com/v2, Kind=Thing" + post;
  const struct {
    const char* method;
    std::string target;
    json body;
    const char* type;
    std::string message;
  } kRequests[] = {
      {"GET", path_of("v2", "a"), nullptr, nullptr, from_v1},
      {"GET", path_of("v2"), nullptr, nullptr, from_v1},
      {"POST", path_of("v2"), thing("v2", "b", {{"host", "b"}}), nullptr, from_v2},
      {"PUT", path_of("v2", "a"), object, nullptr, from_v2},
      {"PATCH", path_of("v2", "a"), {{"spec", {{"note", "x"}}}}, "application/merge-patch+json", from_v1},
      {"PATCH", path_of("v2", "a") + "?fieldManager=m", thing("v2", "a", {{"note", "x"}}), "application/apply-patch+yaml",
       from_v1},
      {"GET", path_of("v2", "a") + "/scale", nullptr, nullptr, from_v1},
      {"DELETE", path_of("v2", "a"), nullptr, nullptr, from_v1},
      {"DELETE", path_of("v2"), nullptr, nullptr, from_v1},
  };
  for (const auto& each : kRequests) {
    SCOPED_TRACE(std::string(each.method) + " " + each.target);
    const Reply reply = send(each.method, each.target, each.body, each.type);
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.message(), each.message);
    EXPECT_EQ(reply.json().value("reason", ""), "");
  }
  EXPECT_EQ(spec("v1", "a"), kV1);
  EXPECT_EQ(send("PATCH", path_of("v1", "a"), {{"spec", {{"note", "x"}}}}, "application/merge-patch+json").status, 200);
  EXPECT_EQ(send("DELETE", path_of("v1", "a")).status, 200);
}

TEST_F(Conversion, NobodyWaitsForOthersConversions) {
  define();
  create("v1", "a", kV1);
  script.at(kConverter, [](const json& review) {
    HookReply reply = convert(review);
    reply.after = 20s;
    return reply;
  });
  const auto slow = world.start(StandardWorld::request("GET", path_of("v2", "a")));
  EXPECT_FALSE(*slow);
  const auto other = world.start(StandardWorld::request("GET", path_of("v1", "a")));
  ASSERT_TRUE(*other);
  EXPECT_EQ((*other)->status, 200);
  const auto more = world.start(StandardWorld::request("GET", path_of("v2", "a")));
  EXPECT_EQ(script.most, 2) << "nor for those of the same object";
  world.executor.advance(20s);
  ASSERT_TRUE(*slow);
  EXPECT_EQ((*slow)->status, 200);
  ASSERT_TRUE(*more);
}

TEST_F(Conversion, HalfAMinuteIsTheMost) {
  define();
  create("v1", "a", kV1);
  script.at(kConverter, [](const json& review) {
    HookReply reply = convert(review);
    reply.after = 31s;
    return reply;
  });
  const auto slow = world.start(StandardWorld::request("GET", path_of("v2", "a")));
  world.executor.advance(29s);
  EXPECT_FALSE(*slow);
  world.executor.advance(2s);
  ASSERT_TRUE(*slow);
  EXPECT_EQ((*slow)->status, 500);
  EXPECT_EQ((*slow)->message(),
            "conversion webhook for conv.example.com/v1, Kind=Thing failed: Post "
            "\"https://convert.example.com/crd?timeout=30s\": context deadline exceeded");
}

// Several readers of a list that nobody knows yet are told by one question.
TEST_F(Conversion, TheSameQuestionIsAskedOnce) {
  define();
  create("v1", "a", kV1);
  script.at(kConverter, [](const json& review) {
    HookReply reply = convert(review);
    reply.after = 1s;
    return reply;
  });
  const auto first = world.start(StandardWorld::request("GET", path_of("v2")));
  const auto second = world.start(StandardWorld::request("GET", path_of("v2")));
  world.executor.advance(1s);
  ASSERT_TRUE(*first && *second);
  EXPECT_EQ((*second)->json()["items"][0]["spec"], kV2);
  EXPECT_EQ(asked(), 1u);
}

// -- Other things that read or write

TEST_F(Conversion, Scales) {
  define();
  create("v1", "a", {{"hostPort", "a:80"}, {"size", 2}});
  EXPECT_EQ(world.get(path_of("v2", "a") + "/scale").json()["spec"]["replicas"], 2);
  const Reply scaled =
      send("PATCH", path_of("v2", "a") + "/scale", {{"spec", {{"replicas", 5}}}}, "application/merge-patch+json");
  ASSERT_EQ(scaled.status, 200) << scaled.body;
  EXPECT_EQ(scaled.json()["spec"]["replicas"], 5);
  EXPECT_EQ(spec("v1", "a"), (json{{"hostPort", "a:80"}, {"size", 5}}));
}

// Without a webhook, too: what is scaled through another version stays stored in the one that stores.
TEST_F(Conversion, ScalesAreStoredInTheStoredVersion) {
  define(things("None"));
  create("v1", "a", {{"note", "n"}, {"size", 2}});
  ASSERT_EQ(send("PATCH", path_of("v2", "a") + "/scale", {{"spec", {{"replicas", 5}}}}, "application/merge-patch+json").status,
            200);
  const json stored = world.get(path_of("v1", "a")).json();
  EXPECT_EQ(stored["apiVersion"], "conv.example.com/v1");
  EXPECT_EQ(stored["spec"], (json{{"note", "n"}, {"size", 5}}));
}

TEST_F(Conversion, AppliesAcrossVersions) {
  define();
  const auto apply = [&](const std::string& version, const std::string& manager, const json& spec, const char* query = "") {
    return send("PATCH", path_of(version, "a") + "?fieldManager=" + manager + query, thing(version, "a", spec),
                "application/apply-patch+yaml");
  };
  ASSERT_EQ(apply("v1", "one", {{"hostPort", "a:80"}}).status, 201);
  const Reply second = apply("v2", "two", {{"note", "n"}});
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.json()["spec"], (json{{"host", "a"}, {"kind", "plain"}, {"note", "n"}, {"port", 80}}));
  const Reply conflict = apply("v2", "two", {{"note", "n"}, {"host", "b"}, {"port", 80}});
  EXPECT_EQ(conflict.status, 409);
  EXPECT_THAT(conflict.message(), HasSubstr("conflict with \"one\""));
  const Reply forced = apply("v2", "two", {{"note", "n"}, {"host", "b"}, {"port", 80}}, "&force=true");
  ASSERT_EQ(forced.status, 200) << forced.body;
  EXPECT_EQ(spec("v1", "a"), (json{{"hostPort", "b:80"}, {"note", "n"}}));
  const Reply less = apply("v2", "two", {{"host", "b"}, {"port", 80}});
  ASSERT_EQ(less.status, 200) << less.body;
  EXPECT_EQ(spec("v1", "a"), (json{{"hostPort", "b:80"}})) << "what its manager has given up is gone";
  ASSERT_EQ(apply("v2", "three", {{"host", "b"}}).status, 200);
}

TEST_F(Conversion, AdmissionWebhooksSeeTheVersionTheyKnow) {
  define();
  std::vector<json> seen;
  script.at("https://admit.example.com", [&seen](const json& review) {
    seen.push_back(review["request"]["object"]);
    return patch(review, R"([{"op":"add","path":"/spec/note","value":"admitted"}])");
  });
  const json rules = {{{"operations", {"CREATE", "UPDATE"}},
                       {"apiGroups", {"conv.example.com"}},
                       {"apiVersions", {"v2"}},
                       {"resources", {"things"}}}};
  const json configuration = {{"kind", "MutatingWebhookConfiguration"},
                              {"apiVersion", "admissionregistration.k8s.io/v1"},
                              {"metadata", {{"name", "m"}}},
                              {"webhooks",
                               {{{"name", "m.example.com"},
                                 {"clientConfig", {{"url", "https://admit.example.com/"}}},
                                 {"rules", rules},
                                 {"sideEffects", "None"},
                                 {"admissionReviewVersions", {"v1"}}}}}};
  ASSERT_EQ(world.post("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", configuration.dump()).status, 201);
  EXPECT_EQ(create("v1", "a", kV1)["spec"], (json{{"hostPort", "a:80"}, {"note", "admitted"}}));
  EXPECT_EQ(create("v2", "b", {{"host", "b"}, {"port", 1}})["spec"]["note"], "admitted");
  EXPECT_EQ(spec("v1", "b"), (json{{"hostPort", "b:1"}, {"note", "admitted"}}));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0]["apiVersion"], "conv.example.com/v2");
  EXPECT_EQ(seen[0]["spec"]["host"], "a");
  EXPECT_EQ(seen[1]["spec"]["host"], "b");
}

TEST_F(Conversion, AWebhookOfAnOlderReview) {
  json definition = things();
  definition["spec"]["conversion"]["webhook"]["conversionReviewVersions"] = {"v9", "v1beta1", "v1"};
  define(definition);
  script.at(kConverter, [](const json& review) {
    json answer = converted(review);
    answer["response"].erase("uid");
    return HookReply{.body = answer.dump()};
  });
  create("v1", "a", kV1);
  EXPECT_EQ(spec("v2", "a"), kV2) << "it does not have to say which question it answers";
  EXPECT_EQ(script.reviews[0]["apiVersion"], "apiextensions.k8s.io/v1beta1");
}

TEST_F(Conversion, ServicesAreFound) {
  json definition = things();
  definition["spec"]["conversion"]["webhook"]["clientConfig"] = {
      {"service", {{"namespace", "default"}, {"name", "hook"}, {"path", "/c"}, {"port", 8443}}}, {"caBundle", "QQ=="}};
  define(definition);
  create("v1", "a", kV1);
  const Reply none = world.get(path_of("v2", "a"));
  EXPECT_EQ(none.status, 500);
  EXPECT_EQ(none.message(),
            "conversion webhook for conv.example.com/v1, Kind=Thing failed: Post "
            "\"https://hook.default.svc:8443/c?timeout=30s\": service \"hook\" not found");
  const json service = {{"kind", "Service"},
                        {"apiVersion", "v1"},
                        {"metadata", {{"name", "hook"}}},
                        {"spec", {{"clusterIP", "10.96.0.77"}, {"ports", {{{"port", 8443}}}}}}};
  ASSERT_EQ(world.post("/api/v1/namespaces/default/services", service.dump()).status, 201);
  script.at("https://10.96.0.77:8443", [](const json& review) { return convert(review); });
  EXPECT_EQ(spec("v2", "a"), kV2);
  EXPECT_EQ(script.addresses.back().server_name, "hook.default.svc");
  EXPECT_EQ(script.addresses.back().ca_pem, "A");
}

TEST_F(Conversion, AreCounted) {
  define();
  create("v1", "a", kV1);
  spec("v2", "a");
  script.at(kConverter, [](const json&) { return HookReply{.status = 500}; });
  EXPECT_EQ(world.get(path_of("v2", "a")).status, 500);
  const std::string text = world.get("/metrics").body;
  EXPECT_THAT(text, HasSubstr("apiserver_conversion_webhook_request_total{failure_type=\"\",result=\"success\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("apiserver_conversion_webhook_request_total{failure_type=\"conversion_webhook_call_failure\","
                              "result=\"failure\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("apiserver_crd_conversion_webhook_duration_seconds_count{crd_name=\"things.conv.example.com\","
                              "from_version=\"v1\",succeeded=\"true\",to_version=\"v2\"} 1\n"));
}

}  // namespace
}  // namespace ph::apiserver::testing

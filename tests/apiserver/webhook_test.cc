// Admission webhooks at a whole server: who is asked, what is sent, and what becomes of the request.
#include <gtest/gtest.h>

#include "tests/apiserver/scripted_webhooks.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";
const std::string kConfigurations = "/apis/admissionregistration.k8s.io/v1/";
constexpr const char* kHook = "https://hook.example.com";
constexpr const char* kOther = "https://other.example.com";

json config_map(const std::string& name, const json& metadata = json::object()) {
  json out = {{"kind", "ConfigMap"}, {"apiVersion", "v1"}, {"metadata", {{"name", name}}}, {"data", {{"k", "v"}}}};
  out["metadata"].update(metadata);
  return out;
}

// A webhook for every operation on config maps. `more`: members of it, other ones or another value.
json hook(const json& more = json::object(), const std::string& name = "one.example.com", const std::string& url = kHook) {
  json out = {{"name", name},
              {"clientConfig", {{"url", url + "/below"}}},
              {"rules", {{{"operations", {"*"}}, {"apiGroups", {""}}, {"apiVersions", {"v1"}}, {"resources", {"configmaps"}}}}},
              {"sideEffects", "None"},
              {"admissionReviewVersions", {"v1"}}};
  if (!more.is_null()) out.update(more);
  return out;
}

StandardOptions options_with(ScriptedWebhooks& script, bool at_endpoints) {
  StandardOptions options;
  options.webhooks = script.transports();
  options.webhooks_at_endpoints = at_endpoints;
  return options;
}

class Webhooks : public ::testing::Test {
 protected:
  explicit Webhooks(bool at_endpoints = false) : world(options_with(script, at_endpoints)) {
    script.at(kHook, [](const json& review) { return allow(review); });
    script.at(kOther, [](const json& review) { return allow(review); });
  }

  Reply configure(const char* kind, const std::string& name, const std::vector<json>& hooks) {
    const std::string plural =
        kind == std::string("Mutating") ? "mutatingwebhookconfigurations" : "validatingwebhookconfigurations";
    const json object = {{"kind", std::string(kind) + "WebhookConfiguration"},
                         {"apiVersion", "admissionregistration.k8s.io/v1"},
                         {"metadata", {{"name", name}}},
                         {"webhooks", hooks}};
    return world.post(kConfigurations + plural, object.dump());
  }
  void mutating(const std::vector<json>& hooks, const std::string& name = "m") {
    ASSERT_EQ(configure("Mutating", name, hooks).status, 201);
  }
  void validating(const std::vector<json>& hooks, const std::string& name = "v") {
    ASSERT_EQ(configure("Validating", name, hooks).status, 201);
  }
  Reply create(const json& object, const std::string& query = {}) { return world.post(kMaps + query, object.dump()); }
  Reply send(const char* method, const std::string& target, const json& body = nullptr, const char* type = nullptr) {
    HttpRequest request = StandardWorld::request(method, target, body.is_null() ? std::string() : body.dump());
    if (type != nullptr) request.headers.set("Content-Type", type);
    return world.send(std::move(request));
  }
  json stored(const std::string& name) { return world.get(kMaps + "/" + name).json(); }

  ScriptedWebhooks script;
  StandardWorld world;
};

TEST_F(Webhooks, WhatIsSent) {
  mutating({hook()});
  HttpRequest request = StandardWorld::request(
      "POST", kMaps + "?fieldManager=me&fieldValidation=Strict", config_map("a").dump(),
      Identity{.name = "jane", .uid = "7", .groups = {"system:masters"}, .extra = {{"scope", {"x", "y"}}}});
  ASSERT_EQ(world.send(std::move(request)).status, 201);
  ASSERT_EQ(script.reviews.size(), 1u);
  EXPECT_EQ(script.targets[0], "/below?timeout=10s");
  EXPECT_EQ(script.hosts[0], "hook.example.com");
  EXPECT_EQ(script.addresses[0].server_name, "hook.example.com");
  const json& review = script.reviews[0];
  EXPECT_EQ(review["kind"], "AdmissionReview");
  EXPECT_EQ(review["apiVersion"], "admission.k8s.io/v1");
  json asked = review["request"];
  EXPECT_EQ(asked["uid"].get<std::string>().size(), 36u);
  EXPECT_EQ(asked["object"]["kind"], "ConfigMap");
  EXPECT_EQ(asked["object"]["metadata"]["name"], "a");
  EXPECT_TRUE(asked["object"]["metadata"].contains("uid")) << "who is to be made has its UID";
  asked.erase("uid");
  asked.erase("object");
  EXPECT_EQ(asked, json::parse(R"({
      "kind":{"group":"","version":"v1","kind":"ConfigMap"},
      "resource":{"group":"","version":"v1","resource":"configmaps"},
      "requestKind":{"group":"","version":"v1","kind":"ConfigMap"},
      "requestResource":{"group":"","version":"v1","resource":"configmaps"},
      "name":"a","namespace":"default","operation":"CREATE","oldObject":null,"dryRun":false,
      "options":{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"me","fieldValidation":"Strict"},
      "userInfo":{"username":"jane","uid":"7","groups":["system:masters","system:authenticated"],"extra":{"scope":["x","y"]}}})"));
}

TEST_F(Webhooks, UpdatesAndDeletes) {
  ASSERT_EQ(create(config_map("a")).status, 201);
  validating({hook()});
  ASSERT_EQ(send("PATCH", kMaps + "/a", {{"data", {{"k", "w"}}}}, "application/merge-patch+json").status, 200);
  ASSERT_EQ(script.reviews.size(), 1u);
  const json update = script.reviews[0]["request"];
  EXPECT_EQ(update["operation"], "UPDATE");
  EXPECT_EQ(update["object"]["data"]["k"], "w");
  EXPECT_EQ(update["oldObject"]["data"]["k"], "v");
  EXPECT_EQ(update["options"]["kind"], "UpdateOptions") << "of patches, too";
  ASSERT_EQ(send("DELETE", kMaps + "/a?gracePeriodSeconds=3").status, 200);
  ASSERT_EQ(script.reviews.size(), 2u);
  const json deletion = script.reviews[1]["request"];
  EXPECT_EQ(deletion["operation"], "DELETE");
  EXPECT_EQ(deletion["object"], nullptr);
  EXPECT_EQ(deletion["oldObject"]["data"]["k"], "w");
  EXPECT_EQ(deletion["name"], "a");
  EXPECT_EQ(deletion["options"], json::parse(R"({"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1","gracePeriodSeconds":3})"));
}

TEST_F(Webhooks, NobodyIsAskedWithoutReason) {
  validating({hook(
      {{"rules", json::parse(R"([{"operations":["CREATE"],"apiGroups":["apps"],"apiVersions":["*"],"resources":["*"]}])")}})});
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_TRUE(script.reviews.empty());
  EXPECT_TRUE(script.addresses.empty());
}

TEST_F(Webhooks, RefusalsHaveTheWebhooksWords) {
  validating({hook()});
  script.at(kHook, [](const json& review) {
    return deny(review, {{"code", 403}, {"reason", "Forbidden"}, {"message", "not on Fridays"}});
  });
  const Reply reply = create(config_map("a"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.message(), "admission webhook \"one.example.com\" denied the request: not on Fridays");
  EXPECT_EQ(reply.json()["reason"], "Forbidden");
  EXPECT_EQ(world.get(kMaps + "/a").status, 404);
}

TEST_F(Webhooks, WarningsAreHandedOn) {
  validating({hook()});
  script.at(kHook, [](const json& review) {
    return allow(review, {{"warnings", {"think twice", "think twice"}}, {"auditAnnotations", {{"k", "v"}}}});
  });
  EXPECT_EQ(create(config_map("a")).headers.get("Warning"), "299 - \"think twice\"");
  script.at(kHook, [](const json& review) { return say(review, false, {{"warnings", {"no, no"}}}); });
  const Reply refused = create(config_map("b"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.headers.get("Warning"), "299 - \"no, no\"");
}

TEST_F(Webhooks, PatchesAreMade) {
  mutating({hook()});
  validating({hook({}, "two.example.com", kOther)});
  script.at(kHook, [](const json& review) {
    return patch(
        review,
        R"([{"op":"add","path":"/metadata/labels","value":{"by":"hook"}},{"op":"replace","path":"/data/k","value":"w"}])");
  });
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(stored("a")["metadata"]["labels"]["by"], "hook");
  EXPECT_EQ(stored("a")["data"]["k"], "w");
  EXPECT_EQ(script.reviews.back()["request"]["object"]["data"]["k"], "w") << "who judges sees what has become of it";
  // Who sent it has managed neither.
  for (const json& manager : stored("a")["metadata"]["managedFields"]) EXPECT_FALSE(manager["fieldsV1"].contains("f:labels"));
}

TEST_F(Webhooks, WhatIsTheServersIsNotPatched) {
  mutating({hook()});
  script.at(kHook, [](const json& review) {
    return patch(review, R"([{"op":"replace","path":"/metadata/uid","value":"mine"},
                             {"op":"add","path":"/metadata/deletionTimestamp","value":"2030-01-01T00:00:00Z"}])");
  });
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_NE(stored("a")["metadata"]["uid"], "mine");
  EXPECT_FALSE(stored("a")["metadata"].contains("deletionTimestamp"));
  script.at(kHook, [](const json& review) {
    return patch(review, R"([{"op":"replace","path":"/metadata/namespace","value":"kube-system"}])");
  });
  const Reply reply = create(config_map("b"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.message(), "the namespace of the provided object does not match the namespace sent on the request");
}

TEST_F(Webhooks, PatchesThatCannotBe) {
  mutating({hook({{"failurePolicy", "Ignore"}})});
  ASSERT_EQ(create(config_map("old")).status, 201);
  for (const char* broken :
       {"no patch", R"([{"op":"remove","path":"/data/none"}])", R"([{"op":"replace","path":"/data","value":3}])"}) {
    script.at(kHook, [broken](const json& review) { return patch(review, broken); });
    const Reply reply = create(config_map("a"));
    EXPECT_EQ(reply.status, 500) << "whatever the failurePolicy";
    EXPECT_TRUE(reply.message().starts_with("Internal error occurred: ")) << reply.message();
  }
  // What is patched is judged as what is sent.
  script.at(kHook, [](const json& review) { return patch(review, R"([{"op":"add","path":"/data/a b","value":"x"}])"); });
  EXPECT_EQ(create(config_map("a")).status, 422);
  script.at(kHook, [](const json& review) { return patch(review, R"([{"op":"add","path":"/a","value":"x"}])"); });
  const Reply gone = send("DELETE", kMaps + "/old");
  EXPECT_EQ(gone.status, 500);
  EXPECT_EQ(
      gone.message(),
      "Internal error occurred: admission webhook \"one.example.com\" attempted to modify the object, which is not supported "
      "for this operation");
}

// What a webhook that fails does to a request, by its failurePolicy.
TEST_F(Webhooks, Failures) {
  struct Case {
    const char* name;
    ScriptedWebhooks::Answer answer;
    const char* why;
  };
  const Case kCases[] = {
      {"dead", [](const json&) { return HookReply{.broken = "connection refused"}; },
       "failed to call webhook: Post \"https://hook.example.com/below?timeout=2s\": connection refused"},
      {"slow", [](const json& review) { return HookReply{.body = allow(review).body, .after = 3s}; },
       "failed to call webhook: Post \"https://hook.example.com/below?timeout=2s\": context deadline exceeded"},
      {"of another request",
       [](const json& review) {
         json other = review;
         other["request"]["uid"] = "x";
         return allow(other);
       },
       "received invalid webhook response: expected response.uid="},
      {"says nothing", [](const json&) { return HookReply{.body = "{}"}; },
       "received invalid webhook response: webhook response was absent"},
      {"no JSON", [](const json&) { return HookReply{.body = "<html>"}; },
       "failed to call webhook: couldn't get version/kind; json parse error: "},
      {"huge", [](const json& review) { return HookReply{.body = allow(review).body + std::string(kWebhookAnswerBytes, ' ')}; },
       "failed to call webhook: the answer is larger than 8388608 bytes"},
      {"sends elsewhere",
       [](const json& review) {
         return HookReply{.status = 307, .body = allow(review).body, .headers = {{"Location", "https://169.254.169.254/"}}};
       },
       "failed to call webhook: the server responded with the status code 307 but did not return more information"},
      {"not found", [](const json&) { return HookReply{.status = 404}; },
       "failed to call webhook: the server could not find the requested resource"},
      {"broken", [](const json&) { return HookReply{.status = 500, .body = "oops\n"}; },
       "failed to call webhook: an error on the server (\"oops\") has prevented the request from succeeding"},
  };
  int number = 0;
  for (const char* kind : {"Mutating", "Validating"}) {
    for (const Case& c : kCases) {
      SCOPED_TRACE(std::string(kind) + " " + c.name);
      script.at(kHook, c.answer);
      for (const char* policy : {"Fail", "Ignore"}) {
        const std::string name = "n" + std::to_string(++number);
        ASSERT_EQ(configure(kind, name, {hook({{"failurePolicy", policy}, {"timeoutSeconds", 2}})}).status, 201);
        const Reply reply = create(config_map(name));
        const std::string plural =
            kind == std::string("Mutating") ? "mutatingwebhookconfigurations/" : "validatingwebhookconfigurations/";
        ASSERT_EQ(send("DELETE", kConfigurations + plural + name).status, 200);
        if (policy == std::string("Ignore")) {
          EXPECT_EQ(reply.status, 201);
          continue;
        }
        EXPECT_EQ(reply.status, 500);
        EXPECT_TRUE(reply.message().starts_with("Internal error occurred: failed calling webhook \"one.example.com\": " +
                                                std::string(c.why)))
            << reply.message();
      }
    }
  }
  EXPECT_EQ(script.addresses.size(), 2u) << "one connection to it for each plugin, whatever it is asked";
}

TEST_F(Webhooks, CertificatesThatCannotBeRead) {
  validating({hook({{"clientConfig", {{"url", kHook}, {"caBundle", "YnJva2Vu"}}}})});
  EXPECT_EQ(create(config_map("a")).message(),
            "Internal error occurred: failed calling webhook \"one.example.com\": could not get REST client: unable to load root "
            "certificates");
}

TEST_F(Webhooks, NobodyWaitsLongerThanTheRequest) {
  std::vector<json> hooks;
  for (int i = 0; i < 4; ++i) {
    hooks.push_back(hook({{"timeoutSeconds", 30}, {"failurePolicy", "Ignore"}}, "h" + std::to_string(i) + ".example.com"));
  }
  mutating(hooks);
  script.at(kHook, [](const json&) { return HookReply{.after = 1h}; });
  const auto reply = world.start(StandardWorld::request("POST", kMaps, config_map("a").dump()));
  world.executor.advance(2min);
  ASSERT_TRUE(*reply);
  EXPECT_EQ((*reply)->status, 504);
  EXPECT_EQ(script.reviews.size(), 2u) << "the third would have been asked after the minute that a request has";
  EXPECT_EQ(world.get(kMaps + "/a").status, 404);
}

TEST_F(Webhooks, ValidatingOnesAreAskedAtOnce) {
  validating({hook({}, "one.example.com"), hook({}, "two.example.com", kOther)});
  const auto slow = [](const char* why, Duration after) {
    return [why, after](const json& review) {
      HookReply reply = deny(review, {{"message", why}});
      reply.after = after;
      return reply;
    };
  };
  script.at(kHook, slow("later", 2s));
  script.at(kOther, slow("sooner", 1s));
  EXPECT_EQ(create(config_map("a")).message(), "admission webhook \"two.example.com\" denied the request: sooner");
  EXPECT_EQ(script.most, 2);
}

TEST_F(Webhooks, MutatingOnesInTheirOrder) {
  const auto append = [](const std::string& what) {
    return [what](const json& review) {
      const std::string now = review["request"]["object"]["data"]["k"];
      return patch(review, json::parse(R"([{"op":"replace","path":"/data/k","value":")" + now + what + R"("}])").dump());
    };
  };
  script.at(kHook, append("1"));
  script.at(kOther, append("2"));
  // By the names of the configurations, then as they stand in them.
  mutating({hook({}, "z.example.com", kOther)}, "b");
  mutating({hook({}, "y.example.com", kHook), hook({}, "x.example.com", kOther)}, "a");
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(stored("a")["data"]["k"], "v122");
}

TEST_F(Webhooks, ReinvokedIfNeeded) {
  const auto count = [](const json& review) {
    json labels = review["request"]["object"]["metadata"].value("labels", json::object());
    labels["seen"] = std::to_string(std::stoi(labels.value("seen", "0")) + 1);
    return patch(review, json{{{"op", "add"}, {"path", "/metadata/labels"}, {"value", labels}}}.dump());
  };
  const auto set = [](const json& review) { return patch(review, R"([{"op":"add","path":"/data/x","value":"y"}])"); };
  script.at(kHook, count);
  script.at(kOther, set);
  mutating({hook({{"reinvocationPolicy", "IfNeeded"}}), hook({}, "two.example.com", kOther)});
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(stored("a")["metadata"]["labels"]["seen"], "2") << "once more, since the other one has changed it";
  EXPECT_EQ(script.reviews.size(), 3u) << "the other one is not asked again";
  script.reviews.clear();
  script.at(kOther, [](const json& review) { return allow(review); });
  ASSERT_EQ(create(config_map("b")).status, 201);
  EXPECT_EQ(stored("b")["metadata"]["labels"]["seen"], "1") << "nobody has changed it after that";
}

TEST_F(Webhooks, PluginsOfTheServerSeeWhatHasComeIn) {
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/limitranges", R"({"kind":"LimitRange","apiVersion":"v1","metadata":{"name":"l"},
      "spec":{"limits":[{"type":"Container","defaultRequest":{"cpu":"100m"}}]}})")
                .status,
            201);
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/serviceaccounts",
                      R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})")
                .status,
            201);
  mutating({hook(
      {{"rules", json::parse(R"([{"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}])")}})});
  script.at(kHook, [](const json& review) {
    return patch(review, R"([{"op":"add","path":"/spec/containers/-","value":{"name":"side","image":"s"}}])");
  });
  const Reply reply = world.post("/api/v1/namespaces/default/pods", R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},
      "spec":{"containers":[{"name":"c","image":"i"}]}})");
  ASSERT_EQ(reply.status, 201) << reply.body;
  const json side = reply.json()["spec"]["containers"][1];
  EXPECT_EQ(side["imagePullPolicy"], "Always") << "it is defaulted";
  EXPECT_EQ(side["resources"]["requests"]["cpu"], "100m") << "by the plugin of limit ranges, which runs again";
  EXPECT_EQ(side["volumeMounts"].size(), 1u) << "the token is mounted in it";
  EXPECT_EQ(reply.json()["spec"]["volumes"].size(), 1u);
}

TEST_F(Webhooks, DryRuns) {
  // Only what is stored from before could have other side effects than these.
  validating({hook({{"sideEffects", "NoneOnDryRun"}})});
  ASSERT_EQ(create(config_map("a"), "?dryRun=All").status, 201);
  ASSERT_EQ(script.reviews.size(), 1u);
  EXPECT_EQ(script.reviews[0]["request"]["dryRun"], true);
  EXPECT_EQ(script.reviews[0]["request"]["options"]["dryRun"], json::parse(R"(["All"])"));
  EXPECT_EQ(world.get(kMaps + "/a").status, 404);
  EXPECT_EQ(configure("Validating", "other", {hook({{"sideEffects", "Some"}})}).status, 422);
}

TEST_F(Webhooks, NamespaceSelectors) {
  ASSERT_EQ(world
                .post("/api/v1/namespaces",
                      R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"red","labels":{"team":"red"}}})")
                .status,
            201);
  json everything = json::parse(
      R"([{"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["configmaps","namespaces","nodes"]}])");
  validating({hook({{"namespaceSelector", {{"matchLabels", {{"team", "red"}}}}}, {"rules", everything}})});
  const auto asked = [&](const char* target, const json& object) {
    script.reviews.clear();
    EXPECT_EQ(world.post(target, object.dump()).status, 201) << target;
    return script.reviews.size();
  };
  EXPECT_EQ(asked(kMaps.c_str(), config_map("a")), 0u);
  EXPECT_EQ(asked("/api/v1/namespaces/red/configmaps", config_map("a")), 1u);
  EXPECT_EQ(asked("/api/v1/nodes", {{"kind", "Node"}, {"apiVersion", "v1"}, {"metadata", {{"name", "n"}}}}), 1u)
      << "what is in no namespace is never left out";
  const auto space = [](const char* name, const char* team) {
    return json{{"kind", "Namespace"}, {"apiVersion", "v1"}, {"metadata", {{"name", name}, {"labels", {{"team", team}}}}}};
  };
  EXPECT_EQ(asked("/api/v1/namespaces", space("new", "red")), 1u) << "by the labels that it is to have";
  EXPECT_EQ(script.reviews[0]["request"]["namespace"], "new");
  EXPECT_EQ(asked("/api/v1/namespaces", space("blue", "blue")), 0u);
}

TEST_F(Webhooks, ObjectSelectors) {
  ASSERT_EQ(create(config_map("a", {{"labels", {{"watch", "yes"}}}})).status, 201);
  validating({hook({{"objectSelector", {{"matchLabels", {{"watch", "yes"}}}}}})});
  ASSERT_EQ(create(config_map("b")).status, 201);
  EXPECT_EQ(script.reviews.size(), 0u);
  ASSERT_EQ(
      send("PATCH", kMaps + "/a", {{"metadata", {{"labels", {{"watch", nullptr}}}}}}, "application/merge-patch+json").status,
      200);
  EXPECT_EQ(script.reviews.size(), 1u) << "it had the label";
  ASSERT_EQ(send("PATCH", kMaps + "/b", {{"metadata", {{"labels", {{"watch", "yes"}}}}}}, "application/merge-patch+json").status,
            200);
  EXPECT_EQ(script.reviews.size(), 2u) << "it gets it";
  ASSERT_EQ(send("DELETE", kMaps + "/a").status, 200);
  EXPECT_EQ(script.reviews.size(), 2u);
  ASSERT_EQ(send("DELETE", kMaps + "/b").status, 200);
  EXPECT_EQ(script.reviews.size(), 3u);
}

TEST_F(Webhooks, MatchConditions) {
  const auto conditions = [](const char* text) { return json{{"matchConditions", {{{"name", "c"}, {"expression", text}}}}}; };
  const Reply refused = configure("Validating", "bad", {hook(conditions("authorizer.allowed("))});
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.message().find(
                "webhooks[0].matchConditions[0].expression: Invalid value: \"authorizer.allowed(\": compilation failed: "),
            std::string::npos)
      << refused.message();
  EXPECT_EQ(configure("Validating", "bad", {hook(conditions("authorizer.group('').check('x').allowed()"))}).status, 422)
      << "it would never be told who may";
  validating({hook(conditions("request.operation == 'CREATE' && object.data.k == 'v' && request.userInfo.username == 'admin'"))});
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(script.reviews.size(), 1u);
  ASSERT_EQ(send("DELETE", kMaps + "/a").status, 200);
  EXPECT_EQ(script.reviews.size(), 1u);
  // One that cannot be evaluated is as one that fails.
  validating({hook(conditions("object.data.none == 'v'"))}, "w");
  const Reply failed = create(config_map("b"));
  EXPECT_EQ(failed.status, 403);
  EXPECT_TRUE(
      failed.message().starts_with("configmaps \"b\" is forbidden: expression 'object.data.none == 'v'' resulted in error: "))
      << failed.message();
  ASSERT_EQ(send("DELETE", kConfigurations + "validatingwebhookconfigurations/w").status, 200);
  json lenient = conditions("object.data.none == 'v'");
  lenient["failurePolicy"] = "Ignore";
  validating({hook(lenient)}, "w");
  script.reviews.clear();
  EXPECT_EQ(create(config_map("c")).status, 201);
  EXPECT_EQ(script.reviews.size(), 1u) << "the other one alone";
}

TEST_F(Webhooks, ConfigurationsAreNeverIntercepted) {
  json all = json::parse(R"([{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]}])");
  validating({hook({{"rules", all}})});
  mutating({hook({{"rules", all}})});
  script.at(kHook, [](const json& review) { return deny(review, nullptr); });
  EXPECT_EQ(create(config_map("a")).status, 400);
  EXPECT_EQ(send("DELETE", kConfigurations + "mutatingwebhookconfigurations/m").status, 200);
  EXPECT_EQ(send("DELETE", kConfigurations + "validatingwebhookconfigurations/v").status, 200);
  EXPECT_EQ(create(config_map("a")).status, 201) << "without them nobody is asked";
}

TEST_F(Webhooks, EquivalentVersions) {
  const auto for_version = [](const char* version, const char* policy) {
    json rules = json::parse(R"([{"operations":["*"],"apiGroups":["autoscaling"],"resources":["horizontalpodautoscalers"]}])");
    rules[0]["apiVersions"] = {version};
    return hook({{"rules", rules}, {"matchPolicy", policy}});
  };
  const json scaler = json::parse(R"({"kind":"HorizontalPodAutoscaler","apiVersion":"autoscaling/v1","metadata":{"name":"h"},
      "spec":{"scaleTargetRef":{"kind":"Deployment","name":"d","apiVersion":"apps/v1"},"maxReplicas":3,
              "targetCPUUtilizationPercentage":50}})");
  const auto create_one = [&] {
    EXPECT_EQ(world.post("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", scaler.dump()).status, 201);
    EXPECT_EQ(send("DELETE", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h").status, 200);
  };
  mutating({for_version("v2", "Exact")});
  create_one();
  EXPECT_EQ(script.reviews.size(), 0u);
  ASSERT_EQ(send("DELETE", kConfigurations + "mutatingwebhookconfigurations/m").status, 200);
  mutating({for_version("v2", "Equivalent")});
  create_one();
  ASSERT_EQ(script.reviews.size(), 2u);
  const json asked = script.reviews[0]["request"];
  EXPECT_EQ(asked["kind"]["version"], "v2");
  EXPECT_EQ(asked["requestKind"]["version"], "v1");
  EXPECT_EQ(asked["requestResource"]["version"], "v1");
  EXPECT_EQ(asked["object"]["apiVersion"], "autoscaling/v2");
  EXPECT_EQ(asked["object"]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
  // In the version that was sent, when the rules know that one, and back to what is stored.
  ASSERT_EQ(send("DELETE", kConfigurations + "mutatingwebhookconfigurations/m").status, 200);
  mutating({for_version("v1", "Exact")});
  script.reviews.clear();
  script.at(kHook,
            [](const json& review) { return patch(review, R"([{"op":"replace","path":"/spec/maxReplicas","value":7}])"); });
  const Reply made = world.post("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", scaler.dump());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(script.reviews[0]["request"]["object"]["apiVersion"], "autoscaling/v1");
  EXPECT_EQ(made.json()["spec"]["maxReplicas"], 7);
  EXPECT_EQ(made.json()["spec"]["targetCPUUtilizationPercentage"], 50);
}

json rules_for(const char* group, const char* resource) {
  json rules = json::parse(R"([{"operations":["*"],"apiVersions":["*"]}])");
  rules[0]["apiGroups"] = {group};
  rules[0]["resources"] = {resource};
  return {{"rules", rules}};
}

TEST_F(Webhooks, ScalesAreShownAsScales) {
  const std::string kDeployments = "/apis/apps/v1/namespaces/default/deployments";
  ASSERT_EQ(world
                .post(kDeployments, R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d"},
      "spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
              "spec":{"containers":[{"name":"c","image":"i"}]}}}})")
                .status,
            201);
  mutating({hook(rules_for("apps", "deployments/scale"))});
  script.at(kHook, [](const json& review) { return patch(review, R"([{"op":"replace","path":"/spec/replicas","value":2}])"); });
  const Reply reply = send("PATCH", kDeployments + "/d/scale", {{"spec", {{"replicas", 5}}}}, "application/merge-patch+json");
  ASSERT_EQ(reply.status, 200) << reply.body;
  ASSERT_EQ(script.reviews.size(), 1u);
  const json asked = script.reviews[0]["request"];
  EXPECT_EQ(asked["kind"], json::parse(R"({"group":"autoscaling","version":"v1","kind":"Scale"})"));
  EXPECT_EQ(asked["resource"]["resource"], "deployments");
  EXPECT_EQ(asked["subResource"], "scale");
  EXPECT_EQ(asked["operation"], "UPDATE");
  EXPECT_EQ(asked["object"]["kind"], "Scale");
  EXPECT_EQ(asked["object"]["spec"]["replicas"], 5);
  EXPECT_EQ(asked["oldObject"]["spec"]["replicas"], 1);
  EXPECT_EQ(world.get(kDeployments + "/d").json()["spec"]["replicas"], 2);
}

TEST_F(Webhooks, BindingsAndEvictionsAreShownAsTheyAre) {
  const std::string kPods = "/api/v1/namespaces/default/pods";
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/serviceaccounts",
                      R"({"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"default"}})")
                .status,
            201);
  ASSERT_EQ(world
                .post(kPods, R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},
      "spec":{"containers":[{"name":"c","image":"i"}]}})")
                .status,
            201);
  mutating({hook(rules_for("", "pods/binding"))});
  validating({hook(rules_for("", "*/*"), "two.example.com", kOther)});
  script.at(kHook, [](const json& review) {
    return patch(review, R"([{"op":"add","path":"/metadata/labels","value":{"bound":"yes"}}])");
  });
  ASSERT_EQ(world
                .post(kPods + "/p/binding", R"({"kind":"Binding","apiVersion":"v1","metadata":{"name":"p"},
      "target":{"kind":"Node","name":"n"}})")
                .status,
            201);
  ASSERT_EQ(script.reviews.size(), 2u) << "of the pod's update by it nobody hears";
  EXPECT_EQ(script.reviews[1]["request"]["kind"]["kind"], "Binding");
  EXPECT_EQ(script.reviews[1]["request"]["operation"], "CREATE");
  EXPECT_EQ(script.reviews[1]["request"]["object"]["target"]["name"], "n");
  EXPECT_EQ(script.reviews[1]["request"]["name"], "p");
  EXPECT_EQ(world.get(kPods + "/p").json()["metadata"]["labels"]["bound"], "yes");

  script.reviews.clear();
  script.at(kOther, [](const json& review) { return deny(review, {{"code", 429}, {"message", "not now"}}); });
  const Reply refused =
      world.post(kPods + "/p/eviction", R"({"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"p"}})");
  EXPECT_EQ(refused.status, 429);
  ASSERT_EQ(script.reviews.size(), 1u);
  EXPECT_EQ(script.reviews[0]["request"]["kind"], json::parse(R"({"group":"policy","version":"v1","kind":"Eviction"})"));
  EXPECT_EQ(script.reviews[0]["request"]["subResource"], "eviction");
  EXPECT_EQ(script.reviews[0]["request"]["operation"], "CREATE");
}

TEST_F(Webhooks, OlderReviews) {
  mutating({hook({{"admissionReviewVersions", {"v7", "v1beta1", "v1"}}})});
  script.at(kHook, [](const json& review) {
    EXPECT_EQ(review["apiVersion"], "admission.k8s.io/v1beta1");
    return HookReply{
        .body =
            R"({"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"allowed":true,"patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2RhdGEveCIsInZhbHVlIjoieSJ9XQ=="}})"};
  });
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(stored("a")["data"]["x"], "y");
}

TEST_F(Webhooks, ServicesAtTheirOwnAddress) {
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/services", R"({"kind":"Service","apiVersion":"v1","metadata":{"name":"s"},
      "spec":{"clusterIP":"10.96.7.7","ports":[{"port":8443,"targetPort":9443}]}})")
                .status,
            201);
  validating(
      {hook({{"clientConfig",
              {{"service", {{"name", "s"}, {"namespace", "default"}, {"port", 8443}, {"path", "/v"}}}, {"caBundle", "Y2E="}}}})});
  script.at("https://10.96.7.7:8443", [](const json& review) { return allow(review); });
  ASSERT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(script.addresses[0], (WebhookAddress{"https://10.96.7.7:8443", "s.default.svc", "ca"}));
  EXPECT_EQ(script.hosts[0], "s.default.svc:8443");
  EXPECT_EQ(script.targets[0], "/v?timeout=10s");
  ASSERT_EQ(send("DELETE", "/api/v1/namespaces/default/services/s").status, 200);
  EXPECT_EQ(create(config_map("b")).message(),
            "Internal error occurred: failed calling webhook \"one.example.com\": failed to call webhook: Post "
            "\"https://s.default.svc:8443/v?timeout=10s\": service \"s\" not found");
}

class WebhooksAtEndpoints : public Webhooks {
 protected:
  WebhooksAtEndpoints() : Webhooks(true) {}
};

TEST_F(WebhooksAtEndpoints, AreAskedThere) {
  ASSERT_EQ(world
                .post("/api/v1/namespaces/default/services", R"({"kind":"Service","apiVersion":"v1","metadata":{"name":"s"},
      "spec":{"ports":[{"port":443}]}})")
                .status,
            201);
  validating({hook({{"clientConfig", {{"service", {{"name", "s"}, {"namespace", "default"}}}}}})});
  EXPECT_EQ(create(config_map("a")).message(),
            "Internal error occurred: failed calling webhook \"one.example.com\": failed to call webhook: Post "
            "\"https://s.default.svc:443/?timeout=10s\": no endpoints available for service \"s\"");
  ASSERT_EQ(world
                .post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                      R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"s-1",
      "labels":{"kubernetes.io/service-name":"s"}},"addressType":"IPv4","endpoints":[{"addresses":["10.1.2.3"]}],
      "ports":[{"name":"","port":9443}]})")
                .status,
            201);
  script.at("https://10.1.2.3:9443", [](const json& review) { return allow(review); });
  EXPECT_EQ(create(config_map("a")).status, 201);
  EXPECT_EQ(script.addresses.back().server_name, "s.default.svc");
}

TEST(WebhooksOfNobody, CallsFailWhereNobodyCanBeReached) {
  StandardWorld world;
  const json object = {{"kind", "ValidatingWebhookConfiguration"},
                       {"apiVersion", "admissionregistration.k8s.io/v1"},
                       {"metadata", {{"name", "v"}}},
                       {"webhooks", {hook()}}};
  ASSERT_EQ(world.post(kConfigurations + "validatingwebhookconfigurations", object.dump()).status, 201);
  EXPECT_EQ(
      world.post(kMaps, config_map("a").dump()).message(),
      "Internal error occurred: failed calling webhook \"one.example.com\": could not get REST client: this server calls nobody");
}

}  // namespace
}  // namespace ph::apiserver::testing

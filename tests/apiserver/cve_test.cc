// One test for each hole that Kubernetes' apiserver once had, named by its number, where nothing else is about it. Those of NodeRestriction
// (node_restriction_test.cc), of image policies (image_policy_test.cc) and of namespaces (tests/controllers/namespace_test.cc) are there.
#include <gtest/gtest.h>

#include "base/time.h"
#include "tests/apiserver/opted_world.h"
#include "tests/apiserver/scripted_webhooks.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

const std::string kMaps = "/api/v1/namespaces/default/configmaps";

Reply send(StandardWorld& world, const char* method, const std::string& target, std::string body, const char* type) {
  HttpRequest request = StandardWorld::request(method, target, std::move(body));
  request.headers.set("Content-Type", type);
  return world.send(std::move(request));
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// -- Bodies that cost more than they weigh. A turn of one client is a pause of all others: seconds are far too long, and the bound here only
// leaves room for slow machines and sanitizers.

constexpr Duration kLongest = 20s;

Duration spent(const std::function<void()>& work) {
  const SystemClock clock;
  const Steady began = clock.steady();
  work();
  return clock.steady() - began;
}

TEST(Cve, CVE_2019_11253_AliasesAreNotUnfoldedWithoutEnd) {
  std::string bomb =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na: &a [\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"]\n";
  for (char name = 'b'; name <= 'i'; ++name) {
    const std::string before(1, static_cast<char>(name - 1));
    bomb += std::string(1, name) + ": &" + name + " [" + repeated("*" + before + ",", 8) + "*" + before + "]\n";
  }
  bomb += "data: {a: *i}\n";
  StandardWorld world;
  Reply reply;
  EXPECT_LT(spent([&] { reply = send(world, "POST", kMaps, bomb, "application/yaml"); }), kLongest);
  EXPECT_EQ(reply.status, 400) << reply.body;
}

TEST(Cve, CVE_2019_11254_YamlIsReadInTimeThatItsSizeAllows) {
  constexpr std::size_t kSize = 1'000'000;
  const std::pair<const char*, std::string> bodies[] = {
      {"nested lists", repeated("[", kSize)},
      {"nested maps", repeated("{\"a\":", kSize / 5)},
      {"nested blocks", repeated("- ", kSize / 2)},
      {"keys that never end", "{" + repeated("\"a\" , ", kSize / 6)},
      {"questions", repeated("? ", kSize / 2)},
      {"a key of many parts", repeated("a ", kSize / 2) + ": b"},
      {"anchors", repeated("&a ", kSize / 3)},
      {"tags", repeated("!a ", kSize / 3)},
      {"comments", repeated("#\n", kSize / 2)},
      {"documents", repeated("---\n", kSize / 4)},
      {"indents",
       [] {
         std::string out;
         for (std::size_t depth = 0; out.size() < kSize; ++depth) out += std::string(depth, ' ') + "a:\n";
         return out;
       }()},
  };
  StandardWorld world;
  for (const auto& [name, body] : bodies) {
    SCOPED_TRACE(name);
    Reply reply;
    EXPECT_LT(spent([&] { reply = send(world, "POST", kMaps, body, "application/yaml"); }), kLongest);
    EXPECT_GE(reply.status, 400);
    EXPECT_LT(reply.status, 500) << reply.body;
  }
}

TEST(Cve, CVE_2019_1002100_JsonPatchesHaveABound) {
  StandardWorld world;
  ASSERT_EQ(world.post(kMaps, R"({"metadata":{"name":"m"},"data":{"k":"v"}})").status, 201);
  const std::string one = R"({"op":"add","path":"/data/k","value":"w"})";
  const auto patch = [&](const std::string& operations) {
    return send(world, "PATCH", kMaps + "/m", "[" + operations + "]", "application/json-patch+json");
  };
  EXPECT_EQ(patch(one).status, 200);
  const Reply many = patch(repeated(one + ",", 10'000) + one);
  EXPECT_EQ(many.status, 413);
  EXPECT_EQ(many.message(), "Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001");
  // Few that make it grow by itself.
  std::string doubling = R"({"op":"add","path":"/data/a","value":")" + std::string(1000, 'x') + "\"}";
  for (int i = 0; i < 40; ++i) doubling += R"(,{"op":"copy","from":"/data","path":"/data/x)" + std::to_string(i) + "\"}";
  Reply reply;
  EXPECT_LT(spent([&] { reply = patch(doubling); }), kLongest);
  EXPECT_GE(reply.status, 400);
  EXPECT_LT(reply.status, 500) << reply.body;
}

// -- Services and their endpoints

TEST(Cve, CVE_2020_8554_ExternalAddressesCanBeForbidden) {
  OptedWorld opted_world(opted({"DenyServiceExternalIPs"}));
  const json service = {{"metadata", {{"name", "s"}}},
                        {"spec", {{"ports", {{{"port", 443}}}}, {"externalIPs", {"203.0.113.1"}}}}};
  const std::string services = "/api/v1/namespaces/default/services";
  EXPECT_EQ(opted_world.post(services, service).status, 403);
  json plain = service;
  plain["spec"].erase("externalIPs");
  opted_world.must(services, plain);
  EXPECT_EQ(opted_world.patch(services + "/s", {{"spec", {{"externalIPs", {"203.0.113.1"}}}}}).status, 403);
}

TEST(Cve, CVE_2021_25737_EndpointsAreNotOnTheNodesThemselves) {
  OptedWorld opted_world((StandardOptions()));
  for (const char* address : {"127.0.0.1", "169.254.169.254", "224.0.0.1"}) {
    SCOPED_TRACE(address);
    const json slice = {{"metadata", {{"name", "s"}}}, {"addressType", "IPv4"}, {"endpoints", {{{"addresses", {address}}}}}};
    const Reply reply = opted_world.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice);
    EXPECT_EQ(reply.status, 422);
    EXPECT_NE(reply.message().find("may not be in the"), std::string::npos) << reply.message();
    const json endpoints = {{"metadata", {{"name", "e"}}},
                            {"subsets", {{{"addresses", {{{"ip", address}}}}, {"ports", {{{"port", 80}}}}}}}};
    EXPECT_EQ(opted_world.post("/api/v1/namespaces/default/endpoints", endpoints).status, 422);
  }
  for (const char* address : {"::1", "fe80::1", "ff02::1"}) {
    SCOPED_TRACE(address);
    const json slice = {{"metadata", {{"name", "s"}}}, {"addressType", "IPv6"}, {"endpoints", {{{"addresses", {address}}}}}};
    EXPECT_EQ(opted_world.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice).status, 422);
  }
}

TEST(Cve, CVE_2021_25740_WhoEditsANamespaceWritesNoEndpoints) {
  OptedWorld opted_world((StandardOptions()));
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
  opted_world.must(
      rbac + "namespaces/default/rolebindings",
      {{"metadata", {{"name", "editors"}}},
       {"roleRef", {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", "system:aggregate-to-edit"}}},
       {"subjects", {{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "User"}, {"name", "jane"}}}}});
  const auto jane = StandardWorld::user("jane");
  EXPECT_EQ(opted_world.post(kMaps, {{"metadata", {{"name", "m"}}}}, jane).status, 201);
  EXPECT_EQ(opted_world.post("/api/v1/namespaces/default/endpoints", {{"metadata", {{"name", "e"}}}}, jane).status, 403);
  const json slice = {{"metadata", {{"name", "s"}}}, {"addressType", "IPv4"}, {"endpoints", json::array()}};
  EXPECT_EQ(opted_world.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", slice, jane).status, 403);
  const json roles = opted_world.world.get(rbac + "clusterroles").json();
  for (const json& role : roles["items"]) {
    const std::string name = role["metadata"]["name"];
    if (name != "edit" && name != "admin" && !name.starts_with("system:aggregate-to-")) continue;
    const json rules = role.contains("rules") && role["rules"].is_array() ? role["rules"] : json::array();
    for (const json& rule : rules) {
      const std::string text = rule.value("resources", json::array()).dump(), verbs = rule.value("verbs", json::array()).dump();
      const bool writes =
          verbs.find("\"create\"") != verbs.npos || verbs.find("\"update\"") != verbs.npos || verbs.find("\"*\"") != verbs.npos;
      EXPECT_FALSE(writes && (text.find("\"endpoints\"") != text.npos || text.find("\"endpointslices\"") != text.npos))
          << name << ": " << rule;
    }
  }
}

// -- Admission

constexpr const char* kHook = "https://hook.example.com";

class CveWebhooks : public ::testing::Test {
 protected:
  CveWebhooks() : opted_world(options()) {}
  StandardOptions options() {
    StandardOptions out;
    out.webhooks = script.transports();
    return out;
  }
  void configure(const char* resource) {
    opted_world.must(
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        {{"metadata", {{"name", "v"}}},
         {"webhooks",
          {{{"name", "one.example.com"},
            {"clientConfig", {{"url", kHook}}},
            {"rules", {{{"operations", {"*"}}, {"apiGroups", {""}}, {"apiVersions", {"v1"}}, {"resources", {resource}}}}},
            {"sideEffects", "None"},
            {"admissionReviewVersions", {"v1"}}}}}});
  }

  ScriptedWebhooks script;
  OptedWorld opted_world;
};

TEST_F(CveWebhooks, CVE_2021_25735_WhatANodeWasIsShownAsItWas) {
  opted_world.must("/api/v1/nodes", {{"metadata", {{"name", "n"}, {"labels", {{"changeAllowed", "false"}}}}}});
  script.at(kHook, [](const json& review) {
    const auto labels_of = [&](const char* which) {
      return review["request"][which]["metadata"].value("labels", json::object());
    };
    const json now = labels_of("object"), before = labels_of("oldObject");
    const bool kept = before.value("changeAllowed", "") == "true" || now == before;
    return kept ? allow(review) : deny(review, {{"message", "the node says that it is not to be changed"}});
  });
  configure("nodes");
  for (const json& labels : {json{{"changeAllowed", "true"}}, json{{"changeAllowed", nullptr}}, json{{"more", "x"}}}) {
    EXPECT_EQ(opted_world.patch("/api/v1/nodes/n", {{"metadata", {{"labels", labels}}}}).status, 400) << labels;
  }
  json whole = opted_world.world.get("/api/v1/nodes/n").json();
  whole["metadata"]["labels"]["changeAllowed"] = "true";
  EXPECT_EQ(opted_world.put("/api/v1/nodes/n", whole).status, 400);
  EXPECT_EQ(opted_world.world.get("/api/v1/nodes/n").json()["metadata"]["labels"], json({{"changeAllowed", "false"}}));
}

TEST_F(CveWebhooks, CVE_2020_8561_NobodyIsSentElsewhereNorToldWhatWasSaid) {
  script.at("https://inside.example.com", [](const json& review) { return allow(review); });
  for (const int status : {301, 302, 303, 307, 308}) {
    SCOPED_TRACE(status);
    script.at(kHook, [status](const json&) {
      HookReply reply{.status = status, .body = "a secret from within"};
      reply.headers.add("Location", "https://inside.example.com/metadata");
      reply.headers.add("Content-Type", "text/plain");
      return reply;
    });
    if (status == 301) configure("configmaps");
    const Reply reply = opted_world.post(kMaps, {{"metadata", {{"name", "m"}}}});
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body.find("secret from within"), std::string::npos) << reply.body;
  }
  for (const auto& address : script.addresses) EXPECT_EQ(address.url, kHook);
}

TEST_F(CveWebhooks, CVE_2020_8555_ObjectsThatNameHostsMakeNobodyCallThem) {
  const char* host = "169.254.169.254";
  opted_world.must("/apis/storage.k8s.io/v1/storageclasses", {{"metadata", {{"name", "glusterfs"}}},
                                                              {"provisioner", "kubernetes.io/glusterfs"},
                                                              {"parameters", {{"resturl", std::string("http://") + host}}}});
  opted_world.must("/api/v1/namespaces/default/persistentvolumeclaims",
                   json::parse(R"({"metadata":{"name":"c"},"spec":{"storageClassName":"glusterfs","accessModes":["ReadWriteOnce"],
                                   "resources":{"requests":{"storage":"1Gi"}}}})"));
  opted_world.must(
      "/api/v1/persistentvolumes",
      {{"metadata", {{"name", "v"}}},
       {"spec",
        {{"capacity", {{"storage", "1Gi"}}}, {"accessModes", {"ReadWriteOnce"}}, {"nfs", {{"server", host}, {"path", "/"}}}}}});
  opted_world.must("/api/v1/namespaces/default/services",
                   {{"metadata", {{"name", "s"}}}, {"spec", {{"type", "ExternalName"}, {"externalName", "inside.example.com"}}}});
  opted_world.must(kOptedPods, OptedWorld::pod("p", json::parse(R"({"containers":[{"name":"c","image":"169.254.169.254/i",
      "livenessProbe":{"httpGet":{"host":"169.254.169.254","port":80}}}]})")));
  opted_world.world.executor.advance(10min);
  EXPECT_TRUE(script.addresses.empty());
}

// -- Secrets of service accounts

class CveSecrets : public ::testing::Test {
 protected:
  CveSecrets() : opted_world(StandardOptions()) {
    opted_world.must("/api/v1/namespaces/default/serviceaccounts",
                     {{"metadata", {{"name", "strict"}, {"annotations", {{"kubernetes.io/enforce-mountable-secrets", "true"}}}}},
                      {"secrets", {{{"name", "own"}}}}});
  }
  static json naming(const char* how, const char* secret) {
    json container = {{"name", "x"}, {"image", "i"}};
    if (how == std::string("env")) {
      container["env"] = {{{"name", "E"}, {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", "k"}}}}}}};
    } else {
      container["envFrom"] = {{{"secretRef", {{"name", secret}}}}};
    }
    return container;
  }
  json with(const char* list, const json& container) {
    json spec = {{"serviceAccountName", "strict"}};
    spec[list] = json::array({container});
    return OptedWorld::pod("p", spec);
  }

  OptedWorld opted_world;
};

TEST_F(CveSecrets, CVE_2024_3177_SecretsOfWholeEnvironmentsAreTheAccounts) {
  const std::string dry = kOptedPods + "?dryRun=All";
  struct Case {
    const char *list, *how, *refusal;
  };
  const Case cases[] = {
      {"containers", "envFrom", "container x with envFrom"},
      {"initContainers", "envFrom", "init container x with envFrom"},
      {"containers", "env", "container x with envVar E"},
      {"initContainers", "env", "init container x with envVar E"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.refusal);
    EXPECT_EQ(opted_world.post(dry, with(c.list, naming(c.how, "own"))).status, 201);
    const Reply reply = opted_world.post(dry, with(c.list, naming(c.how, "other")));
    EXPECT_EQ(reply.status, 403);
    EXPECT_EQ(reply.message(),
              std::string("pods \"p\" is forbidden: ") + c.refusal +
                  " referencing secret.secretName=\"other\" is not allowed because service account strict does not "
                  "reference that secret");
  }
}

TEST_F(CveSecrets, CVE_2023_2728_SecretsOfEphemeralContainersAreTheAccounts) {
  opted_world.must(kOptedPods, OptedWorld::pod("p", {{"serviceAccountName", "strict"}}));
  const auto join = [&](const char* how, const char* secret) {
    return opted_world.patch(kOptedPods + "/p/ephemeralcontainers",
                             {{"spec", {{"ephemeralContainers", json::array({naming(how, secret)})}}}});
  };
  for (const char* how : {"env", "envFrom"}) {
    SCOPED_TRACE(how);
    const Reply reply = join(how, "other");
    EXPECT_EQ(reply.status, 403);
    EXPECT_TRUE(reply.message().starts_with("pods \"p\" is forbidden: ephemeral container x with env")) << reply.message();
  }
  EXPECT_EQ(join("envFrom", "own").status, 200);
}

}  // namespace
}  // namespace ph::apiserver::testing

#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

constexpr const char* kRbac = "/apis/rbac.authorization.k8s.io/v1/";

std::string role(const char* name, const char* rules) {
  return std::string(R"({"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")") + name +
         R"("},"rules":)" + rules + "}";
}
std::string binding(const char* name, const char* ref) {
  return std::string(R"({"kind":"RoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")") + name +
         R"("},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":")" + ref +
         R"("},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"joe"}]})";
}

// jane is admin of one namespace: she may write roles there, up to what she may do herself.
TEST(Escalation, NobodyGrantsWhatHeDoesNotHold) {
  StandardWorld world;
  std::string janes = binding("jane", "admin");
  janes.replace(janes.find("joe"), 3, "jane");
  const std::string space = std::string(kRbac) + "namespaces/default/";
  ASSERT_EQ(world.post(space + "rolebindings", janes).status, 201);

  struct Case {
    const char* name;
    std::string target, body;
    Identity who;
    int status;
  };
  const Identity jane = StandardWorld::user("jane");
  const Case kCases[] = {
      {"what she holds", space + "roles", role("a", R"([{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}])"), jane, 201},
      {"what she does not", space + "roles", role("b", R"([{"verbs":["get"],"apiGroups":[""],"resources":["nodes"]}])"), jane,
       403},
      {"everything", space + "roles", role("c", R"([{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}])"), jane, 403},
      {"a role weaker than hers", space + "rolebindings", binding("d", "view"), jane, 201},
      {"her own role", space + "rolebindings", binding("e", "admin"), jane, 201},
      {"a stronger role", space + "rolebindings", binding("f", "cluster-admin"), jane, 403},
      {"a role that does not exist", space + "rolebindings", binding("g", "ghost"), jane, 404},
      {"an administrator", space + "rolebindings", binding("h", "cluster-admin"), StandardWorld::admin(), 201},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Reply reply = world.post(c.target, c.body, c.who);
    EXPECT_EQ(reply.status, c.status) << reply.body;
  }
  EXPECT_EQ(world.post(kCases[1].target, kCases[1].body, jane).message(),
            "roles.rbac.authorization.k8s.io \"b\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting "
            "to grant "
            "RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}");
}

// One line a resource, with all its verbs; the lines in order.
TEST(Escalation, WhatIsMissingIsToldByResource) {
  StandardWorld world;
  std::string janes = binding("jane", "admin");
  janes.replace(janes.find("joe"), 3, "jane");
  const std::string space = std::string(kRbac) + "namespaces/default/";
  ASSERT_EQ(world.post(space + "rolebindings", janes).status, 201);
  const Reply reply = world.post(
      space + "roles",
      role(
          "a",
          R"([{"verbs":["watch","get"],"apiGroups":["x",""],"resources":["nodes"]},{"verbs":["list"],"apiGroups":[""],"resources":["nodes","pods"]},)"
          R"({"verbs":["get","list"],"apiGroups":[""],"resources":["nodes"],"resourceNames":["b","a"]}])"),
      StandardWorld::user("jane"));
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.message(),
            "roles.rbac.authorization.k8s.io \"a\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting "
            "to grant "
            "RBAC permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"nodes\"], ResourceNames:[\"a\"], Verbs:[\"get\" \"list\"]}\n"
            "{APIGroups:[\"\"], Resources:[\"nodes\"], ResourceNames:[\"b\"], Verbs:[\"get\" \"list\"]}\n"
            "{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"watch\" \"get\" \"list\"]}\n"
            "{APIGroups:[\"x\"], Resources:[\"nodes\"], Verbs:[\"watch\" \"get\"]}");
}

// Rules are judged as they are written, never multiplied out, and the answer has an end.
TEST(Escalation, ARuleOfEightMillionRights) {
  StandardWorld world;
  const std::string space = std::string(kRbac) + "namespaces/default/";
  std::string janes = binding("jane", "admin");
  janes.replace(janes.find("joe"), 3, "jane");
  ASSERT_EQ(world.post(space + "rolebindings", janes).status, 201);
  nlohmann::json rule = {
      {"verbs", nlohmann::json::array()}, {"apiGroups", nlohmann::json::array()}, {"resources", nlohmann::json::array()}};
  for (auto& [list, values] : rule.items()) {
    for (int i = 0; i < 200; ++i) values.push_back(list.substr(0, 1) + std::to_string(i));
  }
  const std::string body = role("wide", nlohmann::json::array({rule}).dump().c_str());
  const Reply refused = world.post(space + "roles", body, StandardWorld::user("jane"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_TRUE(refused.message().ends_with("\nand more"));
  EXPECT_LT(refused.body.size(), 400'000u);
  // Who may escalate may grant it; then whoever holds it may grant it on.
  ASSERT_EQ(world.post(space + "roles", body).status, 201);
  std::string hers = binding("wide", "wide");
  hers.replace(hers.find("ClusterRole"), 11, "Role");
  EXPECT_EQ(world.post(space + "rolebindings", hers, StandardWorld::user("jane")).status, 403);
  hers.replace(hers.find("joe"), 3, "jane");
  ASSERT_EQ(world.post(space + "rolebindings", hers).status, 201);
  std::string his = binding("on", "wide");
  his.replace(his.find("ClusterRole"), 11, "Role");
  EXPECT_EQ(world.post(space + "rolebindings", his, StandardWorld::user("jane")).status, 201);
}

// With the right to write cluster roles alone nobody gets stronger by aggregation.
TEST(Escalation, Aggregation) {
  const std::string roles = std::string(kRbac) + "clusterroles";
  const auto cluster_role = [](const char* name, const std::string& labels, const std::string& rules,
                               const std::string& selectors) {
    std::string out = R"({"kind":"ClusterRole","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")" +
                      std::string(name) + R"(","labels":{)" + labels + R"(}},"rules":)" + rules;
    if (!selectors.empty()) out += R"(,"aggregationRule":{"clusterRoleSelectors":)" + selectors + "}";
    return out + "}";
  };
  const auto bound = [](StandardWorld& world, const char* user, const char* name) {
    ASSERT_EQ(world
                  .post(std::string(kRbac) + "clusterrolebindings",
                        R"({"kind":"ClusterRoleBinding","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")" +
                            std::string(user) + "-" + name +
                            R"("},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":")" + name +
                            R"("},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":")" + user + R"("}]})")
                  .status,
              201);
  };
  const std::string
      none = "[]",
      all = "[{}]",
      write =
          R"([{"verbs":["create","update","patch","get"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"]}])";
  const std::string secrets = R"([{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}])";
  const std::string everything =
      R"([{"verbs":["*"],"apiGroups":["*"],"resources":["*"]},{"verbs":["*"],"nonResourceURLs":["*"]}])";
  const std::string escalate =
      R"([{"verbs":["escalate"],"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"]}])";
  constexpr const char* kAggregation = "must have cluster-admin privileges to use the aggregationRule";
  constexpr const char* kGrant = "is attempting to grant RBAC permissions not currently held:";

  struct Case {
    const char* name;
    const char* who;
    const char* method;
    std::string target, body;
    int status;
    const char* why;  // what the refusal says
  };
  const Case cases[] = {
      {"a role of hers that selects everything", "jane", "PUT", "/mine", cluster_role("mine", "", none, all), 403, kAggregation},
      {"a new one", "jane", "POST", "", cluster_role("new", "", none, all), 403, kAggregation},
      {"by a patch", "jane", "PATCH", "/mine", R"({"aggregationRule":{"clusterRoleSelectors":[{}]}})", 403, kAggregation},
      {"a selector that finds nothing yet", "jane", "PUT", "/mine",
       cluster_role("mine", "", none, R"([{"matchLabels":{"a":"b"}}])"), 403, kAggregation},
      {"a label on a role that is stronger than she", "jane", "PATCH", "/strong", R"({"metadata":{"labels":{"into":"mine"}}})",
       403, kGrant},
      {"a label on a role that is as strong", "jane", "PATCH", "/writer", R"({"metadata":{"labels":{"into":"mine"}}})", 200, ""},
      {"a label on one that is aggregated", "jane", "PATCH", "/aggregated", R"({"metadata":{"labels":{"x":"y"}}})", 403,
       kAggregation},
      {"taking the selector away", "jane", "PUT", "/aggregated", cluster_role("aggregated", "", none, ""), 403, kAggregation},
      {"what the collector needs", "jane", "PATCH", "/strong", R"({"metadata":{"finalizers":["example.com/x"]}})", 200, ""},
      {"nothing", "jane", "PATCH", "/strong", "{}", 200, ""},
      {"one who holds everything selects everything", "root", "PUT", "/mine", cluster_role("mine", "", none, all), 200, ""},
      {"one who may escalate selects everything", "eve", "PUT", "/mine", cluster_role("mine", "", none, all), 200, ""},
      {"one who may escalate labels a stronger role", "eve", "PATCH", "/strong", R"({"metadata":{"labels":{"into":"mine"}}})",
       200, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StandardWorld world;
    const auto make = [&](const std::string& body) { ASSERT_EQ(world.post(roles, body).status, 201); };
    make(cluster_role("mine", "", none, "")), make(cluster_role("strong", "", secrets, ""));
    make(cluster_role("writer", "", write, "")), make(cluster_role("all", "", everything, ""));
    make(cluster_role("escalator", "", escalate, ""));
    make(cluster_role("aggregated", "", none, R"([{"matchLabels":{"a":"b"}}])"));
    for (const char* user : {"jane", "eve"}) bound(world, user, "writer");
    bound(world, "eve", "escalator"), bound(world, "root", "all");
    HttpRequest request = StandardWorld::request(c.method, roles + c.target, c.body, StandardWorld::user(c.who));
    if (request.method == "PATCH") request.headers.set("Content-Type", "application/merge-patch+json");
    const Reply reply = world.send(std::move(request));
    EXPECT_EQ(reply.status, c.status) << reply.body;
    if (c.status == 403) EXPECT_NE(reply.message().find(c.why), std::string::npos) << reply.message();
  }
}

}  // namespace
}  // namespace ph::apiserver::testing

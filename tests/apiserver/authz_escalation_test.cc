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

}  // namespace
}  // namespace ph::apiserver::testing

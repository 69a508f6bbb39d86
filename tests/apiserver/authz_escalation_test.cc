#include <gtest/gtest.h>

#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

constexpr const char* kRbac = "/apis/rbac.authorization.k8s.io/v1/";

std::string role(const char* name, const char* rules) {
  return std::string(R"({"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1","metadata":{"name":")") + name + R"("},"rules":)" + rules + "}";
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
      {"what she does not", space + "roles", role("b", R"([{"verbs":["get"],"apiGroups":[""],"resources":["nodes"]}])"), jane, 403},
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
            "roles.rbac.authorization.k8s.io \"b\" is forbidden: user \"jane\" (groups=[\"system:authenticated\"]) is attempting to grant "
            "RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}");
}

}  // namespace
}  // namespace ph::apiserver::testing

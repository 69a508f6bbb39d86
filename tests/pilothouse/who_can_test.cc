// Whom roles and bindings let do something.
#include "pilothouse/who_can.h"

#include <gmock/gmock.h>

#include "api/codec.h"

namespace ph::pilothouse {
namespace {

template <class T>
T object(const char* json) {
  T out;
  api::decode_json(json, out);
  return out;
}

RbacObjects cluster() {
  using namespace rbac::v1;
  RbacObjects out;
  out.cluster_roles = {
      object<ClusterRole>(R"({"metadata":{"name":"all"},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]},
                             {"verbs":["*"],"nonResourceURLs":["*"]}]})"),
      object<ClusterRole>(R"({"metadata":{"name":"view"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]})"),
      object<ClusterRole>(R"({"metadata":{"name":"health"},"rules":[{"verbs":["get"],"nonResourceURLs":["/healthz*"]}]})"),
  };
  out.roles = {object<Role>(
      R"({"metadata":{"name":"one","namespace":"a"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods","pods/log"],"resourceNames":["x"]}]})")};
  out.cluster_role_bindings = {
      object<ClusterRoleBinding>(R"({"metadata":{"name":"z-ops"},"roleRef":{"kind":"ClusterRole","name":"all"},
                                    "subjects":[{"kind":"Group","name":"ops"},{"kind":"User","name":"root"}]})"),
      object<ClusterRoleBinding>(R"({"metadata":{"name":"lost"},"roleRef":{"kind":"ClusterRole","name":"gone"},
                                    "subjects":[{"kind":"User","name":"lost"}]})"),
      object<ClusterRoleBinding>(R"({"metadata":{"name":"health"},"roleRef":{"kind":"ClusterRole","name":"health"},
                                    "subjects":[{"kind":"User","name":"probe"}]})"),
  };
  out.role_bindings = {
      object<RoleBinding>(R"({"metadata":{"name":"view","namespace":"a"},"roleRef":{"kind":"ClusterRole","name":"view"},
                             "subjects":[{"kind":"ServiceAccount","name":"bot"}]})"),
      object<RoleBinding>(R"({"metadata":{"name":"one","namespace":"a"},"roleRef":{"kind":"Role","name":"one"},
                             "subjects":[{"kind":"User","name":"jane"}]})"),
      object<RoleBinding>(R"({"metadata":{"name":"view","namespace":"b"},"roleRef":{"kind":"ClusterRole","name":"view"},
                             "subjects":[{"kind":"User","name":"joe"}]})"),
  };
  return out;
}

std::vector<std::string> texts(const std::vector<Permit>& permits) {
  std::vector<std::string> out;
  for (const Permit& each : permits) {
    out.push_back(each.subject.kind() + " " + each.subject.namespace_() + "/" + each.subject.name() + " in " +
                  each.namespace_name + " by " + each.binding + " " + each.role);
  }
  return out;
}

apiserver::RequestInfo pods(const char* verb, const char* space, const char* name = "", const char* part = "") {
  apiserver::RequestInfo out;
  out.is_resource = true;
  out.verb = verb, out.resource = "pods", out.subresource = part, out.namespace_name = space, out.name = name;
  return out;
}

TEST(WhoCan, Lists) {
  const std::string ops = "Group /ops in  by ClusterRoleBinding/z-ops ClusterRole/all",
                    root = "User /root in  by ClusterRoleBinding/z-ops ClusterRole/all",
                    bot = "ServiceAccount a/bot in a by RoleBinding/view ClusterRole/view",
                    jane = "User /jane in a by RoleBinding/one Role/one",
                    joe = "User /joe in b by RoleBinding/view ClusterRole/view",
                    probe = "User /probe in  by ClusterRoleBinding/health ClusterRole/health";
  apiserver::RequestInfo health;
  health.verb = "get", health.path = "/healthz/etcd";
  struct Case {
    const char* name;
    apiserver::RequestInfo asked;
    bool everywhere;
    std::vector<std::string> who;
  };
  const Case cases[] = {
      {"in a namespace", pods("get", "a"), false, {ops, root, bot}},
      {"one by its name", pods("get", "a", "x"), false, {ops, root, jane, bot}},
      {"another name", pods("get", "a", "y"), false, {ops, root, bot}},
      {"a part", pods("get", "a", "x", "log"), false, {ops, root, jane}},
      {"another verb", pods("delete", "a"), false, {ops, root}},
      {"in the whole cluster", pods("get", ""), false, {ops, root}},
      {"anywhere", pods("get", ""), true, {ops, root, bot, joe}},
      {"a path", health, false, {probe, ops, root}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_THAT(texts(who_can(cluster(), c.asked, c.everywhere)), testing::ElementsAreArray(c.who));
  }
}

TEST(WhoCan, HowResourcesAreWritten) {
  const auto text = [](const char* word) {
    const AskedResource read = asked_resource(word);
    return read.resource + "|" + read.group + "|" + read.subresource;
  };
  EXPECT_EQ(text("pods"), "pods||");
  EXPECT_EQ(text("pods/log"), "pods||log");
  EXPECT_EQ(text("deployments.apps"), "deployments|apps|");
  EXPECT_EQ(text("widgets.example.com/scale"), "widgets|example.com|scale");
}

}  // namespace
}  // namespace ph::pilothouse

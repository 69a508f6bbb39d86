#include <gtest/gtest.h>

#include "api/codec.h"
#include "apiserver/authz/rbac.h"

namespace ph::apiserver {
namespace {

using Entries = RbacIndex::Entries;

template <class T>
EntryRef entry(const char* json) {
  T message;
  api::decode_json(json, message);
  Entry out{key_of(message).text(), Revision{1}, share(api::encode_envelope(message))};
  return std::make_shared<const Entry>(std::move(out));
}

Entries list(std::vector<EntryRef> entries) {
  EntryTree tree;
  for (EntryRef& entry : entries) tree.put(std::move(entry));
  return tree.list();
}

RbacIndex::State cluster() {
  RbacIndex::State state;
  state.cluster_roles = list({
      entry<rbac::v1::ClusterRole>(
          R"({"metadata":{"name":"view"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]})"),
      entry<rbac::v1::ClusterRole>(
          R"({"metadata":{"name":"all"},"rules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]})"),
  });
  state.roles = list({
      entry<rbac::v1::Role>(
          R"({"metadata":{"name":"edit","namespace":"a"},"rules":[{"verbs":["update"],"apiGroups":[""],"resources":["pods"]}]})"),
  });
  state.cluster_role_bindings = list({
      entry<rbac::v1::ClusterRoleBinding>(
          R"({"metadata":{"name":"ops"},"roleRef":{"kind":"ClusterRole","name":"all"},"subjects":[{"kind":"Group","name":"ops"}]})"),
      entry<rbac::v1::ClusterRoleBinding>(
          R"({"metadata":{"name":"lost"},"roleRef":{"kind":"ClusterRole","name":"gone"},"subjects":[{"kind":"User","name":"lost"}]})"),
  });
  state.role_bindings = list({
      entry<rbac::v1::RoleBinding>(
          R"({"metadata":{"name":"view","namespace":"a"},"roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[{"kind":"User","name":"jane"},{"kind":"ServiceAccount","name":"bot"}]})"),
      entry<rbac::v1::RoleBinding>(
          R"({"metadata":{"name":"edit","namespace":"a"},"roleRef":{"kind":"Role","name":"edit"},"subjects":[{"kind":"User","name":"jane"}]})"),
  });
  return state;
}

struct Case {
  const char* name;
  Identity user;
  const char* verb;
  const char* namespace_name;
  Decision::Kind kind;
  const char* reason;
};

constexpr auto Allow = Decision::Kind::Allow;
constexpr auto NoOpinion = Decision::Kind::NoOpinion;

const Case kCases[] = {
    {"a cluster role bound in the namespace",
     {.name = "jane"},
     "get",
     "a",
     Allow,
     "RBAC: allowed by RoleBinding \"view/a\" of ClusterRole \"view\" to User \"jane\""},
    {"a role of the namespace",
     {.name = "jane"},
     "update",
     "a",
     Allow,
     "RBAC: allowed by RoleBinding \"edit/a\" of Role \"edit\" to User \"jane\""},
    {"not in another namespace", {.name = "jane"}, "get", "b", NoOpinion, ""},
    {"not in all namespaces", {.name = "jane"}, "get", "", NoOpinion, ""},
    {"a service account of the binding's namespace",
     {.name = "system:serviceaccount:a:bot"},
     "get",
     "a",
     Allow,
     "RBAC: allowed by RoleBinding \"view/a\" of ClusterRole \"view\" to ServiceAccount \"bot/a\""},
    {"a service account of another namespace", {.name = "system:serviceaccount:b:bot"}, "get", "a", NoOpinion, ""},
    {"a group everywhere",
     {.name = "joe", .groups = {"dev", "ops"}},
     "delete",
     "",
     Allow,
     "RBAC: allowed by ClusterRoleBinding \"ops\" of ClusterRole \"all\" to Group \"ops\""},
    {"a user of a group's name", {.name = "ops"}, "delete", "", NoOpinion, ""},
    {"a binding to a role that is gone",
     {.name = "lost"},
     "get",
     "a",
     NoOpinion,
     "RBAC: clusterrole.rbac.authorization.k8s.io \"gone\" not found"},
};

Decision ask(const RbacIndex& index, const Identity& user, const char* verb, const char* namespace_name) {
  return decide(index, {user, {true, verb, "", "v1", "pods", "", namespace_name, "", {}}});
}

TEST(Rbac, Decides) {
  RbacIndex index;
  index.refresh(cluster());
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Decision decision = ask(index, c.user, c.verb, c.namespace_name);
    EXPECT_EQ(decision.kind, c.kind);
    EXPECT_EQ(decision.reason, c.reason);
  }
}

TEST(Rbac, FollowsChanges) {
  RbacIndex index;
  RbacIndex::State state = cluster();
  index.refresh(state);
  const Identity jane{.name = "jane"};
  ASSERT_EQ(ask(index, jane, "get", "a").kind, Allow);

  // The role loses its rule, the bindings stay the same entries.
  const Entries before = state.cluster_roles;
  state.cluster_roles = list({entry<rbac::v1::ClusterRole>(R"({"metadata":{"name":"view"}})")});
  index.refresh(state);
  EXPECT_EQ(ask(index, jane, "get", "a").kind, NoOpinion);
  state.cluster_roles = before;
  index.refresh(state);
  EXPECT_EQ(ask(index, jane, "get", "a").kind, Allow);

  // The binding goes, another one of the namespace stays.
  state.role_bindings = list({state.role_bindings->front()});
  index.refresh(state);
  EXPECT_EQ(ask(index, jane, "get", "a").kind, NoOpinion);
  EXPECT_EQ(ask(index, jane, "update", "a").kind, Allow);

  index.refresh({});
  EXPECT_EQ(ask(index, jane, "update", "a").kind, NoOpinion);
  EXPECT_EQ(ask(index, {.name = "x", .groups = {"ops"}}, "get", "a").kind, NoOpinion);
}

TEST(Rbac, ErrorsAsOneText) {
  EXPECT_EQ(join_errors({}), "");
  EXPECT_EQ(join_errors({"a"}), "a");
  EXPECT_EQ(join_errors({"a", "b"}), "[a, b]");
}

}  // namespace
}  // namespace ph::apiserver

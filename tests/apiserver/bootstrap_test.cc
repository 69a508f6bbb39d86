#include <gtest/gtest.h>

#include <set>

#include "apiserver/authz/cover.h"
#include "apiserver/bootstrap/bootstrap.h"
#include "apiserver/bootstrap/policy.h"
#include "apiserver/bootstrap/reconcile.h"
#include "tests/apiserver/standard_world.h"

namespace ph::apiserver::testing {
namespace {

using nlohmann::json;

TEST(Bootstrap, Policy) {
  const Policy policy = bootstrap_policy();
  EXPECT_EQ(policy.cluster_roles.size(), 69u + 1);          // our own: devices of hollow nodes
  EXPECT_EQ(policy.cluster_role_bindings.size(), 50u + 2);  // our own: hollow nodes, their devices
  EXPECT_EQ(policy.roles.size(), 7u);
  EXPECT_EQ(policy.role_bindings.size(), 7u);
}

TEST(Bootstrap, PolicyText) {
  const Policy policy = parse_policy(
      "ClusterRole view a=b\n"
      "  aggregates to=view\n"
      "ClusterRole one to=view\n"
      "  get list : core apps : pods pods/log : x\n"
      "  get : /a /b\n"
      "RoleBinding ns/two : Role/r : User/u Group/g:h ServiceAccount/ns/s\n");
  ASSERT_EQ(policy.cluster_roles.size(), 2u);
  const auto& view = policy.cluster_roles[0];
  EXPECT_EQ(view.metadata().labels().at("a"), "b");
  EXPECT_EQ(view.metadata().labels().at("kubernetes.io/bootstrapping"), "rbac-defaults");
  EXPECT_EQ(view.metadata().annotations().at("rbac.authorization.kubernetes.io/autoupdate"), "true");
  ASSERT_EQ(view.rules_size(), 2);  // aggregated
  EXPECT_EQ(view.rules(0).api_groups(0), "");
  EXPECT_EQ(view.rules(0).resources(1), "pods/log");
  EXPECT_EQ(view.rules(0).resource_names(0), "x");
  EXPECT_EQ(view.rules(1).non_resource_urls(1), "/b");
  const auto& binding = policy.role_bindings.at(0);
  EXPECT_EQ(binding.metadata().namespace_(), "ns");
  ASSERT_EQ(binding.subjects_size(), 3);
  EXPECT_EQ(binding.subjects(1).name(), "g:h");
  EXPECT_EQ(binding.subjects(1).api_group(), "rbac.authorization.k8s.io");
  EXPECT_EQ(binding.subjects(2).namespace_(), "ns");
  EXPECT_EQ(binding.subjects(2).api_group(), "");
}

TEST(Bootstrap, FreshCluster) {
  StandardWorld world;
  const auto names = [&](const char* target) {
    std::set<std::string> out;
    const json list = world.get(target).json();
    for (const json& item : list.at("items")) out.insert(item["metadata"]["name"]);
    return out;
  };
  EXPECT_EQ(names("/api/v1/namespaces"), (std::set<std::string>{"default", "kube-node-lease", "kube-public", "kube-system"}));
  EXPECT_EQ(names("/apis/scheduling.k8s.io/v1/priorityclasses"),
            (std::set<std::string>{"system-cluster-critical", "system-node-critical"}));
  EXPECT_EQ(names("/apis/rbac.authorization.k8s.io/v1/clusterroles").size(), 69u + 1);
  EXPECT_TRUE(names("/api/v1/namespaces/kube-system/configmaps").contains("extension-apiserver-authentication"));
  const json space = world.get("/api/v1/namespaces/default").json();
  EXPECT_EQ(space["status"]["phase"], "Active");
  EXPECT_EQ(space["spec"]["finalizers"], json::array({"kubernetes"}));
}

TEST(Bootstrap, LostRulesComeBackAtTheNextStart) {
  const char* kRole = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery";
  StandardWorld world;
  json role = world.get(kRole).json();
  const std::size_t whole = role["rules"].size();
  ASSERT_GT(whole, 0u);
  role["rules"] = json::array({json::parse(R"({"verbs":["get"],"nonResourceURLs":["/mine"]})")});
  ASSERT_EQ(world.send(StandardWorld::request("PUT", kRole, role.dump())).status, 200);

  Outcome_<void> outcome;
  {
    Scope scope(world.executor);
    scope.spawn(detail::store_outcome(bootstrap_cluster(*world.server, world.executor.clock(), {}), &outcome));
    world.executor.drain();
  }
  ASSERT_FALSE(outcome.error);
  const json after = world.get(kRole).json();
  EXPECT_GT(after["rules"].size(), whole);
  EXPECT_EQ(after["rules"][0]["nonResourceURLs"][0], "/mine");
}

struct Case {
  const char* name;
  void (*change)(rbac::v1::ClusterRole&);
  bool changed;
};

const Case kCases[] = {
    {"nothing", [](rbac::v1::ClusterRole&) {}, false},
    {"a rule more", [](rbac::v1::ClusterRole& r) { r.add_rules()->add_verbs("x"); }, false},
    {"no rules", [](rbac::v1::ClusterRole& r) { r.clear_rules(); }, true},
    {"a verb fewer", [](rbac::v1::ClusterRole& r) { r.mutable_rules(0)->mutable_verbs()->RemoveLast(); }, true},
    {"a wider rule", [](rbac::v1::ClusterRole& r) { r.mutable_rules(0)->set_verbs(0, "*"); }, false},
    {"a label fewer", [](rbac::v1::ClusterRole& r) { r.mutable_metadata()->clear_labels(); }, true},
    {"a label more", [](rbac::v1::ClusterRole& r) { (*r.mutable_metadata()->mutable_labels())["x"] = "y"; }, false},
    {"protected",
     [](rbac::v1::ClusterRole& r) {
       r.clear_rules();
       (*r.mutable_metadata()->mutable_annotations())["rbac.authorization.kubernetes.io/autoupdate"] = "false";
     },
     false},
};

TEST(Bootstrap, Reconcile) {
  const Policy policy = parse_policy("ClusterRole r a=b\n  get list : core : pods nodes\n");
  const rbac::v1::ClusterRole& expected = policy.cluster_roles[0];
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    rbac::v1::ClusterRole existing = expected;
    c.change(existing);
    EXPECT_EQ(reconcile(existing, expected), c.changed);
    EXPECT_FALSE(reconcile(existing, expected)) << "a second time";
    if (!c.changed) continue;
    const std::vector<rbac::v1::PolicyRule> held(existing.rules().begin(), existing.rules().end());
    const std::vector<rbac::v1::PolicyRule> wanted(expected.rules().begin(), expected.rules().end());
    EXPECT_TRUE(rules_cover(held, wanted).complete);
  }
}

TEST(Bootstrap, ReconcileSubjects) {
  const Policy policy = parse_policy("ClusterRoleBinding b : ClusterRole/r : User/u Group/g\n");
  rbac::v1::ClusterRoleBinding existing = policy.cluster_role_bindings[0];
  EXPECT_FALSE(reconcile(existing, policy.cluster_role_bindings[0]));
  existing.mutable_subjects(0)->set_name("other");
  EXPECT_TRUE(reconcile(existing, policy.cluster_role_bindings[0]));
  EXPECT_EQ(existing.subjects_size(), 3);
}

}  // namespace
}  // namespace ph::apiserver::testing

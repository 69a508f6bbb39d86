// The clusterrole-aggregation loop: which rules a role gathers, and the loop in a simulated cluster.
#include <gmock/gmock.h>

#include "controllers/cluster_role_aggregation/plan.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using cluster_role_aggregation::ClusterRole;
using cluster_role_aggregation::Rules;
using testing::ElementsAre, testing::IsEmpty;
using Texts = std::vector<std::string>;

// "pods get"
void add_rule(ClusterRole& role, const std::string& rule) {
  auto& added = *role.add_rules();
  added.add_api_groups("");
  const auto blank = rule.find(' ');
  added.add_resources(rule.substr(0, blank));
  added.add_verbs(rule.substr(blank + 1));
}
template <class Role>
Texts rules_of(const Role& rules) {
  Texts out;
  for (const auto& rule : rules) out.push_back(rule.resources(0) + " " + rule.verbs(0));
  return out;
}

ClusterRole role(const std::string& name, const Texts& labels, const Texts& rules) {
  ClusterRole out;
  out.mutable_metadata()->set_name(name);
  for (const std::string& label : labels) (*out.mutable_metadata()->mutable_labels())[label] = "1";
  for (const std::string& rule : rules) add_rule(out, rule);
  return out;
}
ClusterRole aggregate(const std::string& name, const Texts& selected, const Texts& rules = {}) {
  ClusterRole out = role(name, {}, rules);
  out.mutable_aggregation_rule();
  for (const std::string& label : selected)
    (*out.mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels())[label] = "1";
  return out;
}

TEST(ClusterRoleAggregationPlan, WhatIsGathered) {
  struct Case {
    const char* name;
    ClusterRole of;
    std::vector<ClusterRole> others;
    Texts rules;
  };
  const Case cases[] = {
      {"nothing matches", aggregate("all", {"x"}, {"pods get"}), {role("a", {"y"}, {"pods get"})}, {}},
      {"by name",
       aggregate("all", {"x"}),
       {role("b", {"x"}, {"pods get"}), role("a", {"x"}, {"nodes get"})},
       {"nodes get", "pods get"}},
      {"selector by selector",
       aggregate("all", {"x", "y"}),
       {role("a", {"y"}, {"pods get", "services get"}), role("b", {"x"}, {"pods get", "secrets list"})},
       {"pods get", "secrets list", "services get"}},
      {"found twice", aggregate("all", {"x", "y"}), {role("a", {"x", "y"}, {"pods get"})}, {"pods get"}},
      {"twice in a role", aggregate("all", {"x"}), {role("a", {"x"}, {"pods get", "pods get"})}, {"pods get"}},
      {"itself", role("all", {"x"}, {"pods get"}), {}, {}},
      {"of one that gathers, too",
       aggregate("all", {"x"}),
       {[] {
         ClusterRole out = aggregate("some", {"y"}, {"pods get"});
         (*out.mutable_metadata()->mutable_labels())["x"] = "1";
         return out;
       }()},
       {"pods get"}},
      {"without selectors", aggregate("all", {}), {role("a", {"x"}, {"pods get"})}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ClusterRole of = c.of;
    if (std::string_view(c.name) == "itself") {
      (*of.mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels())["x"] = "1";
    }
    std::vector<Ref<ClusterRole>> all{std::make_shared<const ClusterRole>(of)};
    for (const ClusterRole& other : c.others) all.push_back(std::make_shared<const ClusterRole>(other));
    EXPECT_EQ(rules_of(cluster_role_aggregation::gathered(of, all)), c.rules);
  }
}

Texts rules_of(sim::Cluster& cluster, const std::string& name) { return rules_of(cluster.get<ClusterRole>(name).rules()); }

TEST(ClusterRoleAggregation, FollowsTheRolesItFinds) {
  sim::Cluster cluster(sim::loops("clusterrole-aggregation-controller"));
  cluster.create(aggregate("all", {"x", "y"}));
  cluster.create(role("b", {"x"}, {"pods get"}));
  cluster.create(role("a", {"y"}, {"pods get", "services get"}));
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("pods get", "services get"));
  cluster.edit<ClusterRole>("b", [](ClusterRole& each) {
    each.clear_rules();
    add_rule(each, "nodes get");
  });
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("nodes get", "pods get", "services get"));
  cluster.edit<ClusterRole>("a", [](ClusterRole& each) { each.mutable_metadata()->clear_labels(); });
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("nodes get"));
  cluster.edit<ClusterRole>("all", [](ClusterRole& each) {
    each.clear_rules();
    add_rule(each, "secrets get");
  });
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("nodes get")) << "by hand";
  cluster.remove<ClusterRole>("b");
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), IsEmpty());
}

TEST(ClusterRoleAggregation, ByWay) {
  sim::Cluster cluster(sim::loops("clusterrole-aggregation-controller"));
  ClusterRole between = aggregate("between", {"x"});
  (*between.mutable_metadata()->mutable_labels())["y"] = "1";
  cluster.create(aggregate("all", {"y"}));
  cluster.create(between);
  cluster.create(role("a", {"x"}, {"pods get"}));
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("pods get"));
}

TEST(ClusterRoleAggregation, LeavesRulesThatItHasNotGathered) {
  sim::Cluster cluster(sim::loops("clusterrole-aggregation-controller"));
  cluster.create(aggregate("all", {"x"}, {"pods get"}));
  cluster.advance(1s);
  EXPECT_THAT(rules_of(cluster, "all"), ElementsAre("pods get")) << "as upstream: it has nothing to take away";
  const auto writes = cluster.history().size();
  cluster.create(role("other", {"y"}, {"pods list"}));
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), writes + 1);
}

TEST(ClusterRoleAggregation, FindsTheServersOwnRolesAsTheyAre) {
  sim::Cluster cluster(sim::loops("clusterrole-aggregation-controller").access());
  cluster.advance(1min);
  EXPECT_FALSE(cluster.get<ClusterRole>("view").rules().empty());
  for (const std::string& line : cluster.history())
    EXPECT_EQ(line.find(" system:serviceaccount:kube-system:clusterrole-aggregation-controller "), line.npos) << line;
  cluster.create(role("mine", {}, {}));
  cluster.edit<ClusterRole>("mine", [](ClusterRole& each) {
    (*each.mutable_metadata()->mutable_labels())["rbac.authorization.k8s.io/aggregate-to-view"] = "true";
    add_rule(each, "widgets get");
  });
  cluster.advance(1s);
  for (const char* name : {"view", "edit", "admin"})
    EXPECT_THAT(rules_of(cluster, name), testing::Contains("widgets get")) << name;
}

}  // namespace
}  // namespace ph::controllers

// The node-route loop: which routes there are to be, and the loop in a simulated cluster.
#include <gmock/gmock.h>

#include "controllers/cloud/local.h"
#include "controllers/common/conditions.h"
#include "controllers/node_route/plan.h"
#include "tests/controllers/scripted_cloud.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using cloud::Route;
using core::v1::Node;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;
using Texts = std::vector<std::string>;

Node node_of(const std::string& name, const std::string& cidr = {}) {
  Node out;
  out.mutable_metadata()->set_name(name);
  if (!cidr.empty()) out.mutable_spec()->set_pod_cidr(cidr), out.mutable_spec()->add_pod_cidrs(cidr);
  return out;
}

TEST(NodeRoutePlan, WhatIsMissingAndWhatIsObsolete) {
  struct Case {
    const char* name;
    std::vector<Node> nodes;
    std::vector<Route> routes;
    Texts missing, obsolete;
  };
  const Case cases[] = {
      {"nothing", {}, {}, {}, {}},
      {"a new node", {node_of("a", "10.0.0.0/24")}, {}, {"a 10.0.0.0/24"}, {}},
      {"a node without a range", {node_of("a")}, {}, {}, {}},
      {"all is well", {node_of("a", "10.0.0.0/24")}, {{"r", "a", "10.0.0.0/24"}}, {}, {}},
      {"of a node that is gone", {}, {{"r", "a", "10.0.0.0/24"}}, {}, {"r"}},
      {"of a node of which the cloud knows nothing", {}, {{"r", "", "10.0.0.0/24"}}, {}, {"r"}},
      {"to another node", {node_of("b", "10.0.0.0/24")}, {{"r", "a", "10.0.0.0/24"}}, {"b 10.0.0.0/24"}, {"r"}},
      {"to nowhere", {node_of("a", "10.0.0.0/24")}, {{"r", "a", "10.0.0.0/24", true}}, {"a 10.0.0.0/24"}, {"r"}},
      {"somebody else's", {}, {{"r", "a", "192.168.0.0/24"}}, {}, {}},
      {"of the other family", {}, {{"r", "a", "fd00:0:0:7::/64"}}, {}, {"r"}},
      {"what nobody can read", {}, {{"r", "a", "soon"}}, {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    cloud::Nodes nodes;
    for (const Node& node : c.nodes) nodes.push_back(informers::NodeView::of(node));
    const auto plan = node_route::plan(nodes, c.routes, node_route::cluster_ranges("10.0.0.0/16,fd00::/48"));
    Texts missing, obsolete;
    for (const auto& each : plan.missing) missing.push_back(each.node->name + " " + each.destination);
    for (const Route& route : plan.obsolete) obsolete.push_back(route.name);
    EXPECT_EQ(missing, c.missing);
    EXPECT_EQ(obsolete, c.obsolete);
  }
}

TEST(NodeRoutePlan, TheConditionIsToldOnce) {
  Node node = node_of("a");
  EXPECT_THAT(*node_route::condition_patch(*informers::NodeView::of(node), true, Time(1h)), HasSubstr("RouteCreated"));
  EXPECT_THAT(*node_route::condition_patch(*informers::NodeView::of(node), false, Time(1h)), HasSubstr("NoRouteCreated"));
  auto& condition = *node.mutable_status()->add_conditions();
  condition.set_type("NetworkUnavailable");
  condition.set_status("False");
  EXPECT_FALSE(node_route::condition_patch(*informers::NodeView::of(node), true, Time(1h)));
  EXPECT_TRUE(node_route::condition_patch(*informers::NodeView::of(node), false, Time(1h)));
}

// -- The loop

class NodeRoutes : public testing::Test {
 protected:
  static Options options(std::shared_ptr<ScriptedCloud> cloud) {
    Options out;
    out.cloud.provider = provider_of(std::move(cloud));
    out.node_ipam.allocate_node_cidrs = true;
    out.node_ipam.cluster_cidr = "10.0.0.0/16";
    return out;
  }
  std::string condition(const std::string& name) {
    const Node node = cluster_.get<Node>(name);
    const auto* found = find_condition(node.status(), "NetworkUnavailable");
    return found ? found->status() + " " + found->reason() + ": " + found->message() : "nothing";
  }
  Texts routes() {
    Texts out;
    for (const auto& [name, route] : cloud_->held_routes) out.push_back(route.node + " " + route.destination);
    return out;
  }

  std::shared_ptr<ScriptedCloud> cloud_ = std::make_shared<ScriptedCloud>();
  sim::Cluster cluster_{sim::loops("route").options(options(cloud_))};
};

TEST_F(NodeRoutes, MakesThemAndSaysSo) {
  cloud_->held_routes["old"] = {"old", "gone", "10.0.9.0/24"};
  cloud_->held_routes["foreign"] = {"foreign", "gone", "192.168.0.0/24"};
  cluster_.create(node_of("a", "10.0.0.0/24"));
  cluster_.create(node_of("b"));
  cluster_.advance(11s);
  EXPECT_THAT(routes(), testing::UnorderedElementsAre("a 10.0.0.0/24", "gone 192.168.0.0/24"));
  EXPECT_EQ(condition("a"), "False RouteCreated: RouteController created a route");
  EXPECT_EQ(condition("b"), "True NoRouteCreated: RouteController failed to create a route");
  const auto writes = cluster_.history().size();
  cluster_.advance(10min);
  EXPECT_EQ(cluster_.history().size(), writes);
  cluster_.remove<Node>("a");
  cluster_.advance(11s);
  EXPECT_THAT(routes(), ElementsAre("gone 192.168.0.0/24"));
}

TEST_F(NodeRoutes, TellsOfThoseItCannotMake) {
  cluster_.create(node_of("a", "10.0.0.0/24"));
  cloud_->held_routes["there"] = {"there", "a", "10.0.0.0/24", true};
  cluster_.advance(11s);
  EXPECT_EQ(condition("a"), "False RouteCreated: RouteController created a route") << "one that leads nowhere is made anew";
  cloud_->held_routes.clear();
  cloud_->problem = "the cloud is full";
  cluster_.advance(11s);
  EXPECT_EQ(condition("a"), "False RouteCreated: RouteController created a route") << "nobody knows";
  cloud_->problem.clear();
  cluster_.advance(11s);
  EXPECT_THAT(routes(), ElementsAre("a 10.0.0.0/24"));
}

TEST(NodeRoute, DoesNothingUnlessNodesAreGivenRanges) {
  Options options;
  const auto cloud = std::make_shared<ScriptedCloud>();
  options.cloud.provider = provider_of(cloud);
  sim::Cluster cluster(sim::loops("route").options(options));
  cluster.create(node_of("a", "10.0.0.0/24"));
  cluster.advance(1min);
  EXPECT_EQ(cloud->requests, 0);
}

TEST(NodeRoute, HasTheRightsItNeeds) {
  Options options;
  options.cloud.provider = provider_of(std::make_shared<ScriptedCloud>());
  options.node_ipam.allocate_node_cidrs = true;
  options.node_ipam.cluster_cidr = "10.0.0.0/16";
  sim::Cluster cluster(sim::loops("route").access().options(options));
  cluster.create(node_of("a", "10.0.0.0/24"));
  cluster.advance(11s);
  EXPECT_NE(find_condition(cluster.get<Node>("a").status(), "NetworkUnavailable"), nullptr);
}

// With ranges that the other loop gives, and routes that this process notes.
TEST(NodeRoute, TheProviderLocal) {
  Options options;
  options.cloud.provider = cloud::local_provider({});
  options.node_ipam.allocate_node_cidrs = true;
  options.node_ipam.cluster_cidr = "10.0.0.0/16";
  sim::Cluster cluster(sim::loops("route,nodeipam").options(options));
  cluster.create(node_of("a"));
  cluster.advance(30s);
  const Node node = cluster.get<Node>("a");
  const auto* condition = find_condition(node.status(), "NetworkUnavailable");
  ASSERT_NE(condition, nullptr);
  EXPECT_EQ(condition->status(), "False");
}

}  // namespace
}  // namespace ph::controllers

// Which zones endpoints are for.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/common/services.h"
#include "controllers/endpoint_slice/hints.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node, core::v1::Pod, core::v1::Service;
using discovery::v1::Endpoint, discovery::v1::EndpointSlice;
using endpoint_slice::NodeFacts, endpoint_slice::Plan, endpoint_slice::ZoneShares;

// Endpoints "a+ a- b+": zone, and whether it is ready; "a>b": hinted to b.
EndpointSlice slice(std::string_view text) {
  EndpointSlice out;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(' '));
    Endpoint& endpoint = *out.add_endpoints();
    endpoint.mutable_conditions()->set_ready(one.back() != '-');
    if (one[0] != '?') endpoint.set_zone(std::string(one.substr(0, 1)));
    if (one.size() == 3) endpoint.mutable_hints()->add_for_zones()->set_name(std::string(one.substr(2)));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
  }
  return out;
}

std::string text(const std::vector<EndpointSlice>& slices) {
  std::string out;
  for (const EndpointSlice& each : slices) {
    out += out.empty() ? "" : " | ";
    for (const Endpoint& endpoint : each.endpoints()) {
      const bool has = endpoint.hints().for_zones_size() > 0;
      out += fmt::format("{}{}", out.empty() || out.ends_with("| ") ? "" : " ", endpoint.zone());
      out += has ? ">" + endpoint.hints().for_zones(0).name() : endpoint.conditions().ready() ? "+" : "-";
    }
  }
  return out;
}

TEST(EndpointHints, SharesOfZones) {
  const auto shares = [](std::vector<NodeFacts> nodes) {
    std::string out;
    for (const auto& [zone, share] : endpoint_slice::zone_shares(nodes)) out += fmt::format("{} {:.2f} ", zone, share);
    return out;
  };
  EXPECT_EQ(shares({{true, "a", 4000}, {true, "b", 12000}}), "a 0.25 b 0.75 ");
  EXPECT_EQ(shares({{true, "a", 4000}, {true, "b", 4000}, {false, "", 0}}), "a 0.50 b 0.50 ")
      << "nodes that take no pods do not matter";
  EXPECT_EQ(shares({{true, "a", 4000}, {true, "", 4000}, {true, "b", 1}}), "") << "one is nowhere";
  EXPECT_EQ(shares({{true, "a", 4000}, {true, "b", 0}}), "") << "one has nothing";
  EXPECT_EQ(shares({{true, "a", 4000}, {true, "a", 4000}}), "") << "one zone";
}

TEST(EndpointHints, FactsOfANode) {
  Node node;
  (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] = "z";
  (*node.mutable_status()->mutable_allocatable())["cpu"].set_string("1500m");
  EXPECT_EQ(endpoint_slice::facts_of(*informers::NodeView::of(node)), (NodeFacts{false, "z", 1500}));
  auto& ready = *node.mutable_status()->add_conditions();
  ready.set_type("Ready");
  ready.set_status("True");
  EXPECT_EQ(endpoint_slice::facts_of(*informers::NodeView::of(node)), (NodeFacts{true, "z", 1500}));
  (*node.mutable_metadata()->mutable_labels())["node-role.kubernetes.io/control-plane"] = "";
  EXPECT_FALSE(endpoint_slice::facts_of(*informers::NodeView::of(node)).counts);
}

TEST(EndpointHints, ByZones) {
  const ZoneShares even{{"a", 0.5}, {"b", 0.5}}, uneven{{"a", 0.25}, {"b", 0.75}}, three{{"a", 0.34}, {"b", 0.33}, {"c", 0.33}};
  struct Case {
    const char* name;
    ZoneShares shares;
    const char *create, *update, *unchanged;
    const char *created, *updated, *stays;
    const char* told;
  };
  const Case cases[] = {
      {"each in its own", even, "a+ b+", "", "", "a>a b>b", "", "", ""},
      {"one zone gives", even, "a+ a+ a+ a+ b+ b+", "", "", "a>b a>a a>a a>a b>b b>b", "", "", ""},
      {"as the shares are", uneven, "a+ a+ a+ a+ b+ b+ b+ b+", "", "", "a>b a>b a>a a>a b>b b>b b>b b>b", "", "", ""},
      {"those that are not ready are for nobody", even, "a+ a- b+ b-", "", "", "a>a a- b>b b-", "", "", ""},
      {"what is not written stays", even, "", "a+ b+", "a>a b>b", "", "a>a b>b", "a>a b>b", ""},
      {"… unless it has none", even, "", "", "a+ b+", "", "a>a b>b", "", ""},
      {"… or is for a zone that is none", even, "", "", "a>c b>b", "", "a>a b>b", "", ""},
      {"fewer endpoints than zones", three, "b+", "", "a>a", "b+", "a+", "",
       "Insufficient number of endpoints (2 endpoints, 3 zones), addressType: IPv4"},
      {"nothing is known of nodes",
       {},
       "a+ b+",
       "",
       "",
       "a+ b+",
       "",
       "",
       "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes, addressType: IPv4"},
      {"an endpoint is nowhere", even, "a+ ?+", "", "b+ b+", "a+ +", "", "b+ b+",
       "One or more endpoints do not have a zone specified, addressType: IPv4"},
      {"too much for a zone",
       {{"a", 0.9}, {"b", 0.05}, {"c", 0.05}},
       "a+ b+ c+",
       "",
       "",
       "a+ b+ c+",
       "",
       "",
       "Minimum allocation would exceed the acceptable overload threshold (3 endpoints, 3 zones), addressType: IPv4"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Plan plan;
    if (*c.create) plan.create.push_back(slice(c.create));
    if (*c.update) plan.update.push_back(slice(c.update));
    if (*c.unchanged) plan.unchanged.push_back(slice(c.unchanged));
    const auto hinted = endpoint_slice::hint_by_zones(plan, c.shares, "IPv4");
    EXPECT_EQ(hinted.told.message, c.told);
    EXPECT_EQ(hinted.done, *c.told == '\0');
    EXPECT_EQ(text(plan.create), c.created);
    EXPECT_EQ(text(plan.update), c.updated);
    EXPECT_EQ(text(plan.unchanged), c.stays);
  }
}

TEST(EndpointHints, ByDistribution) {
  const auto hinted = [](const char* distribution) {
    Service service;
    if (*distribution) service.mutable_spec()->set_traffic_distribution(distribution);
    Plan plan;
    plan.create.push_back(slice("a+ b-"));
    plan.create[0].mutable_endpoints(0)->set_node_name("n");
    plan.unchanged.push_back(slice("a>b"));
    endpoint_slice::hint_by_distribution(plan, service);
    return fmt::format("{}/{}/{}/{}", text(plan.create), text(plan.update), text(plan.unchanged),
                       plan.create[0].endpoints(0).hints().for_nodes_size());
  };
  EXPECT_EQ(hinted(""), "a+ b-/a+//0");
  EXPECT_EQ(hinted("PreferSameZone"), "a>a b-/a>a//0");
  EXPECT_EQ(hinted("PreferClose"), "a>a b-/a>a//0");
  EXPECT_EQ(hinted("PreferSameNode"), "a>a b-/a>a//1");
}

TEST(EndpointHints, Overload) {
  EXPECT_FALSE(endpoint_slice::is_overloaded({}, {}));
  EXPECT_TRUE(endpoint_slice::is_overloaded({{"a", 1}}, {}));
  EXPECT_FALSE(endpoint_slice::is_overloaded({{"a", 3}, {"b", 3}}, {{"a", 0.5}, {"b", 0.5}}));
  EXPECT_TRUE(endpoint_slice::is_overloaded({{"a", 5}, {"b", 1}}, {{"a", 0.5}, {"b", 0.5}}));
  EXPECT_TRUE(endpoint_slice::is_overloaded({{"a", 6}}, {{"a", 0.5}, {"b", 0.5}})) << "a zone that has none";
}

TEST(ChangeBatches, GatherWhatIsNotTheServicesOwn) {
  ChangeBatches batches(10s);
  const Steady begin(Duration(100s));
  EXPECT_EQ(batches.wait({"d", "a"}, "1", begin), 0s);
  EXPECT_EQ(batches.wait({"d", "a"}, "1", begin + 3s), 7s);
  EXPECT_EQ(batches.wait({"d", "b"}, "1", begin + 3s), 0s);
  EXPECT_EQ(batches.wait({"d", "a"}, "2", begin + 4s), 0s) << "the service has changed";
  EXPECT_EQ(batches.wait({"d", "a"}, "2", begin + 14s), 0s);
  EXPECT_EQ(ChangeBatches(0s).wait({"d", "a"}, "1", begin), 0s);
}

// -- In a cluster

void make_node(sim::Cluster& cluster, const std::string& name, const std::string& zone) {
  Node node;
  node.mutable_metadata()->set_name(name);
  (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] = zone;
  node = cluster.create(node);
  (*node.mutable_status()->mutable_allocatable())["cpu"].set_string("4");
  auto& ready = *node.mutable_status()->add_conditions();
  ready.set_type("Ready");
  ready.set_status("True");
  cluster.update_status(node);
}

void make_endpoint(sim::Cluster& cluster, int number, const std::string& node) {
  Pod pod = sim::make_pod(fmt::format("default/p{}", number), node);
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  pod = cluster.create(pod);
  pod.mutable_status()->set_phase("Running");
  pod.mutable_status()->set_pod_ip(fmt::format("10.0.0.{}", number));
  pod.mutable_status()->add_pod_ips()->set_ip(fmt::format("10.0.0.{}", number));
  auto& ready = *pod.mutable_status()->add_conditions();
  ready.set_type("Ready");
  ready.set_status("True");
  cluster.update_status(pod);
}

TEST(EndpointSliceLoop, ZoneHintsComeAndGo) {
  sim::Cluster cluster(sim::loops("endpointslice"));
  make_node(cluster, "a", "z1");
  make_node(cluster, "b", "z2");
  Service web = sim::make_service("default/web");
  (*web.mutable_metadata()->mutable_annotations())["service.kubernetes.io/topology-mode"] = "Auto";
  cluster.create(web);
  for (int i = 1; i <= 6; ++i) make_endpoint(cluster, i, i <= 4 ? "a" : "b");
  cluster.advance(2s);
  const auto by_zone = [&] {
    const auto zones = endpoint_slice::hints_by_zone(cluster.list<EndpointSlice>("default"));
    std::string out;
    for (const auto& [zone, number] : zones) out += fmt::format("{}={} ", zone, number);
    return out;
  };
  EXPECT_EQ(by_zone(), "z1=3 z2=3 ");
  const auto told = [&](const char* reason) {
    int out = 0;
    for (const auto& event : cluster.list<core::v1::Event>("default")) out += event.reason() == reason;
    return out;
  };
  EXPECT_EQ(told("TopologyAwareHintsEnabled"), 1);
  // A third zone: the two there are would bear too much of what comes from it.
  make_node(cluster, "c", "z3");
  cluster.advance(2s);
  EXPECT_EQ(by_zone(), "z1=2 z2=2 z3=2 ");
  cluster.edit<Service>("default/web", [](Service& service) { service.mutable_metadata()->clear_annotations(); });
  cluster.advance(2s);
  EXPECT_EQ(by_zone(), "");
  EXPECT_GE(told("TopologyAwareHintsDisabled"), 1);
  std::uint64_t before = cluster.history().size();
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), before) << "nothing is written any more";
}

TEST(EndpointSliceLoop, ABatchPeriodGathersPods) {
  controllers::Options options;
  options.endpoint_slice_updates_batch_period = 10s;
  sim::Cluster cluster(sim::loops("endpointslice").options(options));
  make_node(cluster, "a", "z1");
  cluster.create(sim::make_service("default/web"));
  cluster.advance(30s);
  int writes = 0;
  cluster.on_write([&](const sim::Cluster::Write& write) { writes += write.kind.kind == "EndpointSlice"; });
  for (int i = 1; i <= 20; ++i) {
    make_endpoint(cluster, i, "a");
    cluster.advance(500ms);
  }
  EXPECT_LE(writes, 2);
  cluster.advance(20s);
  EXPECT_LE(writes, 3);
  EXPECT_EQ(cluster.list<EndpointSlice>("default").at(0).endpoints_size(), 20);
}

}  // namespace
}  // namespace ph::controllers

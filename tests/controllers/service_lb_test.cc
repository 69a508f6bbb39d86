// The service-lb loop: what concerns load balancers, and the loop in a simulated cluster, with the provider `local` and a scripted one.
#include <gmock/gmock.h>

#include "controllers/cloud/address_book.h"
#include "controllers/cloud/local.h"
#include "controllers/service_lb/plan.h"
#include "tests/controllers/scripted_cloud.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node, core::v1::Service;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::Not, testing::UnorderedElementsAre;
using Texts = std::vector<std::string>;

Service balanced(const std::string& name, const std::function<void(Service&)>& change = {}) {
  Service out = sim::make_service("default/" + name);
  out.mutable_spec()->set_type("LoadBalancer");
  if (change) change(out);
  return out;
}

void make_plain(Service& service) {
  service.mutable_spec()->set_type("ClusterIP");
  service.mutable_spec()->mutable_ports(0)->clear_node_port();
}

// -- Rules

TEST(ServiceLbPlan, WhoseLoadBalancerItIs) {
  struct Case {
    const char* name;
    std::function<void(Service&)> change;
    bool wants, needs_cleanup;
  };
  const auto finalizer = [](Service& service) { service.mutable_metadata()->add_finalizers(service_lb::kFinalizer); };
  const Case cases[] = {
      {"a new one", {}, true, false},
      {"one that has its finalizer", finalizer, true, false},
      {"of another type", [](Service& s) { s.mutable_spec()->set_type("NodePort"); }, false, false},
      {"that it was not before", [&](Service& s) { finalizer(s), s.mutable_spec()->set_type("NodePort"); }, false, true},
      {"deleted", [&](Service& s) { finalizer(s), s.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1); }, true,
       true},
      {"of a class", [](Service& s) { s.mutable_spec()->set_load_balancer_class("example.com/other"); }, false, false},
      {"of a class, deleted",
       [&](Service& s) {
         finalizer(s), s.mutable_spec()->set_load_balancer_class("example.com/other");
         s.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
       },
       false, false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Service service = balanced("web", c.change);
    EXPECT_EQ(service_lb::wants_load_balancer(service), c.wants);
    EXPECT_EQ(service_lb::needs_cleanup(service), c.needs_cleanup);
  }
}

TEST(ServiceLbPlan, WhatChangesIt) {
  using Change = std::function<void(core::v1::ServiceSpec&)>;
  struct Case {
    const char* name;
    Change change;
    bool concerns;
    Texts told;
  };
  const Case cases[] = {
      {"nothing", [](auto&) {}, false, {}},
      {"the selector", [](auto& s) { (*s.mutable_selector())["x"] = "y"; }, false, {}},
      {"its own address", [](auto& s) { s.set_cluster_ip("10.0.0.9"); }, false, {}},
      {"where a port leads to", [](auto& s) { s.mutable_ports(0)->mutable_target_port()->set_int_val(8080); }, false, {}},
      {"a port", [](auto& s) { s.mutable_ports(0)->set_port(81); }, true, {}},
      {"a node port", [](auto& s) { s.mutable_ports(0)->set_node_port(30001); }, true, {}},
      {"affinity", [](auto& s) { s.set_session_affinity("ClientIP"); }, true, {}},
      {"sources",
       [](auto& s) { s.add_load_balancer_source_ranges("10.0.0.0/8"); },
       true,
       {"LoadBalancerSourceRanges: [] -> [10.0.0.0/8]"}},
      {"an address", [](auto& s) { s.set_load_balancer_ip("192.0.2.7"); }, true, {"LoadbalancerIP:  -> 192.0.2.7"}},
      {"an external address", [](auto& s) { s.add_external_ips("192.0.2.7"); }, true, {"ExternalIP: Count: 0 -> 1"}},
      {"the policy", [](auto& s) { s.set_external_traffic_policy("Local"); }, true, {"ExternalTrafficPolicy:  -> Local"}},
      {"the port of health checks",
       [](auto& s) { s.set_health_check_node_port(30007); },
       true,
       {"HealthCheckNodePort: 0 -> 30007"}},
      {"the type", [](auto& s) { s.set_type("NodePort"); }, true, {"Type: LoadBalancer -> NodePort"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Service before = balanced("web"), after = balanced("web", [&](Service& s) { c.change(*s.mutable_spec()); });
    EXPECT_EQ(service_lb::wanted_of(before) != service_lb::wanted_of(after), c.concerns);
    Texts told;
    for (const auto& [reason, message] : service_lb::told_changes(service_lb::wanted_of(before), service_lb::wanted_of(after)))
      told.push_back(reason + ": " + message);
    EXPECT_EQ(told, c.told);
  }
}

TEST(ServiceLbPlan, WhichNodesStandBehindIt) {
  struct Case {
    const char* name;
    std::function<void(Node&)> change;
    bool is_behind, changes;
  };
  const Case cases[] = {
      {"any", [](Node&) {}, true, false},
      {"one that is not ready", [](Node& n) { n.mutable_status()->add_conditions()->set_type("Ready"); }, true, false},
      {"one that is left out",
       [](Node& n) { (*n.mutable_metadata()->mutable_labels())["node.kubernetes.io/exclude-from-external-load-balancers"] = ""; },
       false, true},
      {"one that is to go", [](Node& n) { n.mutable_spec()->add_taints()->set_key("ToBeDeletedByClusterAutoscaler"); }, false,
       false},
      {"one that goes", [](Node& n) { n.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1); }, false, true},
      {"another machine", [](Node& n) { n.mutable_spec()->set_provider_id("x://y"); }, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Node before, after;
    for (Node* node : {&before, &after}) node->mutable_metadata()->set_name("a");
    c.change(after);
    EXPECT_EQ(service_lb::is_behind(*informers::NodeView::of(after)), c.is_behind);
    EXPECT_EQ(service_lb::changes_nodes(informers::NodeView::of(before).get(), informers::NodeView::of(after).get()), c.changes);
  }
}

// -- The loop, with `local`

sim::Setup with_pool(const std::string& addresses) {
  Options options;
  cloud::LocalConfig config;
  config.pools.push_back({.addresses = {cloud::read_addresses(addresses)}});
  options.cloud.provider = cloud::local_provider(std::move(config));
  return sim::loops("service").options(options);
}

Texts addresses(const Service& service) {
  Texts out;
  for (const auto& ingress : service.status().load_balancer().ingress())
    out.push_back(ingress.ip() + ingress.hostname() + (ingress.has_ip_mode() ? " " + ingress.ip_mode() : ""));
  return out;
}
Texts addresses(sim::Cluster& cluster, const std::string& key) { return addresses(cluster.get<Service>(key)); }

Texts told(sim::Cluster& cluster) {
  Texts out;
  for (const auto& event : cluster.list<core::v1::Event>())
    out.push_back(event.type() + " " + event.reason() + " " + event.source().component() + ": " + event.message());
  return out;
}

void make_node(sim::Cluster& cluster, const std::string& name) {
  Node node;
  node.mutable_metadata()->set_name(name);
  cluster.create(node);
}

TEST(ServiceLb, GivesAnAddressAndTakesItBack) {
  sim::Cluster cluster(with_pool("192.0.2.0/31"));
  make_node(cluster, "a");
  cluster.create(balanced("web"));
  cluster.advance(1s);
  Service web = cluster.get<Service>("default/web");
  EXPECT_THAT(addresses(web), ElementsAre("192.0.2.0 VIP"));
  EXPECT_THAT(web.metadata().finalizers(), ElementsAre("service.kubernetes.io/load-balancer-cleanup"));
  EXPECT_THAT(told(cluster), UnorderedElementsAre("Normal EnsuringLoadBalancer service-controller: Ensuring load balancer",
                                                  "Normal EnsuredLoadBalancer service-controller: Ensured load balancer"));
  cluster.edit<Service>("default/web", make_plain);
  cluster.advance(1s);
  web = cluster.get<Service>("default/web");
  EXPECT_THAT(addresses(web), IsEmpty());
  EXPECT_THAT(web.metadata().finalizers(), IsEmpty());
  EXPECT_THAT(told(cluster), Contains("Normal DeletingLoadBalancer service-controller: Deleting load balancer"));
  EXPECT_THAT(told(cluster), Contains("Normal DeletedLoadBalancer service-controller: Deleted load balancer"));
}

TEST(ServiceLb, IsDeletedOnceTheAddressIsGivenBack) {
  sim::Cluster cluster(with_pool("192.0.2.7"));
  for (const char* name : {"web", "later"}) {
    cluster.create(balanced(name));
    cluster.advance(1s);
  }
  EXPECT_THAT(addresses(cluster, "default/later"), IsEmpty());
  EXPECT_THAT(told(cluster), Contains("Warning SyncLoadBalancerFailed service-controller: Error syncing load balancer: failed to "
                                      "ensure load balancer: no IPv4 address is left"));
  EXPECT_THAT(told(cluster), Contains("Warning UnAvailableLoadBalancer service-controller: There are no available nodes for "
                                      "LoadBalancer"));
  cluster.advance(20min);
  cluster.remove<Service>("default/web");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Service>("default/web"));
  EXPECT_THAT(addresses(cluster, "default/later"), ElementsAre("192.0.2.7 VIP")) << "at once, however long it has waited";
}

TEST(ServiceLb, KnowsAfterARestartWhoHasWhat) {
  sim::Cluster cluster(with_pool("192.0.2.0/29"));
  for (const char* name : {"a", "b", "c"}) {
    cluster.create(balanced(name));
    cluster.advance(1s);
  }
  cluster.remove<Service>("default/a");
  cluster.advance(1s);
  cluster.restart_loops();
  // Before those that were there have been looked at.
  cluster.create(balanced("aa"));
  cluster.create(balanced("ab"));
  cluster.advance(1min);
  EXPECT_THAT(addresses(cluster, "default/b"), ElementsAre("192.0.2.1 VIP"));
  EXPECT_THAT(addresses(cluster, "default/c"), ElementsAre("192.0.2.2 VIP"));
  EXPECT_THAT((Texts{addresses(cluster, "default/aa").at(0), addresses(cluster, "default/ab").at(0)}),
              UnorderedElementsAre("192.0.2.0 VIP", "192.0.2.3 VIP"));
}

TEST(ServiceLb, SharesAnAddressByKey) {
  sim::Cluster cluster(with_pool("192.0.2.0/29"));
  const auto shared = [](int port) {
    return [port](Service& service) {
      (*service.mutable_metadata()->mutable_annotations())[cloud::kSharingKey] = "web";
      service.mutable_spec()->mutable_ports(0)->set_port(port);
    };
  };
  cluster.create(balanced("plain", shared(80)));
  cluster.create(balanced("secure", shared(443)));
  cluster.create(balanced("again", shared(443)));
  cluster.advance(1min);
  EXPECT_EQ(addresses(cluster, "default/plain"), addresses(cluster, "default/secure"));
  EXPECT_NE(addresses(cluster, "default/again"), addresses(cluster, "default/secure"));
}

TEST(ServiceLb, MovesToTheAddressThatIsAskedFor) {
  sim::Cluster cluster(with_pool("192.0.2.0/29"));
  cluster.create(balanced("web"));
  cluster.advance(1s);
  cluster.edit<Service>("default/web", [](Service& s) { s.mutable_spec()->set_load_balancer_ip("192.0.2.5"); });
  cluster.advance(1s);
  EXPECT_THAT(addresses(cluster, "default/web"), ElementsAre("192.0.2.5 VIP"));
  EXPECT_THAT(told(cluster), Contains("Normal LoadbalancerIP service-controller:  -> 192.0.2.5"));
  cluster.create(balanced("next"));
  cluster.advance(1s);
  EXPECT_THAT(addresses(cluster, "default/next"), ElementsAre("192.0.2.0 VIP")) << "what it had is free";
}

TEST(ServiceLb, LeavesOtherClassesAlone) {
  sim::Cluster cluster(with_pool("192.0.2.0/29"));
  cluster.create(balanced("web", [](Service& s) {
    s.mutable_spec()->set_load_balancer_class("example.com/other");
    s.mutable_metadata()->add_finalizers(service_lb::kFinalizer);
  }));
  cluster.advance(1min);
  EXPECT_THAT(addresses(cluster, "default/web"), IsEmpty());
  cluster.remove<Service>("default/web");
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<Service>("default/web")) << "its finalizer is somebody else's";
  EXPECT_THAT(told(cluster), IsEmpty());
}

TEST(ServiceLb, DoesNothingWithoutACloud) {
  sim::Cluster cluster(sim::loops("service"));
  cluster.create(balanced("web"));
  cluster.advance(1min);
  EXPECT_THAT(addresses(cluster, "default/web"), IsEmpty());
  EXPECT_THAT(cluster.get<Service>("default/web").metadata().finalizers(), IsEmpty());
}

TEST(ServiceLb, HasTheRightsItNeeds) {
  sim::Cluster cluster(with_pool("192.0.2.0/29").access());
  cluster.create(balanced("web"));
  cluster.advance(1s);
  EXPECT_THAT(addresses(cluster, "default/web"), ElementsAre("192.0.2.0 VIP"));
  cluster.remove<Service>("default/web");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Service>("default/web"));
}

TEST(ServiceLb, AtRestWritesNothing) {
  sim::Cluster cluster(with_pool("192.0.2.0/29"));
  make_node(cluster, "a");
  cluster.create(balanced("web"));
  cluster.advance(1min);
  const auto writes = cluster.history().size();
  cluster.advance(30min);
  EXPECT_EQ(cluster.history().size(), writes);
}

// -- The loop, with a cloud that is told what to answer

class ScriptedServiceLb : public testing::Test {
 protected:
  ScriptedServiceLb() {
    make_node(cluster_, "a");
    make_node(cluster_, "b");
    cluster_.create(balanced("web"));
  }
  sim::Setup setup() {
    Options options;
    options.cloud.provider = provider_of(cloud_);
    return sim::loops("service").options(options);
  }
  Texts nodes() {
    const auto found = cloud_->balancers.find(cluster_.get<Service>("default/web").metadata().uid());
    return found == cloud_->balancers.end() ? Texts{"none"} : found->second;
  }

  std::shared_ptr<ScriptedCloud> cloud_ = std::make_shared<ScriptedCloud>();
  sim::Cluster cluster_{setup()};
};

TEST_F(ScriptedServiceLb, PutsOtherNodesBehindIt) {
  cluster_.advance(2s);
  EXPECT_THAT(nodes(), ElementsAre("a", "b"));
  make_node(cluster_, "c");
  cluster_.advance(2s);
  EXPECT_THAT(nodes(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(told(cluster_), Contains("Normal UpdatedLoadBalancer service-controller: Updated load balancer with new hosts"));
  cluster_.edit<Node>("a", [](Node& node) {
    (*node.mutable_metadata()->mutable_labels())["node.kubernetes.io/exclude-from-external-load-balancers"] = "";
  });
  cluster_.advance(2s);
  EXPECT_THAT(nodes(), ElementsAre("b", "c"));
  cluster_.remove<Node>("b");
  cluster_.remove<Node>("c");
  cluster_.advance(2s);
  EXPECT_THAT(nodes(), IsEmpty());
  EXPECT_THAT(told(cluster_), Contains(HasSubstr("Warning UnAvailableLoadBalancer")));
}

TEST_F(ScriptedServiceLb, TellsOfWhatTheCloudRefuses) {
  cluster_.advance(2s);
  cloud_->problem = "the cloud is full";
  make_node(cluster_, "c");
  cluster_.advance(2s);
  EXPECT_THAT(
      told(cluster_),
      Contains("Warning UpdateLoadBalancerFailed service-controller: Error updating load balancer with new hosts [a b c] [node "
               "names limited, total number of nodes: 3], error: the cloud is full"));
  EXPECT_THAT(told(cluster_), Not(Contains(HasSubstr("SyncLoadBalancerFailed")))) << "it is as it should be, but for the nodes";
  cluster_.remove<Service>("default/web");
  cluster_.advance(1min);
  EXPECT_TRUE(cluster_.has<Service>("default/web"));
  EXPECT_THAT(told(cluster_),
              Contains("Warning SyncLoadBalancerFailed service-controller: Error syncing load balancer: failed to check "
                       "if load balancer exists before cleanup: the cloud is full"));
  const int before = cloud_->requests;
  cluster_.advance(30min);
  EXPECT_LE(cloud_->requests - before, 8) << "with pauses of five minutes at last";
  cloud_->problem.clear();
  cluster_.advance(5min);
  EXPECT_FALSE(cluster_.has<Service>("default/web"));
  EXPECT_THAT(cloud_->balancers, IsEmpty());
}

TEST_F(ScriptedServiceLb, TakesBackWhatSomebodyHasTakenTheFinalizerFrom) {
  cluster_.advance(2s);
  cluster_.edit<Service>("default/web", [](Service& service) {
    make_plain(service);
    service.mutable_metadata()->clear_finalizers();
  });
  cluster_.remove<Service>("default/web");
  cluster_.advance(2s);
  EXPECT_FALSE(cluster_.has<Service>("default/web"));
  EXPECT_THAT(cloud_->balancers, IsEmpty());
}

}  // namespace
}  // namespace ph::controllers

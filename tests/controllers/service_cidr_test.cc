// The service-cidr loop: which ranges may go, and the loop in a simulated cluster.
#include <gmock/gmock.h>

#include "controllers/common/conditions.h"
#include "controllers/service_cidr/plan.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using service_cidr::IPAddress;
using service_cidr::ServiceCIDR;
using testing::ElementsAre, testing::IsEmpty;

const Time kNow(1000h);

ServiceCIDR range(const std::string& name, const std::vector<std::string>& cidrs) {
  ServiceCIDR out;
  out.mutable_metadata()->set_name(name);
  for (const std::string& cidr : cidrs) out.mutable_spec()->add_cidrs(cidr);
  return out;
}

IPAddress address(const std::string& name, const std::string& manager = "ipallocator.k8s.io") {
  IPAddress out;
  out.mutable_metadata()->set_name(name);
  auto& labels = *out.mutable_metadata()->mutable_labels();
  labels["ipaddress.kubernetes.io/ip-family"] = name.find(':') == name.npos ? "IPv4" : "IPv6";
  labels["ipaddress.kubernetes.io/managed-by"] = manager;
  auto& parent = *out.mutable_spec()->mutable_parent_ref();
  parent.set_resource("services");
  parent.set_namespace_("default");
  parent.set_name("web");
  return out;
}

TEST(ServiceCidrPlan, WhatMayGo) {
  struct Other {
    std::vector<std::string> cidrs;
    bool leaves = false;
  };
  struct Case {
    const char* name;
    std::vector<std::string> cidrs;
    std::vector<Other> others;
    std::vector<std::string> addresses;
    bool may_go;
  };
  const Case cases[] = {
      {"nobody has an address of it", {"172.30.0.0/24"}, {}, {}, true},
      {"somebody has", {"172.30.0.0/24"}, {}, {"172.30.0.7"}, false},
      {"of another range", {"172.30.0.0/24"}, {}, {"172.30.1.7", "fd00::7"}, true},
      {"kept by hand", {"172.30.0.0/24"}, {}, {"by-hand 172.30.0.7"}, true},
      {"a larger one has all of it", {"172.30.0.0/28"}, {{{"172.30.0.0/24"}}}, {"172.30.0.7"}, true},
      {"another one is the same", {"172.30.0.0/28"}, {{{"172.30.0.0/28"}}}, {"172.30.0.7"}, true},
      {"the larger one leaves, too", {"172.30.0.0/28"}, {{{"172.30.0.0/24"}, true}}, {"172.30.0.7"}, false},
      {"a smaller one has what is given", {"172.30.0.0/24"}, {{{"172.30.0.0/28"}}}, {"172.30.0.7"}, true},
      {"and not all of it", {"172.30.0.0/24"}, {{{"172.30.0.0/28"}}}, {"172.30.0.7", "172.30.0.77"}, false},
      {"one family is covered", {"172.30.0.0/24", "fd00::/112"}, {{{"172.30.0.0/16"}}}, {"172.30.0.7", "fd00::7"}, false},
      {"both are, by two", {"172.30.0.0/24", "fd00::/112"}, {{{"172.30.0.0/16"}}, {{"fd00::/108"}}}, {"fd00::7"}, true},
      {"what nobody can read", {"soon"}, {{{"soon"}}}, {"here", "172.30.0.7"}, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ServiceCIDR judged = range("judged", c.cidrs);
    judged.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    service_cidr::Ranges all{std::make_shared<const ServiceCIDR>(judged)};
    for (const Other& other : c.others) {
      ServiceCIDR made = range("other-" + std::to_string(all.size()), other.cidrs);
      if (other.leaves) made.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
      all.push_back(std::make_shared<const ServiceCIDR>(std::move(made)));
    }
    service_cidr::Addresses addresses;
    for (const std::string& text : c.addresses) {
      const auto blank = text.find(' ');
      addresses.push_back(std::make_shared<const IPAddress>(
          blank == text.npos ? address(text) : address(text.substr(blank + 1), text.substr(0, blank))));
    }
    EXPECT_EQ(service_cidr::may_go(judged, all, addresses), c.may_go);
  }
}

TEST(ServiceCidrPlan, WhatOverlaps) {
  const ServiceCIDR large = range("large", {"172.30.0.0/16", "fd00::/64"}), small = range("small", {"172.30.7.0/24"}),
                    aside = range("aside", {"172.31.0.0/16"}), sixth = range("sixth", {"fd00::/112"});
  EXPECT_TRUE(service_cidr::overlap(large, small));
  EXPECT_TRUE(service_cidr::overlap(small, large));
  EXPECT_TRUE(service_cidr::overlap(sixth, large));
  EXPECT_FALSE(service_cidr::overlap(aside, large));
  EXPECT_FALSE(service_cidr::overlap(small, sixth));
}

TEST(ServiceCidrPlan, WhatTheConditionSays) {
  ServiceCIDR some = range("some", {"172.30.0.0/24"});
  EXPECT_FALSE(service_cidr::says(some, service_cidr::ready(kNow)));
  *some.mutable_status()->add_conditions() = service_cidr::ready(kNow);
  EXPECT_TRUE(service_cidr::says(some, service_cidr::ready(kNow + 1h))) << "whenever it came to be so";
  EXPECT_FALSE(service_cidr::says(some, service_cidr::waiting_for_addresses(kNow)));
}

// -- The loop

std::string told(const ServiceCIDR& range) {
  const meta::v1::Condition* ready = find_condition(range.status(), "Ready");
  return ready ? ready->status() + " " + ready->reason() + ": " + ready->message() : "nothing";
}
std::string told(sim::Cluster& cluster, const std::string& name) { return told(cluster.get<ServiceCIDR>(name)); }

constexpr const char* kReady = "True : Kubernetes Service CIDR is ready";
constexpr const char* kWaits =
    "False Terminating: There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";

TEST(ServiceCidr, MakesOneReady) {
  sim::Cluster cluster(sim::loops("service-cidr-controller"));
  cluster.create(range("more", {"172.30.0.0/24", "fd00:30::/112"}));
  cluster.advance(1s);
  const ServiceCIDR more = cluster.get<ServiceCIDR>("more");
  EXPECT_EQ(told(more), kReady);
  EXPECT_THAT(more.metadata().finalizers(), ElementsAre("networking.k8s.io/service-cidr-finalizer"));
  std::vector<std::string> managers;
  for (const auto& entry : more.metadata().managed_fields())
    managers.push_back(entry.manager() + " " + entry.operation() + " " + entry.subresource());
  EXPECT_THAT(managers, testing::Contains("service-cidr-controller Apply status"));
  const auto writes = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), writes);
}

TEST(ServiceCidr, StaysWhatIsTakenAway) {
  sim::Cluster cluster(sim::loops("service-cidr-controller"));
  cluster.create(range("more", {"172.30.0.0/24"}));
  cluster.advance(1s);
  cluster.edit<ServiceCIDR>("more", [](ServiceCIDR& each) { each.mutable_metadata()->clear_finalizers(); });
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<ServiceCIDR>("more").metadata().finalizers_size(), 1);
}

TEST(ServiceCidr, GoesWhenNobodyNeedsIt) {
  sim::Cluster cluster(sim::loops("service-cidr-controller"));
  cluster.create(range("more", {"172.30.0.0/24"}));
  cluster.create(address("172.30.0.7"));
  cluster.advance(1s);
  cluster.remove<ServiceCIDR>("more");
  cluster.advance(1min);
  EXPECT_EQ(told(cluster, "more"), kWaits);
  cluster.remove<IPAddress>("172.30.0.7");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<ServiceCIDR>("more"));
}

TEST(ServiceCidr, StaysForAWhile) {
  sim::Cluster cluster(sim::loops("service-cidr-controller"));
  cluster.create(range("more", {"172.30.0.0/24"}));
  cluster.advance(1s);
  cluster.remove<ServiceCIDR>("more");
  cluster.advance(8s);
  EXPECT_EQ(told(cluster, "more"), kReady) << "somebody may still give an address of it";
  cluster.create(address("172.30.0.7"));
  cluster.advance(1min);
  EXPECT_EQ(told(cluster, "more"), kWaits);
  cluster.create(range("instead", {"172.30.0.0/16"}));
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<ServiceCIDR>("more"));
  EXPECT_EQ(told(cluster, "instead"), kReady);
}

TEST(ServiceCidr, TheLargerOneMayNotLeaveTheSmallerOnesAddresses) {
  sim::Cluster cluster(sim::loops("service-cidr-controller"));
  cluster.create(range("large", {"172.30.0.0/16"}));
  cluster.create(range("small", {"172.30.0.0/24"}));
  cluster.create(address("172.30.0.7"));
  cluster.advance(1s);
  cluster.remove<ServiceCIDR>("large");
  cluster.remove<ServiceCIDR>("small");
  cluster.advance(1min);
  EXPECT_EQ(told(cluster, "large"), kWaits);
  EXPECT_EQ(told(cluster, "small"), kWaits);
  cluster.remove<IPAddress>("172.30.0.7");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<ServiceCIDR>("large"));
  EXPECT_FALSE(cluster.has<ServiceCIDR>("small"));
}

}  // namespace
}  // namespace ph::controllers

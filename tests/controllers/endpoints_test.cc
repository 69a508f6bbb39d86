// The endpoints loop: subsets, their canonical form and their limits, and the loop in a simulated cluster.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/common/services.h"
#include "controllers/common/subsets.h"
#include "controllers/endpoints/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Endpoints, core::v1::EndpointSubset, core::v1::Pod, core::v1::Service;

Service service() {
  Service out = sim::make_service("default/web");
  out.mutable_spec()->mutable_ports(0)->set_name("http");
  out.mutable_spec()->mutable_ports(0)->set_protocol("TCP");
  out.mutable_spec()->set_cluster_ip("10.96.0.7");
  out.mutable_spec()->add_ip_families("IPv4");
  return out;
}
template <class Change>
Service with(Change change) {
  Service out = service();
  change(out);
  return out;
}

PodView pod(int n, bool ready = true) {
  PodView out;
  out.namespace_name = "default";
  out.name = fmt::format("p{}", n);
  out.uid = fmt::format("u{}", n);
  out.node_name = "node-0";
  out.phase = "Running";
  out.pod_ips = {fmt::format("10.0.{}.{}", n / 256, n % 256), fmt::format("fd00::{}", n)};
  out.ready = ready;
  return out;
}
template <class Change>
PodView changed(PodView view, Change change) {
  change(view);
  return view;
}
std::vector<Ref<PodView>> pods(std::vector<PodView> list) {
  std::vector<Ref<PodView>> out;
  for (PodView& each : list) out.push_back(std::make_shared<const PodView>(std::move(each)));
  return out;
}

// "ready|not ready:ports" of each subset.
std::string text(const std::vector<EndpointSubset>& subsets) {
  std::string out;
  for (const EndpointSubset& subset : subsets) {
    std::vector<std::string> ready, not_ready, ports;
    for (const auto& address : subset.addresses()) ready.push_back(address.ip());
    for (const auto& address : subset.not_ready_addresses()) not_ready.push_back(address.ip());
    for (const auto& port : subset.ports()) ports.push_back(fmt::format("{}{}", port.name(), port.port()));
    out += fmt::format("{}|{}:{} ", fmt::join(ready, ","), fmt::join(not_ready, ","), fmt::join(ports, ","));
  }
  return out;
}

TEST(EndpointsPlan, WhatIsInTheSubsets) {
  const auto leaving = changed(pod(1), [](PodView& p) { p.deletion = Time(1s); });
  const auto publishing = with([](Service& s) { s.mutable_spec()->set_publish_not_ready_addresses(true); });
  const auto headless = with([](Service& s) { s.mutable_spec()->set_cluster_ip("None"), s.mutable_spec()->clear_ports(); });
  const auto named = with([](Service& s) {
    auto& port = *s.mutable_spec()->mutable_ports(0);
    port.mutable_target_port()->set_type(1);
    port.mutable_target_port()->set_str_val("web");
    auto& fixed = *s.mutable_spec()->add_ports();
    fixed.set_name("dns");
    fixed.set_protocol("UDP");
    fixed.set_port(53);
  });
  const auto serving = [](int n, int number) {
    return changed(pod(n), [&](PodView& p) { p.ports = {{"web", number}}, p.port_protocols = {"TCP"}; });
  };
  struct Case {
    const char* name;
    Service service;
    std::vector<PodView> pods;
    const char* subsets;
  };
  const Case cases[] = {
      {"nobody", service(), {}, ""},
      {"ready and not", service(), {pod(1), pod(2, false), pod(3)}, "10.0.0.1,10.0.0.3|10.0.0.2:http80 "},
      {"addresses are ordered as texts", service(), {pod(9), pod(10)}, "10.0.0.10,10.0.0.9|:http80 "},
      {"one on its way out", service(), {leaving}, ""},
      {"one on its way out, published", publishing, {leaving, pod(2, false)}, "10.0.0.1,10.0.0.2|:http80 "},
      {"one that has ended", service(), {changed(pod(1), [](PodView& p) { p.phase = "Failed"; })}, ""},
      {"one without an address", service(), {changed(pod(1), [](PodView& p) { p.pod_ips.clear(); })}, ""},
      {"of the first family",
       with([](Service& s) { s.mutable_spec()->set_ip_families(0, "IPv6"); }),
       {pod(1)},
       "fd00::1|:http80 "},
      {"of the family of its address",
       with([](Service& s) { s.mutable_spec()->clear_ip_families(), s.mutable_spec()->set_cluster_ip("fd11::1"); }),
       {pod(1)},
       "fd00::1|:http80 "},
      {"headless, without ports", headless, {pod(1), pod(2, false)}, "10.0.0.1|10.0.0.2: "},
      {"without ports, but with an address", with([](Service& s) { s.mutable_spec()->clear_ports(); }), {pod(1)}, ""},
      {"named ports",
       named,
       {serving(1, 8080), serving(2, 9090), pod(3)},
       "10.0.0.1,10.0.0.2,10.0.0.3|:dns53 10.0.0.1|:http8080 10.0.0.2|:http9090 "},
      {"the same named port", named, {serving(1, 8080), serving(2, 8080)}, "10.0.0.1,10.0.0.2|:dns53,http8080 "},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(endpoints::subsets_of(c.service, pods(c.pods))), c.subsets);
  }
}

TEST(Subsets, AnAddressIsReadyWhereverItIs) {
  std::vector<EndpointSubset> twice(2);
  twice[0].add_addresses()->set_ip("10.0.0.1");
  twice[1].add_not_ready_addresses()->set_ip("10.0.0.1");
  for (EndpointSubset& subset : twice) subset.add_ports()->set_port(80);
  EXPECT_EQ(text(repacked(twice)), "|10.0.0.1:80 ");
  twice[1].mutable_ports(0)->set_port(81);
  EXPECT_EQ(text(repacked(twice)), "10.0.0.1|:80 |10.0.0.1:81 ");
  EXPECT_EQ(text(repacked(repacked(twice))), text(repacked(twice)));
}

TEST(EndpointsPlan, AtMostAThousandAddresses) {
  struct Case {
    const char* name;
    std::vector<std::pair<int, int>> subsets;  // ready, not ready
    bool truncated;
    std::vector<std::pair<int, int>> left;
  };
  const Case cases[] = {
      {"as many as may be", {{1000, 0}}, false, {{1000, 0}}},
      {"one more", {{1001, 0}}, true, {{1000, 0}}},
      {"those not ready go first", {{900, 200}}, true, {{900, 100}}},
      {"all of them", {{1100, 200}}, true, {{1000, 0}}},
      {"each its share", {{1500, 1}, {500, 1}}, true, {{750, 0}, {250, 0}}},
      {"the last gets what is left", {{400, 7}, {400, 7}, {400, 7}}, true, {{334, 0}, {334, 0}, {332, 0}}},
      {"each its share of those not ready", {{300, 600}, {300, 200}}, true, {{300, 300}, {300, 100}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<EndpointSubset> subsets;
    for (const auto& [ready, not_ready] : c.subsets) {
      EndpointSubset& subset = subsets.emplace_back();
      for (int i = 0; i < ready; ++i) subset.add_addresses();
      for (int i = 0; i < not_ready; ++i) subset.add_not_ready_addresses();
    }
    EXPECT_EQ(endpoints::truncate(subsets), c.truncated);
    std::vector<std::pair<int, int>> left;
    for (const EndpointSubset& subset : subsets) left.emplace_back(subset.addresses_size(), subset.not_ready_addresses_size());
    EXPECT_EQ(left, c.left);
  }
}

TEST(EndpointsPlan, LabelsAndAnnotations) {
  Service web = with([](Service& s) { (*s.mutable_metadata()->mutable_labels())["l"] = "1"; });
  Endpoints current;
  (*current.mutable_metadata()->mutable_labels())["mine"] = "1";
  (*current.mutable_metadata()->mutable_annotations())["mine"] = "1";
  (*current.mutable_metadata()->mutable_annotations())[endpoints::kOverCapacity] = "truncated";
  const Endpoints few = endpoints::desired(web, pods({pod(1)}), current);
  EXPECT_EQ(few.metadata().labels().size(), 2u);
  EXPECT_EQ(few.metadata().labels().at("l"), "1");
  EXPECT_EQ(few.metadata().labels().at(endpoints::kManagedByLabel), endpoints::kManagedBy);
  EXPECT_EQ(few.metadata().annotations().size(), 1u) << "others' annotations stay";
  EXPECT_NE(endpoints::essence(few), endpoints::essence(current));
  std::vector<PodView> list;
  for (int n = 0; n < 1001; ++n) list.push_back(pod(n));
  const Endpoints many = endpoints::desired(web, pods(list), few);
  EXPECT_EQ(many.metadata().annotations().at(endpoints::kOverCapacity), "truncated");
  EXPECT_EQ(many.subsets(0).addresses_size(), 1000);
  EXPECT_EQ(endpoints::essence(many), endpoints::essence(endpoints::desired(web, pods(list), many)));
  web.mutable_spec()->set_cluster_ip("None");
  EXPECT_TRUE(endpoints::desired(web, {}, few).metadata().labels().contains("service.kubernetes.io/headless"));
}

TEST(TriggerTimes, TellTheFirstChangeThatWasNotTold) {
  TriggerTimes times;
  Service web = service();
  web.mutable_metadata()->mutable_creation_timestamp()->set_seconds(100);
  const auto at = [](int n, int seconds) {
    return changed(pod(n), [&](PodView& p) { p.ready_since = Time(std::chrono::seconds(seconds)); });
  };
  EXPECT_EQ(times.take(web, pods({at(1, 90)})), Time(100s)) << "nothing was told before: the service's own";
  EXPECT_EQ(times.take(web, pods({at(1, 90)})), std::nullopt);
  EXPECT_EQ(times.take(web, pods({at(1, 90), at(2, 120), at(3, 110)})), Time(110s));
  EXPECT_EQ(times.take(web, pods({at(1, 95), at(2, 120)})), Time(95s));
  EXPECT_EQ(times.take(web, pods({at(1, 95)})), std::nullopt) << "one that went tells no time";
  times.forget({"default", "web"});
  EXPECT_EQ(times.take(web, {}), Time(100s));
}

// -- In a cluster

int ready_addresses(sim::Cluster& cluster) {
  int out = 0;
  for (const EndpointSubset& subset : cluster.get<Endpoints>("default/web").subsets()) out += subset.addresses_size();
  return out;
}

void make_pods(sim::Cluster& cluster, int count) {
  for (int i = 0; i < count; ++i) {
    Pod pod = sim::make_pod("default/p" + std::to_string(i), "node-0");
    (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
    cluster.create(pod);
  }
}

TEST(EndpointsLoop, FollowsPodsAndServices) {
  sim::Cluster cluster(sim::loops("endpoint").nodes(1));
  cluster.create(sim::make_service("default/web"));
  make_pods(cluster, 3);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.has<Endpoints>("default/web") && ready_addresses(cluster) == 3; }, 10s));
  cluster.remove<Pod>("default/p1");
  EXPECT_TRUE(cluster.run_until([&] { return ready_addresses(cluster) == 2; }, 10s));
  cluster.remove<Endpoints>("default/web");
  cluster.advance(1s);
  EXPECT_EQ(ready_addresses(cluster), 2) << "made again";
  cluster.remove<Service>("default/web");
  cluster.advance(1s);
  EXPECT_FALSE(cluster.has<Endpoints>("default/web"));
}

TEST(EndpointsLoop, WhatOthersWriteStandsUntilSomethingChanges) {
  sim::Cluster cluster(sim::loops("endpoint").nodes(1));
  cluster.create(sim::make_service("default/web"));
  make_pods(cluster, 2);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.has<Endpoints>("default/web") && ready_addresses(cluster) == 2; }, 10s));
  cluster.edit<Endpoints>("default/web", [](Endpoints& web) { web.clear_subsets(); });
  cluster.advance(10s);
  EXPECT_EQ(ready_addresses(cluster), 0);
  cluster.remove<Pod>("default/p1");
  EXPECT_TRUE(cluster.run_until([&] { return ready_addresses(cluster) == 1; }, 10s));
}

TEST(EndpointsLoop, OthersEndpointsAreLeftAlone) {
  sim::Cluster cluster(sim::loops("endpoint"));
  Service by_hand = sim::make_service("default/web");
  by_hand.mutable_spec()->clear_selector();
  cluster.create(by_hand);
  Endpoints mine;
  mine.mutable_metadata()->set_namespace_("default");
  for (const char* name : {"web", "alone"}) {
    mine.mutable_metadata()->set_name(name);
    mine.clear_subsets();
    mine.add_subsets()->add_addresses()->set_ip("192.0.2.1");
    cluster.create(mine);
  }
  cluster.advance(10s);
  EXPECT_EQ(cluster.get<Endpoints>("default/web").subsets_size(), 1);
  EXPECT_TRUE(cluster.has<Endpoints>("default/alone"));
}

TEST(EndpointsLoop, WhatTheServerRefusesIsTold) {
  sim::Cluster cluster(sim::loops("endpoint"));
  cluster.create(sim::make_service("default/web"));
  // It has an address, and no node: nobody would take that.
  Pod odd = sim::make_pod("default/odd");
  (*odd.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(odd);
  odd.mutable_status()->set_pod_ip("10.0.0.1");
  odd.mutable_status()->add_pod_ips()->set_ip("10.0.0.1");
  cluster.update_status<Pod>(odd);
  cluster.advance(1min);
  std::string message;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.reason() == "FailedToUpdateEndpoint") message = event.message();
  }
  EXPECT_THAT(message, testing::StartsWith("Failed to update endpoint default/web: Endpoints \"web\" is invalid: "));
}

}  // namespace
}  // namespace ph::controllers

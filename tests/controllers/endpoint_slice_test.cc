#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/endpoint_slice/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Pod;
using core::v1::Service;
using discovery::v1::EndpointSlice;
using endpoint_slice::Group;
using informers::Interned;
using informers::PodView;
using informers::Ref;

Service service(const char* name = "web") {
  Service out = sim::make_service(std::string("default/") + name);
  out.mutable_metadata()->set_uid("service-uid");
  out.mutable_spec()->mutable_ports(0)->set_protocol("TCP");
  out.mutable_spec()->add_ip_families("IPv4");
  return out;
}

PodView pod(int n, bool ready = true) {
  PodView out;
  out.namespace_name = Interned("default");
  out.name = fmt::format("p{:03}", n);
  out.uid = fmt::format("u{:03}", n);
  out.node_name = Interned("node-0");
  out.phase = Interned("Running");
  out.pod_ips = {fmt::format("10.0.{}.{}", n / 256, n % 256)};
  out.ready = ready;
  return out;
}

std::vector<Ref<PodView>> pods(std::vector<PodView> list) {
  std::vector<Ref<PodView>> out;
  for (PodView& each : list) out.push_back(std::make_shared<const PodView>(std::move(each)));
  return out;
}

std::vector<Ref<PodView>> many(int count) {
  std::vector<PodView> list;
  for (int n = 1; n <= count; ++n) list.push_back(pod(n));
  return pods(std::move(list));
}

std::string no_zone(std::string_view) { return {}; }

// "ready serving terminating" of the first endpoint, or "none".
std::string conditions(const Service& service, PodView view) {
  const auto groups = endpoint_slice::desired(service, pods({std::move(view)}), "IPv4", no_zone).groups;
  if (groups.empty()) return "none";
  const auto& c = groups.front().endpoints.front().conditions();
  return fmt::format("{:d}{:d}{:d}", c.ready(), c.serving(), c.terminating());
}

TEST(EndpointSliceDesired, ConditionsFollowThePod) {
  PodView terminating = pod(1);
  terminating.deletion = Time(1s);
  PodView finished = pod(1);
  finished.phase = Interned("Succeeded");
  PodView homeless = pod(1);
  homeless.pod_ips.clear();
  PodView other_family = pod(1);
  other_family.pod_ips = {"fd00::1"};
  Service publishing = service();
  publishing.mutable_spec()->set_publish_not_ready_addresses(true);
  struct Case {
    const char* name;
    Service service;
    PodView pod;
    const char* conditions;
  };
  const Case cases[] = {
      {"ready", service(), pod(1), "110"},
      {"not ready", service(), pod(1, false), "000"},
      {"on its way out, still serving", service(), terminating, "011"},
      {"published though not ready", publishing, pod(1, false), "100"},
      {"finished", service(), finished, "none"},
      {"without an address", service(), homeless, "none"},
      {"of the other family", service(), other_family, "none"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(conditions(c.service, c.pod), c.conditions);
  }
}

TEST(EndpointSliceDesired, NamedPortsMakeGroups) {
  Service named = service();
  named.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_type(1);
  named.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_str_val("http");
  PodView old_port = pod(1), new_port = pod(2), no_port = pod(3);
  old_port.ports = {{Interned("http"), 8080}};
  old_port.port_protocols = {Interned("TCP")};
  new_port.ports = {{Interned("http"), 9090}};
  new_port.port_protocols = {Interned("TCP")};
  const auto groups = endpoint_slice::desired(named, pods({old_port, new_port, no_port}), "IPv4", no_zone).groups;
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_TRUE(groups[0].ports.empty()) << "a pod that has no such port is told of all the same";
  EXPECT_EQ(groups[0].endpoints[0].target_ref().name(), "p003");
  EXPECT_EQ(groups[1].ports[0].port() + groups[2].ports[0].port(), 8080 + 9090);
}

TEST(EndpointSliceDesired, PodsOnUnknownNodesAreLeftOut) {
  const auto unknown = [](std::string_view) { return std::optional<std::string>(); };
  const auto desired = endpoint_slice::desired(service(), many(2), "IPv4", unknown);
  EXPECT_TRUE(desired.groups.empty());
  ASSERT_EQ(desired.without_node.size(), 2u);
  EXPECT_EQ(desired.without_node[0]->name, "p001");
  Service publishing = service();
  publishing.mutable_spec()->set_publish_not_ready_addresses(true);
  EXPECT_EQ(endpoint_slice::desired(publishing, many(2), "IPv4", unknown).groups.size(), 1u);
}

TEST(EndpointSliceDesired, Zones) {
  const auto groups =
      endpoint_slice::desired(service(), many(1), "IPv4", [](std::string_view) { return std::string("east"); }).groups;
  const auto& endpoint = groups.front().endpoints.front();
  EXPECT_EQ(endpoint.zone(), "east");
  EXPECT_FALSE(endpoint.has_hints());
}

// Applies a plan to slices as the server would.
std::vector<EndpointSlice> apply(std::vector<EndpointSlice> slices, const endpoint_slice::Plan& plan) {
  for (const EndpointSlice& removed : plan.remove) {
    std::erase_if(slices, [&](const EndpointSlice& slice) { return slice.metadata().name() == removed.metadata().name(); });
  }
  for (const EndpointSlice& updated : plan.update) {
    for (EndpointSlice& slice : slices) {
      if (slice.metadata().name() == updated.metadata().name()) slice = updated;
    }
  }
  for (EndpointSlice created : plan.create) {
    created.mutable_metadata()->set_name(fmt::format("web-{}", slices.size()));
    slices.push_back(std::move(created));
  }
  return slices;
}

std::string writes(const endpoint_slice::Plan& plan) {
  return fmt::format("+{} ~{} -{}", plan.create.size(), plan.update.size(), plan.remove.size());
}

TEST(EndpointSlicePlan, WritesAsLittleAsItCan) {
  const Service web = service();
  const auto groups_of = [&](const std::vector<Ref<PodView>>& list) {
    return endpoint_slice::desired(web, list, "IPv4", no_zone).groups;
  };
  std::vector<EndpointSlice> slices;
  const auto bring_to = [&](const std::vector<Ref<PodView>>& list) {
    const auto plan = endpoint_slice::reconcile(web, "IPv4", groups_of(list), slices, 100);
    slices = apply(slices, plan);
    return writes(plan);
  };
  EXPECT_EQ(bring_to({}), "+1 ~0 -0");  // a placeholder
  EXPECT_EQ(bring_to({}), "+0 ~0 -0");
  EXPECT_EQ(bring_to(many(250)), "+2 ~1 -0");  // one takes the placeholder's place
  EXPECT_EQ(bring_to(many(250)), "+0 ~0 -0");
  auto changed = many(250);
  changed[120] = std::make_shared<const PodView>(pod(121, false));
  EXPECT_EQ(bring_to(changed), "+0 ~1 -0");
  EXPECT_EQ(bring_to(many(251)), "+0 ~2 -0");  // one back to ready, one new where there is room
  EXPECT_EQ(bring_to(many(90)), "+0 ~1 -2");
  EXPECT_EQ(bring_to({}), "+0 ~1 -0");
  EXPECT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].endpoints_size(), 0);
}

TEST(EndpointSlicePlan, WhatIsNewFillsTheFullestThatHasRoomForAll) {
  const Service web = service();
  std::vector<EndpointSlice> slices;
  for (const auto& [first, count] : {std::pair(1, 10), std::pair(101, 60), std::pair(201, 95)}) {
    std::vector<PodView> list;
    for (int n = first; n < first + count; ++n) list.push_back(pod(n));
    auto plan = endpoint_slice::reconcile(web, "IPv4", endpoint_slice::desired(web, pods(list), "IPv4", no_zone).groups, {}, 100);
    slices.push_back(plan.create.at(0));
    slices.back().mutable_metadata()->set_name(fmt::format("web-{}", slices.size()));
  }
  std::vector<PodView> now;
  for (int n = 1; n < 1000; ++n) {
    if (n <= 10 || (n > 100 && n <= 160) || (n > 200 && n <= 295) || n > 979) now.push_back(pod(n));
  }
  const auto plan =
      endpoint_slice::reconcile(web, "IPv4", endpoint_slice::desired(web, pods(now), "IPv4", no_zone).groups, slices, 100);
  EXPECT_EQ(writes(plan), "+0 ~1 -0");
  EXPECT_EQ(plan.update[0].metadata().name(), "web-2");
  EXPECT_EQ(plan.update[0].endpoints_size(), 80);
}

TEST(EndpointSlicePlan, OtherPortsTakeTheSlicesPlace) {
  Service web = service();
  std::vector<EndpointSlice> slices;
  const auto bring = [&] {
    const auto plan =
        endpoint_slice::reconcile(web, "IPv4", endpoint_slice::desired(web, many(3), "IPv4", no_zone).groups, slices, 100);
    slices = apply(slices, plan);
    return writes(plan);
  };
  EXPECT_EQ(bring(), "+1 ~0 -0");
  web.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_int_val(81);
  EXPECT_EQ(bring(), "+0 ~1 -0");
  EXPECT_EQ(slices[0].ports(0).port(), 81);
}

TEST(EndpointSliceLoop, APodOnAnUnknownNodeComesWithItsNode) {
  sim::Cluster cluster(sim::loops("endpointslice"));
  cluster.create(sim::make_service("default/web"));
  Pod lost = sim::make_pod("default/lost", "node-9");
  (*lost.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(lost);
  lost.mutable_status()->set_phase("Running");
  lost.mutable_status()->set_pod_ip("10.0.0.9");
  lost.mutable_status()->add_pod_ips()->set_ip("10.0.0.9");
  cluster.update_status<Pod>(lost);
  cluster.advance(1min);
  const auto endpoints = [&] { return cluster.list<EndpointSlice>("default").at(0).endpoints_size(); };
  EXPECT_EQ(endpoints(), 0);
  int told = 0;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.reason() != "FailedToUpdateEndpointSlices") continue;
    EXPECT_EQ(event.message(),
              "Error updating Endpoint Slices for Service default/web: skipping Pod lost for Service default/web: Node node-9 "
              "Not Found");
    told += event.count();
  }
  EXPECT_GE(told, 4);
  EXPECT_LE(told, 8) << "later and later";
  core::v1::Node node;
  node.mutable_metadata()->set_name("node-9");
  cluster.create(node);
  EXPECT_TRUE(cluster.run_until([&] { return endpoints() == 1; }, 2min));
}

TEST(EndpointSliceLoop, TheTriggerTimeIsThatOfTheChange) {
  sim::Cluster cluster(sim::loops("endpointslice").nodes(1));
  cluster.create(sim::make_service("default/web"));
  cluster.advance(5s);
  const auto told = [&] {
    const auto annotations = cluster.list<EndpointSlice>("default").at(0).metadata().annotations();
    const auto found = annotations.find("endpoints.kubernetes.io/last-change-trigger-time");
    return found == annotations.end() ? std::string() : found->second;
  };
  EXPECT_EQ(told(), api::rfc3339(cluster.now() - 5s)) << "the service was made then";
  cluster.advance(1min);
  Pod pod = sim::make_pod("default/p", "node-0");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  cluster.create(pod);
  cluster.advance(20s);
  pod = cluster.get<Pod>("default/p");
  const auto* ready = find_condition(pod.status(), "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(told(), api::rfc3339(api::to_time(ready->last_transition_time())));
  cluster.edit<Service>("default/web",
                        [](Service& web) { web.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_int_val(81); });
  cluster.advance(5s);
  EXPECT_EQ(told(), "") << "no pod has changed";
}

TEST(EndpointSliceLoop, FollowsPodsAndServices) {
  sim::Cluster cluster(sim::loops("endpointslice").nodes(2));
  cluster.create(sim::make_service("default/web"));
  const auto addresses = [&] {
    int count = 0;
    for (const EndpointSlice& slice : cluster.list<EndpointSlice>("default", "kubernetes.io/service-name=web")) {
      for (const auto& endpoint : slice.endpoints()) count += endpoint.conditions().ready();
    }
    return count;
  };
  for (int i = 0; i < 3; ++i) {
    Pod pod = sim::make_pod("default/p" + std::to_string(i), "node-" + std::to_string(i % 2));
    (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
    cluster.create(pod);
  }
  EXPECT_TRUE(cluster.run_until([&] { return addresses() == 3; }, 10s));
  cluster.remove<Pod>("default/p1");
  EXPECT_TRUE(cluster.run_until([&] { return addresses() == 2; }, 10s));
  cluster.edit<Pod>("default/p0", [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = "other"; });
  EXPECT_TRUE(cluster.run_until([&] { return addresses() == 1; }, 10s));
  const auto slices = cluster.list<EndpointSlice>("default");
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].metadata().owner_references(0).name(), "web");
  EXPECT_TRUE(slices[0].metadata().name().starts_with("web-"));
}

}  // namespace
}  // namespace ph::controllers

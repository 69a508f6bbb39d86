// The endpointslicemirroring loop.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/endpoint_slice/plan.h"
#include "controllers/endpoint_slice_mirroring/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Endpoints, core::v1::Service;
using discovery::v1::EndpointSlice;
namespace mirroring = endpoint_slice_mirroring;

struct Subset {
  std::vector<std::string> ready, not_ready;
  int port = 80;
};

Endpoints endpoints(const std::vector<Subset>& subsets) {
  Endpoints out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_name("web");
  out.mutable_metadata()->set_uid("endpoints-uid");
  for (const Subset& from : subsets) {
    auto& subset = *out.add_subsets();
    for (const std::string& ip : from.ready) subset.add_addresses()->set_ip(ip);
    for (const std::string& ip : from.not_ready) subset.add_not_ready_addresses()->set_ip(ip);
    subset.add_ports()->set_port(from.port);
    subset.mutable_ports(0)->set_protocol("TCP");
  }
  return out;
}

std::string text(const EndpointSlice& slice) {
  std::string out = fmt::format("{} {}:", slice.address_type(), slice.ports_size() > 0 ? slice.ports(0).port() : 0);
  for (const auto& endpoint : slice.endpoints())
    out += fmt::format(" {}{}", endpoint.addresses(0), endpoint.conditions().ready() ? "" : "!");
  return out;
}
std::vector<std::string> texts(const std::vector<EndpointSlice>& slices) {
  std::vector<std::string> out;
  for (const EndpointSlice& slice : slices) out.push_back(text(slice));
  return out;
}

// As the server would keep them.
std::vector<EndpointSlice> stored(std::vector<EndpointSlice> slices) {
  int number = 0;
  for (EndpointSlice& slice : slices) slice.mutable_metadata()->set_name(fmt::format("web-{}", ++number));
  return slices;
}

TEST(MirroringPlan, ASliceForEachSubsetAndFamily) {
  const auto plan = mirroring::plan(endpoints({{{"10.0.0.2", "fd00::1"}, {"10.0.0.3"}}, {{"10.0.0.9"}, {}, 81}}), {}, 1000);
  EXPECT_THAT(texts(plan.create), testing::ElementsAre("IPv4 80: 10.0.0.2 10.0.0.3!", "IPv6 80: fd00::1", "IPv4 81: 10.0.0.9"));
  const auto& metadata = plan.create[0].metadata();
  EXPECT_EQ(metadata.generate_name(), "web-");
  EXPECT_EQ(metadata.owner_references(0).kind(), "Endpoints");
  EXPECT_EQ(metadata.labels().at(endpoint_slice::kServiceLabel), "web");
  EXPECT_EQ(metadata.labels().at(endpoint_slice::kManagedByLabel), mirroring::kManagedBy);
}

TEST(MirroringPlan, WhatIsLeftOutIsCounted) {
  const auto invalid = mirroring::plan(endpoints({{{"10.0.0.1", "nowhere"}, {"10.0.0.300"}}}), {}, 1000);
  EXPECT_THAT(texts(invalid.create), testing::ElementsAre("IPv4 80: 10.0.0.1"));
  EXPECT_EQ(invalid.invalid, 2);
  EXPECT_EQ(invalid.skipped, 2);
  const auto many = mirroring::plan(endpoints({{{"10.0.0.1", "10.0.0.2"}, {"10.0.0.3", "10.0.0.4"}}}), {}, 3);
  EXPECT_THAT(texts(many.create), testing::ElementsAre("IPv4 80: 10.0.0.1 10.0.0.2 10.0.0.3!"));
  EXPECT_EQ(many.skipped, 1);
}

TEST(MirroringPlan, WritesAsLittleAsItCan) {
  const auto writes = [](const mirroring::Plan& plan) {
    return fmt::format("+{} ~{} -{}", plan.create.size(), plan.update.size(), plan.remove.size());
  };
  const Endpoints before = endpoints({{{"10.0.0.1"}, {}}});
  const std::vector<EndpointSlice> slices = stored(mirroring::plan(before, {}, 1000).create);
  Endpoints annotated = before, labelled = before, touched = before;
  (*annotated.mutable_metadata()->mutable_annotations())["a"] = "1";
  (*labelled.mutable_metadata()->mutable_labels())["l"] = "1";
  (*touched.mutable_metadata()->mutable_annotations())["endpoints.kubernetes.io/last-change-trigger-time"] =
      "2026-01-01T00:00:00Z";
  (*touched.mutable_metadata()->mutable_annotations())["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  EXPECT_EQ(writes(mirroring::plan(before, slices, 1000)), "+0 ~0 -0");
  EXPECT_EQ(writes(mirroring::plan(annotated, slices, 1000)), "+0 ~1 -0");
  EXPECT_EQ(writes(mirroring::plan(labelled, slices, 1000)), "+0 ~1 -0");
  EXPECT_EQ(writes(mirroring::plan(touched, slices, 1000)), "+0 ~0 -0") << "what is the Endpoints' own business";
  EXPECT_EQ(writes(mirroring::plan(endpoints({{{"10.0.0.2"}, {}}}), slices, 1000)), "+0 ~1 -0");
  EXPECT_EQ(writes(mirroring::plan(endpoints({{{"10.0.0.1"}, {}, 81}}), slices, 1000)), "+0 ~1 -0") << "in its place";
  EXPECT_EQ(writes(mirroring::plan(endpoints({{{"fd00::1"}, {}}}), slices, 1000)), "+1 ~0 -1") << "a family cannot be changed";
  EXPECT_EQ(writes(mirroring::plan(endpoints({}), slices, 1000)), "+0 ~0 -1");
  const auto changed = mirroring::plan(annotated, slices, 1000).update.at(0);
  EXPECT_EQ(changed.metadata().name(), "web-1");
  EXPECT_EQ(changed.metadata().annotations().at("a"), "1");
}

TEST(MirroringPlan, WhatMayBeMirrored) {
  Endpoints skipped, leader, other;
  (*skipped.mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/skip-mirror"] = "true";
  (*leader.mutable_metadata()->mutable_annotations())["control-plane.alpha.kubernetes.io/leader"] = "{}";
  (*other.mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/skip-mirror"] = "false";
  EXPECT_FALSE(mirroring::may_be_mirrored(skipped));
  EXPECT_FALSE(mirroring::may_be_mirrored(leader));
  EXPECT_TRUE(mirroring::may_be_mirrored(other));
}

TEST(MirroringLoop, FollowsEndpointsAndTheirServices) {
  sim::Cluster cluster(sim::loops("endpointslicemirroring"));
  const auto slices = [&] { return texts(cluster.list<EndpointSlice>("default")); };
  Endpoints by_hand = endpoints({{{"192.0.2.1"}, {}}});
  by_hand.mutable_metadata()->clear_uid();
  cluster.create(by_hand);
  cluster.advance(1s);
  EXPECT_THAT(slices(), testing::IsEmpty()) << "there is no service";
  Service web = sim::make_service("default/web");
  web.mutable_spec()->clear_selector();
  cluster.create(web);
  cluster.advance(1s);
  EXPECT_THAT(slices(), testing::ElementsAre("IPv4 80: 192.0.2.1"));
  const std::string name = cluster.list<EndpointSlice>("default")[0].metadata().name();
  cluster.edit<EndpointSlice>("default/" + name, [](EndpointSlice& slice) { slice.clear_endpoints(); });
  cluster.advance(1s);
  EXPECT_THAT(slices(), testing::ElementsAre("IPv4 80: 192.0.2.1")) << "set back";
  cluster.remove<EndpointSlice>("default/" + name);
  cluster.advance(1s);
  EXPECT_THAT(slices(), testing::ElementsAre("IPv4 80: 192.0.2.1")) << "made again";
  cluster.edit<Service>("default/web", [](Service& web) { (*web.mutable_spec()->mutable_selector())["app"] = "web"; });
  cluster.advance(1s);
  EXPECT_THAT(slices(), testing::IsEmpty()) << "its pods are told of by others";
}

}  // namespace
}  // namespace ph::controllers

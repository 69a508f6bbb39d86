// The node-ipam loop: its settings, pools and ledger, and the loop in a simulated cluster.
#include <stdexcept>

#include <gmock/gmock.h>

#include "controllers/node_ipam/ledger.h"
#include "controllers/node_ipam/settings.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using node_ipam::Ledger, node_ipam::RangePool;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;
using Texts = std::vector<std::string>;

NodeIpamOptions options_of(const std::string& cluster, int mask = 0, const std::string& services = {}) {
  NodeIpamOptions out;
  out.allocate_node_cidrs = true;
  out.cluster_cidr = cluster;
  out.service_cluster_ip_range = services;
  out.mask_size = mask;
  return out;
}

// -- Settings

TEST(NodeIpamSettings, WhatIsRead) {
  struct Case {
    const char* name;
    const char *cluster, *services;
    int mask, v4, v6;
    const char* wanted;  // ranges of the cluster, each with the bits of a node's
  };
  const Case cases[] = {
      {"one range", "10.244.0.0/16", "", 0, 0, 0, "10.244.0.0/16 24"},
      {"with blanks about it", " 10.244.0.0/16 ", "  ", 0, 0, 0, "10.244.0.0/16 24"},
      {"bits beyond the prefix", "10.244.7.1/16", "", 0, 0, 0, "10.244.0.0/16 24"},
      {"a mask", "10.244.0.0/16", "", 26, 0, 0, "10.244.0.0/16 26"},
      {"a mask of the family", "10.244.0.0/16", "", 0, 25, 0, "10.244.0.0/16 25"},
      {"as long as the cluster's", "10.244.0.0/24", "", 0, 0, 0, "10.244.0.0/24 24"},
      {"IPv6", "fd00:244::/48", "", 0, 0, 0, "fd00:244::/48 64"},
      {"a mask of IPv6", "fd00:244::/48", "", 0, 0, 60, "fd00:244::/48 60"},
      {"both", "10.244.0.0/16,fd00:244::/48", "", 0, 0, 0, "10.244.0.0/16 24,fd00:244::/48 64"},
      {"both, the other way round", "fd00:244::/56,10.244.0.0/16", "", 0, 28, 72, "fd00:244::/56 72,10.244.0.0/16 28"},
      {"services of both", "10.244.0.0/16", "10.96.0.0/12,fd00::/108", 0, 0, 0, "10.244.0.0/16 24"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    NodeIpamOptions options = options_of(c.cluster, c.mask, c.services);
    options.mask_size_ipv4 = c.v4;
    options.mask_size_ipv6 = c.v6;
    std::string got;
    for (const auto& each : node_ipam::read_settings(options).cluster)
      got += (got.empty() ? "" : ",") + each.range.text() + " " + std::to_string(each.node_bits);
    EXPECT_EQ(got, c.wanted);
  }
}

TEST(NodeIpamSettings, WhatIsRefused) {
  struct Case {
    const char* name;
    const char *cluster, *services;
    int mask, v4, v6;
    const char* why;
  };
  constexpr const char* kTooLong =
      "Controller: Invalid --cluster-cidr, mask size of cluster CIDR must be less than or equal to --node-cidr-mask-size "
      "configured for CIDR family";
  const Case cases[] = {
      {"no range", "", "", 0, 0, 0, "Controller: Must specify --cluster-cidr if --allocate-node-cidrs is set"},
      {"none", "here", "", 0, 0, 0, "failed to parse cidr value:\"here\" with error:invalid CIDR address: here"},
      {"a second that is none", "10.0.0.0/8,", "", 0, 0, 0, "failed to parse cidr value:\"\" with error:invalid CIDR address: "},
      {"two of a family", "10.0.0.0/16,10.1.0.0/16", "", 0, 0, 0,
       "len of ClusterCIDRs==2 and they are not configured as dual stack (at least one from each IPFamily"},
      {"three", "10.0.0.0/16,fd00::/48,10.1.0.0/16", "", 0, 0, 0, "length of clusterCIDRs is:3 more than max allowed of 2"},
      {"shorter than a node's", "10.0.0.0/26", "", 0, 0, 0, kTooLong},
      {"of IPv6", "10.0.0.0/16,fd00::/80", "", 0, 0, 0, kTooLong},
      {"a negative mask", "10.0.0.0/16", "", -1, 0, 0, kTooLong},
      {"a mask beyond an address", "10.0.0.0/16", "", 33, 0, 0, "no address of IPv4 has 33 bits"},
      {"too many parts", "fd00::/40", "", 0, 0, 0, "New CIDR set failed; the node CIDR size is too big"},
      {"one mask for both", "10.0.0.0/16,fd00::/48", "", 24, 0, 0,
       "usage of --node-cidr-mask-size is not allowed with dual-stack clusters"},
      {"two masks for one", "10.0.0.0/16", "", 24, 24, 0,
       "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set. "
       "For dual-stack clusters please unset it and use IPFamily specific flags"},
      {"of another family", "10.0.0.0/16", "", 0, 0, 64,
       "usage of --node-cidr-mask-size-ipv6 is not allowed for a single-stack IPv4 cluster"},
      {"of the other", "fd00::/48", "", 0, 24, 0,
       "usage of --node-cidr-mask-size-ipv4 is not allowed for a single-stack IPv6 cluster"},
      {"three of services", "10.0.0.0/16", "10.96.0.0/16,10.97.0.0/16,fd00::/108", 0, 0, 0,
       "--service-cluster-ip-range can not contain more than two entries"},
      {"two of services, of a family", "10.0.0.0/16", "10.96.0.0/16,10.97.0.0/16", 0, 0, 0,
       "serviceCIDR and secondaryServiceCIDR are not dualstack (from different IPfamiles)"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    NodeIpamOptions options = options_of(c.cluster, c.mask, c.services);
    options.mask_size_ipv4 = c.v4;
    options.mask_size_ipv6 = c.v6;
    std::string why = "nothing";
    try {
      node_ipam::read_settings(options);
    } catch (const std::invalid_argument& error) {
      why = error.what();
    }
    EXPECT_EQ(why, c.why);
  }
  NodeIpamOptions of_a_cloud = options_of("10.0.0.0/16");
  of_a_cloud.cidr_allocator_type = "CloudAllocator";
  EXPECT_THROW(node_ipam::read_settings(of_a_cloud), std::invalid_argument);
}

TEST(NodeIpamSettings, ServicesThatNobodyCanReadArePassedOver) {
  const auto settings = node_ipam::read_settings(options_of("10.0.0.0/16", 0, "10.0.0.0,fd00::/108"));
  EXPECT_THAT(settings.passed_over, ElementsAre("10.0.0.0"));
  ASSERT_EQ(settings.not_to_give.size(), 1);
  EXPECT_EQ(settings.not_to_give[0].text(), "fd00::/108");
}

// -- A pool

RangePool pool(const std::string& range, unsigned node_bits) {
  return RangePool({.range = *api::read_address_range(range), .node_bits = node_bits});
}
bool hold(RangePool& pool, const std::string& range) { return pool.hold(*api::read_address_range(range)); }
void release(RangePool& pool, const std::string& range) { pool.release(*api::read_address_range(range)); }
std::string next(RangePool& pool) {
  const auto out = pool.take_next();
  return out ? out->text() : "none";
}
Texts rest_of(RangePool& pool) {
  Texts out;
  for (std::string each = next(pool); each != "none"; each = next(pool)) out.push_back(each);
  return out;
}

TEST(RangePool, GoesOnBehindTheLastOne) {
  RangePool four = pool("10.0.0.0/29", 31);
  EXPECT_EQ(next(four), "10.0.0.0/31");
  EXPECT_EQ(next(four), "10.0.0.2/31");
  release(four, "10.0.0.0/31");
  EXPECT_EQ(next(four), "10.0.0.4/31") << "what was released is not the next";
  EXPECT_EQ(next(four), "10.0.0.6/31");
  EXPECT_EQ(next(four), "10.0.0.0/31");
  EXPECT_EQ(next(four), "none");
  release(four, "10.0.0.4/31");
  EXPECT_EQ(next(four), "10.0.0.4/31");
}

TEST(RangePool, WhatIsHeldIsNotGiven) {
  struct Case {
    const char* name;
    const char* cluster;
    unsigned node_bits;
    Texts held;
    Texts rest;
  };
  const Case cases[] = {
      {"nothing is", "10.0.0.0/30", 32, {}, {"10.0.0.0/32", "10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"}},
      {"one part", "10.0.0.0/29", 31, {"10.0.0.2/31"}, {"10.0.0.0/31", "10.0.0.4/31", "10.0.0.6/31"}},
      {"two parts as one range", "10.0.0.0/29", 31, {"10.0.0.4/30"}, {"10.0.0.0/31", "10.0.0.2/31"}},
      {"a part of a part", "10.0.0.0/29", 30, {"10.0.0.5/32"}, {"10.0.0.0/30"}},
      {"a range within another", "10.0.0.0/29", 31, {"10.0.0.0/30", "10.0.0.2/31"}, {"10.0.0.4/31", "10.0.0.6/31"}},
      {"all of it", "10.0.0.0/29", 31, {"10.0.0.0/29"}, {}},
      {"what it is a part of", "10.0.0.0/29", 31, {"10.0.0.0/8"}, {}},
      {"bits beyond the prefix", "10.0.0.0/29", 30, {"10.0.0.6/30"}, {"10.0.0.0/30"}},
      {"only one part, the cluster's own", "10.0.0.0/24", 24, {}, {"10.0.0.0/24"}},
      {"of IPv6", "fd00::/62", 64, {"fd00:0:0:2::/64"}, {"fd00::/64", "fd00:0:0:1::/64", "fd00:0:0:3::/64"}},
      {"the last bits of IPv6", "fd00::/126", 127, {"fd00::3/128"}, {"fd00::/127"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RangePool tried = pool(c.cluster, c.node_bits);
    for (const std::string& range : c.held) EXPECT_TRUE(hold(tried, range)) << range;
    EXPECT_EQ(rest_of(tried), c.rest);
  }
}

TEST(RangePool, WhatIsHeldTwiceIsReleasedTwice) {
  RangePool one = pool("10.0.0.0/31", 31);
  EXPECT_TRUE(hold(one, "10.0.0.0/31"));
  EXPECT_TRUE(hold(one, "10.0.0.0/31"));
  release(one, "10.0.0.0/31");
  EXPECT_EQ(next(one), "none");
  release(one, "10.0.0.0/31");
  release(one, "10.0.0.0/31");
  EXPECT_EQ(next(one), "10.0.0.0/31");
  EXPECT_EQ(next(one), "none");
}

TEST(RangePool, OthersAreNoneOfIt) {
  RangePool one = pool("10.0.0.0/24", 26);
  for (const char* range : {"10.0.1.0/26", "192.0.2.0/8", "fd00::/64", "::/0"}) EXPECT_FALSE(hold(one, range)) << range;
  release(one, "10.0.1.0/26");
  EXPECT_EQ(rest_of(one).size(), 4);
}

TEST(RangePool, AsLargeAsAFamily) {
  RangePool all = pool("0.0.0.0/0", 32);
  EXPECT_TRUE(hold(all, "0.0.0.0/1"));
  EXPECT_EQ(next(all), "128.0.0.0/32");
  EXPECT_TRUE(hold(all, "128.0.0.0/1"));
  EXPECT_EQ(next(all), "none");
}

// -- The ledger

TEST(NodeIpamLedger, PromisesTheSameUntilItIsKept) {
  Ledger ledger(node_ipam::read_settings(options_of("10.0.0.0/16,fd00::/48")));
  const auto first = ledger.promise("a", "uid-a");
  ASSERT_TRUE(first);
  EXPECT_THAT(*first, ElementsAre("10.0.0.0/24", "fd00::/64"));
  EXPECT_EQ(ledger.promise("a", "uid-a"), first);
  EXPECT_THAT(*ledger.promise("b", "uid-b"), ElementsAre("10.0.1.0/24", "fd00:0:0:1::/64"));
  EXPECT_THAT(*ledger.promise("a", "another"), ElementsAre("10.0.2.0/24", "fd00:0:0:2::/64")) << "a node of the same name";
  EXPECT_THAT(ledger.note("a", "another", {"10.0.2.0/24", "fd00:0:0:2::/64"}), IsEmpty());
}

TEST(NodeIpamLedger, HoldsWhatNodesSay) {
  Ledger ledger(node_ipam::read_settings(options_of("10.0.0.0/30", 31)));
  EXPECT_THAT(ledger.note("a", "uid-a", {"10.0.0.0/31"}), IsEmpty());
  EXPECT_THAT(*ledger.promise("b", "uid-b"), ElementsAre("10.0.0.2/31"));
  EXPECT_FALSE(ledger.promise("c", "uid-c"));
  EXPECT_THAT(ledger.note("b", "uid-b", {"192.0.2.0/31"}), ElementsAre("192.0.2.0/31")) << "somebody else was faster";
  EXPECT_THAT(ledger.note("b", "uid-b", {"192.0.2.0/31"}), IsEmpty()) << "that is no news";
  EXPECT_THAT(*ledger.promise("c", "uid-c"), ElementsAre("10.0.0.2/31")) << "it was not needed";
  EXPECT_THAT(ledger.note("d", "uid-d", {"soon", "10.0.0.2/31"}), ElementsAre("soon"));
  ledger.forget("c");
  EXPECT_FALSE(ledger.promise("e", "uid-e")) << "d has it, too";
  ledger.forget("d");
  ledger.forget("d");
  EXPECT_TRUE(ledger.promise("e", "uid-e"));
}

TEST(NodeIpamLedger, PromisesAllOrNothing) {
  NodeIpamOptions options = options_of("10.0.0.0/24,fd00::/64");
  options.mask_size_ipv4 = 26;
  Ledger ledger(node_ipam::read_settings(options));
  EXPECT_TRUE(ledger.promise("a", "uid-a"));
  for (int i = 0; i < 9; ++i) {
    const auto none = ledger.promise("b", "uid-b");
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().why,
              "failed to allocate cidr from cluster cidr at idx:1: CIDR allocation failed; there are no remaining CIDRs left to "
              "allocate in the accepted range");
  }
  ledger.forget("a");
  EXPECT_TRUE(ledger.promise("b", "uid-b")) << "nothing of IPv4 was lost over it";
}

// -- The loop

Node node_of(const std::string& name, const std::string& cidr = {}) {
  Node out;
  out.mutable_metadata()->set_name(name);
  if (!cidr.empty()) {
    out.mutable_spec()->set_pod_cidr(cidr);
    out.mutable_spec()->add_pod_cidrs(cidr);
  }
  return out;
}

sim::Setup with(NodeIpamOptions ipam) {
  Options options;
  options.node_ipam = std::move(ipam);
  return sim::loops("nodeipam").options(options);
}

Texts ranges_of(sim::Cluster& cluster, const std::string& name) {
  const Node node = cluster.get<Node>(name);
  Texts out(node.spec().pod_cidrs().begin(), node.spec().pod_cidrs().end());
  EXPECT_EQ(node.spec().pod_cidr(), out.empty() ? "" : out.front());
  return out;
}

TEST(NodeIpam, GivesEachNodeItsRanges) {
  sim::Cluster cluster(with(options_of("10.244.0.0/16,fd00:244::/48")));
  for (const char* name : {"a", "b"}) cluster.create(node_of(name));
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "a"), ElementsAre("10.244.0.0/24", "fd00:244::/64"));
  EXPECT_THAT(ranges_of(cluster, "b"), ElementsAre("10.244.1.0/24", "fd00:244:0:1::/64"));
  const auto writes = cluster.history().size();
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(cluster.history().size(), writes);
}

TEST(NodeIpam, DoesNothingUnlessAsked) {
  sim::Cluster cluster(sim::loops("nodeipam"));
  cluster.create(node_of("a"));
  cluster.advance(1min);
  EXPECT_THAT(ranges_of(cluster, "a"), IsEmpty());
}

TEST(NodeIpam, LeavesAloneWhatIsTaken) {
  sim::Cluster cluster(with(options_of("10.0.0.0/28", 30, "10.0.0.0/30")).later());
  // The node that has a range comes last: the first promise is made with all that are there in mind.
  cluster.create(node_of("a"));
  cluster.create(node_of("z", "10.0.0.4/30"));
  cluster.restart_loops();
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "a"), ElementsAre("10.0.0.8/30"));
  cluster.create(node_of("b"));
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "b"), ElementsAre("10.0.0.12/30"));
}

Texts told(sim::Cluster& cluster) {
  Texts out;
  for (const auto& event : cluster.list<core::v1::Event>())
    out.push_back(event.type() + " " + event.reason() + " " + event.source().component() + ": " + event.message());
  return out;
}

TEST(NodeIpam, WhoWaitsGetsWhatIsLeftBehind) {
  sim::Cluster cluster(with(options_of("10.0.0.0/31", 32)));
  for (const char* name : {"a", "b", "c"}) cluster.create(node_of(name));
  cluster.advance(20min);
  EXPECT_THAT(ranges_of(cluster, "c"), IsEmpty());
  EXPECT_THAT(told(cluster), ElementsAre("Normal CIDRNotAvailable cidrAllocator: Node c status is now: CIDRNotAvailable"));
  cluster.remove<Node>("a");
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "c"), ElementsAre("10.0.0.0/32")) << "at once, whatever it has waited for";
}

TEST(NodeIpam, ANodeOfTheSameNameIsAnother) {
  sim::Cluster cluster(with(options_of("10.0.0.0/16")));
  cluster.create(node_of("a"));
  cluster.advance(1s);
  cluster.remove<Node>("a");
  cluster.create(node_of("a"));
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "a"), ElementsAre("10.0.1.0/24"));
  cluster.remove<Node>("a");
  cluster.create(node_of("a", "192.0.2.0/24"));
  cluster.create(node_of("b"));
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "a"), ElementsAre("192.0.2.0/24"));
  EXPECT_THAT(ranges_of(cluster, "b"), ElementsAre("10.0.2.0/24"));
}

TEST(NodeIpam, WhoIsLeavingKeepsItsRangeAndGetsNone) {
  sim::Cluster cluster(with(options_of("10.0.0.0/31", 32)));
  Node leaves = node_of("a");
  leaves.mutable_metadata()->add_finalizers("example.com/waits");
  cluster.create(leaves);
  cluster.create(node_of("b"));
  cluster.advance(1s);
  cluster.remove<Node>("a");
  cluster.create(node_of("c"));
  cluster.advance(1min);
  EXPECT_THAT(ranges_of(cluster, "c"), IsEmpty()) << "a is still there";
  cluster.edit<Node>("a", [](Node& node) { node.mutable_metadata()->clear_finalizers(); });
  cluster.advance(1s);
  EXPECT_THAT(ranges_of(cluster, "c"), ElementsAre("10.0.0.0/32"));
}

}  // namespace
}  // namespace ph::controllers

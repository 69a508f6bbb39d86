// The ttl loop.
#include "controllers/ttl/plan.h"

#include <gtest/gtest.h>

#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Node;

TEST(Ttl, GrowsWithTheClusterAndDoesNotSwing) {
  ttl::Ttl ttl;
  struct Step {
    std::size_t nodes;
    int seconds;
  };
  for (const Step& step : {Step{0, 0},
                           {100, 0},
                           {101, 15},
                           {95, 15},
                           {90, 15},
                           {89, 0},
                           {500, 15},
                           {501, 30},
                           {2001, 300},
                           {1800, 300},
                           {1799, 60},
                           {5000, 300},
                           {3, 0}}) {
    EXPECT_EQ(ttl.seconds_for(step.nodes), step.seconds) << step.nodes;
  }
}

TEST(Ttl, WhatTheAnnotationSays) {
  EXPECT_TRUE(ttl::says("15", 15));
  EXPECT_FALSE(ttl::says("0", 15));
  EXPECT_FALSE(ttl::says("15s", 15));
  EXPECT_FALSE(ttl::says("99999999999", 15));
  EXPECT_FALSE(ttl::says("", 0)) << "there is none";
}

TEST(TtlLoop, KeepsTheAnnotation) {
  sim::Cluster cluster(sim::loops("ttl"));
  const auto told = [&](const std::string& name) {
    const auto annotations = cluster.get<Node>(name).metadata().annotations();
    const auto found = annotations.find(ttl::kAnnotation);
    return found == annotations.end() ? std::string("none") : found->second;
  };
  for (int i = 0; i < 101; ++i) {
    Node node;
    node.mutable_metadata()->set_name("n" + std::to_string(i));
    cluster.create(node);
    cluster.advance(10ms);
  }
  cluster.advance(1s);
  EXPECT_EQ(told("n99"), "0");
  EXPECT_EQ(told("n100"), "15");
  cluster.edit<Node>("n0", [](Node& node) { (*node.mutable_metadata()->mutable_annotations())["touched"] = "yes"; });
  cluster.advance(1s);
  EXPECT_EQ(told("n0"), "15");
  cluster.edit<Node>("n0", [](Node& node) { node.mutable_metadata()->clear_annotations(); });
  cluster.advance(1s);
  EXPECT_EQ(told("n0"), "15");
  EXPECT_EQ(told("n1"), "0") << "nobody has touched it";
}

}  // namespace
}  // namespace ph::controllers

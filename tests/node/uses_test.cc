// What pods use, and who has which part of it.
#include "node/uses.h"

#include <gmock/gmock.h>

namespace ph::node {
namespace {

using PodRef = std::shared_ptr<const HollowPod>;

PodRef pod(const char* controller, int containers, const char* cpu = nullptr) {
  auto out = std::make_shared<HollowPod>();
  out->controller = controller;
  for (int i = 0; i < containers; ++i) out->containers.push_back({.name = std::to_string(i), .image = "img:1", .run = {}});
  if (cpu) {
    Behaviour does;
    does.cpu = Usage::parse(cpu);
    out->does = std::make_shared<const Behaviour>(does);
  }
  return out;
}

double cpu_of(const PodUse& use) {
  double out = 0;
  for (const ContainerUse& each : use.containers) out += each.cpu;
  return out;
}

TEST(Uses, ContainersHaveEqualParts) {
  const std::vector<PodRef> running{pod("", 2, "300m")};
  const std::vector<PodUse> uses = uses_of(running, Time());
  ASSERT_EQ(uses.size(), 1u);
  ASSERT_EQ(uses[0].containers.size(), 2u);
  EXPECT_EQ(uses[0].containers[1].name, "1");
  EXPECT_DOUBLE_EQ(uses[0].containers[0].cpu, 0.15);
  EXPECT_DOUBLE_EQ(uses[0].containers[0].memory, 4 << 20) << "of which nothing was said";
}

TEST(Uses, WhatIsSharedIsSharedByThePodsOfOneController) {
  const std::vector<PodRef> running{pod("a", 1, "total 3"), pod("a", 1, "total 3"), pod("b", 1, "total 3"),
                                    pod("", 1, "total 3"),  pod("", 1, "total 3"),  pod("a", 1)};
  const std::vector<PodUse> uses = uses_of(running, Time());
  EXPECT_DOUBLE_EQ(cpu_of(uses[0]), 1) << "a pod of it that says nothing has its part, too";
  EXPECT_DOUBLE_EQ(cpu_of(uses[2]), 3);
  EXPECT_DOUBLE_EQ(cpu_of(uses[3]), 3) << "one without a controller shares with nobody";
  EXPECT_DOUBLE_EQ(cpu_of(uses[5]), 0.001);
}

}  // namespace
}  // namespace ph::node

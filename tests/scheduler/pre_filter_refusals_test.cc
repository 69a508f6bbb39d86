// Pods that pre-filter refuses for all nodes: no room can be made for them, and that is no fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre;
using testing::IsEmpty;

// A cluster with one node, and a scheduler whose faults are heard.
class PreFilterRefusals : public testing::Test {
 protected:
  void run(ProfileSpec profile) {
    cluster_.on_write([this](const sim::Cluster::Write&) { executor_ = Executor::current(); });
    Node node = cluster_.create<Node>(MakeNode("n1").out);
    *node.mutable_status() = MakeNode("n1").out.status();
    cluster_.update_status(std::move(node));
    Configuration configuration;
    configuration.profiles.push_back(std::move(profile));
    informers_ = std::make_unique<informers::Informers>(*executor_, cluster_.client(), rng_, Log());
    const Log log([this](const LogLine& line) { faults_.push_back(std::string(line.text)); }, LogLevel::Warning);
    scheduler_ = std::make_unique<Scheduler>(SchedulerWorld{.executor = *executor_,
                                                            .clock = executor_->clock(),
                                                            .rng = rng_,
                                                            .client = cluster_.client(),
                                                            .informers = *informers_,
                                                            .log = log},
                                             std::move(configuration));
    scope_ = std::make_unique<Scope>(*executor_);
    scope_->spawn(scheduler_->run());
    cluster_.advance(1s);

    Pod pod = make_pod("default/a").uid("").with(container().image("img:1")).out;
    auto* volume = pod.mutable_spec()->add_volumes();
    volume->set_name("data");
    volume->mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("data");
    cluster_.create(std::move(pod));
    cluster_.advance(1s);
  }
  // Its condition, and what its event says.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    const Pod pod = cluster_.get<Pod>("default/a");
    for (const auto& one : pod.status().conditions()) {
      out.push_back(one.type() + "=" + one.status() + " " + one.reason() + ": " + one.message());
    }
    for (const auto& event : cluster_.list<core::v1::Event>("default")) out.push_back(event.reason() + ": " + event.message());
    return out;
  }

  sim::Cluster cluster_{sim::no_loops()};
  Executor* executor_ = nullptr;
  SeededRng rng_{1};
  std::vector<std::string> faults_;
  std::unique_ptr<informers::Informers> informers_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Scope> scope_;
};

// The end of the sentence is upstream's: DynamicResources has not been asked before, and says so instead of making room.
TEST_F(PreFilterRefusals, AMissingClaimIsNoFault) {
  run(default_profile());
  const std::string message = R"(0/1 nodes are available: persistentvolumeclaim "data" not found. not found)";
  EXPECT_THAT(told(), ElementsAre("PodScheduled=False Unschedulable: " + message, "FailedScheduling: " + message));
  EXPECT_THAT(faults_, IsEmpty());
  EXPECT_EQ(scheduler_->stats().unschedulable, 1u);
  EXPECT_EQ(scheduler_->stats().errors, 0u);
}

TEST_F(PreFilterRefusals, PreemptionDoesNotHelp) {
  ProfileSpec profile = default_profile();
  profile.points[Point::PostFilter] = {"DefaultPreemption"};
  run(std::move(profile));
  const std::string message = R"(0/1 nodes are available: persistentvolumeclaim "data" not found. )"
                              "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
  EXPECT_THAT(told(), ElementsAre("PodScheduled=False Unschedulable: " + message, "FailedScheduling: " + message));
  EXPECT_THAT(faults_, IsEmpty());
}

}  // namespace
}  // namespace ph::scheduler::test

// The extension points that no plugin of the registry uses, by a plugin that stands at all of them and does as it is
// told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/scheduler.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod;
using testing::ElementsAre;

// What the plugin is told to answer, and what it was asked. One test at a time.
struct Orders {
  Verdict reserve = Verdict::fits(), pre_bind = Verdict::fits(), bind = Verdict::skip();
  PermitResult permit;
  std::string post_filter;
  std::string throws;  // from pre_bind
  Duration pre_bind_takes{};
  std::vector<std::string> calls;
  WaitingPods* waiting = nullptr;
};
Orders* orders = nullptr;

class Puppet final : public PostFilterPlugin,
                     public ReservePlugin,
                     public PermitPlugin,
                     public PreBindPlugin,
                     public BindPlugin,
                     public PostBindPlugin {
 public:
  explicit Puppet(WaitingPods* waiting) { orders->waiting = waiting; }
  // Not the first that comes: the pod's own condition is a change of it, too.
  ClusterEvents retry_on() const override { return {ClusterEvent::NodeAdded, ClusterEvent::AssignedPodDeleted}; }
  Task<PostFilterResult> post_filter(CycleState&, const Pod&, const Rejections& rejections) override {
    orders->calls.push_back("post_filter " + std::to_string(rejections.nodes.size()));
    co_return PostFilterResult{Verdict::owning(Code::Unschedulable, orders->post_filter), {}};
  }
  Verdict reserve(CycleState&, const Pod&, std::string_view node) override {
    orders->calls.push_back("reserve " + std::string(node));
    return orders->reserve;
  }
  void unreserve(CycleState&, const Pod&, std::string_view node) override {
    orders->calls.push_back("unreserve " + std::string(node));
  }
  PermitResult permit(CycleState&, const Pod&, std::string_view) override {
    orders->calls.push_back("permit");
    return orders->permit;
  }
  Task<Verdict> pre_bind(CycleState&, const Pod&, std::string) override {
    orders->calls.push_back("pre_bind");
    if (orders->pre_bind_takes > Duration::zero()) co_await sleep_for(orders->pre_bind_takes);
    if (!orders->throws.empty()) throw std::runtime_error(orders->throws);
    co_return orders->pre_bind;
  }
  Task<Verdict> bind(CycleState&, const Pod&, std::string) override {
    orders->calls.push_back("bind");
    co_return orders->bind;
  }
  void post_bind(CycleState&, const Pod&, std::string_view) override { orders->calls.push_back("post_bind"); }
};

std::unique_ptr<Plugin> puppet(const PluginArgs&, const PluginWorld& world) { return std::make_unique<Puppet>(world.waiting); }
constexpr PluginEntry kPuppet[] = {{"Puppet", &puppet, 0}};

ProfileSpec with_puppet() {
  ProfileSpec spec = default_profile();
  spec.points[Point::PostFilter].clear();
  for (const Point point : {Point::PostFilter, Point::Reserve, Point::Permit, Point::PreBind, Point::PostBind}) {
    spec.points[point].push_back("Puppet");
  }
  spec.points[Point::Bind].insert(spec.points[Point::Bind].begin(), "Puppet");
  return spec;
}

// A simulated cluster with a scheduler of the test's own.
class ExtensionPoints : public testing::Test {
 protected:
  ExtensionPoints() {
    orders = &orders_;
    cluster_.on_write([this](const sim::Cluster::Write&) { executor_ = Executor::current(); });
    add_node("n1");
    Configuration configuration;
    configuration.profiles.push_back(with_puppet());
    informers_ = std::make_unique<informers::Informers>(*executor_, cluster_.client(), rng_, Log());
    scheduler_ = std::make_unique<Scheduler>(SchedulerWorld{.executor = *executor_,
                                                            .clock = executor_->clock(),
                                                            .rng = rng_,
                                                            .client = cluster_.client(),
                                                            .informers = *informers_,
                                                            .log = {},
                                                            .plugins = kPuppet},
                                             std::move(configuration));
    scope_ = std::make_unique<Scope>(*executor_);
    scope_->spawn(scheduler_->run());
    cluster_.advance(1s);
  }

  void add_node(const std::string& name) {
    Node node = cluster_.create<Node>(MakeNode(name).out);
    *node.mutable_status() = MakeNode(name).out.status();
    cluster_.update_status(std::move(node));
  }
  void create(const std::string& cpu = "1") {
    cluster_.create<Pod>(make_pod("default/a").uid("").with(container().image("img:1").asks("cpu", cpu)));
    cluster_.advance(500ms);
  }
  Pod pod() { return cluster_.get<Pod>("default/a"); }
  std::string message() {
    for (const auto& condition : pod().status().conditions()) {
      if (condition.type() == "PodScheduled") return condition.reason() + ": " + condition.message();
    }
    return {};
  }

  Orders orders_;
  sim::Cluster cluster_{sim::no_loops()};
  Executor* executor_ = nullptr;
  SeededRng rng_{1};
  std::unique_ptr<informers::Informers> informers_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Scope> scope_;
};

TEST_F(ExtensionPoints, InTheirOrder) {
  create();
  EXPECT_EQ(pod().spec().node_name(), "n1");
  EXPECT_THAT(orders_.calls, ElementsAre("reserve n1", "permit", "pre_bind", "bind", "post_bind"));
  EXPECT_EQ(scheduler_->stats().scheduled, 1u);
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
  EXPECT_EQ(scheduler_->diagnosis({"default", "a"}), nullptr);
}

TEST_F(ExtensionPoints, PostFilterAddsToTheMessage) {
  orders_.post_filter = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
  create("64");
  EXPECT_THAT(orders_.calls, ElementsAre("post_filter 1"));
  EXPECT_EQ(message(), "Unschedulable: 0/1 nodes are available: 1 Insufficient cpu. " + orders_.post_filter);
  const auto diagnosis = scheduler_->diagnosis({"default", "a"});
  ASSERT_NE(diagnosis, nullptr);
  EXPECT_EQ("Unschedulable: " + diagnosis->message, message());
}

TEST_F(ExtensionPoints, ARefusedReservationIsUndone) {
  orders_.reserve = Verdict::unschedulable("no volume");
  create();
  EXPECT_THAT(orders_.calls, ElementsAre("reserve n1", "unreserve n1"));
  EXPECT_EQ(message(), "Unschedulable: 0/1 nodes are available: 1 no volume.");
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
}

TEST_F(ExtensionPoints, APermitThatComesInTime) {
  orders_.permit = {Verdict::wait(), 10s};
  create();
  EXPECT_EQ(pod().spec().node_name(), "");
  EXPECT_EQ(scheduler_->stats().assumed, 1u);  // its room is held meanwhile
  orders_.waiting->allow(pod().metadata().uid(), "Puppet");
  cluster_.advance(1s);
  EXPECT_EQ(pod().spec().node_name(), "n1");
}

TEST_F(ExtensionPoints, APermitThatDoesNot) {
  orders_.permit = {Verdict::wait(), 10s};
  create();
  orders_.permit = {};
  cluster_.advance(10s);
  EXPECT_EQ(message(), "Unschedulable: 0/1 nodes are available: 1 rejected due to timeout after waiting 10s at plugin Puppet.");
  EXPECT_THAT(orders_.calls, ElementsAre("reserve n1", "permit", "unreserve n1"));
}

TEST_F(ExtensionPoints, AnErrorWhileBindingIsTriedAgainAfterABackoff) {
  orders_.throws = "disk on fire";
  create();
  EXPECT_EQ(message(), "SchedulerError: running PreBind plugin \"Puppet\": disk on fire");
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
  orders_.throws.clear();
  cluster_.advance(3s);
  EXPECT_EQ(pod().spec().node_name(), "n1");
}

TEST_F(ExtensionPoints, APodDeletedWhileItWaitsGivesItsRoomBack) {
  orders_.permit = {Verdict::wait(), 10min};
  create();
  cluster_.remove<Pod>("default/a");
  cluster_.advance(1s);
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
  EXPECT_EQ(scheduler_->stats().queue.in_flight, 0u);
}

// A phase is anybody's to write. The pod leaves the scheduler's watch and comes back, while its node is held for it.
class EndedForAMoment : public ExtensionPoints {
 protected:
  void set_phase(const char* phase) {
    Pod changed = pod();
    changed.mutable_status()->set_phase(phase);
    cluster_.update_status<Pod>(changed);
    cluster_.advance(1s);
  }
  void begin_to_bind() {
    orders_.pre_bind_takes = 10s;
    create();
    set_phase("Succeeded");
    set_phase("Pending");
    EXPECT_EQ(scheduler_->stats().assumed, 1u);
    orders_.pre_bind_takes = {};
  }
};

TEST_F(EndedForAMoment, IsBoundAllTheSame) {
  begin_to_bind();
  cluster_.advance(10s);
  EXPECT_EQ(pod().spec().node_name(), "n1");
  EXPECT_EQ(scheduler_->stats().pods, 1u);
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
  EXPECT_EQ(scheduler_->stats().queue.in_flight, 0u);
}

TEST_F(EndedForAMoment, IsPlacedAnewWhenItsBindingFails) {
  orders_.pre_bind = Verdict::unschedulable("no volume");
  begin_to_bind();
  cluster_.advance(7500ms);  // the end of the first attempt
  orders_.pre_bind = Verdict::fits();
  cluster_.advance(10min);
  EXPECT_EQ(pod().spec().node_name(), "n1");
  EXPECT_EQ(scheduler_->stats().assumed, 0u);
}

// Room on n1 is held for pod `a`, and `b` fits nowhere else. When `a` does not take it, `b` hears of that at once, and not after the
// five minutes after which everybody is tried again.
class HeldRoom : public ExtensionPoints {
 protected:
  static MakePod large(const std::string& name, const std::string& node) {
    return make_pod("default/" + name)
        .uid("")
        .with(container().image("img:1").asks("cpu", "3"))
        .requires_field({requirement("metadata.name", "In", {node})});
  }
  void create(const Pod& pod) {
    cluster_.create<Pod>(pod);
    cluster_.advance(500ms);
  }
  void nominate(const char* node) {
    Pod changed = pod();
    changed.mutable_status()->set_nominated_node_name(node);
    cluster_.update_status<Pod>(changed);
  }
  std::string node_of_b() { return cluster_.get<Pod>("default/b").spec().node_name(); }
  void expect_b_gets_it() {
    cluster_.advance(15s);
    EXPECT_EQ(node_of_b(), "n1");
  }
  void expect_b_waits() {
    create(large("b", "n1"));
    ASSERT_EQ(node_of_b(), "");
    cluster_.advance(15s);
    ASSERT_EQ(node_of_b(), "");
  }
};

TEST_F(HeldRoom, OfAPodThatIsBoundElsewhereByHand) {
  add_node("n2");
  orders_.pre_bind_takes = 1min;
  create(large("a", "n1"));
  orders_.pre_bind_takes = {};
  expect_b_waits();
  core::v1::Binding binding;
  binding.mutable_metadata()->set_name("a");
  binding.mutable_target()->set_kind("Node");
  binding.mutable_target()->set_name("n2");
  cluster_.call<meta::v1::Status>([&](informers::Client& client) {
    return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>({"default", "a"}, "binding", binding);
  });
  expect_b_gets_it();
  cluster_.advance(1min);
  EXPECT_EQ(pod().spec().node_name(), "n2");
  EXPECT_EQ(scheduler_->stats().pods, 2u);
}

TEST_F(HeldRoom, OfAPodThatIsDeletedWhileItIsBound) {
  orders_.pre_bind_takes = 10min;
  Pod a = large("a", "n1");
  a.mutable_metadata()->add_finalizers("example.com/slow");
  create(a);
  orders_.pre_bind_takes = {};
  expect_b_waits();
  cluster_.remove<Pod>("default/a");
  expect_b_gets_it();
}

TEST_F(HeldRoom, OfAPodThatIsNominatedThereAndGoesElsewhere) {
  add_node("n2");
  create(large("a", "n2").gate("g").priority(10));
  nominate("n1");
  expect_b_waits();
  cluster_.edit<Pod>("default/a", [](Pod& pod) { pod.mutable_spec()->clear_scheduling_gates(); });
  expect_b_gets_it();
  EXPECT_EQ(pod().spec().node_name(), "n2");
}

TEST_F(HeldRoom, OfAPodThatGoesBeforeItsNominationIsTold) {
  create(large("a", "n1").gate("g").priority(10));
  scheduler_->queue().nominated().put(make_pod_info(pod()), "n1");
  expect_b_waits();
  cluster_.remove<Pod>("default/a");
  expect_b_gets_it();
}

}  // namespace
}  // namespace ph::scheduler::test

// The loops nodelifecycle and taint-eviction-controller in a cluster.
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/times.h"
#include "controllers/common/conditions.h"
#include "controllers/node_lifecycle/metrics.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::Event, core::v1::Node, core::v1::Pod;
using testing::ElementsAre, testing::IsEmpty;

constexpr const char* kLoops = "nodelifecycle,taint-eviction-controller,replicaset";

// Pods leave a node a second after they may.
core::v1::PodSpec impatient(core::v1::PodSpec spec) {
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    auto& toleration = *spec.add_tolerations();
    toleration.set_key(key);
    toleration.set_operator_("Exists");
    toleration.set_effect("NoExecute");
    toleration.set_toleration_seconds(1);
  }
  return spec;
}

// So seldom that nodes which fall silent together are found so together.
Options seldom() {
  Options out;
  out.node_lifecycle.monitor_period = 30s;
  return out;
}

class NodeLifecycleInACluster : public testing::Test {
 protected:
  // Hollow nodes, whose kubelets go on but do not reach the server while they are silent.
  void begin(int nodes, sim::Setup setup = sim::loops(kLoops).scheduler()) {
    cluster = std::make_unique<sim::Cluster>(setup.nodes(nodes));
    cluster->put_before([this](HttpRequest& request) -> std::optional<HttpResponse> {
      const std::string path(request.path());
      const auto of = [&](const std::string& start, const std::string& end) {
        return path.starts_with(start) && path.ends_with(end) &&
               silent.contains(path.substr(start.size(), path.size() - start.size() - end.size()));
      };
      const bool is_kubelets =
          request.method != "GET" && (of("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/", "") ||
                                      (by_kubelet(request) && of("/api/v1/nodes/", "/status")));
      if (!is_kubelets) return std::nullopt;
      HttpResponse out;
      out.status = 503;
      out.body.push_back(share("nobody hears"));
      return out;
    });
    cluster->advance(20s);
  }
  // The loop's own writes of a node's status say Unknown.
  static bool by_kubelet(const HttpRequest& request) { return request.body.find("NodeStatusUnknown") == std::string::npos; }

  void make_pods(int count) {
    apps::v1::ReplicaSet set = sim::make_replica_set("default/web").replicas(count).object();
    *set.mutable_spec()->mutable_template_()->mutable_spec() = impatient(set.spec().template_().spec());
    cluster->create(set);
    cluster->advance(10s);
    ASSERT_EQ(pods().size(), static_cast<std::size_t>(count));
  }

  std::vector<Pod> pods() {
    std::vector<Pod> out;
    for (const Pod& pod : cluster->list<Pod>("default")) {
      if (!pod.metadata().has_deletion_timestamp()) out.push_back(pod);
    }
    return out;
  }
  std::size_t pods_on(const std::set<std::string>& nodes) {
    return static_cast<std::size_t>(
        std::ranges::count_if(pods(), [&](const Pod& pod) { return nodes.contains(pod.spec().node_name()); }));
  }
  std::string condition(const std::string& node, const char* type) {
    const Node object = cluster->get<Node>(node);
    const auto* found = find_condition(object.status(), type);
    return found ? found->status() + " " + found->reason() : std::string("none");
  }
  std::vector<std::string> taints(const std::string& node) {
    std::vector<std::string> out;
    const Node object = cluster->get<Node>(node);
    for (const auto& taint : object.spec().taints())
      out.push_back(taint.key().substr(taint.key().find('/') + 1) + ":" + taint.effect());
    return out;
  }
  // How many have NoExecute.
  int given_up(int nodes) {
    int out = 0;
    for (int i = 0; i < nodes; ++i) {
      const auto has = taints(fmt::format("node-{}", i));
      out += std::ranges::count(has, "unreachable:NoExecute") > 0;
    }
    return out;
  }
  std::vector<std::string> events_on(const std::string& name) {
    std::vector<std::string> out;
    for (const Event& event : cluster->list<Event>()) {
      if (event.involved_object().name() == name) out.push_back(event.reason() + ": " + event.message());
    }
    return out;
  }

  std::set<std::string> silent;
  std::unique_ptr<sim::Cluster> cluster;
};

TEST_F(NodeLifecycleInACluster, NodesThatAreHeardOfStayAsTheyAre) {
  begin(3);
  make_pods(3);
  const auto revision = cluster->get<Node>("node-1").metadata().resource_version();
  cluster->advance(4min);
  EXPECT_EQ(cluster->get<Node>("node-1").metadata().resource_version(), revision) << "leases are enough";
  for (const char* node : {"node-0", "node-1", "node-2"}) {
    EXPECT_THAT(events_on(node),
                ElementsAre(fmt::format("RegisteredNode: Node {0} event: Registered Node {0} in Controller", node)));
  }
  cluster->advance(1h);
  for (const char* node : {"node-0", "node-1", "node-2"}) {
    EXPECT_EQ(condition(node, "Ready"), "True KubeletReady");
    EXPECT_THAT(taints(node), IsEmpty());
    EXPECT_THAT(events_on(node), IsEmpty()) << "they have expired, and nothing more is told";
  }
}

TEST_F(NodeLifecycleInACluster, ASilentNodeIsGivenUpAndItsPodsAreMadeElsewhere) {
  begin(4);
  make_pods(8);
  const std::size_t there = pods_on({"node-1"});
  ASSERT_GT(there, 0u);
  silent = {"node-1"};
  cluster->advance(35s);
  EXPECT_EQ(condition("node-1", "Ready"), "True KubeletReady");
  cluster->advance(30s);
  EXPECT_EQ(condition("node-1", "Ready"), "Unknown NodeStatusUnknown");
  EXPECT_EQ(condition("node-1", "MemoryPressure"), "Unknown NodeStatusUnknown");
  EXPECT_THAT(taints("node-1"), ElementsAre("unreachable:NoSchedule", "unreachable:NoExecute"));
  EXPECT_THAT(events_on("node-1"), testing::Contains("NodeNotReady: Node node-1 status is now: NodeNotReady"));
  cluster->advance(30s);
  EXPECT_EQ(pods_on({"node-1"}), 0u);
  EXPECT_EQ(pods().size(), 8u);
  EXPECT_EQ(pods_on({"node-0", "node-2", "node-3"}), 8u);
  silent = {};
  cluster->advance(6min);
  EXPECT_EQ(condition("node-1", "Ready"), "True KubeletReady");
  EXPECT_THAT(taints("node-1"), IsEmpty());
}

TEST_F(NodeLifecycleInACluster, NodesAreGivenUpAtTheRate) {
  begin(10);
  silent = {"node-1", "node-2", "node-3", "node-4"};
  cluster->run_until([&] { return given_up(10) > 0; }, 2min);
  EXPECT_EQ(given_up(10), 1);
  cluster->advance(8s);
  EXPECT_EQ(given_up(10), 1);
  cluster->advance(3s);
  EXPECT_EQ(given_up(10), 2);
  cluster->advance(10s);
  EXPECT_EQ(given_up(10), 3);
  cluster->advance(10s);
  EXPECT_EQ(given_up(10), 4);
}

TEST_F(NodeLifecycleInACluster, AZoneThatIsMostlySilentSlowsDown) {
  Options options;
  options.node_lifecycle.large_cluster_size_threshold = 5;
  begin(10, sim::loops(kLoops).options(options));
  silent = {"node-1", "node-2", "node-3", "node-4", "node-5", "node-6"};
  ASSERT_TRUE(cluster->run_until([&] { return given_up(10) > 0; }, 2min));
  EXPECT_EQ(given_up(10), 1);
  cluster->advance(95s);
  EXPECT_EQ(given_up(10), 1) << "one in 100 s";
  cluster->advance(15s);
  EXPECT_EQ(given_up(10), 2);
  silent = {"node-1", "node-2"};
  cluster->advance(6min);
  EXPECT_EQ(given_up(10), 2) << "the others are back, these are not";
}

TEST_F(NodeLifecycleInACluster, ASmallZoneThatIsMostlySilentStops) {
  begin(5, sim::loops(kLoops).options(seldom()));
  silent = {"node-1", "node-2", "node-3"};
  cluster->advance(20min);
  EXPECT_EQ(condition("node-2", "Ready"), "Unknown NodeStatusUnknown");
  EXPECT_THAT(taints("node-2"), ElementsAre("unreachable:NoSchedule"));
  EXPECT_EQ(given_up(5), 0);
}

TEST_F(NodeLifecycleInACluster, WhenNobodyIsHeardOfNobodyIsEvicted) {
  begin(3, sim::loops(kLoops).scheduler().options(seldom()));
  make_pods(6);
  std::vector<std::string> before;
  for (const Pod& pod : pods()) before.push_back(pod.metadata().uid());
  silent = {"node-0", "node-1", "node-2"};
  cluster->advance(30min);
  EXPECT_EQ(condition("node-0", "Ready"), "Unknown NodeStatusUnknown");
  EXPECT_EQ(given_up(3), 0);
  std::vector<std::string> after;
  for (const Pod& pod : pods()) after.push_back(pod.metadata().uid());
  EXPECT_EQ(after, before);
  silent = {"node-2"};
  cluster->advance(10min);
  EXPECT_EQ(condition("node-0", "Ready"), "True KubeletReady");
  EXPECT_THAT(taints("node-0"), IsEmpty());
  EXPECT_THAT(taints("node-2"), ElementsAre("unreachable:NoSchedule", "unreachable:NoExecute"));
  EXPECT_EQ(pods_on({"node-0", "node-1"}), 6u);
}

TEST_F(NodeLifecycleInACluster, AFreshStartAllowsEveryNodeItsTimeAnew) {
  begin(3);
  silent = {"node-1"};
  cluster->advance(40s);
  cluster->restart_loops();
  cluster->advance(40s);
  EXPECT_EQ(condition("node-1", "Ready"), "True KubeletReady");
  cluster->advance(30s);
  EXPECT_EQ(condition("node-1", "Ready"), "Unknown NodeStatusUnknown");
}

TEST_F(NodeLifecycleInACluster, AFreshStartLeavesTaintsWhereTheyAre) {
  begin(3);
  silent = {"node-1"};
  cluster->advance(90s);
  ASSERT_THAT(taints("node-1"), ElementsAre("unreachable:NoSchedule", "unreachable:NoExecute"));
  const auto revision = cluster->get<Node>("node-1").metadata().resource_version();
  cluster->restart_loops();
  cluster->advance(5min);
  EXPECT_EQ(cluster->get<Node>("node-1").metadata().resource_version(), revision);
}

TEST_F(NodeLifecycleInACluster, CountsWhatItGivesUp) {
  Metrics metrics;
  begin(4, sim::loops(kLoops).counted_by(metrics));
  silent = {"node-1"};
  cluster->advance(90s);
  const node_lifecycle::NodeFamilies families{&metrics};
  EXPECT_EQ(families.evictions.with({""}).value(), 1u);
  EXPECT_EQ(families.size.with({""}).value(), 4);
  EXPECT_EQ(families.unhealthy.with({""}).value(), 1);
  EXPECT_EQ(families.health.with({""}).value(), 75);
  cluster.reset();
}

// -- Nodes by hand

Node node_of(const std::string& name, const char* ready, Time now) {
  Node node;
  node.mutable_metadata()->set_name(name);
  if (!*ready) return node;
  auto& condition = *node.mutable_status()->add_conditions();
  condition.set_type("Ready");
  condition.set_status(ready);
  condition.set_reason("Test");
  api::set_time(condition.mutable_last_heartbeat_time(), now);
  api::set_time(condition.mutable_last_transition_time(), now);
  return node;
}

TEST_F(NodeLifecycleInACluster, ANewNodeTakesPodsWhenItIsReady) {
  begin(0, sim::loops("nodelifecycle").access());
  cluster->create(node_of("a", "False", cluster->now()));
  cluster->advance(1s);
  EXPECT_THAT(taints("a"), ElementsAre("not-ready:NoSchedule"));
  cluster->update_status(node_of("a", "True", cluster->now()));
  cluster->advance(1s);
  EXPECT_THAT(taints("a"), IsEmpty());
}

TEST_F(NodeLifecycleInACluster, ANodeThatNeverSaysAnything) {
  begin(0);
  cluster->create(node_of("a", "", cluster->now()));
  cluster->advance(58s);
  EXPECT_EQ(condition("a", "Ready"), "none");
  cluster->advance(8s);
  EXPECT_EQ(condition("a", "Ready"), "Unknown NodeStatusNeverUpdated");
  EXPECT_THAT(taints("a"), ElementsAre("unreachable:NoSchedule"));
  EXPECT_THAT(events_on("a"), ElementsAre("RegisteredNode: Node a event: Registered Node a in Controller"));
  cluster->remove<Node>("a");
  cluster->advance(10s);
  EXPECT_THAT(events_on("a"), testing::Contains("RemovingNode: Node a event: Removing Node a from Controller"));
}

TEST_F(NodeLifecycleInACluster, PodsAreToldOnce) {
  begin(0, sim::loops("nodelifecycle"));
  cluster->create(node_of("a", "True", cluster->now()));
  cluster->create(node_of("b", "True", cluster->now()));
  cluster->create(sim::make_pod("default/p", "a"));
  const auto say_ready = [&] {
    Pod now = cluster->get<Pod>("default/p");
    now.mutable_status()->clear_conditions();
    auto& ready = *now.mutable_status()->add_conditions();
    ready.set_type("Ready");
    ready.set_status("True");
    ready.set_reason("Kubelet");
    cluster->update_status(now);
  };
  const auto ready = [&] {
    const Pod now = cluster->get<Pod>("default/p");
    const auto* found = find_condition(now.status(), "Ready");
    return found->status() + " " + found->reason();
  };
  say_ready();
  cluster->advance(70s);
  EXPECT_EQ(ready(), "False Kubelet");
  EXPECT_THAT(events_on("p"), ElementsAre("NodeNotReady: Node is not ready"));
  say_ready();
  cluster->advance(5min);
  EXPECT_EQ(ready(), "True Kubelet") << "the kubelet knows better";
}

// A watch that is behind makes nobody fall silent.
TEST_F(NodeLifecycleInACluster, LeasesThatAreNotSeenYetCount) {
  sim::Faults faults;
  faults.stalled = 0.2;
  faults.stall_most = 3min;
  begin(2, sim::loops("nodelifecycle").faults(faults));
  for (int i = 0; i < 200; ++i) {
    cluster->advance(10s);
    ASSERT_EQ(condition("node-0", "Ready"), "True KubeletReady") << i;
    ASSERT_EQ(condition("node-1", "Ready"), "True KubeletReady") << i;
  }
}

}  // namespace
}  // namespace ph::controllers

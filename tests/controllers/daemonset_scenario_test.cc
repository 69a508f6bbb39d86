// The daemonset loop in a simulated cluster, with and without a scheduler and nodes that run pods.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"
#include "tests/sim/planted.h"

namespace ph::sim {
namespace {

using apps::v1::ControllerRevision;
using apps::v1::DaemonSet;
using core::v1::Node;
using core::v1::Pod;
using testing::Contains, testing::ElementsAre, testing::HasSubstr, testing::IsEmpty, testing::UnorderedElementsAre;

constexpr const char* kSet = "default/agent";

void make_node(Cluster& cluster, const std::string& name) {
  Node node;
  node.mutable_metadata()->set_name(name);
  cluster.create(node);
}
void taint(Cluster& cluster, const std::string& node, const char* effect) {
  cluster.edit<Node>(node, [&](Node& it) {
    it.mutable_spec()->clear_taints();
    if (!effect) return;
    auto& taint = *it.mutable_spec()->add_taints();
    taint.set_key("k");
    taint.set_effect(effect);
  });
}

bool is_ready(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(),
                             [](const auto& c) { return c.type() == "Ready" && c.status() == "True"; });
}
// The node it is on, or asks for.
std::string node_of(const Pod& pod) {
  if (!pod.spec().node_name().empty()) return pod.spec().node_name();
  const auto& required = pod.spec().affinity().node_affinity().required_during_scheduling_ignored_during_execution();
  return required.node_selector_terms_size() == 0 ? "" : required.node_selector_terms(0).match_fields(0).values(0);
}
std::vector<std::string> nodes_with_pods(Cluster& cluster) {
  std::vector<std::string> out;
  for (const Pod& pod : cluster.list<Pod>("default")) {
    if (!pod.metadata().has_deletion_timestamp()) out.push_back(node_of(pod));
  }
  return out;
}

void set_image(Cluster& cluster, const std::string& image) {
  cluster.edit<DaemonSet>(kSet, [&](DaemonSet& set) {
    set.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(image);
  });
}
bool complete(Cluster& cluster, int nodes) {
  const DaemonSet set = cluster.get<DaemonSet>(kSet);
  const auto& status = set.status();
  return status.observed_generation() == set.metadata().generation() && status.updated_number_scheduled() == nodes &&
         status.number_available() == nodes && status.desired_number_scheduled() == nodes;
}
void set_phase(Cluster& cluster, const std::string& key, const char* phase) {
  Pod pod = cluster.get<Pod>(key);
  pod.mutable_status()->set_phase(phase);
  cluster.update_status(pod);
}
std::vector<std::string> reasons(Cluster& cluster) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.source().component() == "daemonset-controller") out.push_back(event.reason());
  }
  return out;
}

// How few pods were ready, and how many there were, at any moment from now on; without those on their way out.
class Extremes {
 public:
  explicit Extremes(Cluster& cluster) {
    for (const Pod& pod : cluster.list<Pod>("default")) pods_["/registry/pods/" + key_of(pod).text()] = pod;
    count();
    least_ready = ready_, most = all_;
    cluster.on_write([this](const Cluster::Write& write) {
      if (!write.key.starts_with("/registry/pods/")) return;
      if (write.object.empty()) pods_.erase(write.key);
      else api::decode_protobuf(write.object, pods_[write.key]);
      count();
      least_ready = std::min(least_ready, ready_);
      most = std::max(most, all_);
    });
  }
  int least_ready = 0, most = 0;

 private:
  void count() {
    ready_ = all_ = 0;
    for (const auto& [key, pod] : pods_) {
      if (pod.metadata().has_deletion_timestamp()) continue;
      ++all_;
      ready_ += is_ready(pod);
    }
  }
  std::map<std::string, Pod> pods_;
  int ready_ = 0, all_ = 0;
};

TEST(DaemonSetScenario, RunsAPodOnEachNodeThatComes) {
  Cluster cluster(loops("daemonset").nodes(3).scheduler());
  cluster.create(make_daemon_set(kSet));
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  EXPECT_THAT(nodes_with_pods(cluster), UnorderedElementsAre("node-0", "node-1", "node-2"));
  make_node(cluster, "late");
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<DaemonSet>(kSet).status().current_number_scheduled() == 4; }, 5s));
  EXPECT_THAT(reasons(cluster), Contains("SuccessfulCreate"));
}

TEST(DaemonSetScenario, RollsOutWithoutTakingMoreThanAllowed) {
  Cluster cluster(loops("daemonset").nodes(5).scheduler());
  DaemonSet set = make_daemon_set(kSet);
  set.mutable_spec()->mutable_update_strategy()->set_type("RollingUpdate");
  auto& unavailable = *set.mutable_spec()->mutable_update_strategy()->mutable_rolling_update()->mutable_max_unavailable();
  unavailable.set_type(1);
  unavailable.set_str_val("40%");
  cluster.create(set);
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 5); }));
  const Extremes extremes(cluster);
  set_image(cluster, "img:2");
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 5); }));
  EXPECT_EQ(extremes.least_ready, 3);
  for (const Pod& pod : cluster.list<Pod>("default")) EXPECT_EQ(pod.spec().containers(0).image(), "img:2");
}

TEST(DaemonSetScenario, RollsOutBySurgeWithoutAGap) {
  Cluster cluster(loops("daemonset").nodes(3).scheduler());
  DaemonSet set = make_daemon_set(kSet);
  auto& strategy = *set.mutable_spec()->mutable_update_strategy();
  strategy.set_type("RollingUpdate");
  strategy.mutable_rolling_update()->mutable_max_surge()->set_int_val(1);
  strategy.mutable_rolling_update()->mutable_max_unavailable()->set_int_val(0);
  cluster.create(set);
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  const Extremes extremes(cluster);
  set_image(cluster, "img:2");
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  EXPECT_EQ(extremes.least_ready, 3);
  EXPECT_EQ(extremes.most, 4);
}

TEST(DaemonSetScenario, RollsBackToAnOldRevision) {
  Cluster cluster(loops("daemonset").nodes(1).scheduler());
  DaemonSet set = make_daemon_set(kSet);
  set.mutable_spec()->set_revision_history_limit(1);
  cluster.create(set);
  const auto revisions = [&] {
    std::map<std::string, int> out;  // number by image
    for (const auto& each : cluster.list<ControllerRevision>("default")) {
      const std::string& data = each.data().raw();
      out[data.substr(data.find("img:"), 5)] = static_cast<int>(each.revision());
    }
    return out;
  };
  for (const char* image : {"img:1", "img:2", "img:3"}) {
    set_image(cluster, image);
    ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  }
  cluster.advance(10s);
  EXPECT_THAT(revisions(), UnorderedElementsAre(testing::Pair("img:2", 2), testing::Pair("img:3", 3)));
  set_image(cluster, "img:2");
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  EXPECT_THAT(revisions(), UnorderedElementsAre(testing::Pair("img:2", 4), testing::Pair("img:3", 3)));
}

TEST(DaemonSetScenario, ReplacesFailedPodsMoreAndMoreSlowly) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "n");
  int made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.create(make_daemon_set(kSet));
  const auto fail_all_for = [&](Duration time) {
    for (const Time end = cluster.now() + time; cluster.now() < end; cluster.advance(500ms)) {
      for (const Pod& pod : cluster.list<Pod>("default")) {
        if (pod.status().phase() != "Failed") set_phase(cluster, key_of(pod).text(), "Failed");
      }
    }
  };
  fail_all_for(30s);
  EXPECT_GE(made, 5);
  EXPECT_LE(made, 7) << "1, 2, 4, 8, 16 s between them";
  EXPECT_THAT(reasons(cluster), Contains("FailedDaemonPod"));
  made = 0;
  fail_all_for(10min);
  EXPECT_GE(made, 3);
  EXPECT_LE(made, 5);
}

TEST(DaemonSetScenario, ReplacesSucceededPodsAtOnce) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "n");
  cluster.create(make_daemon_set(kSet));
  cluster.advance(1s);
  const std::string first = cluster.list<Pod>("default").front().metadata().name();
  set_phase(cluster, "default/" + first, "Succeeded");
  cluster.advance(1s);
  ASSERT_EQ(cluster.list<Pod>("default").size(), 1u);
  EXPECT_NE(cluster.list<Pod>("default").front().metadata().name(), first);
  EXPECT_THAT(reasons(cluster), Contains("SucceededDaemonPod"));
}

TEST(DaemonSetScenario, FollowsTaintsAndLabelsOfNodes) {
  Cluster cluster(loops("daemonset").nodes(2).scheduler());
  cluster.create(make_daemon_set(kSet));
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 2); }));
  taint(cluster, "node-0", "NoSchedule");
  cluster.advance(2min);
  EXPECT_EQ(nodes_with_pods(cluster).size(), 2u) << "what is there may stay";
  EXPECT_EQ(cluster.get<DaemonSet>(kSet).status().number_misscheduled(), 1);
  taint(cluster, "node-0", "NoExecute");
  ASSERT_TRUE(cluster.run_until([&] { return nodes_with_pods(cluster) == std::vector<std::string>{"node-1"}; }, 5s));
  taint(cluster, "node-0", nullptr);
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 2); }));
  cluster.edit<DaemonSet>(kSet, [](DaemonSet& set) {
    (*set.mutable_spec()->mutable_template_()->mutable_spec()->mutable_node_selector())["disk"] = "ssd";
  });
  ASSERT_TRUE(cluster.run_until([&] { return nodes_with_pods(cluster).empty(); }));
  cluster.edit<Node>("node-1", [](Node& node) { (*node.mutable_metadata()->mutable_labels())["disk"] = "ssd"; });
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 1); }));
  EXPECT_THAT(nodes_with_pods(cluster), ElementsAre("node-1"));
}

TEST(DaemonSetScenario, CordonedNodesKeepTheirs) {
  Cluster cluster(loops("daemonset").nodes(2).scheduler());
  cluster.edit<Node>("node-0", [](Node& node) { node.mutable_spec()->set_unschedulable(true); });
  cluster.create(make_daemon_set(kSet));
  EXPECT_TRUE(cluster.run_until([&] { return complete(cluster, 2); }));
}

TEST(DaemonSetScenario, ForgetsNodesThatAreGone) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "stays");
  make_node(cluster, "goes");
  cluster.create(make_daemon_set(kSet));
  cluster.advance(1s);
  ASSERT_EQ(nodes_with_pods(cluster).size(), 2u);
  cluster.remove<Node>("goes");
  cluster.advance(2min);
  EXPECT_THAT(nodes_with_pods(cluster), ElementsAre("stays")) << "nobody would ever schedule the other one";
  EXPECT_EQ(cluster.get<DaemonSet>(kSet).status().desired_number_scheduled(), 1);
}

TEST(DaemonSetScenario, AdoptsAndReleases) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "n");
  Pod orphan = make_pod("default/orphan", "n");
  (*orphan.mutable_metadata()->mutable_labels())["app"] = "agent";
  cluster.create(orphan);
  DaemonSet set = make_daemon_set(kSet);
  set.mutable_spec()->mutable_update_strategy()->set_type("OnDelete");
  cluster.create(set);
  cluster.advance(5s);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 1);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 1u) << "it is the node's";
  cluster.edit<Pod>("default/orphan", [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = "debug"; });
  cluster.advance(5s);
  EXPECT_EQ(cluster.get<Pod>("default/orphan").metadata().owner_references_size(), 0);
  EXPECT_EQ(cluster.list<Pod>("default").size(), 2u) << "the released one was replaced";
}

TEST(DaemonSetScenario, TakesAnotherNameWhereItsRevisionsIsTaken) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "n");
  cluster.create(make_daemon_set(kSet));
  cluster.advance(1s);
  ControllerRevision taken = cluster.list<ControllerRevision>("default").front();
  cluster.remove<DaemonSet>(kSet, informers::DeleteOptions::background());
  for (const Pod& pod : cluster.list<Pod>("default")) cluster.remove<Pod>(key_of(pod).text());
  cluster.remove<ControllerRevision>(key_of(taken).text());
  meta::v1::ObjectMeta metadata;
  metadata.set_namespace_("default");
  metadata.set_name(taken.metadata().name());
  *taken.mutable_metadata() = metadata;
  taken.mutable_data()->set_raw(R"({"another":"one"})");
  cluster.create(taken);
  cluster.create(make_daemon_set(kSet));
  cluster.advance(10s);
  EXPECT_EQ(cluster.get<DaemonSet>(kSet).status().collision_count(), 1);
  EXPECT_EQ(cluster.list<ControllerRevision>("default").size(), 2u);
  EXPECT_EQ(nodes_with_pods(cluster).size(), 1u);
}

TEST(DaemonSetScenario, KeepsOneOfTwoRevisionsThatSayTheSame) {
  Cluster cluster(loops("daemonset"));
  make_node(cluster, "n");
  cluster.create(make_daemon_set(kSet));
  cluster.advance(1s);
  ControllerRevision twin = cluster.list<ControllerRevision>("default").front();
  const std::string hash = twin.metadata().labels().at("controller-revision-hash");
  meta::v1::ObjectMeta metadata;
  metadata.set_namespace_("default");
  metadata.set_name("agent-twin");
  (*metadata.mutable_labels())["app"] = "agent";  // an orphan, without a hash
  *twin.mutable_metadata() = metadata;
  twin.set_revision(5);
  cluster.create(twin);
  const std::string pod = cluster.list<Pod>("default").front().metadata().name();
  cluster.advance(5s);
  ASSERT_EQ(cluster.list<ControllerRevision>("default").size(), 1u);
  EXPECT_EQ(cluster.list<ControllerRevision>("default").front().metadata().labels().at("controller-revision-hash"), "agent-twin");
  ASSERT_EQ(cluster.list<Pod>("default").size(), 1u);
  EXPECT_EQ(cluster.list<Pod>("default").front().metadata().name(), pod) << "nothing is rolled out";
  EXPECT_EQ(cluster.list<Pod>("default").front().metadata().labels().at("controller-revision-hash"), "agent-twin");
}

TEST(DaemonSetScenario, WaitsOutMinReadySeconds) {
  Cluster cluster(loops("daemonset").nodes(2).scheduler());
  DaemonSet set = make_daemon_set(kSet);
  set.mutable_spec()->set_min_ready_seconds(60);
  cluster.create(set);
  ASSERT_TRUE(cluster.run_until([&] { return cluster.get<DaemonSet>(kSet).status().number_ready() == 2; }));
  cluster.advance(50s);
  EXPECT_EQ(cluster.get<DaemonSet>(kSet).status().number_available(), 0);
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<DaemonSet>(kSet).status().number_available(), 2);
}

TEST(DaemonSetScenario, DoesNothingForASetThatIsBeingDeleted) {
  Cluster cluster(loops("daemonset"));
  DaemonSet set = make_daemon_set(kSet);
  set.mutable_metadata()->add_finalizers("example.com/x");
  cluster.create(set);
  cluster.advance(1s);
  cluster.remove<DaemonSet>(kSet);
  make_node(cluster, "n");
  cluster.advance(2min);
  EXPECT_THAT(cluster.list<Pod>("default"), IsEmpty());
}

TEST(DaemonSetScenario, HeartbeatsOfNodesConcernNobody) {
  Metrics metrics;
  Cluster cluster(loops("daemonset").nodes(3).scheduler().counted_by(metrics));
  cluster.create(make_daemon_set(kSet));
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  cluster.advance(2min);
  const auto adds = [&] {
    const std::string shown = cluster.scrape();
    const auto at = shown.find("workqueue_adds_total{name=\"daemonset\"}");
    return at == std::string::npos ? "none" : shown.substr(at, shown.find('\n', at) - at);
  };
  const std::string before = adds();
  ASSERT_THAT(before, HasSubstr("} "));
  int reports = 0;
  cluster.on_write([&](const Cluster::Write& write) { reports += write.key.starts_with("/registry/minions/"); });
  cluster.advance(1h);
  EXPECT_GE(reports, 30);
  EXPECT_EQ(adds(), before);
}

TEST(DaemonSetScenario, AFreshStartChangesNothing) {
  Cluster cluster(loops("daemonset").nodes(3).scheduler());
  cluster.create(make_daemon_set(kSet));
  ASSERT_TRUE(cluster.run_until([&] { return complete(cluster, 3); }));
  ASSERT_TRUE(cluster.run_until_quiet());
  const auto writes = [&] {
    return std::ranges::count_if(cluster.history(), [](const std::string& line) {
      return line.find("/registry/leases/") == std::string::npos && line.find("/registry/minions/") == std::string::npos;
    });
  };
  const auto before = writes();
  cluster.restart_loops();
  cluster.advance(5min);
  EXPECT_EQ(writes(), before);
}

TEST(DaemonSetScenario, MakesNothingThatItWouldNotSelect) {
  Cluster cluster(loops("daemonset").nodes(1).later());
  cluster.create(make_daemon_set(kSet));
  edit_unjudged<DaemonSet>(cluster, kSet, [](DaemonSet& spoiled) {
    (*spoiled.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["app"] = "another";
  });
  int made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(made, 0) << "each would be released at once, and another made";
}

}  // namespace
}  // namespace ph::sim

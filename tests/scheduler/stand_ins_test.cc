// Constraints whose plugins are not here yet: pods that have them wait, with a word, and nothing is placed as if they were not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/config/configuration.h"
#include "tests/scheduler/make.h"
#include "tests/sim/cluster.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::Pod, core::v1::PodAffinityTerm;
using testing::ElementsAre;

Pod with(std::function<void(core::v1::PodSpec&)> change) {
  Pod pod = make_pod();
  change(*pod.mutable_spec());
  return pod;
}
Pod with_volume(std::function<void(core::v1::VolumeSource&)> change) {
  return with([&](core::v1::PodSpec& spec) { change(*spec.add_volumes()->mutable_volume_source()); });
}
Pod spreading(const std::string& when) {
  return with([&](core::v1::PodSpec& spec) { spec.add_topology_spread_constraints()->set_when_unsatisfiable(when); });
}

// Selects `app=<app>`; an empty one everything.
PodAffinityTerm term(const std::string& app, const std::string& topology = "zone") {
  PodAffinityTerm out;
  out.set_topology_key(topology);
  out.mutable_label_selector();
  if (!app.empty()) (*out.mutable_label_selector()->mutable_match_labels())["app"] = app;
  return out;
}
Pod repelling(Pod pod, const PodAffinityTerm& term) {
  *pod.mutable_spec()
       ->mutable_affinity()
       ->mutable_pod_anti_affinity()
       ->add_required_during_scheduling_ignored_during_execution() = term;
  return pod;
}

struct Case {
  const char* name;
  Pod pod;
  const char* plugin;  // that holds it back; empty: none
  const char* message = "";
};

const std::vector<Case>& cases() {
  using core::v1::VolumeSource, core::v1::PodSpec;
  // clang-format off
  static const std::vector<Case> kCases = {
      {"nothing", make_pod(), ""},
      {"volumes of every node", with_volume([](VolumeSource& v) { v.mutable_empty_dir(); }), ""},
      {"a volume of the pod's own", with_volume([](VolumeSource& v) { v.mutable_csi()->set_driver("d"); }), ""},
      {"a claim", with_volume([](VolumeSource& v) { v.mutable_persistent_volume_claim()->set_claim_name("c"); }), "VolumeRestrictions",
       "volumes of persistentVolumeClaims are not supported by this scheduler"},
      {"a claim to be made", with_volume([](VolumeSource& v) { v.mutable_ephemeral(); }), "VolumeRestrictions",
       "generic ephemeral volumes are not supported by this scheduler"},
      {"a disk that is not shared", with_volume([](VolumeSource& v) { v.mutable_iscsi()->set_iqn("i"); }), "VolumeRestrictions",
       "gcePersistentDisk, awsElasticBlockStore, iscsi and rbd volumes are not supported by this scheduler"},
      {"a disk of a cloud", with_volume([](VolumeSource& v) { v.mutable_azure_disk()->set_disk_name("d"); }), "NodeVolumeLimits",
       "volumes that a cloud attaches to the node are not supported by this scheduler"},
      {"must spread", spreading("DoNotSchedule"), "PodTopologySpread",
       "topology spread constraints with DoNotSchedule are not supported by this scheduler"},
      {"would like to spread", spreading("ScheduleAnyway"), ""},
      {"must be near", with([](PodSpec& s) { *s.mutable_affinity()->mutable_pod_affinity()->add_required_during_scheduling_ignored_during_execution() = term("a"); }),
       "InterPodAffinity", "required pod affinity is not supported by this scheduler"},
      {"must be away", repelling(make_pod(), term("a")), "InterPodAffinity", "required pod anti-affinity is not supported by this scheduler"},
      {"would like to be near, and away", with([](PodSpec& s) {
         *s.mutable_affinity()->mutable_pod_affinity()->add_preferred_during_scheduling_ignored_during_execution()->mutable_pod_affinity_term() = term("a");
         *s.mutable_affinity()->mutable_pod_anti_affinity()->add_preferred_during_scheduling_ignored_during_execution()->mutable_pod_affinity_term() = term("a");
       }), ""},
      {"a resource claim", with([](PodSpec& s) { s.add_resource_claims()->set_name("r"); }), "DynamicResources",
       "resource claims are not supported by this scheduler"},
      {"restarts one", with([](PodSpec& s) { s.add_containers()->add_restart_policy_rules()->set_action("Restart"); }), ""},
      {"a user namespace", with([](PodSpec& s) { s.set_host_users(false); }), ""},
  };
  // clang-format on
  return kCases;
}

TEST(StandIns, HoldBackWhatTheyStandFor) {
  Cluster cluster;
  cluster.node(make_node("n").label("zone", "z"));
  const Profile profile(default_profile(), {.snapshot = &cluster.take()});
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    CycleState state(make_pod_info(c.pod));
    const auto result = profile.pre_filter(state, c.pod, cluster.snapshot.nodes());
    EXPECT_EQ(result.verdict.plugin(), c.plugin);
    EXPECT_EQ(result.verdict.message(), c.message);
    EXPECT_EQ(to_string(result.verdict.code()), *c.plugin ? "UnschedulableAndUnresolvable" : "Success");
  }
}

TEST(StandIns, StandForPluginsOfUpstreamAndCannotBeAskedFor) {
  int count = 0;
  for (const PluginEntry& entry : plugin_registry()) {
    if (!entry.stand_in) continue;
    ++count;
    EXPECT_TRUE(is_upstream_plugin(entry.name)) << entry.name;
    const std::string text = std::string("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n") +
                             "profiles: [{plugins: {multiPoint: {enabled: [{name: " + std::string(entry.name) + "}]}}}]";
    EXPECT_THROW(Configuration::parse(text), ConfigurationError) << entry.name;
  }
  EXPECT_GT(count, 0);
}

TEST(StandIns, OnlyTheWaitingPodItselfHelps) {
  Cluster cluster;
  cluster.node(make_node("n"));
  const Profile profile(default_profile(), {.snapshot = &cluster.take()});
  for (const Case& c : cases()) {
    if (!*c.plugin) continue;
    SCOPED_TRACE(c.name);
    const Plugin* plugin = profile.plugin(c.plugin);
    const auto queues = [&](ClusterChange change) {
      return plugin->retry_on().has(change.event) && plugin->hint(change, c.pod) == QueueingHint::Queue;
    };
    const auto shared = [](const Pod& pod) { return std::make_shared<const Pod>(pod); };
    EXPECT_FALSE(queues({.event = ClusterEvent::NodeAdded, .node_after = share_node(make_node("m"))}));
    EXPECT_FALSE(queues({.event = ClusterEvent::NodeDeleted, .node_before = share_node(make_node("m"))}));
    EXPECT_FALSE(queues({.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(make_pod("x").on("n"))}));
    EXPECT_FALSE(queues({.event = ClusterEvent::PodChanged, .waiting_before = shared(c.pod), .waiting_after = shared(c.pod)}));
    EXPECT_FALSE(
        queues({.event = ClusterEvent::PodChanged, .waiting_before = shared(c.pod), .waiting_after = shared(make_pod("other"))}));
    EXPECT_TRUE(
        queues({.event = ClusterEvent::PodChanged, .waiting_before = shared(c.pod), .waiting_after = shared(make_pod())}));
  }
}

// -- Pods that are placed, and keep others away

struct Placed {
  const char* name;
  Pod placed;  // on node n of zone z
  bool holds;  // back a pod of namespace default with app=a
};

TEST(StandIns, PlacedPodsThatMayKeepAPodAway) {
  const auto on_n = [](const char* key, PodAffinityTerm term) { return repelling(make_pod(key).on("n"), term); };
  const auto in = [](PodAffinityTerm term, const char* space) { return term.add_namespaces(space), term; };
  const auto in_some = [](PodAffinityTerm term) { return term.mutable_namespace_selector(), term; };
  PodAffinityTerm nobody = term("");
  nobody.clear_label_selector();
  const Placed kPlaced[] = {
      {"of nobody", make_pod("default/x").on("n"), false},
      {"of such pods", on_n("default/x", term("a")), true},
      {"of all pods", on_n("default/x", term("")), true},
      {"of other pods", on_n("default/x", term("b")), false},
      {"without a selector", on_n("default/x", nobody), false},
      {"in another namespace", on_n("shop/x", term("a")), false},
      {"in a namespace it names", on_n("shop/x", in(term("a"), "default")), true},
      {"in a namespace it does not name", on_n("default/x", in(term("a"), "shop")), false},
      {"in namespaces it selects", on_n("shop/x", in_some(term("a"))), true},
      {"of a topology its node has not", on_n("default/x", term("a", "rack")), false},
  };
  const Pod waiting = make_pod("default/w").label("app", "a");
  for (const Placed& c : kPlaced) {
    SCOPED_TRACE(c.name);
    Cluster cluster;
    cluster.node(make_node("n").label("zone", "z")).node(make_node("m")).pod(c.placed);
    const Profile profile(default_profile(), {.snapshot = &cluster.take()});
    CycleState state(make_pod_info(waiting));
    const Verdict verdict = profile.pre_filter(state, waiting, cluster.snapshot.nodes()).verdict;
    EXPECT_EQ(verdict.rejected(), c.holds);
    if (c.holds) {
      EXPECT_EQ(verdict.message(), "pod anti-affinity is not supported by this scheduler, and pod " + key_of(c.placed).text() +
                                       " has some that may keep this pod away");
    }
    const ClusterChange gone{.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(c.placed)};
    const bool of_topology = std::string_view(c.name) == "of a topology its node has not";  // the hint does not look at nodes
    EXPECT_EQ(profile.plugin("InterPodAffinity")->hint(gone, waiting) == QueueingHint::Queue, c.holds || of_topology);
  }
}

TEST(StandIns, TheSnapshotKnowsTheNodesThatRepel) {
  Cluster cluster;
  const auto repel = [&] {
    std::vector<std::string> out;
    for (const NodeInfo* node : cluster.take().repelling()) out.push_back(node->name());
    return out;
  };
  const Pod x = repelling(make_pod("x").on("a"), term("")), y = repelling(make_pod("y").on("a"), term(""));
  cluster.node(make_node("a")).node(make_node("b")).pod(make_pod("z").on("b"));
  EXPECT_THAT(repel(), ElementsAre());
  cluster.pod(x).pod(y);
  EXPECT_THAT(repel(), ElementsAre("a"));
  cluster.cache.remove_pod(x.metadata().uid());
  EXPECT_THAT(repel(), ElementsAre("a"));
  cluster.cache.remove_node("a");
  EXPECT_THAT(repel(), ElementsAre());
  cluster.node(make_node("a"));
  EXPECT_THAT(repel(), ElementsAre("a"));
  cluster.cache.remove_pod(y.metadata().uid());
  EXPECT_THAT(repel(), ElementsAre());
}

TEST(StandIns, AnAssignedPodKeepsItsAntiAffinity) {
  Pod pod = repelling(make_pod("x").on("n"), term("a"));
  *pod.mutable_spec()->mutable_affinity()->mutable_node_affinity()->add_preferred_during_scheduling_ignored_during_execution() =
      {};
  const auto decoded = SchedulerPod::decode(pod.SerializeAsString());
  ASSERT_EQ(decoded->info->anti_affinity.size(), 1u);
  EXPECT_EQ(decoded->info->anti_affinity.front().topology_key, "zone");
  EXPECT_FALSE(decoded->info->anti_affinity.front().pods.empty());
}

// -- The whole scheduler

void add_node(sim::Cluster& cluster, const Node& node) {
  Node created = node;
  created.mutable_metadata()->clear_uid();
  created = cluster.create(std::move(created));
  *created.mutable_status() = node.status();
  cluster.update_status(std::move(created));
}

Pod runnable(Pod pod, const std::string& name) {
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->clear_uid();
  auto* container = pod.mutable_spec()->add_containers();
  container->set_name("c");
  container->set_image("img:1");
  return pod;
}

Pod claiming() {
  return with([](core::v1::PodSpec& spec) {
    auto* volume = spec.add_volumes();
    volume->set_name("data");
    volume->mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("c");
  });
}

std::vector<std::string> events_of(sim::Cluster& cluster, const std::string& pod) {
  std::vector<std::string> out;
  for (const auto& event : cluster.list<core::v1::Event>("default")) {
    if (event.involved_object().name() == pod) out.push_back(event.type() + " " + event.reason() + ": " + event.message());
  }
  return out;
}

TEST(StandIns, SuchAPodStaysPendingAndSaysWhy) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable(claiming(), "a"));
  cluster.create<Pod>(runnable(make_pod(), "b"));
  cluster.advance(1s);
  const std::string message = "0/1 nodes are available: volumes of persistentVolumeClaims are not supported by this scheduler.";
  const Pod pod = cluster.get<Pod>("default/a");
  EXPECT_EQ(pod.spec().node_name(), "");
  ASSERT_EQ(pod.status().conditions_size(), 1);
  EXPECT_EQ(pod.status().conditions(0).type(), "PodScheduled");
  EXPECT_EQ(pod.status().conditions(0).status(), "False");
  EXPECT_EQ(pod.status().conditions(0).reason(), "Unschedulable");
  EXPECT_EQ(pod.status().conditions(0).message(), message);
  EXPECT_THAT(events_of(cluster, "a"), ElementsAre("Warning FailedScheduling: " + message));
  EXPECT_EQ(cluster.get<Pod>("default/b").spec().node_name(), "n1");

  // What happens in the cluster does not bring it to another attempt.
  add_node(cluster, make_node("n2"));
  cluster.remove<Pod>("default/b", {.grace_seconds = 0});
  cluster.advance(1min);
  EXPECT_EQ(events_of(cluster, "a").size(), 1u);
  EXPECT_EQ(cluster.get<Pod>("default/a").metadata().resource_version(), pod.metadata().resource_version());
}

TEST(StandIns, ADisabledPluginIsNotMissed) {
  sim::Cluster cluster(sim::no_loops().scheduler(R"(
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
  plugins: {multiPoint: {disabled: [{name: VolumeRestrictions}, {name: NodeVolumeLimits}, {name: VolumeBinding}, {name: VolumeZone}]}}
)"));
  add_node(cluster, make_node("n1"));
  cluster.create<Pod>(runnable(claiming(), "a"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n1");
}

TEST(StandIns, APodComesInWhenTheOneThatKeptItAwayIsGone) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1").label("zone", "z"));
  cluster.create<Pod>(runnable(repelling(make_pod().on("n1"), term("a")), "alone"));
  cluster.advance(1s);
  cluster.create<Pod>(runnable(make_pod().label("app", "a"), "kept"));
  cluster.create<Pod>(runnable(make_pod().label("app", "b"), "free"));
  cluster.advance(1min);
  EXPECT_EQ(cluster.get<Pod>("default/kept").spec().node_name(), "");
  EXPECT_EQ(cluster.get<Pod>("default/free").spec().node_name(), "n1");
  cluster.remove<Pod>("default/alone", {.grace_seconds = 0});
  cluster.advance(15s);
  EXPECT_EQ(cluster.get<Pod>("default/kept").spec().node_name(), "n1");
}

TEST(StandIns, OneTermThatMeansNothingDoesNotHoldTheOther) {
  sim::Cluster cluster(sim::no_loops().scheduler());
  add_node(cluster, make_node("n1"));
  add_node(cluster, make_node("n2").label("disk", "ssd"));
  cluster.create<Pod>(
      runnable(make_pod().requires_({requirement("n", "Gt", {"x"})}).requires_({requirement("disk", "In", {"ssd"})}), "a"));
  cluster.create<Pod>(runnable(make_pod().requires_({requirement("n", "Gt", {"x"})}), "b"));
  cluster.advance(1s);
  EXPECT_EQ(cluster.get<Pod>("default/a").spec().node_name(), "n2");
  EXPECT_THAT(
      events_of(cluster, "b"),
      ElementsAre("Warning FailedScheduling: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."));
}

}  // namespace
}  // namespace ph::scheduler::test

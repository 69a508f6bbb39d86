// Why a pod is pending, as the plugins say it; and what would be if the cluster were another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/why/json.h"
#include "tests/scheduler/one_plugin.h"
#include "tests/scheduler/why_world.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Node, core::v1::PersistentVolume, core::v1::PersistentVolumeClaim, core::v1::Pod;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using why::Explanation;

// "plugin: reason, reason" of the first group of nodes; of pre-filter when that has refused all.
std::string first_verdict(const Explanation& told) {
  const why::PluginVerdict* verdict = nullptr;
  if (!told.pre_filter.empty()) verdict = &told.pre_filter.front();
  if (!told.refused.empty()) verdict = &told.refused.front().verdicts.front();
  if (!verdict) return {};
  std::string out = verdict->plugin + ":";
  for (const std::string& reason : verdict->reasons) out += " " + reason;
  return out;
}

// What the nearest node would need.
std::vector<std::string> needs(const Explanation& told) {
  std::vector<std::string> out;
  if (told.nearest.empty()) return out;
  for (const auto& lacking : told.nearest.front().lacking) {
    for (const Need& need : lacking.needs) out.push_back(need.text);
  }
  return out;
}

std::string why_not(const Explanation& told) { return told.preemption.empty() ? "" : told.preemption.front().why_not; }

struct Reason {
  const char* name;
  std::vector<Node> nodes;
  std::vector<Pod> there;
  Pod pod;
  std::string verdict;
  std::vector<std::string> needs;
  std::string why_not;  // of preemption; a part of it
};

Pod from(const std::string& name, std::string_view yaml) {
  Pod pod = pod_from(yaml);
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_uid("uid-" + name);
  return pod;
}

constexpr char kSpread[] = R"(
metadata: {labels: {app: web}}
spec:
  topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}
)";
constexpr char kNear[] = R"(
spec:
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchLabels: {app: db}}}
)";
constexpr char kAway[] = R"(
metadata: {labels: {app: web}}
spec:
  affinity:
    podAntiAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
      - {topologyKey: zone, labelSelector: {matchExpressions: [{key: app, operator: In, values: [web, api]}]}}
)";

Pod labelled(const std::string& name, const std::string& node, const std::string& app) {
  return make_pod(name).on(node).label("app", app);
}

std::vector<Reason> reasons() {
  const std::string kNoHelp = "no node was refused for anything that other pods' going would change";
  // clang-format off
  return {
      {"cpu", {make_node("a"), make_node("b")}, {make_pod("x").on("a").asks("3", ""), make_pod("y").on("b").asks("2500m", "")}, make_pod().asks("2", ""),
       "NodeResourcesFit: Insufficient cpu", {"500m more cpu: the pod asks for 2, 1500m of 4 are free"}, "on the 2 node(s) where it could help no pod has a lower priority than 0"},
      {"memory of the whole node", {make_node("a")}, {}, make_pod().asks("", "10Gi"),
       "NodeResourcesFit: Insufficient memory", {"2Gi more memory: the pod asks for 10Gi, 8Gi of 8Gi are free; the whole node is too small"}, kNoHelp},
      {"too many pods", {make_node("a").has("pods", "1")}, {make_pod("x").on("a")}, make_pod(),
       "NodeResourcesFit: Too many pods", {"room for one more pod: the node takes 1, and has 1"}, "no pod has a lower priority"},
      {"a device", {make_node("a").has("example.com/card", "1")}, {}, make_pod().with(container().asks("example.com/card", "2")),
       "NodeResourcesFit: Insufficient example.com/card", {"1 more example.com/card: the pod asks for 2, 1 of 1 are free; the whole node is too small"}, kNoHelp},
      {"taint", {make_node("a").taint("team", "blue", "NoSchedule").taint("old", "", "NoExecute")}, {}, make_pod().tolerates("old", "Exists", "", ""),
       "TaintToleration: node(s) had untolerated taint(s)", {"a toleration of the node's taint team=blue:NoSchedule"}, kNoHelp},
      {"cordoned", {make_node("a").cordoned()}, {}, make_pod(),
       "NodeUnschedulable: node(s) were unschedulable", {"the node open for pods again (kubectl uncordon), or a toleration of node.kubernetes.io/unschedulable:NoSchedule"}, kNoHelp},
      {"node selector", {make_node("a").label("pool", "slow")}, {}, make_pod().selects("pool", "fast").selects("disk", "ssd"),
       "NodeAffinity: node(s) didn't match Pod's node affinity/selector", {"the label disk=ssd: the node has no label disk", "the label pool=fast: the node has pool=slow"}, kNoHelp},
      {"node affinity: the term that asks for the least", {make_node("a").label("zone", "z1")}, {},
       make_pod().requires_({requirement("zone", "In", {"z2"}), requirement("gpu", "Exists")}).requires_({requirement("zone", "In", {"z2", "z3"})}),
       "NodeAffinity: node(s) didn't match Pod's node affinity/selector", {"a label that meets zone In [z2 z3]: the node has zone=z1"}, kNoHelp},
      {"affinity", {labelled_node("a", "zone=z1"), labelled_node("b")}, {labelled("x", "a", "web")}, from("p", kNear),
       "InterPodAffinity: node(s) didn't match pod affinity rules", {"a pod (app=db) in zone=z1"}, kNoHelp},
      {"anti-affinity", {labelled_node("a", "zone=z1")}, {labelled("x", "a", "web")}, from("p", kAway),
       "InterPodAffinity: node(s) didn't match pod anti-affinity rules", {"no pods (app in (api,web)) in zone=z1"}, "no pod has a lower priority"},
      {"others' anti-affinity", {labelled_node("a", "zone=z1")}, {[] { Pod x = from("x", kAway); return x.mutable_spec()->set_node_name("a"), x; }()}, make_pod().label("app", "web"),
       "InterPodAffinity: node(s) didn't satisfy existing pods anti-affinity rules", {"default/x gone from zone=z1: its anti-affinity keeps the pod away"}, "no pod has a lower priority"},
      {"spread", {labelled_node("a", "zone=z1"), labelled_node("b", "zone=z2")}, {labelled("x", "a", "web"), labelled("y", "a", "web"), make_pod("f").on("b").asks("4", "")},
       [] { Pod p = from("p", kSpread); (*p.mutable_spec()->add_containers()->mutable_resources()->mutable_requests())["cpu"].set_string("1"); return p; }(),
       "PodTopologySpread: node(s) didn't match pod topology spread constraints",
       {"2 pod(s) fewer in zone=z1, or more elsewhere: 2 are there, 0 in the emptiest domain, and maxSkew is 1"}, ""},
      {"spread over a label that is not there", {labelled_node("a")}, {}, from("p", kSpread),
       "PodTopologySpread: node(s) didn't match pod topology spread constraints (missing required label)", {"the label zone, over which the pod is to be spread"}, kNoHelp},
      {"ports", {make_node("a")}, {make_pod("x").on("a").with(container().host_port(80))}, make_pod().with(container().host_port(80)),
       "NodePorts: node(s) didn't have free ports for the requested pod ports", {"the host's port 80/TCP, which default/x uses"}, "no pod has a lower priority"},
      {"a claim that is not there", {make_node("a")}, {}, from("p", "spec: {volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}"),
       "VolumeRestrictions: persistentvolumeclaim \"data\" not found", {}, kNoHelp},
      {"names nobody has", {make_node("a")}, {}, make_pod().requires_field({requirement("metadata.name", "In", {"z"})}),
       "NodeAffinity: node(s) didn't satisfy plugin(s) [NodeAffinity]", {}, kNoHelp},
      {"several things at once", {make_node("a").cordoned().taint("t", "", "NoSchedule")}, {}, make_pod().asks("5", ""),
       "NodeUnschedulable: node(s) were unschedulable",
       {"the node open for pods again (kubectl uncordon), or a toleration of node.kubernetes.io/unschedulable:NoSchedule",
        "a toleration of the node's taint t:NoSchedule", "1 more cpu: the pod asks for 5, 4 of 4 are free; the whole node is too small"}, kNoHelp},
  };
  // clang-format on
}

TEST(Why, Reasons) {
  for (const Reason& row : reasons()) {
    SCOPED_TRACE(row.name);
    WhyWorld world(row.nodes, row.there);
    const Explanation told = world.explain(row.pod);
    EXPECT_EQ(told.state, "unschedulable") << why::to_json(told);
    EXPECT_EQ(told.fitting, 0u);
    EXPECT_EQ(told.chosen, "");
    EXPECT_EQ(needs(told), row.needs);
    const bool spread = std::string_view(row.name) == "spread";
    if (!spread) EXPECT_EQ(first_verdict(told), row.verdict);
    EXPECT_THAT(why_not(told), HasSubstr(row.why_not));
  }
}

// A volume that lies elsewhere: its own words are all there is to say.
TEST(Why, Volume) {
  WhyWorld world({labelled_node("a", "zone=z1"), labelled_node("b", "zone=z2")}, {make_pod("f").on("b").asks("3500m", "")});
  world.objects.put(
      from_yaml<PersistentVolumeClaim>("{metadata: {name: data, namespace: default, uid: u, annotations: "
                                       "{pv.kubernetes.io/bind-completed: 'yes'}}, spec: {volumeName: "
                                       "pv}, status: {phase: Bound}}"));
  world.objects.put(
      from_yaml<PersistentVolume>("{metadata: {name: pv}, spec: {claimRef: {name: data, namespace: default, uid: u}, "
                                  "nodeAffinity: {required: {nodeSelectorTerms: "
                                  "[{matchExpressions: [{key: zone, operator: In, values: [z2]}]}]}}}, status: {phase: Bound}}"));
  Pod pod = from("p", "spec: {volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}");
  (*pod.mutable_spec()->add_containers()->mutable_resources()->mutable_requests())["cpu"].set_string("1");
  const Explanation told = world.explain(pod);
  ASSERT_EQ(told.refused.size(), 2u) << why::to_json(told);
  const why::Refused& far = told.refused[told.refused[0].nodes == std::vector<std::string>{"a"} ? 0 : 1];
  EXPECT_EQ(far.verdicts.front().plugin, "VolumeBinding");
  EXPECT_THAT(far.verdicts.front().reasons, ElementsAre("node(s) didn't match PersistentVolume's node affinity"));
  EXPECT_EQ(told.nearest.front().node, "b") << "half of what it asks for is less than a volume elsewhere";
}

TEST(Why, TheNearestMissComesFirst) {
  WhyWorld world(
      {make_node("far").has("cpu", "1"), make_node("tainted").taint("t", "", "NoSchedule"), make_node("near").has("cpu", "2")},
      {make_pod("x").on("near").asks("500m", "")});
  const Explanation told = world.explain(make_pod().asks("2", ""));
  std::vector<std::string> nodes;
  for (const why::NearMiss& miss : told.nearest) nodes.push_back(miss.node);
  EXPECT_THAT(nodes, ElementsAre("near", "tainted", "far"));
  const Need& need = told.nearest.front().lacking.front().needs.front();
  EXPECT_EQ(need.resource, "cpu");
  EXPECT_EQ(need.missing, "500m");
}

TEST(Why, NoNodes) {
  WhyWorld world;
  const Explanation told = world.explain(make_pod());
  EXPECT_EQ(told.state, "unschedulable");
  EXPECT_EQ(told.message, "no nodes available to schedule pods");
  EXPECT_THAT(told.refused, IsEmpty());
}

// -- Preemption

Pod running(const std::string& name, const std::string& node, int priority, const std::string& cpu) {
  return make_pod(name).on(node).priority(priority).asks(cpu, "").label("app", name);
}

TEST(Why, PreemptionWouldHelp) {
  WhyWorld world({make_node("a"), make_node("b")},
                 {running("low", "a", 1, "3"), running("lower", "b", 0, "2"), running("lowest", "b", 0, "2")});
  const Explanation told = world.explain(make_pod().priority(10).asks("3", ""));
  ASSERT_EQ(told.preemption.size(), 1u);
  const why::Preemption& preemption = told.preemption.front();
  EXPECT_EQ(preemption.why_not, "");
  ASSERT_EQ(preemption.nodes.size(), 2u);
  EXPECT_EQ(preemption.nodes[0].node, "b") << "the least important first victim";
  EXPECT_EQ(preemption.nodes[0].victims.size(), 2u);
  EXPECT_EQ(preemption.nodes[1].node, "a");
  EXPECT_EQ(preemption.nodes[1].victims.front().pod, "default/low");
  EXPECT_EQ(preemption.nodes[1].victims.front().priority, 1);
  EXPECT_EQ(world.cluster.snapshot.find("b")->pods().size(), 2u) << "nobody has gone";
}

TEST(Why, PreemptionWouldNot) {
  struct Case {
    const char* name;
    std::vector<Pod> there;
    Pod pod;
    std::string why_not;
  };
  Pod patient = make_pod().priority(10).asks("3", "");
  patient.mutable_spec()->set_preemption_policy("Never");
  const Case kCases[] = {
      {"priority too low",
       {running("x", "a", 10, "3")},
       make_pod().priority(10).asks("3", ""),
       "no pod has a lower priority than 10"},
      {"told to wait", {running("x", "a", 0, "3")}, patient, "not eligible due to preemptionPolicy=Never."},
      {"not even without them",
       {running("x", "a", 0, "1"), running("y", "a", 20, "3")},
       make_pod().priority(10).asks("2", ""),
       "the pod would not fit even without all pods of lower priority"},
      {"the whole node is too small",
       {running("x", "a", 0, "3")},
       make_pod().priority(10).asks("5", ""),
       "no node was refused for"},
  };
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    WhyWorld world({make_node("a")}, c.there);
    const Explanation told = world.explain(c.pod);
    EXPECT_THAT(why_not(told), HasSubstr(c.why_not));
    EXPECT_THAT(told.preemption.front().nodes, IsEmpty());
  }
}

TEST(Why, ABudgetThatWouldBeViolatedIsTold) {
  WhyWorld world({make_node("a")}, {running("x", "a", 0, "3")});
  world.budgets.add(from_yaml<policy::v1::PodDisruptionBudget>(
      "{metadata: {namespace: default}, spec: {selector: {matchLabels: {app: x}}}, status: {disruptionsAllowed: 0}}"));
  const Explanation told = world.explain(make_pod().priority(10).asks("3", ""));
  EXPECT_EQ(told.preemption.front().nodes.front().violations, 1u);
}

// -- Fitting

TEST(Why, ScoresAddUp) {
  WhyWorld world({make_node("a").label("x", "1"), make_node("b"), make_node("c").taint("t", "", "PreferNoSchedule")},
                 {make_pod("x").on("a").asks("2", "4Gi")});
  const Explanation told = world.explain(make_pod().asks("1", "1Gi").prefers(1, requirement("x", "Exists")));
  EXPECT_EQ(told.state, "fits");
  EXPECT_EQ(told.fitting, 3u);
  ASSERT_EQ(told.scores.size(), 1u);
  const why::Scores& scores = told.scores.front();
  ASSERT_EQ(scores.nodes.size(), 3u);
  EXPECT_EQ(scores.nodes.front().node, told.chosen);
  EXPECT_EQ(told.chosen, "a") << "the preference weighs more than the room";
  bool seen = false;
  for (const why::ScoredNode& node : scores.nodes) {
    std::int64_t sum = 0;
    for (std::size_t p = 0; p < scores.plugins.size(); ++p) {
      const auto& part = node.parts[p];
      EXPECT_EQ(part.weighted, part.score * scores.plugins[p].weight);
      sum += part.weighted;
      seen |= scores.plugins[p].name == "NodeAffinity" && node.node == "a" && part.raw == 1 && part.score == 100 &&
              part.weighted == 200;
    }
    EXPECT_EQ(sum, node.total) << node.node;
  }
  EXPECT_TRUE(seen) << why::to_json(told);
}

TEST(Why, EqualsAndTheOnlyOne) {
  WhyWorld world({make_node("a"), make_node("b"), make_node("c").cordoned()}, {});
  EXPECT_THAT(world.explain(make_pod().asks("1", "")).chosen_for, HasSubstr("one of 2 with the highest score"));
  const Explanation only = world.explain(make_pod().asks("1", ""), "drain=a");
  EXPECT_EQ(only.chosen, "b");
  EXPECT_EQ(only.chosen_for, "no other node fits");
  EXPECT_THAT(only.scores, IsEmpty());
}

TEST(Why, ANodeWhereRoomWasMadeIsTaken) {
  WhyWorld world({make_node("a"), make_node("b")}, {running("x", "a", 0, "2")});
  EXPECT_EQ(world.explain(make_pod().asks("1", "").nominated("a")).chosen, "a");
}

TEST(Why, RoomThatIsKeptForAnother) {
  WhyWorld world({make_node("a")}, {});
  world.nominated.put(make_pod_info(make_pod("vip").priority(5).asks("4", "")), "a");
  const Explanation told = world.explain(make_pod().asks("1", ""));
  EXPECT_EQ(told.state, "unschedulable");
  EXPECT_THAT(needs(told), ElementsAre("no room kept there for default/vip"));
  EXPECT_EQ(world.explain(make_pod().priority(9).asks("1", "")).chosen, "a");
}

// -- What if

struct WhatIf {
  const char* name;
  std::string edits, body;
  Pod pod;
  std::string state, chosen;
  std::vector<std::string> changes;
};

TEST(Why, WhatIf) {
  const Pod big = make_pod().asks("3", ""), fast = make_pod().selects("pool", "fast"), blue = make_pod().selects("team", "blue");
  const std::string kNode =
      R"({"kind":"Node","metadata":{"name":"n","labels":{"team":"blue"}},"status":{"allocatable":{"cpu":"1","memory":"1Gi","pods":"5"}}})";
  const std::string kChanged =
      R"({"kind":"Node","metadata":{"name":"a"},"status":{"allocatable":{"cpu":"8","memory":"1Gi","pods":"5"}}})";
  // clang-format off
  const WhatIf kRows[] = {
      {"as it is", "", "", big, "unschedulable", "", {}},
      {"one more node", "addNodes=1:a", "", big, "fits", "a-like-1", {"1 node like a added"}},
      {"more of a node that has no room", "addNodes=2:small", "", big, "unschedulable", "", {"2 nodes like small added"}},
      {"a node is emptied", "drain=b", "", big, "unschedulable", "", {"node b drained of 1 pod"}},
      {"emptied, and open", "drain=b&uncordon=a", "", big, "unschedulable", "", {"node a uncordoned", "node b drained of 1 pod"}},
      {"a label comes", "label=a:pool=fast", "", fast, "fits", "a", {"node a labelled pool=fast"}},
      {"a label is another one", "label=c:team=blue", "", blue, "unschedulable", "", {"node c labelled team=blue"}},
      {"a label and a taint", "label=c:team=blue&taint=c:keep-", "", blue, "fits", "c", {"node c labelled team=blue", "node c without the taint keep"}},
      {"a label goes", "label=d:pool-&uncordon=d", "", fast, "unschedulable", "", {"node d uncordoned", "node d without the label pool"}},
      {"uncordoned", "uncordon=d", "", fast, "fits", "d", {"node d uncordoned"}},
      {"tainted", "uncordon=d&taint=d:k=v:NoSchedule", "", fast, "unschedulable", "", {"node d uncordoned", "node d tainted k=v:NoSchedule"}},
      {"like one that is cordoned", "addNodes=1:d", "", fast, "fits", "d-like-1", {"1 node like d added"}},
      {"a node of another make", "", kNode, blue, "fits", "n", {"node n added"}},
      {"a node becomes larger", "", kChanged, big, "fits", "a", {"node a changed"}},
  };
  // clang-format on
  for (const WhatIf& row : kRows) {
    SCOPED_TRACE(row.name);
    WhyWorld world({labelled_node("a", "kubernetes.io/hostname=a"), make_node("b"),
                    make_node("c").label("team", "red").taint("keep", "", "NoSchedule"),
                    make_node("d").label("pool", "fast").cordoned(), make_node("small").has("cpu", "1")},
                   {running("x", "a", 0, "3"), running("y", "b", 0, "3"), running("z", "c", 0, "3"), running("w", "d", 0, "3")});
    const Explanation told = world.explain(row.pod, row.edits, row.body);
    EXPECT_EQ(told.state, row.state) << why::to_json(told);
    EXPECT_EQ(told.chosen, row.chosen);
    EXPECT_EQ(told.changes, row.changes);
    EXPECT_EQ(world.cluster.snapshot.nodes().size(), 5u) << "it was only imagined";
  }
}

TEST(Why, AddedHostsAreDomainsOfTheirOwn) {
  WhyWorld world({labelled_node("a", "kubernetes.io/hostname=a")}, {labelled("x", "a", "web")});
  Pod pod = from("p", kAway);
  pod.mutable_spec()
      ->mutable_affinity()
      ->mutable_pod_anti_affinity()
      ->mutable_required_during_scheduling_ignored_during_execution(0)
      ->set_topology_key("kubernetes.io/hostname");
  EXPECT_EQ(world.explain(pod).state, "unschedulable");
  EXPECT_EQ(world.explain(pod, "addNodes=1:a").chosen, "a-like-1");
  EXPECT_EQ(world.explain(pod, "drain=a&uncordon=a").state, "unschedulable") << "it is drained last";
}

TEST(Why, ANodeThereIsNot) {
  for (const char* edits : {"drain=z", "uncordon=z", "label=z:a=b", "taint=z:a=b:NoSchedule", "addNodes=1:z"}) {
    WhyWorld world({make_node("a")}, {});
    try {
      world.explain(make_pod(), edits);
      ADD_FAILURE() << edits;
    } catch (const api::ApiError& error) {
      EXPECT_EQ(error.code(), 400) << edits;
      EXPECT_THAT(error.what(), HasSubstr("there is no node \"z\"")) << edits;
    }
  }
}

// A cluster of nodes and of pods that go by each other, drawn by a seed.
struct Drawn {
  std::vector<Node> nodes;
  std::vector<Pod> pods;
  explicit Drawn(SeededRng& rng) {
    for (int i = 0; i < 9; ++i) {
      Node node = labelled_node("n" + std::to_string(i),
                                "zone=z" + std::to_string(i % 3) + ",kubernetes.io/hostname=n" + std::to_string(i));
      node.mutable_spec()->set_unschedulable(rng.below(6) == 0);
      nodes.push_back(std::move(node));
    }
    for (int i = 0; i < 30; ++i) {
      const std::string name = "w" + std::to_string(i);
      Pod pod = rng.below(6) == 0 ? from(name, kAway) : labelled(name, "", rng.below(2) == 0 ? "web" : "db");
      pod.mutable_spec()->set_node_name("n" + std::to_string(rng.below(nodes.size())));
      pod.mutable_spec()->set_priority(static_cast<int>(rng.below(3)));
      if (rng.below(2) == 0) pod = MakePod(pod).asks("1", "");
      if (rng.below(3) == 0) {
        auto* volume = pod.mutable_spec()->add_volumes();
        volume->set_name("v");
        volume->mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("c" + std::to_string(rng.below(3)));
      }
      pods.push_back(std::move(pod));
    }
  }
};

std::vector<Pod> curious() {
  return {from("s", kSpread), from("n", kNear), from("a", kAway), make_pod("p").label("app", "web").asks("2", "").priority(2)};
}

// Plugins keep counts of what is on nodes: none of what was imagined may be left in them.
TEST(Why, NothingImaginedIsLeft) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SeededRng rng(seed);
    const Drawn drawn(rng);
    WhyWorld world(drawn.nodes, drawn.pods);
    const auto any = [&] { return "n" + std::to_string(rng.below(drawn.nodes.size())); };
    for (const Pod& pod : curious()) {
      const std::string before = why::to_json(world.explain(pod));
      for (int round = 0; round < 5; ++round) {
        const std::string edits = "addNodes=" + std::to_string(rng.below(4)) + ":" + any() + "&drain=" + any() +
                                  "&label=" + any() + ":zone=z" + std::to_string(rng.below(5));
        const std::string imagined = why::to_json(world.explain(pod, edits));
        EXPECT_EQ(why::to_json(world.explain(pod)), before) << edits;
        EXPECT_EQ(why::to_json(world.explain(pod, edits)), imagined) << edits;
      }
    }
  }
}

// What is imagined is what would be: the same as of a cluster that is so.
TEST(Why, WhatIsImaginedIsAsIfItWereSo) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SeededRng rng(seed);
    Drawn drawn(rng);
    WhyWorld imagining(drawn.nodes, drawn.pods);
    const std::uint64_t relabelled = rng.below(9), drained = rng.below(9), copied = rng.below(9), tainted = rng.below(9);
    const auto name = [](std::uint64_t i) { return "n" + std::to_string(i); };
    const std::string edits = "addNodes=1:" + name(copied) + "&label=" + name(relabelled) + ":zone=z7&drain=" + name(drained) +
                              "&taint=" + name(tainted) + ":t=x:NoSchedule";
    // The same, done.
    Node more = drawn.nodes[copied];
    more.mutable_metadata()->set_name(name(copied) + "-like-1");
    (*more.mutable_metadata()->mutable_labels())["kubernetes.io/hostname"] = more.metadata().name();
    more.mutable_spec()->set_unschedulable(false);
    (*drawn.nodes[relabelled].mutable_metadata()->mutable_labels())["zone"] = "z7";
    drawn.nodes[drained].mutable_spec()->set_unschedulable(true);
    std::erase_if(drawn.pods, [&](const Pod& pod) { return pod.spec().node_name() == name(drained); });
    auto* taint = drawn.nodes[tainted].mutable_spec()->add_taints();
    taint->set_key("t");
    taint->set_value("x");
    taint->set_effect("NoSchedule");
    drawn.nodes.push_back(std::move(more));
    WhyWorld done(drawn.nodes, drawn.pods);
    for (const Pod& pod : curious()) {
      imagining.explain(pod);
      Explanation told = imagining.explain(pod, edits);
      EXPECT_EQ(told.changes.size(), 4u);
      told.changes.clear();
      EXPECT_EQ(why::to_json(told), why::to_json(done.explain(pod))) << edits;
    }
  }
}

}  // namespace
}  // namespace ph::scheduler::test

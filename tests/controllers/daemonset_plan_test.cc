// What a DaemonSet plans, as tables: where pods belong, which are made and deleted, rollouts, the status, the history, the back-off.
#include "controllers/daemonset/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "controllers/daemonset/backoff.h"
#include "controllers/daemonset/history.h"
#include "tests/sim/builders.h"

namespace ph::controllers::daemonset {
namespace {

using testing::ElementsAre, testing::IsEmpty;

constexpr const char* kNow = "now";  // the hash of the present revision

DaemonSet ds(const std::string& spec = "{}") {
  DaemonSet out = sim::make_daemon_set("shop/ds");
  out.mutable_metadata()->set_uid("u");
  (*out.mutable_metadata()->mutable_annotations())["deprecated.daemonset.template.generation"] = "7";
  DaemonSet more;
  api::decode_json(fmt::format(R"({{"spec": {}}})", spec), more);
  out.mutable_spec()->mutable_template_()->MergeFrom(more.spec().template_());
  *out.mutable_spec()->mutable_update_strategy() = more.spec().update_strategy();
  out.mutable_spec()->set_min_ready_seconds(more.spec().min_ready_seconds());
  return out;
}
DaemonSet in_template(const std::string& pod_spec) { return ds(fmt::format(R"({{"template": {{"spec": {}}}}})", pod_spec)); }
DaemonSet rolling(const std::string& values, int min_ready = 0) {
  return ds(fmt::format(R"({{"updateStrategy": {{"type": "RollingUpdate", "rollingUpdate": {{{}}}}}, "minReadySeconds": {}}})",
                        values, min_ready));
}

Ref<NodeView> node(const std::string& name, const std::string& json = "{}") {
  core::v1::Node out;
  api::decode_json(json, out);
  out.mutable_metadata()->set_name(name);
  return NodeView::of(out);
}
std::string tainted(const char* key, const char* effect) {
  return fmt::format(R"({{"spec": {{"taints": [{{"key": "{}", "value": "v", "effect": "{}"}}]}}}})", key, effect);
}

// -- Placement

TEST(DaemonSetPlacement, KnowsWherePodsBelong) {
  constexpr Fit kNo{}, kYes{.starts = true, .stays = true}, kStays{.stays = true};
  struct Case {
    const char* name;
    DaemonSet set;
    Ref<NodeView> node;
    Fit fit;
  };
  const auto requires_terms = [](const char* terms) {
    return in_template(fmt::format(
        R"({{"affinity": {{"nodeAffinity": {{"requiredDuringSchedulingIgnoredDuringExecution": {{"nodeSelectorTerms": {}}}}}}}}})",
        terms));
  };
  const auto tolerates = [](const char* toleration) {
    return in_template(fmt::format(R"({{"tolerations": [{}]}})", toleration));
  };
  const Case cases[] = {
      {"any", ds(), node("n"), kYes},
      {"the named one", in_template(R"({"nodeName": "n"})"), node("n"), kYes},
      {"not the named one", in_template(R"({"nodeName": "m"})"), node("n"), kNo},
      {"selected", in_template(R"({"nodeSelector": {"disk": "ssd"}})"), node("n", R"({"metadata": {"labels": {"disk": "ssd"}}})"),
       kYes},
      {"not selected", in_template(R"({"nodeSelector": {"disk": "ssd"}})"),
       node("n", R"({"metadata": {"labels": {"disk": "hdd"}}})"), kNo},
      {"by affinity", requires_terms(R"([{"matchExpressions": [{"key": "z", "operator": "Exists"}]}])"),
       node("n", R"({"metadata": {"labels": {"z": "1"}}})"), kYes},
      {"not by affinity", requires_terms(R"([{"matchExpressions": [{"key": "z", "operator": "Exists"}]}])"), node("n"), kNo},
      {"by its name", requires_terms(R"([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}])"),
       node("n"), kYes},
      {"not by its name",
       requires_terms(R"([{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n"]}]}])"), node("n"), kNo},
      {"no term", requires_terms("[]"), node("n"), kNo},
      {"a term that means nothing", requires_terms(R"([{"matchExpressions": [{"key": "z", "operator": "Like"}]}])"), node("n"),
       kNo},
      {"NoSchedule", ds(), node("n", tainted("k", "NoSchedule")), kStays},
      {"NoExecute", ds(), node("n", tainted("k", "NoExecute")), kNo},
      {"PreferNoSchedule", ds(), node("n", tainted("k", "PreferNoSchedule")), kYes},
      {"tolerated", tolerates(R"({"key": "k", "value": "v"})"), node("n", tainted("k", "NoSchedule")), kYes},
      {"tolerated, another value", tolerates(R"({"key": "k", "value": "w"})"), node("n", tainted("k", "NoSchedule")), kStays},
      {"everything is tolerated", tolerates(R"({"operator": "Exists"})"), node("n", tainted("k", "NoExecute")), kYes},
      {"not ready, and NoExecute", ds(), node("n", tainted("node.kubernetes.io/not-ready", "NoExecute")), kYes},
      {"not ready, and NoSchedule", ds(), node("n", tainted("node.kubernetes.io/not-ready", "NoSchedule")), kStays},
      {"unreachable", ds(), node("n", tainted("node.kubernetes.io/unreachable", "NoExecute")), kYes},
      {"disk pressure", ds(), node("n", tainted("node.kubernetes.io/disk-pressure", "NoSchedule")), kYes},
      {"memory pressure", ds(), node("n", tainted("node.kubernetes.io/memory-pressure", "NoSchedule")), kYes},
      {"PID pressure", ds(), node("n", tainted("node.kubernetes.io/pid-pressure", "NoSchedule")), kYes},
      {"cordoned", ds(), node("n", tainted("node.kubernetes.io/unschedulable", "NoSchedule")), kYes},
      {"without network", ds(), node("n", tainted("node.kubernetes.io/network-unavailable", "NoSchedule")), kStays},
      {"without network, on the host's", in_template(R"({"hostNetwork": true})"),
       node("n", tainted("node.kubernetes.io/network-unavailable", "NoSchedule")), kYes},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Placement(c.set).on(*c.node), c.fit);
  }
}

TEST(DaemonSetPlacement, SeesWhatMovesPods) {
  struct Case {
    const char* name;
    Ref<NodeView> before, after;
    bool same;
  };
  const Case cases[] = {
      {"nothing", node("n"), node("n"), true},
      {"its status", node("n"), node("n", R"({"status": {"phase": "Running"}, "metadata": {"annotations": {"a": "b"}}})"), true},
      {"a label more", node("n"), node("n", R"({"metadata": {"labels": {"a": "b"}}})"), false},
      {"a label's value", node("n", R"({"metadata": {"labels": {"a": "b"}}})"),
       node("n", R"({"metadata": {"labels": {"a": "c"}}})"), false},
      {"a taint more", node("n"), node("n", tainted("k", "NoSchedule")), false},
      {"a taint's effect", node("n", tainted("k", "NoExecute")), node("n", tainted("k", "NoSchedule")), false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(same_place(*c.before, *c.after), c.same);
  }
}

nlohmann::json made(const DaemonSet& set, const std::string& hash = kNow) {
  core::v1::Pod pod = pod_of(set, owner_of(set), hash);
  bind_by_affinity(pod, "n1");
  return api::to_json(pod);
}

TEST(DaemonSetPlacement, MakesPodsForOneNode) {
  const nlohmann::json pod = made(ds());
  EXPECT_EQ(pod["metadata"], nlohmann::json::parse(R"({"namespace": "shop", "generateName": "ds-",
      "labels": {"app": "ds", "controller-revision-hash": "now", "pod-template-generation": "7"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "ds", "uid": "u", "controller": true,
                           "blockOwnerDeletion": true}]})"));
  EXPECT_EQ(pod["spec"]["affinity"], nlohmann::json::parse(R"({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
      {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}})"));
  std::vector<std::string> tolerated;
  for (const auto& each : pod["spec"]["tolerations"]) {
    EXPECT_EQ(each["operator"], "Exists");
    tolerated.push_back(each["key"].get<std::string>() + " " + each["effect"].get<std::string>());
  }
  EXPECT_THAT(tolerated,
              ElementsAre("node.kubernetes.io/not-ready NoExecute", "node.kubernetes.io/unreachable NoExecute",
                          "node.kubernetes.io/disk-pressure NoSchedule", "node.kubernetes.io/memory-pressure NoSchedule",
                          "node.kubernetes.io/pid-pressure NoSchedule", "node.kubernetes.io/unschedulable NoSchedule"));
}

TEST(DaemonSetPlacement, KeepsWhatTheTemplateSays) {
  const nlohmann::json pod = made(in_template(R"({"hostNetwork": true, "affinity": {"podAffinity": {}, "nodeAffinity": {
      "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "z", "operator": "Exists"}]}]},
      "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}},
      "tolerations": [{"key": "a"}, {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]})"));
  const nlohmann::json& affinity = pod["spec"]["affinity"];
  EXPECT_TRUE(affinity.contains("podAffinity"));
  EXPECT_EQ(affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"].size(), 1u);
  EXPECT_EQ(affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].dump(),
            R"([{"matchFields":[{"key":"metadata.name","operator":"In","values":["n1"]}]}])")
      << "the node was chosen by the other terms already";
  const nlohmann::json& tolerations = pod["spec"]["tolerations"];
  ASSERT_EQ(tolerations.size(), 8u);
  EXPECT_EQ(tolerations[0]["key"], "a");
  EXPECT_EQ(tolerations[1].dump(), R"({"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists"})")
      << "for ever";
  EXPECT_EQ(tolerations[7]["key"], "node.kubernetes.io/network-unavailable");
}

TEST(DaemonSetPlacement, LabelsWithWhatItKnows) {
  struct Case {
    const char* name;
    std::optional<std::string> annotation;
    std::optional<std::int64_t> generation;
  };
  const Case cases[] = {
      {"a number", "12", 12}, {"none", {}, {}}, {"no number", "x", {}}, {"more than a number", "1x", {}}, {"empty", "", {}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    DaemonSet set = ds();
    set.mutable_metadata()->clear_annotations();
    if (c.annotation)
      (*set.mutable_metadata()->mutable_annotations())["deprecated.daemonset.template.generation"] = *c.annotation;
    EXPECT_EQ(template_generation(set), c.generation);
    const nlohmann::json labels = made(set, "")["metadata"]["labels"];
    EXPECT_EQ(labels.contains("pod-template-generation"), c.generation.has_value());
    EXPECT_FALSE(labels.contains("controller-revision-hash"));
  }
}

// -- Planning

// A pod as words: ready, old, deleting, failed, succeeded, unbound (asks for its node by name), by-generation (an old hash, the present
// generation). Those of a row are each a second younger than the one before.
struct PodOn {
  const char* name;
  const char* node;
  std::string_view how = "ready";
};
constexpr int kReadySince = 1000, kSeconds = 1010;

Ref<PodView> pod(const PodOn& spec, int created) {
  const auto is = [&](std::string_view word) { return spec.how.find(word) != std::string_view::npos; };
  auto out = std::make_shared<PodView>();
  out->namespace_name = "shop";
  out->name = spec.name;
  out->uid = spec.name;
  out->created = Time(std::chrono::seconds(created));
  (is("unbound") ? out->named_node : out->node_name) = informers::Interned(spec.node);
  out->phase = is("failed") ? "Failed" : is("succeeded") ? "Succeeded" : "Running";
  out->ready = is("ready");
  if (out->ready) out->ready_since = Time(std::chrono::seconds(kReadySince));
  if (is("deleting")) out->deletion = Time(1s);
  const bool by_generation = is("by-generation");
  out->labels.emplace_back(kPodRevision, is("old") || by_generation ? "then" : kNow);
  out->labels.emplace_back(kTemplateGeneration, is("old") ? "6" : "7");
  return out;
}

struct World {
  DaemonSet set = ds();
  std::vector<Ref<NodeView>> nodes;
  std::vector<PodOn> pods;
  int now = kSeconds;
};
Observed observed(const World& world) {
  Pods pods;
  for (std::size_t i = 0; i < world.pods.size(); ++i) pods.push_back(pod(world.pods[i], static_cast<int>(i)));
  return observe(std::make_shared<DaemonSet>(world.set), world.nodes, pods, kNow, Time(std::chrono::seconds(world.now)));
}
std::string text(const Plan& plan) {
  std::vector<std::string> out;
  for (const std::string_view node : plan.create) out.push_back(fmt::format("+{}", node));
  for (const Removal& each : plan.remove) {
    out.push_back(fmt::format("-{}{}", each.pod->name,
                              each.why == Removal::Failed      ? "(failed)"
                              : each.why == Removal::Succeeded ? "(succeeded)"
                                                               : ""));
  }
  return fmt::format("{}", fmt::join(out, " "));
}
Duration no_wait(const std::string&) { return {}; }

std::vector<Ref<NodeView>> plain(const std::vector<const char*>& names) {
  std::vector<Ref<NodeView>> out;
  for (const char* name : names) out.push_back(node(name));
  return out;
}

struct Planned {
  const char* name;
  World world;
  std::string actions;
};
void expect_plans(const std::vector<Planned>& cases) {
  for (const Planned& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(plan(observed(c.world), no_wait)), c.actions);
  }
}

TEST(DaemonSetPlan, HasOnePodOnEachNode) {
  const DaemonSet on_delete = ds(R"({"updateStrategy": {"type": "OnDelete"}})");
  const Ref<NodeView> closed = node("n1", tainted("k", "NoSchedule")), evicting = node("n1", tainted("k", "NoExecute"));
  expect_plans({
      {"none yet", {.nodes = plain({"n1", "n2"})}, "+n1 +n2"},
      {"one is missing", {.nodes = plain({"n1", "n2"}), .pods = {{"a", "n1"}}}, "+n2"},
      {"one is on its way to its node", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "unbound"}}}, ""},
      {"one ends", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "deleting"}}}, ""},
      {"one has ended, but for a finalizer", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "failed deleting"}}}, "+n1"},
      {"two: the older stays",
       {.set = on_delete, .nodes = plain({"n1"}), .pods = {{"z", "n1"}, {"a", "n1"}, {"b", "n1"}}},
       "-a -b"},
      {"two: the scheduled one stays",
       {.set = on_delete, .nodes = plain({"n1"}), .pods = {{"a", "n1", "unbound"}, {"b", "n1"}}},
       "-a"},
      {"an orphan that no node is known of", {.set = on_delete, .nodes = plain({"n1"}), .pods = {{"a", "", "unbound"}}}, "+n1"},
      {"failed", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "failed"}}}, "-a(failed)"},
      {"succeeded", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "succeeded"}}}, "-a(succeeded)"},
      {"failed beside one that runs", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "failed"}, {"b", "n1"}}}, "-a(failed)"},
      {"none may be made", {.nodes = {closed}}, ""},
      {"none may be made, one may stay", {.nodes = {closed}, .pods = {{"a", "n1"}}}, ""},
      {"none may stay", {.nodes = {evicting}, .pods = {{"a", "n1"}, {"b", "n1", "unbound"}, {"c", "n1", "deleting"}}}, "-a -b"},
      {"of a node that is gone", {.pods = {{"a", "n1"}, {"b", "n1", "unbound"}, {"c", "n1", "unbound deleting"}}}, "-b"},
  });
}

TEST(DaemonSetPlan, DoesNotDoEverythingAtOnce) {
  World world;
  for (int i = 0; i < 300; ++i) world.nodes.push_back(node(fmt::format("n{}", i)));
  EXPECT_EQ(plan(observed(world), no_wait).create.size(), kBurst);
}

TEST(DaemonSetPlan, WaitsForFailedPods) {
  const World world{.nodes = plain({"n1", "n2"}), .pods = {{"a", "n1", "failed"}, {"b", "n2", "failed"}}};
  const Plan one = plan(observed(world), [](const std::string& node) -> Duration { return node == "n1" ? 3s : 0s; });
  EXPECT_EQ(text(one), "-b(failed)");
  EXPECT_EQ(one.look_again, 3s);
}

TEST(DaemonSetPlan, SurgesWithTwoOnANode) {
  const DaemonSet surge = rolling(R"("maxSurge": 1, "maxUnavailable": 0)");
  const DaemonSet patient = rolling(R"("maxSurge": 1, "maxUnavailable": 0)", 30);
  expect_plans({
      {"none that stays: a new one does not wait",
       {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1", "deleting"}}},
       "+n1"},
      {"where none may be made it does",
       {.set = surge, .nodes = {node("n1", tainted("k", "NoSchedule"))}, .pods = {{"a", "n1", "deleting"}}},
       ""},
      {"two of the present template", {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1"}, {"b", "n1"}}}, "-b"},
      {"the new one is not ready yet",
       {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready"}, {"b", "n1", ""}}},
       ""},
      {"the new one is available", {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready"}, {"b", "n1"}}}, "-a"},
      {"the new one is not available yet",
       {.set = patient, .nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready"}, {"b", "n1"}}},
       ""},
      {"the old one is not ready", {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1", "old"}, {"b", "n1", ""}}}, "-a"},
      {"two old ones",
       {.set = surge, .nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready"}, {"b", "n1", "old ready"}}},
       "-b"},
  });
}

TEST(DaemonSetPlan, RollsOutWithinTheBudget) {
  const std::vector<Ref<NodeView>> three = plain({"n1", "n2", "n3"});
  const DaemonSet one = rolling(R"("maxUnavailable": 1, "maxSurge": 0)");
  const std::vector<PodOn> old{{"a", "n1", "old ready"}, {"b", "n2", "old ready"}, {"c", "n3", "old ready"}};
  expect_plans({
      {"nothing is new", {.set = one, .nodes = three, .pods = {{"a", "n1"}, {"b", "n2"}, {"c", "n3"}}}, ""},
      {"one at a time", {.set = one, .nodes = three, .pods = old}, "-a"},
      {"half, rounded up", {.set = rolling(R"("maxUnavailable": "50%", "maxSurge": 0)"), .nodes = three, .pods = old}, "-a -b"},
      {"neither: one all the same", {.set = rolling(R"("maxUnavailable": 0, "maxSurge": 0)"), .nodes = three, .pods = old}, "-a"},
      {"only when somebody deletes", {.set = ds(R"({"updateStrategy": {"type": "OnDelete"}})"), .nodes = three, .pods = old}, ""},
      {"a new one is not ready",
       {.set = one, .nodes = three, .pods = {{"a", "n1", ""}, {"b", "n2", "old ready"}, {"c", "n3", "old ready"}}},
       ""},
      {"one is ending",
       {.set = one, .nodes = three, .pods = {{"a", "n1", "old deleting"}, {"b", "n2", "old ready"}, {"c", "n3", "old ready"}}},
       ""},
      {"old ones that are not ready cost nothing",
       {.set = one, .nodes = three, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old"}, {"c", "n3", "old"}}},
       "-b -c"},
      {"first a missing one is made",
       {.set = one, .nodes = three, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old ready"}}},
       "+n3"},
      {"known by its generation", {.set = one, .nodes = plain({"n1"}), .pods = {{"a", "n1", "by-generation ready"}}}, ""},
      {"an old one where none would be made",
       {.set = one, .nodes = {node("n1", tainted("k", "NoSchedule"))}, .pods = {{"a", "n1", "old"}}},
       "-a"},
      {"not available yet",
       {.set = rolling(R"("maxUnavailable": 1, "maxSurge": 0)", 30),
        .nodes = three,
        .pods = {{"a", "n1"}, {"b", "n2", "old ready"}, {"c", "n3", "old ready"}}},
       "-b -c"},
  });
}

TEST(DaemonSetPlan, RollsOutBySurge) {
  const std::vector<Ref<NodeView>> two = plain({"n1", "n2"});
  const Ref<NodeView> closed = node("n2", tainted("k", "NoSchedule"));
  const DaemonSet one = rolling(R"("maxSurge": 1, "maxUnavailable": 0)");
  expect_plans({
      {"one at a time", {.set = one, .nodes = two, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old ready"}}}, "+n1"},
      {"all",
       {.set = rolling(R"("maxSurge": "100%", "maxUnavailable": 0)"),
        .nodes = two,
        .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old ready"}}},
       "+n1 +n2"},
      {"one is on its way",
       {.set = one, .nodes = two, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old ready"}, {"c", "n1", ""}}},
       ""},
      {"it has come",
       {.set = one, .nodes = two, .pods = {{"a", "n1", "old deleting"}, {"b", "n2", "old ready"}, {"c", "n1"}}},
       "+n2"},
      {"an old one that is not ready costs nothing",
       {.set = one, .nodes = two, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old"}}},
       "+n2 +n1"},
      {"where none would be made, it stays until others are there",
       {.set = one, .nodes = {node("n1"), closed}, .pods = {{"a", "n1", "old ready"}, {"b", "n2", "old ready"}, {"c", "n1", ""}}},
       "-b"},
      {"as many as are wanted",
       {.set = one, .nodes = {node("n1"), closed}, .pods = {{"a", "n1", ""}, {"b", "n2", "old ready"}}},
       ""},
      {"more than are wanted",
       {.set = one, .nodes = {node("n1"), closed}, .pods = {{"a", "n1"}, {"b", "n2", "old ready"}}},
       "-b"},
      {"where none would be made, and it is not ready", {.set = one, .nodes = {closed}, .pods = {{"b", "n2", "old"}}}, "-b"},
      {"on a node that is gone", {.set = one, .nodes = {node("n1")}, .pods = {{"a", "n1"}, {"b", "n2", "old ready"}}}, ""},
  });
}

// -- Status

TEST(DaemonSetStatus, TellsOfEachNode) {
  struct Case {
    const char* name;
    World world;
    // desired, current, misscheduled, ready, available, unavailable, updated
    std::array<int, 7> numbers;
  };
  const Case cases[] = {
      {"nothing", {}, {0, 0, 0, 0, 0, 0, 0}},
      {"wanted", {.nodes = plain({"n1", "n2"})}, {2, 0, 0, 0, 0, 2, 0}},
      {"there, not ready", {.nodes = plain({"n1", "n2"}), .pods = {{"a", "n1", ""}}}, {2, 1, 0, 0, 0, 2, 1}},
      {"bound for it", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "unbound"}}}, {1, 1, 0, 0, 0, 1, 1}},
      {"ready", {.nodes = plain({"n1", "n2"}), .pods = {{"a", "n1"}}}, {2, 1, 0, 1, 1, 1, 1}},
      {"ready, not for long enough",
       {.set = rolling("", 11), .nodes = plain({"n1"}), .pods = {{"a", "n1"}}},
       {1, 1, 0, 1, 0, 1, 1}},
      {"ready for long enough", {.set = rolling("", 10), .nodes = plain({"n1"}), .pods = {{"a", "n1"}}}, {1, 1, 0, 1, 1, 0, 1}},
      {"an old one", {.nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready"}}}, {1, 1, 0, 1, 1, 0, 0}},
      {"the oldest of two tells",
       {.nodes = plain({"n1"}), .pods = {{"a", "n1", "old ready deleting"}, {"b", "n1", ""}}},
       {1, 1, 0, 1, 1, 0, 0}},
      {"not wanted, but there",
       {.nodes = {node("n1", tainted("k", "NoSchedule"))}, .pods = {{"a", "n1"}}},
       {0, 0, 1, 0, 0, 0, 0}},
      {"on a node that is gone", {.nodes = plain({"n1"}), .pods = {{"a", "n2"}}}, {1, 0, 0, 0, 0, 1, 0}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    World world = c.world;
    world.set.mutable_metadata()->set_generation(5);
    world.set.mutable_status()->set_collision_count(2);
    const DaemonSetStatus status = status_of(observed(world));
    EXPECT_THAT((std::array<int, 7>{status.desired_number_scheduled(), status.current_number_scheduled(),
                                    status.number_misscheduled(), status.number_ready(), status.number_available(),
                                    status.number_unavailable(), status.updated_number_scheduled()}),
                testing::ContainerEq(c.numbers));
    EXPECT_EQ(status.observed_generation(), 5);
    EXPECT_EQ(status.collision_count(), 2) << "is kept";
  }
}

TEST(DaemonSetStatus, KnowsWhenTheNextOneIsAvailable) {
  const auto next = [](int min_ready) {
    return next_available(
        observed({.set = rolling("", min_ready), .nodes = plain({"n1", "n2"}), .pods = {{"a", "n1"}, {"b", "n2", ""}}}));
  };
  EXPECT_EQ(next(0), std::nullopt);
  EXPECT_EQ(next(10), std::nullopt) << "it is";
  EXPECT_EQ(next(60), Time(std::chrono::seconds(kReadySince + 60)));
}

// -- History

Revisions revisions(const std::vector<std::pair<std::string, ControllerRevision>>& named) {
  Revisions out;
  for (const auto& [name, each] : named) {
    auto revision = std::make_shared<ControllerRevision>(each);
    revision->mutable_metadata()->set_name(name);
    out.push_back(std::move(revision));
  }
  return out;
}
std::vector<std::string> names(const Revisions& some) {
  std::vector<std::string> out;
  for (const auto& each : some) out.push_back(each->metadata().name());
  return out;
}

TEST(DaemonSetHistory, TellsThePresentOnesFromTheOld) {
  const DaemonSet now = ds(), then = in_template(R"({"hostNetwork": true})");
  const History history = history_of(
      now, revisions({{"b", first_of_template(now, 3)}, {"a", first_of_template(now, 1)}, {"c", first_of_template(then, 2)}}));
  EXPECT_THAT(names(history.present), ElementsAre("a", "b"));
  EXPECT_THAT(names(history.old), ElementsAre("c"));
}

TEST(DaemonSetHistory, MakesARevisionThatPodsAreNamedAfter) {
  DaemonSet set = ds();
  const ControllerRevision first = first_of_template(set, 3);
  const std::string hash = hash_of(first);
  EXPECT_EQ(first.metadata().name(), "ds-" + hash);
  EXPECT_EQ(first.metadata().labels().at("app"), "ds");
  EXPECT_EQ(first.metadata().annotations().at("deprecated.daemonset.template.generation"), "7");
  EXPECT_EQ(first.revision(), 3);
  set.mutable_status()->set_collision_count(1);
  EXPECT_NE(hash_of(first_of_template(set, 3)), hash) << "after a collision it has another name";
  EXPECT_EQ(first_of_template(set, 3).data().raw(), first.data().raw());
  ControllerRevision bare;
  bare.mutable_metadata()->set_name("of-old");
  EXPECT_EQ(hash_of(bare), "of-old");
}

TEST(DaemonSetHistory, KeepsAsManyAsAskedForAndThoseInUse) {
  struct Case {
    const char* name;
    int limit;
    std::vector<const char*> in_use;
    std::vector<std::string> goes;
  };
  const Case cases[] = {
      {"all fit", 3, {}, {}},
      {"the oldest go", 1, {}, {"r1", "r2"}},
      {"none is kept", 0, {}, {"r1", "r2", "r3"}},
      {"those in use stay", 1, {"r1"}, {"r2", "r3"}},
      {"absurd", -5, {}, {"r1", "r2", "r3"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    DaemonSet set = ds();
    set.mutable_spec()->set_revision_history_limit(c.limit);
    ControllerRevision bare;
    std::vector<Ref<PodView>> pods;
    for (const char* hash : c.in_use) {
      auto view = std::make_shared<PodView>();
      view->labels.emplace_back(kPodRevision, hash);
      pods.push_back(std::move(view));
    }
    EXPECT_EQ(names(beyond_limit(set, revisions({{"r1", bare}, {"r2", bare}, {"r3", bare}}), pods)), c.goes);
  }
}

// -- Back-off

TEST(DaemonSetBackoff, DoublesWithEachFailureOnANode) {
  FailureBackoff backoff;
  DaemonSet set = ds();
  set.mutable_status()->set_observed_generation(1);
  Steady now{};
  for (const Duration expected : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 512s, 900s, 900s}) {
    EXPECT_EQ(backoff.wait(set, "n1", now), 0s) << "it waited long enough";
    backoff.note(set, "n1", now);
    EXPECT_EQ(backoff.wait(set, "n1", now), expected);
    EXPECT_EQ(backoff.wait(set, "n1", now + 400ms), expected - 400ms);
    EXPECT_EQ(backoff.wait(set, "n2", now), 0s) << "another node";
    now += expected;
  }
  EXPECT_EQ(backoff.size(), 1u);
}

TEST(DaemonSetBackoff, BeginsAnew) {
  const auto failed_twice = [](FailureBackoff& backoff, const DaemonSet& set) {
    backoff.note(set, "n1", Steady{});
    backoff.note(set, "n1", Steady{} + 1s);
  };
  DaemonSet set = ds();
  FailureBackoff long_ago;
  failed_twice(long_ago, set);
  long_ago.note(set, "n1", Steady{} + 31min);
  EXPECT_EQ(long_ago.wait(set, "n1", Steady{} + 31min), 1s) << "after half an hour without a failure";
  long_ago.note(set, "n2", Steady{} + 62min);
  EXPECT_EQ(long_ago.size(), 1u) << "and what is over is not kept";

  FailureBackoff changed;
  failed_twice(changed, set);
  DaemonSet other = set;
  other.mutable_status()->set_observed_generation(2);
  EXPECT_EQ(changed.wait(other, "n1", Steady{} + 1s), 0s) << "for another state of the set";
  other = set;
  other.mutable_metadata()->set_uid("v");
  EXPECT_EQ(changed.wait(other, "n1", Steady{} + 1s), 0s) << "for another set of its name";
  changed.note(other, "n1", Steady{} + 1s);
  EXPECT_EQ(changed.wait(other, "n1", Steady{} + 1s), 1s);
  changed.forget(key_of(set));
  EXPECT_EQ(changed.size(), 0u);
}

}  // namespace
}  // namespace ph::controllers::daemonset

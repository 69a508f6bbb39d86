// What the node lifecycle loop decides: health.h, taints.h, evictions.h.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "api/times.h"
#include "controllers/node_lifecycle/evictions.h"
#include "controllers/node_lifecycle/health.h"
#include "controllers/node_lifecycle/lease_view.h"
#include "controllers/node_lifecycle/taints.h"
#include "tests/sim/executor.h"

namespace ph::controllers::node_lifecycle {
namespace {

using core::v1::Node;
using informers::NodeView, informers::Ref;
using nlohmann::json;
using testing::ElementsAre;

constexpr Time kStart = sim::SimClock::kStart;

// Conditions as "Type=Status"; taints as "key:Effect" without the domain.
class Build {
 public:
  Build() {
    node_.mutable_metadata()->set_name("n");
    node_.mutable_metadata()->set_uid("u");
    node_.mutable_metadata()->set_resource_version("7");
    api::set_time(node_.mutable_metadata()->mutable_creation_timestamp(), kStart);
  }
  Build& says(const std::string& type, const std::string& status, Duration heartbeat = 0s) {
    auto& added = *node_.mutable_status()->add_conditions();
    added.set_type(type);
    added.set_status(status);
    api::set_time(added.mutable_last_heartbeat_time(), kStart + heartbeat);
    return *this;
  }
  Build& taint(const std::string& text) {
    auto& added = *node_.mutable_spec()->add_taints();
    const auto colon = text.find(':');
    added.set_key((text.starts_with("own") ? "" : "node.kubernetes.io/") + text.substr(0, colon));
    added.set_effect(text.substr(colon + 1));
    return *this;
  }
  Build& label(const std::string& key, const std::string& value) {
    (*node_.mutable_metadata()->mutable_labels())[key] = value;
    return *this;
  }
  Build& unschedulable() { return node_.mutable_spec()->set_unschedulable(true), *this; }
  Build& uid(const std::string& uid) { return node_.mutable_metadata()->set_uid(uid), *this; }
  Ref<NodeView> view() const { return NodeView::of(node_); }
  const NodeView& operator*() {
    seen_ = view();
    return *seen_;
  }
  operator Ref<NodeView>() const { return view(); }

 private:
  Node node_;
  Ref<NodeView> seen_;
};

Moment at(Duration since) { return {.wall = kStart + since, .steady = Steady(1h + since)}; }

// -- Health

TEST(NodeHealth, IsHeardOfByWhatChanges) {
  struct Step {
    const char* name;
    Ref<NodeView> node;
    std::optional<Duration> renewed;  // by the lease
    Duration when;
    Duration heard;
  };
  const auto ready = [](Duration heartbeat) { return Build().says("Ready", "True", heartbeat).view(); };
  const Step steps[] = {
      {"never told anything: since its creation", Build(), {}, 10s, 0s},
      {"still nothing", Build(), {}, 20s, 0s},
      {"a lease is enough", Build(), 25s, 30s, 30s},
      {"the same lease is not heard again", Build(), 25s, 40s, 30s},
      {"its first status", ready(45s), 25s, 50s, 50s},
      {"the same heartbeat", ready(45s), 25s, 60s, 50s},
      {"another heartbeat", ready(65s), 25s, 70s, 70s},
      {"a lease renewed meanwhile", ready(65s), 75s, 80s, 80s},
      {"a lease of long ago", ready(65s), 5s, 90s, 80s},
      {"its lease is gone", ready(65s), {}, 100s, 80s},
      {"a heartbeat that went back is one, too", ready(60s), {}, 110s, 110s},
      {"its status is gone", Build(), {}, 120s, 120s},
      {"another node of that name, without a word", Build().uid("other"), {}, 130s, 0s},
  };
  std::optional<Health> health;
  for (const Step& step : steps) {
    SCOPED_TRACE(step.name);
    const auto renewed = step.renewed ? std::optional(kStart + *step.renewed) : std::nullopt;
    health = hear(health ? &*health : nullptr, *step.node, renewed, at(step.when));
    EXPECT_EQ(health->heard, at(step.heard).steady);
  }
}

TEST(NodeHealth, AFreshStartHasHeardOfThoseThatEverSpoke) {
  EXPECT_EQ(hear(nullptr, *Build().says("Ready", "True"), {}, at(1h)).heard, at(1h).steady);
  EXPECT_EQ(hear(nullptr, *Build().view(), kStart, at(1h)).heard, at(1h).steady) << "it has a lease";
  EXPECT_EQ(hear(nullptr, *Build().view(), {}, at(-1h)).heard, at(-1h).steady) << "the clock was set back";
  NodeView ancient = *Build().view();
  ancient.created = Time::min();
  EXPECT_LT(hear(nullptr, ancient, {}, at(0s)).heard, at(-1h).steady);
}

TEST(NodeHealth, HowLongItMayBeSilent) {
  const NodeLifecycleOptions options;
  const Health spoke = hear(nullptr, *Build().says("Ready", "False"), {}, at(0s)),
               never = hear(nullptr, *Build().view(), {}, at(0s));
  EXPECT_FALSE(is_silent(spoke, options, at(50s).steady));
  EXPECT_TRUE(is_silent(spoke, options, at(50001ms).steady));
  EXPECT_FALSE(is_silent(never, options, at(60s).steady));
  EXPECT_TRUE(is_silent(never, options, at(60001ms).steady));
}

TEST(NodeHealth, WhatIsSaidOfOneThatIsSilent) {
  const Time now = kStart + 60s;
  const auto patch = unknown_patch(
      *Build().says("NetworkUnavailable", "False").says("Ready", "True").says("DiskPressure", "Unknown").view(), now);
  ASSERT_TRUE(patch);
  EXPECT_EQ(json::parse(*patch), json::parse(R"({"metadata":{"uid":"u","resourceVersion":"7"},"status":{
    "$setElementOrder/conditions":[{"type":"NetworkUnavailable"},{"type":"Ready"},{"type":"DiskPressure"},{"type":"MemoryPressure"},{"type":"PIDPressure"}],
    "conditions":[
      {"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown","message":"Kubelet stopped posting node status.",
       "lastTransitionTime":"2026-01-01T00:01:00Z"},
      {"type":"MemoryPressure","status":"Unknown","reason":"NodeStatusNeverUpdated","message":"Kubelet never posted node status.",
       "lastHeartbeatTime":"2026-01-01T00:00:00Z","lastTransitionTime":"2026-01-01T00:01:00Z"},
      {"type":"PIDPressure","status":"Unknown","reason":"NodeStatusNeverUpdated","message":"Kubelet never posted node status.",
       "lastHeartbeatTime":"2026-01-01T00:00:00Z","lastTransitionTime":"2026-01-01T00:01:00Z"}]}})"));
  EXPECT_FALSE(unknown_patch(*Build().says("Ready", "Unknown").says("MemoryPressure", "False").view(), now)) << "that is known";
  EXPECT_TRUE(unknown_patch(*Build().view(), now)) << "it has never said anything";
}

TEST(NodeHealth, ReadsLeases) {
  coordination::v1::Lease lease;
  lease.mutable_metadata()->set_name("n");
  lease.mutable_metadata()->set_namespace_(kLeaseNamespace);
  lease.mutable_metadata()->set_resource_version("9");
  EXPECT_FALSE(LeaseView::decode(api::encode_protobuf(lease))->renewed);
  api::set_time(lease.mutable_spec()->mutable_renew_time(), kStart + 1500ms);
  api::set_time(lease.mutable_spec()->mutable_acquire_time(), kStart);
  const auto view = LeaseView::decode(api::encode_protobuf(lease));
  EXPECT_EQ(view->renewed, kStart + 1500ms);
  EXPECT_EQ(view->key().text(), "kube-node-lease/n");
  EXPECT_EQ(view->revision.value, 9u);
}

// -- Taints

std::string told(const Swap& swap) {
  std::string out;
  const auto tell = [&](const char* sign, const core::v1::Taint& taint) {
    const auto slash = taint.key().find('/') + 1;
    out += (out.empty() ? "" : " ") + (sign + taint.key().substr(slash)) + ":" + taint.effect();
  };
  for (const auto& taint : swap.add) tell("+", taint);
  for (const auto& taint : swap.remove) tell("-", taint);
  return out;
}

TEST(NodeTaints, NoScheduleFollowsFromConditions) {
  struct Case {
    const char* name;
    Ref<NodeView> node;
    const char* swap;
  };
  const Case cases[] = {
      {"ready", Build().says("Ready", "True"), ""},
      {"new, as admission has it, and ready", Build().taint("not-ready:NoSchedule").says("Ready", "True"),
       "-not-ready:NoSchedule"},
      {"new, and nothing is known of it", Build().taint("not-ready:NoSchedule"), "-not-ready:NoSchedule"},
      {"not ready", Build().says("Ready", "False"), "+not-ready:NoSchedule"},
      {"not ready, and tainted", Build().says("Ready", "False").taint("not-ready:NoSchedule"), ""},
      {"silent", Build().says("Ready", "Unknown").taint("not-ready:NoSchedule"), "+unreachable:NoSchedule -not-ready:NoSchedule"},
      {"pressures", Build().says("MemoryPressure", "True").says("DiskPressure", "True").says("PIDPressure", "True"),
       "+memory-pressure:NoSchedule +disk-pressure:NoSchedule +pid-pressure:NoSchedule"},
      {"pressures that are over, or unknown",
       Build()
           .says("MemoryPressure", "False")
           .says("DiskPressure", "Unknown")
           .taint("memory-pressure:NoSchedule")
           .taint("disk-pressure:NoSchedule"),
       "-memory-pressure:NoSchedule -disk-pressure:NoSchedule"},
      {"no network", Build().says("NetworkUnavailable", "True"), "+network-unavailable:NoSchedule"},
      {"cordoned", Build().unschedulable(), "+unschedulable:NoSchedule"},
      {"uncordoned", Build().taint("unschedulable:NoSchedule"), "-unschedulable:NoSchedule"},
      {"others' taints stay", Build().taint("own:NoSchedule").taint("out-of-service:NoSchedule").taint("not-ready:NoExecute"),
       ""},
      {"the same said twice", Build().says("Ready", "False").says("Ready", "False"), "+not-ready:NoSchedule"},
      {"what nobody knows", Build().says("Ready", "Perhaps").says("Odd", "True"), ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(told(no_schedule(*c.node)), c.swap);
  }
}

TEST(NodeTaints, NoExecuteComesByTurnAndChangesAtOnce) {
  struct Case {
    const char* name;
    Ref<NodeView> node;
    bool lifted;
    const char *now, *by_turn;
  };
  const Case cases[] = {
      {"ready", Build().says("Ready", "True"), false, "", ""},
      {"ready again", Build().says("Ready", "True").taint("unreachable:NoExecute").taint("own:NoExecute"), false,
       "-unreachable:NoExecute", ""},
      {"not ready", Build().says("Ready", "False"), false, "", "+not-ready:NoExecute"},
      {"its turn has come", Build().says("Ready", "False").taint("not-ready:NoExecute"), false, "", ""},
      {"unreachable, now not ready", Build().says("Ready", "False").taint("unreachable:NoExecute"), false,
       "+not-ready:NoExecute -unreachable:NoExecute", ""},
      {"silent", Build().says("Ready", "Unknown").taint("not-ready:NoSchedule"), false, "", "+unreachable:NoExecute"},
      {"not ready, now silent", Build().says("Ready", "Unknown").taint("not-ready:NoExecute"), false,
       "+unreachable:NoExecute -not-ready:NoExecute", ""},
      {"it has both", Build().says("Ready", "Unknown").taint("not-ready:NoExecute").taint("unreachable:NoExecute"), false,
       "-not-ready:NoExecute", ""},
      {"nothing is known of it", Build().taint("not-ready:NoExecute"), false, "", ""},
      {"nobody is evicted", Build().says("Ready", "False"), true, "", ""},
      {"nobody is evicted any more", Build().says("Ready", "False").taint("not-ready:NoExecute"), true, "-not-ready:NoExecute",
       ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const NoExecute taints = no_execute(*c.node, readiness(*c.node), c.lifted);
    EXPECT_EQ(told(taints.now), c.now);
    EXPECT_EQ(told(taints.by_turn), c.by_turn);
  }
}

TEST(NodeTaints, WhatFollowsFromTheNodeComesFirst) {
  const Ref<NodeView> node = Build().says("Ready", "Unknown").taint("not-ready:NoSchedule");
  EXPECT_EQ(told(with_no_schedule(*node, no_execute(*node, "Unknown", false).by_turn)),
            "+unreachable:NoSchedule +unreachable:NoExecute -not-ready:NoSchedule");
}

TEST(NodeTaints, PatchesArePinnedAndKeepTheRest) {
  const Ref<NodeView> node = Build().says("Ready", "False").taint("own:NoSchedule").taint("unreachable:NoExecute");
  EXPECT_EQ(json::parse(swap_patch(*node, no_execute(*node, "False", false).now, kStart)),
            json::parse(R"({"metadata":{"uid":"u","resourceVersion":"7"},"spec":{"taints":[
              {"key":"own","effect":"NoSchedule"},
              {"key":"node.kubernetes.io/not-ready","effect":"NoExecute","timeAdded":"2026-01-01T00:00:00Z"}]}})"));
  const Ref<NodeView> last = Build().says("Ready", "True").taint("not-ready:NoSchedule");
  EXPECT_EQ(json::parse(tending_patch(*last, kStart).value_or("{}")),
            json::parse(R"({"metadata":{"uid":"u","resourceVersion":"7"},"spec":{"taints":null}})"));
}

TEST(NodeTaints, LabelsRepeatOthers) {
  const auto labels = [](const Ref<NodeView>& node) {
    return json::parse(tending_patch(*node, kStart).value_or(R"({"metadata":{}})"))["metadata"].value("labels", json());
  };
  EXPECT_EQ(labels(Build().label("kubernetes.io/os", "linux").label("kubernetes.io/arch", "arm64")),
            json::parse(R"({"beta.kubernetes.io/os":"linux","beta.kubernetes.io/arch":"arm64"})"));
  EXPECT_EQ(labels(Build().label("kubernetes.io/os", "linux").label("beta.kubernetes.io/os", "x")),
            json::parse(R"({"beta.kubernetes.io/os":"linux"})"));
  EXPECT_EQ(labels(Build().label("kubernetes.io/os", "linux").label("beta.kubernetes.io/os", "linux")), json());
  EXPECT_EQ(labels(Build().label("beta.kubernetes.io/os", "x")), json()) << "there is nothing to repeat";
}

// -- Zones

TEST(NodeZones, AreNamedByLabels) {
  using namespace std::string_literals;
  EXPECT_EQ(zone_of(*Build().view()), "");
  EXPECT_EQ(zone_of(*Build().label("topology.kubernetes.io/zone", "z").label("topology.kubernetes.io/region", "r").view()),
            "r:\0:z"s);
  EXPECT_EQ(zone_of(*Build().label("failure-domain.beta.kubernetes.io/zone", "z").view()), ":\0:z"s);
  EXPECT_TRUE(is_left_out(*Build().label("node.kubernetes.io/exclude-disruption", "").view()));
  EXPECT_FALSE(is_left_out(*Build().view()));
}

TEST(NodeZones, StatesGoByHowManyAreReady) {
  struct Case {
    std::size_t ready, not_ready;
    ZoneState state;
  };
  for (const Case& c :
       {Case{3, 0, ZoneState::Normal}, Case{1, 2, ZoneState::Normal}, Case{0, 1, ZoneState::FullDisruption},
        Case{0, 9, ZoneState::FullDisruption}, Case{9, 11, ZoneState::PartialDisruption}, Case{10, 10, ZoneState::Normal},
        Case{2, 3, ZoneState::PartialDisruption}, Case{3, 3, ZoneState::Normal}}) {
    EXPECT_EQ(state_of({.ready = c.ready, .not_ready = c.not_ready}, 0.55), c.state) << c.ready << " " << c.not_ready;
  }
}

NodeLifecycleOptions slow() { return {}; }
using Waiting = std::map<std::string, Evictions::Names, std::less<>>;

// Who is given up at this moment.
std::vector<std::string> turns(Evictions& evictions, Duration when) {
  std::vector<std::string> out;
  while (const auto turn = evictions.due(Steady(when))) {
    out.push_back(turn->node);
    evictions.done(*turn, true, Steady(when));
  }
  return out;
}

TEST(NodeEvictions, EachZoneGivesUpOneAtATime) {
  Evictions evictions(slow());
  evictions.judge({{"a", {.ready = 9, .not_ready = 2}}, {"b", {.ready = 9, .not_ready = 2}}}, Steady(0s));
  evictions.wait_in_turn(Waiting{{"a", {"a1", "a2"}}, {"b", {"b1"}}});
  EXPECT_THAT(turns(evictions, 0s), ElementsAre("a1", "b1"));
  EXPECT_EQ(evictions.next(), Steady(10s));
  EXPECT_THAT(turns(evictions, 9s), ElementsAre());
  evictions.wait_in_turn(Waiting{{"a", {"a0", "a2"}}});
  EXPECT_THAT(turns(evictions, 10s), ElementsAre("a2")) << "who waits keeps the place";
  EXPECT_THAT(turns(evictions, 25s), ElementsAre("a0"));
  EXPECT_FALSE(evictions.next());
  evictions.wait_in_turn(Waiting{{"a", {"a5", "a6"}}});
  evictions.wait_in_turn(Waiting{{"a", {"a6"}}});
  EXPECT_THAT(turns(evictions, 35s), ElementsAre("a6")) << "the other is well again";
}

TEST(NodeEvictions, OneThatWasNotGivenUpCostsNoTurn) {
  Evictions evictions(slow());
  evictions.judge({{"", {.ready = 9, .not_ready = 2}}}, Steady(0s));
  evictions.wait_in_turn(Waiting{{"", {"a", "b"}}});
  evictions.done(*evictions.due(Steady(0s)), false, Steady(0s));
  EXPECT_THAT(turns(evictions, 0s), ElementsAre("b"));
}

TEST(NodeEvictions, AZoneWithFewReadyNodesIsSlowOrStops) {
  for (const int nodes : {50, 51}) {
    SCOPED_TRACE(nodes);
    Evictions evictions(slow());
    const std::size_t bad = 30, good = static_cast<std::size_t>(nodes) - bad;
    evictions.judge({{"", {.ready = good, .not_ready = bad}}}, Steady(0s));
    EXPECT_EQ(evictions.state(""), ZoneState::PartialDisruption);
    evictions.wait_in_turn(Waiting{{"", {"a", "b", "c"}}});
    const bool large = nodes > 50;
    EXPECT_EQ(turns(evictions, 0s).size(), large ? 1u : 0u);
    EXPECT_EQ(turns(evictions, 99s).size(), 0u);
    EXPECT_EQ(turns(evictions, 101s).size(), large ? 1u : 0u);
    evictions.judge({{"", {.ready = 48, .not_ready = 2}}}, Steady(102s));
    EXPECT_EQ(evictions.next(), Steady(112s)) << "who had to wait goes on waiting, at the new rate";
  }
}

TEST(NodeEvictions, AZoneThatIsDownIsGivenUpWhileOthersStand) {
  Evictions evictions(slow());
  EXPECT_FALSE(evictions.judge({{"a", {.ready = 0, .not_ready = 5}}, {"b", {.ready = 1, .not_ready = 0}}}, Steady(0s)));
  EXPECT_FALSE(evictions.stopped());
  EXPECT_EQ(evictions.state("a"), ZoneState::FullDisruption);
  evictions.wait_in_turn(Waiting{{"a", {"a1", "a2"}}});
  EXPECT_THAT(turns(evictions, 0s), ElementsAre("a1"));
  EXPECT_THAT(turns(evictions, 10s), ElementsAre("a2"));
}

TEST(NodeEvictions, NothingIsGivenUpWhileNobodyIsReady) {
  Evictions evictions(slow());
  const ZoneCounts down{{"a", {.ready = 0, .not_ready = 5}}, {"b", {.ready = 0, .not_ready = 1}}};
  EXPECT_FALSE(evictions.judge({{"a", {.ready = 5, .not_ready = 0}}, {"b", {.ready = 1, .not_ready = 0}}}, Steady(0s)));
  EXPECT_FALSE(evictions.judge(down, Steady(5s)));
  EXPECT_TRUE(evictions.stopped());
  evictions.wait_in_turn(Waiting{{"a", {"a1"}}, {"b", {"b1"}}});
  EXPECT_THAT(turns(evictions, 1h), ElementsAre());
  EXPECT_FALSE(evictions.judge(down, Steady(1h)));
  EXPECT_TRUE(evictions.stopped());
  EXPECT_TRUE(evictions.judge({{"a", {.ready = 1, .not_ready = 4}}, {"b", {.ready = 1, .not_ready = 0}}}, Steady(2h)));
  EXPECT_FALSE(evictions.stopped());
  EXPECT_EQ(evictions.state("a"), ZoneState::PartialDisruption);
  EXPECT_EQ(evictions.state("b"), ZoneState::Normal);
  EXPECT_THAT(turns(evictions, 2h), ElementsAre()) << "not at once";
  EXPECT_THAT(turns(evictions, 2h + 10s), ElementsAre("b1"));
}

TEST(NodeEvictions, AFreshStartAmongNothingButSilentNodesGivesNobodyUp) {
  Evictions evictions(slow());
  evictions.judge({{"", {.ready = 0, .not_ready = 3}}}, Steady(0s));
  EXPECT_TRUE(evictions.stopped());
}

TEST(NodeEvictions, RatesThatMakeNoSense) {
  NodeLifecycleOptions options;
  options.eviction_rate = 0;
  Evictions none(options);
  none.judge({{"", {.ready = 5, .not_ready = 1}}}, Steady(0s));
  none.wait_in_turn(Waiting{{"", {"a"}}});
  EXPECT_THAT(turns(none, 1h), ElementsAre());
  EXPECT_FALSE(none.next());
  options.eviction_rate = 1e-300;
  Evictions hardly(options);
  hardly.judge({{"", {.ready = 5, .not_ready = 1}}}, Steady(0s));
  hardly.wait_in_turn(Waiting{{"", {"a", "b"}}});
  EXPECT_THAT(turns(hardly, 0s), ElementsAre("a"));
  EXPECT_GT(hardly.next(), Steady(1h));
}

}  // namespace
}  // namespace ph::controllers::node_lifecycle

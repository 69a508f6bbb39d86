// The queue as a script: what happens, and what the queue then holds. One command a line:
//
//   add P [prio=N] [gate]   a pod appears             pop             the next pod is taken; prints it, or `nothing`
//   ungate P                its gates are removed      reject P by X   the attempt failed: plugin X rejected it
//   label P                 its labels change          fail P          the attempt failed with an error
//   delete P                                           done P          the attempt ended well
//   node / nodetaint        a node came / changed      +5s             time passes
//   podgone                 an assigned pod went       state           prints where everything is
//   add P lane=N            it stands in a lane        hold N / release N
//   again P                 others were quicker
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "scheduler/config/configuration.h"
#include "scheduler/queue/scheduling_queue.h"
#include "tests/scheduler/make.h"

namespace ph::scheduler::test {
namespace {

class HandClock final : public Clock {
 public:
  Time now() const override { return Time(passed); }
  Steady steady() const override { return Steady(passed); }
  Duration passed = 100s;
};

class Script {
 public:
  Script() : profile_(default_profile(), {.snapshot = &snapshot_}), queue_(clock_, {.lanes = 3, .lane_of = lane_of}, [] {}) {}

  std::string run(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string command;
      if (words >> command) step(command, words);
    }
    return out_;
  }

 private:
  static std::size_t lane_of(const Pod& pod, const Profile&) {
    const auto label = pod.metadata().labels().find("lane");
    return label == pod.metadata().labels().end() ? 0 : std::stoul(label->second);
  }

  void step(const std::string& command, std::istringstream& words) {
    std::string name;
    if (command == "state") return state();
    if (command == "pop") return pop();
    if (command == "node") return queue_.move({.event = ClusterEvent::NodeAdded, .node_after = share_node(make_node())});
    if (command == "nodetaint") {
      return queue_.move({.event = ClusterEvent::NodeTaintsChanged,
                          .node_before = share_node(make_node().taint("a", "", "NoSchedule")),
                          .node_after = share_node(make_node())});
    }
    if (command == "podgone") {
      return queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(make_pod("gone").on("n"))});
    }
    if (command.starts_with("+")) {
      clock_.passed += *api_duration(command.substr(1));
      return queue_.flush();
    }
    words >> name;
    if (command == "hold") return queue_.hold(std::stoul(name));
    if (command == "release") return queue_.release(std::stoul(name));
    if (command == "add") return add(name, words);
    if (command == "ungate") return change(name, [](Pod& pod) { pod.mutable_spec()->clear_scheduling_gates(); });
    if (command == "label") return change(name, [](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["x"] = "y"; });
    if (command == "delete") return queue_.remove("uid-" + name);
    if (command == "activate") return queue_.activate({"uid-" + name});
    const QueuedRef pod = popped_.at(name);
    if (command == "done") return queue_.done(pod);
    if (command == "again") return queue_.again(pod);
    if (command == "reject") {
      std::string by;
      words >> by >> by;
      pod->rejectors = profile_.bit_of(by);
    }
    queue_.put_back(pod);
  }

  static std::optional<Duration> api_duration(const std::string& text) {
    return text.ends_with("ms") ? Duration(std::chrono::milliseconds(std::stoi(text)))
                                : Duration(std::chrono::seconds(std::stoi(text)));
  }

  void add(const std::string& name, std::istringstream& words) {
    MakePod pod = make_pod(name);
    for (std::string word; words >> word;) {
      if (word == "gate") pod = std::move(pod).gate("g");
      if (word.starts_with("prio=")) pod = std::move(pod).priority(std::stoi(word.substr(5)));
      if (word.starts_with("lane=")) pod = std::move(pod).label("lane", word.substr(5));
    }
    pods_[name] = SchedulerPod::of(pod);
    queue_.add(*pods_[name], profile_);
  }

  template <class F>
  void change(const std::string& name, F f) {
    Pod pod = *pods_.at(name)->pending();
    f(pod);
    const auto after = SchedulerPod::of(std::move(pod));
    queue_.update(*pods_.at(name), *after, profile_);
    pods_[name] = after;
  }

  void pop() {
    const QueuedRef pod = queue_.pop();
    if (!pod) {
      out_ += "nothing\n";
      return;
    }
    popped_[pod->info->name] = pod;
    out_ += pod->info->name + "\n";
  }

  void state() {
    std::map<QueuedPod::Place, std::string> by_place;
    for (const auto& [name, pod] : pods_) {
      const QueuedPod* queued = queue_.find(pod->info->uid);
      if (queued) by_place[queued->place] += " " + name + (queued->gated_by.empty() ? "" : "(gated)");
    }
    static constexpr const char* kNames[] = {"nowhere", "active", "backoff", "errors", "unschedulable", "in flight", "removed"};
    std::string line;
    for (const auto& [place, names] : by_place)
      line += (line.empty() ? "" : "; ") + std::string(kNames[static_cast<int>(place)]) + ":" + names;
    out_ += (line.empty() ? "empty" : line) + "\n";
  }

  HandClock clock_;
  Snapshot snapshot_;
  Profile profile_;
  SchedulingQueue queue_;
  std::map<std::string, std::shared_ptr<const SchedulerPod>> pods_;
  std::map<std::string, QueuedRef> popped_;
  std::string out_;
};

struct Case {
  const char* name;
  const char* script;
  const char* output;
};

// clang-format off
const Case kCases[] = {
    {"priority, then age", "add a\n +1s\n add b prio=5\n add c\n pop\n pop\n pop\n pop", "b\na\nc\nnothing\n"},
    {"equals leave in the order they came", "add b\n add a\n add c\n pop\n pop\n pop", "b\na\nc\n"},

    {"a gated pod waits for its gates", "add a gate\n state\n pop\n node\n label a\n state\n ungate a\n state",
     "unschedulable: a(gated)\nnothing\nunschedulable: a(gated)\nactive: a\n"},
    {"five minutes do not open a gate", "add a gate\n +600s\n state", "unschedulable: a(gated)\n"},

    {"a rejected pod waits for an event of its plugin",
     "add a\n pop\n reject a by NodeAffinity\n state\n podgone\n state\n node\n state", 
     "a\nunschedulable: a\nunschedulable: a\nbackoff: a\n"},
    {"an event that the hint refuses wakes nobody", "add a\n pop\n reject a by NodeUnschedulable\n nodetaint\n state",
     "a\nunschedulable: a\n"},
    {"an event that helps", "add a\n pop\n reject a by TaintToleration\n nodetaint\n state", "a\nbackoff: a\n"},
    {"an event after the backoff makes the pod active", "add a\n pop\n reject a by NodeResourcesFit\n +10s\n podgone\n state",
     "a\nactive: a\n"},
    {"when nothing is active, who backs off is taken", "add a\n pop\n reject a by NodeResourcesFit\n podgone\n state\n pop",
     "a\nbackoff: a\na\n"},
    {"but not before those that are active", "add a\n pop\n reject a by NodeResourcesFit\n podgone\n add b\n pop\n pop", "a\nb\na\n"},

    {"an event during the attempt is not lost", "add a\n pop\n podgone\n reject a by NodeResourcesFit\n state", "a\nbackoff: a\n"},
    {"an event before the attempt is old", "add a\n podgone\n pop\n reject a by NodeResourcesFit\n state", "a\nunschedulable: a\n"},
    {"the pod's own change during the attempt", "add a\n pop\n node\n label a\n reject a by NodePorts\n state", "a\nbackoff: a\n"},
    {"another pod in flight keeps its events",
     "add a\n add b\n pop\n podgone\n pop\n done a\n reject b by NodeResourcesFit\n state", "a\nb\nunschedulable: b\n"},

    {"an error backs off, and is not taken early", "add a\n pop\n fail a\n state\n pop\n +1s\n state\n +1s\n state\n pop",
     "a\nerrors: a\nnothing\nerrors: a\nactive: a\na\n"},
    {"backoff doubles", "add a\n pop\n fail a\n +2s\n pop\n fail a\n +2s\n state\n +1s\n state\n pop\n fail a\n +4s\n state\n +1s\n state",
     "a\na\nerrors: a\nactive: a\na\nerrors: a\nactive: a\n"},
    {"and ends at ten seconds",
     "add a\n pop\n fail a\n +20s\n pop\n fail a\n +20s\n pop\n fail a\n +20s\n pop\n fail a\n +20s\n pop\n fail a\n +10s\n state\n +1s\n state",
     "a\na\na\na\na\nerrors: a\nactive: a\n"},

    {"five minutes wake an unschedulable pod", "add a\n pop\n reject a by NodeName\n +299s\n state\n +31s\n state",
     "a\nunschedulable: a\nactive: a\n"},

    {"a deleted pod is gone, wherever it was",
     "add a\n add b gate\n add c\n add d\n pop\n pop\n fail a\n delete a\n delete b\n delete c\n delete d\n state\n pop", 
     "a\nc\nempty\nnothing\n"},
    {"deleted in flight, it does not come back", "add a\n pop\n delete a\n reject a by NodeName\n state", "a\nempty\n"},
    {"done", "add a\n pop\n state\n done a\n state", "a\nin flight: a\nempty\n"},
    {"activated past its backoff", "add a\n pop\n fail a\n activate a\n state", "a\nactive: a\n"},
    {"gates cannot be activated", "add a gate\n activate a\n state", "unschedulable: a(gated)\n"},

    {"lanes share one order", "add a\n add b lane=1 prio=5\n add c lane=2\n pop\n pop\n pop", "b\na\nc\n"},
    {"a held lane holds nobody else up", "add a lane=1 prio=5\n add b\n add c lane=2\n hold 1\n pop\n pop\n pop\n release 1\n pop",
     "b\nc\nnothing\na\n"},
    {"nor does it keep the others' backoffs", "add a\n pop\n reject a by NodeResourcesFit\n podgone\n add b lane=1\n hold 1\n state\n pop",
     "a\nactive: b; backoff: a\na\n"},
    {"backoffs of a held lane are not taken early", "add a lane=1\n pop\n reject a by NodeResourcesFit\n podgone\n hold 1\n pop\n +10s\n state\n pop\n release 1\n pop",
     "a\nnothing\nactive: a\nnothing\na\n"},
    {"overtaken, it keeps its place", "add a\n +1s\n add b\n pop\n again a\n state\n pop", "a\nactive: a b\na\n"},
    {"overtaken and deleted", "add a\n pop\n delete a\n again a\n state", "a\nempty\n"},
    {"what extenders rejected, any event wakes", "add a\n pop\n reject a by Extender\n state\n nodetaint\n state",
     "a\nunschedulable: a\nbackoff: a\n"},
};
// clang-format on

TEST(SchedulingQueue, Scripts) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Script().run(c.script), c.output);
  }
}

TEST(SchedulingQueue, KeepsNoEventsWithoutPodsInFlight) {
  HandClock clock;
  const Snapshot snapshot;
  const Profile profile(default_profile(), {.snapshot = &snapshot});
  SchedulingQueue queue(clock, {}, [] {});
  const ClusterChange change{.event = ClusterEvent::NodeAdded, .node_after = share_node(make_node())};
  queue.move(change);
  EXPECT_EQ(queue.logged_events(), 0u);
  queue.add(*SchedulerPod::of(make_pod("a")), profile);
  queue.add(*SchedulerPod::of(make_pod("b")), profile);
  const QueuedRef a = queue.pop();
  queue.move(change);
  const QueuedRef b = queue.pop();
  queue.move(change);
  EXPECT_EQ(queue.logged_events(), 2u);
  queue.done(a);
  EXPECT_EQ(queue.logged_events(), 1u);
  queue.done(b);
  EXPECT_EQ(queue.logged_events(), 0u);
}

Pod spread_by(const std::string& name, const std::string& app) {
  Pod pod = make_pod(name);
  auto& constraint = *pod.mutable_spec()->add_topology_spread_constraints();
  constraint.set_max_skew(1);
  constraint.set_topology_key("zone");
  constraint.set_when_unsatisfiable("DoNotSchedule");
  (*constraint.mutable_label_selector()->mutable_match_labels())["app"] = app;
  return pod;
}

// One plugin alone knows what the two differ in, and nothing of it is kept. A pod of which it has no opinion came first.
TEST(SchedulingQueue, WhomAPluginTellsApartIsAskedAboutAlone) {
  HandClock clock;
  const Snapshot snapshot;
  const Profile profile(default_profile(), {.snapshot = &snapshot});
  SchedulingQueue queue(clock, {}, [] {});
  queue.add(*SchedulerPod::of(make_pod("plain")), profile);
  queue.pop();
  for (const char* app : {"x", "y", "z"}) queue.add(*SchedulerPod::of(spread_by(app, app)), profile);
  while (const QueuedRef pod = queue.pop()) {
    pod->rejectors = profile.bit_of("PodTopologySpread");
    queue.put_back(pod);
  }
  EXPECT_EQ(queue.counts().unschedulable, 3u);
  queue.move(
      {.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(make_pod("gone").label("app", "y").on("n"))});
  EXPECT_EQ(queue.find("uid-x")->place, QueuedPod::Place::Unschedulable);
  EXPECT_EQ(queue.find("uid-y")->place, QueuedPod::Place::Backoff);
  EXPECT_EQ(queue.find("uid-z")->place, QueuedPod::Place::Unschedulable);
}

// Of those that are in flight, too.
TEST(SchedulingQueue, AnEventConcernsThoseThatItIsFor) {
  HandClock clock;
  const Snapshot snapshot;
  const Profile profile(default_profile(), {.snapshot = &snapshot});
  SchedulingQueue queue(clock, {}, [] {});
  for (const char* name : {"a", "b", "c"}) queue.add(*SchedulerPod::of(make_pod(name).priority(*name - 'a')), profile);
  std::vector<QueuedRef> popped;
  while (QueuedRef pod = queue.pop()) popped.push_back(std::move(pod));
  ASSERT_EQ(popped.size(), 3u);
  queue.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = make_pod_info(make_pod("gone").on("n"))},
             {.except = "uid-a", .priority_most = 1});
  for (const QueuedRef& pod : popped) {
    pod->rejectors = profile.bit_of("NodeResourcesFit");
    queue.put_back(pod);
  }
  EXPECT_EQ(queue.find("uid-a")->place, QueuedPod::Place::Unschedulable) << "it is the one that left";
  EXPECT_EQ(queue.find("uid-b")->place, QueuedPod::Place::Backoff);
  EXPECT_EQ(queue.find("uid-c")->place, QueuedPod::Place::Unschedulable) << "it matters more than who left";
}

class Confused final : public FilterPlugin {
 public:
  Verdict filter(const CycleState&, const Pod&, const NodeInfo&) const override { return Verdict::fits(); }
  QueueingHint hint(const ClusterChange&, const Pod&) const override { throw std::runtime_error("who knows"); }
};

TEST(SchedulingQueue, WhoCannotTellWhetherAnEventHelpsIsTakenForYes) {
  constexpr PluginEntry kConfused[] = {
      {"Confused", [](const PluginArgs&, const PluginWorld&) -> std::unique_ptr<Plugin> { return std::make_unique<Confused>(); },
       0}};
  HandClock clock;
  const Snapshot snapshot;
  ProfileSpec spec = default_profile();
  spec.points[Point::Filter].push_back("Confused");
  const Profile profile(spec, {.snapshot = &snapshot}, kConfused);
  SchedulingQueue queue(clock, {}, [] {});
  queue.add(*SchedulerPod::of(make_pod("a")), profile);
  const QueuedRef pod = queue.pop();
  pod->rejectors = profile.bit_of("Confused");
  queue.put_back(pod);
  queue.move({.event = ClusterEvent::NodeAdded, .node_after = share_node(make_node())});
  EXPECT_EQ(pod->place, QueuedPod::Place::Backoff);
}

TEST(Nominator, OnePlaceAPod) {
  Nominator nominator;
  const PodRef pod = make_pod_info(make_pod("a"));
  nominator.put(pod, "n1");
  nominator.put(pod, "n2");
  EXPECT_TRUE(nominator.on("n1").empty());
  EXPECT_EQ(nominator.on("n2").size(), 1u);
  EXPECT_EQ(nominator.node_of("uid-a"), "n2");
  nominator.remove("uid-a");
  EXPECT_EQ(nominator.size(), 0u);
  EXPECT_TRUE(nominator.on("n2").empty());
}

}  // namespace
}  // namespace ph::scheduler::test

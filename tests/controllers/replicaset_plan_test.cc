// The pure half of the replicaset loop: who is deleted first, what the status says.
#include "controllers/replicaset/plan.h"

#include <gmock/gmock.h>

#include "controllers/common/same.h"
#include "tests/sim/builders.h"
#include "tests/sim/executor.h"

namespace ph::controllers {
namespace {

using apps::v1::ReplicaSet;
using testing::ElementsAre;

Time at(Duration since) { return Time(1000h + since); }
const Time kNow = at(10h);

PodView running(std::string name) {
  PodView pod;
  pod.namespace_name = "shop";
  pod.name = name;
  pod.uid = "uid-" + name;
  pod.labels = {{"app", "web"}};
  pod.node_name = "n1";
  pod.phase = "Running";
  pod.ready = true;
  pod.ready_since = at(0s);
  pod.created = at(0s);
  return pod;
}
template <class Change>
PodView with(PodView pod, Change change) {
  change(pod);
  return pod;
}
Ref<PodView> ref(PodView pod) { return std::make_shared<const PodView>(std::move(pod)); }

TEST(PodRanking, TellsWhichOfTwoGoesFirst) {
  const PodView base = running("b");
  struct Case {
    const char* name;
    PodView first;   // deleted
    PodView second;  // kept
    int first_crowd = 0, second_crowd = 0;
  };
  const Case cases[] = {
      {"unassigned",
       with(running("a"),
            [](PodView& p) {
              p.node_name = {};
              p.deletion_cost = 9;
            }),
       base},
      {"pending before running", with(running("a"), [](PodView& p) { p.phase = "Pending"; }), base},
      {"pending before unknown", with(running("a"), [](PodView& p) { p.phase = "Pending"; }),
       with(running("b"), [](PodView& p) { p.phase = "Unknown"; })},
      {"not ready",
       with(running("a"),
            [](PodView& p) {
              p.ready = false;
              p.deletion_cost = 9;
            }),
       base},
      {"cheap", with(running("a"), [](PodView& p) { p.deletion_cost = -1; }), base},
      {"cheap, though alone", with(running("a"), [](PodView& p) { p.deletion_cost = -1; }), base, 1, 5},
      {"crowded", running("a"), base, 5, 1},
      {"ready for a shorter time", with(running("a"), [](PodView& p) { p.ready_since = at(9h); }), base},
      {"restarted", with(running("z"), [](PodView& p) { p.restarts = 3; }), base},
      {"younger", with(running("z"), [](PodView& p) { p.created = at(9h); }), base},
      {"of a similar age: by UID", with(running("a"), [](PodView& p) { p.created = at(0s); }),
       with(running("b"), [](PodView& p) { p.created = at(1min); })},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const auto crowd = [&](const PodView& pod) { return pod.name == c.first.name ? c.first_crowd : c.second_crowd; };
    for (const auto& pods : {std::vector{ref(c.first), ref(c.second)}, std::vector{ref(c.second), ref(c.first)}}) {
      const auto chosen = first_to_delete(pods, 1, crowd, kNow);
      ASSERT_EQ(chosen.size(), 1u);
      EXPECT_EQ(chosen[0]->name, c.first.name);
    }
  }
}

ReplicaSet set_of(int replicas, int min_ready = 0) {
  ReplicaSet set = sim::make_replica_set("shop/web").replicas(replicas);
  set.mutable_spec()->set_min_ready_seconds(min_ready);
  set.mutable_metadata()->set_generation(4);
  return set;
}

TEST(ReplicaSetPlan, CountsWhatIsTooMuchAndMissing) {
  struct Case {
    const char* name;
    int wanted, active, surplus;
  };
  for (const Case& c : {Case{"enough", 3, 3, 0}, Case{"missing", 3, 1, -2}, Case{"too many", 1, 3, 2},
                        Case{"bounded", 2000, 0, -500}, Case{"bounded down", 0, 700, 500}}) {
    SCOPED_TRACE(c.name);
    replicaset::Observed observed;
    observed.active.assign(static_cast<std::size_t>(c.active), ref(running("a")));
    EXPECT_EQ(replicaset::surplus(set_of(c.wanted), observed), c.surplus);
    ReplicaSet deleting = set_of(c.wanted);
    deleting.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    EXPECT_EQ(replicaset::surplus(deleting, observed), 0);
  }
}

TEST(ReplicaSetPlan, StatusCountsPods) {
  const ReplicaSet set = set_of(4, 60);
  replicaset::Observed observed;
  observed.active = {ref(running("long ready")), ref(with(running("just ready"), [](PodView& p) { p.ready_since = kNow - 20s; })),
                     ref(with(running("unready"), [](PodView& p) { p.ready = false; })),
                     ref(with(running("relabelled"), [](PodView& p) { p.labels = {{"app", "other"}}; }))};
  observed.terminating = {ref(running("ending"))};
  const auto status = replicaset::status_of(set, observed, {}, kNow);
  EXPECT_EQ(status.replicas(), 4);
  EXPECT_EQ(status.fully_labeled_replicas(), 3);
  EXPECT_EQ(status.ready_replicas(), 3);
  EXPECT_EQ(status.available_replicas(), 2);
  EXPECT_EQ(status.terminating_replicas(), 1);
  EXPECT_EQ(status.observed_generation(), 4);
  EXPECT_EQ(replicaset::next_available(set, observed, kNow), kNow + 40s);
  EXPECT_EQ(replicaset::next_available(set, observed, kNow + 40s), std::nullopt);
}

TEST(ReplicaSetPlan, FailuresComeAndGo) {
  ReplicaSet set = set_of(3);
  const auto run = [&](const std::optional<replicaset::Failure>& failure, Time now) {
    *set.mutable_status() = replicaset::status_of(set, {}, failure, now);
    return set.status().conditions_size() ? set.status().conditions(0).reason() + ": " + set.status().conditions(0).message()
                                          : "none";
  };
  EXPECT_EQ(run({}, at(0s)), "none");
  EXPECT_EQ(run(replicaset::Failure{-3, "quota"}, at(1s)), "FailedCreate: quota");
  const auto first = set.status();
  EXPECT_EQ(run(replicaset::Failure{-3, "another"}, at(2s)), "FailedCreate: quota") << "the first stays";
  EXPECT_TRUE(says_same(first, set.status()));
  EXPECT_EQ(run({}, at(3s)), "none");
  EXPECT_FALSE(says_same(first, set.status()));
  EXPECT_EQ(run(replicaset::Failure{1, "no"}, at(4s)), "FailedDelete: no");
}

}  // namespace
}  // namespace ph::controllers

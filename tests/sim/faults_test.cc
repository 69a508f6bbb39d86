// The faults themselves: each one alone, seen from both ends; and that they come from the seed.
#include "tests/sim/faults.h"

#include <gmock/gmock.h>

#include "apps/v1.pb.h"
#include "informers/informer.h"
#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::sim {
namespace {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using core::v1::ConfigMap;
using core::v1::Pod;

std::uint64_t injected(const Cluster& cluster, const std::string& kind) {
  const auto faults = cluster.tally().faults;
  const auto found = faults.find(kind);
  return found == faults.end() ? 0 : found->second;
}

std::uint64_t reached(const Cluster& cluster, const std::string& path) {
  const auto rare = cluster.tally().rare;
  const auto found = rare.find(path);
  return found == rare.end() ? 0 : found->second;
}

std::size_t living(Cluster& cluster) {
  std::size_t out = 0;
  for (const Pod& pod : cluster.list<Pod>("default")) out += !pod.metadata().has_deletion_timestamp();
  return out;
}

// A set that is scaled a few times, under one kind of fault.
struct Kind {
  const char* name;
  const char* counted;
  Faults faults;
};

Faults with(const std::function<void(Faults&)>& set) {
  Faults out;
  set(out);
  return out;
}

const Kind kKinds[] = {
    {"LostRequests", "request lost", with([](Faults& f) { f.lost_request = 0.3; })},
    {"LostResponses", "response lost", with([](Faults& f) { f.lost_response = 0.3; })},
    {"BrokenAnswers", "answered 500", with([](Faults& f) { f.broken_answer = 0.3; })},
    {"TooMany", "answered 429", with([](Faults& f) { f.too_many = 0.3; })},
    {"Unavailable", "answered 503", with([](Faults& f) { f.unavailable = 0.3; })},
    {"SlowAnswers", "slow answer", with([](Faults& f) { f.slow = 0.3; })},
    {"StalledWatches", "watch stalled", with([](Faults& f) { f.stalled = 0.3; })},
    {"RepeatedEvents", "events repeated", with([](Faults& f) { f.repeated = 0.3; })},
    {"CutWatches", "watch cut", with([](Faults& f) { f.cut = 0.2; })},
    {"CutWithinEvents", "watch cut within an event", with([](Faults& f) { f.cut = 0.2; })},
    {"ExpiredWatches", "watch expired", with([](Faults& f) { f.expired = 0.1; })},
    {"CrashesBeforeWrites", "crash before a write", with([](Faults& f) { f.crash_before_write = 0.2; })},
    {"CrashesAfterWrites", "crash after a write", with([](Faults& f) { f.crash_after_write = 0.2; })},
    {"CrashBeforeTheThirdWrite", "crash before a write", with([](Faults& f) { f.crash_at_write = 3; })},
    {"CrashAfterTheThirdWrite", "crash after a write",
     with([](Faults& f) { f.crash_at_write = 3, f.crash_once_written = true; })},
    {"LateEvents", "events late", with([](Faults& f) { f.watch_lag = 3; })},
    {"Crashes", "crash at any time", with([](Faults& f) { f.crash_every = 10s; })},
    {"LostLeases", "lease lost", with([](Faults& f) { f.lost_lease_every = 10s; })},
    {"CutOff", "cut off", with([](Faults& f) { f.cut_off_every = 10s; })},
    {"ClockJumps", "clock jump", with([](Faults& f) { f.clock_jump_every = 10s; })},
};

class OneFault : public testing::TestWithParam<Kind> {};

TEST_P(OneFault, IsInjectedAndSurvived) {
  Cluster cluster(loops("replicaset").seed(5).faults(GetParam().faults));
  cluster.create(make_replica_set("default/web").object());
  for (const int replicas : {5, 2, 9, 4}) {
    cluster.edit<ReplicaSet>("default/web", [&](ReplicaSet& set) { set.mutable_spec()->set_replicas(replicas); });
    cluster.advance(20s);
  }
  cluster.heal();
  EXPECT_TRUE(cluster.run_until([&] { return living(cluster) == 4; }, 30min));
  EXPECT_GT(injected(cluster, GetParam().counted), 0u);
}

INSTANTIATE_TEST_SUITE_P(Faults, OneFault, testing::ValuesIn(kKinds),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Faults, NoneChangesNothing) {
  EXPECT_FALSE(none().any());
  EXPECT_TRUE(all().any());
}

TEST(Faults, ALostResponseWasCarriedOutAndIsNotRepeated) {
  Cluster cluster(loops("replicaset").faults(with([](Faults& f) { f.lost_response = 0.2; })));
  std::size_t made = 0;
  cluster.on_write([&](const Cluster::Write& write) { made += write.created && write.key.starts_with("/registry/pods/"); });
  cluster.create(make_replica_set("default/web").replicas(40).object());
  cluster.advance(5min);
  EXPECT_EQ(made, 40u);
  EXPECT_GT(reached(cluster, "writes of unknown outcome"), 0u);
  EXPECT_GT(reached(cluster, "outcomes found out"), 0u);
}

TEST(Faults, ARelistFollowsAnExpiredWatch) {
  // Rare enough that some of the lists come to their end.
  Cluster cluster(loops("replicaset").faults(with([](Faults& f) { f.expired = 0.04; })));
  cluster.create(make_replica_set("default/web").object());
  for (const int replicas : {20, 5, 20, 5, 20}) {
    cluster.edit<ReplicaSet>("default/web", [&](ReplicaSet& set) { set.mutable_spec()->set_replicas(replicas); });
    cluster.advance(3min);
  }
  EXPECT_EQ(living(cluster), 20u);
  EXPECT_GT(injected(cluster, "watch expired"), 0u);
  EXPECT_GT(reached(cluster, "states read again"), 0u);
}

TEST(Faults, RepeatedEventsAreIgnored) {
  Cluster cluster(loops("replicaset").faults(with([](Faults& f) { f.repeated = 0.5; })));
  cluster.create(make_replica_set("default/web").replicas(20).object());
  cluster.advance(1min);
  EXPECT_GT(reached(cluster, "events ignored as repeated"), 0u);
}

// A crash comes before the first write or after it: then the first pod is there, and no other task of the dead process makes more.
TEST(Faults, ACrashIsAtThatVeryPoint) {
  for (const bool after : {false, true}) {
    Faults faults;
    (after ? faults.crash_after_write : faults.crash_before_write) = 1;
    faults.restart_most = 1s;
    Cluster cluster(loops("replicaset").faults(faults));
    cluster.create(make_replica_set("default/web").replicas(10).object());
    cluster.advance(100ms);
    EXPECT_EQ(living(cluster), after ? 1u : 0u);
    cluster.heal();
    cluster.advance(1min);
    EXPECT_EQ(living(cluster), 10u);
  }
}

TEST(Faults, TwoManagersMakeTooManyAndOneSettlesIt) {
  Cluster cluster(loops("replicaset"));
  cluster.add_manager();
  cluster.create(make_replica_set("default/web").replicas(10).object());
  cluster.advance(1min);
  EXPECT_TRUE(cluster.had_two_managers());
  cluster.restart_loops();
  cluster.advance(1min);
  EXPECT_EQ(living(cluster), 10u);
}

// The election as it is: whoever is cut off for longer than its lease is replaced, and no two ever make pods for the same gap.
TEST(Faults, AManagerThatIsCutOffLosesItsLease) {
  Faults faults;
  faults.cut_off_every = 20s;
  faults.cut_off_most = 1min;
  Cluster cluster(loops("replicaset").elected().faults(faults));
  std::size_t made = 0;
  cluster.on_write([&](const Cluster::Write& write) {
    if (write.key.starts_with("/registry/pods/")) made += write.created;
  });
  cluster.create(make_replica_set("default/web").replicas(0).object());
  for (int replicas = 1; replicas <= 40; ++replicas) {
    cluster.edit<ReplicaSet>("default/web", [&](ReplicaSet& set) { set.mutable_spec()->set_replicas(replicas); });
    cluster.advance(10s);
  }
  EXPECT_GT(reached(cluster, "terms begun"), 2u);
  EXPECT_FALSE(cluster.had_two_managers());
  cluster.heal();
  cluster.advance(1min);
  EXPECT_EQ(living(cluster), 40u);
  EXPECT_EQ(made, 40u);
}

std::string a_bad_day(std::uint64_t seed) {
  Cluster cluster(loops("deployment,replicaset,endpointslice").nodes(2).scheduler().seed(seed).faults(all()));
  cluster.create(make_service("default/web"));
  cluster.create(make_deployment("default/web").replicas(5).object());
  cluster.advance(2min);
  cluster.edit<Deployment>("default/web", [](Deployment& web) {
    web.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("img:2");
  });
  cluster.advance(2min);
  cluster.heal();
  cluster.advance(5min);
  return cluster.history_text();
}

TEST(Faults, OneSeedGivesOneHistory) {
  const std::string once = a_bad_day(11);
  EXPECT_THAT(once, testing::HasSubstr("fault "));
  EXPECT_EQ(once, a_bad_day(11));
  EXPECT_NE(once, a_bad_day(12));
}

TEST(Faults, TheCommandThatReplaysIsTold) {
  Cluster cluster(no_loops().seed(3).replay("scripts/swarm replicaset 1 --seed 3"));
  EXPECT_EQ(cluster.replay_command(), "scripts/swarm replicaset 1 --seed 3");
}

}  // namespace
}  // namespace ph::sim

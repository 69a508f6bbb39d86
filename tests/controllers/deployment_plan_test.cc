// What a Deployment plans, as tables: sizes in rolling updates and proportional scaling, revisions, history, strategies.
#include "controllers/deployment/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/sim/builders.h"

namespace ph::controllers::deployment {
namespace {

using testing::ElementsAre, testing::IsEmpty, testing::Pair, testing::UnorderedElementsAre;

Deployment web(int replicas, const std::string& surge, const std::string& unavailable) {
  Deployment out = sim::make_deployment("shop/web").replicas(replicas).rolling(surge, unavailable);
  out.mutable_metadata()->set_uid("d");
  return out;
}

struct SetSpec {
  const char* name;
  int wanted;
  int available;
  int revision = 0;
  int max = 0;       // the annotation max-replicas; 0: none
  bool seen = true;  // by its controller, in its present size
};

// Sets of other templates, each a second younger than the one before; a set named "new" has web's template.
Sets make_sets(const std::vector<SetSpec>& specs, const Deployment& deployment) {
  Sets out;
  int age = 0;
  for (const SetSpec& spec : specs) {
    auto set = std::make_shared<ReplicaSet>();
    auto& metadata = *set->mutable_metadata();
    metadata.set_namespace_("shop");
    metadata.set_name(spec.name);
    metadata.set_uid(spec.name);
    metadata.mutable_creation_timestamp()->set_seconds(++age);
    if (spec.revision) (*metadata.mutable_annotations())[kRevision] = std::to_string(spec.revision);
    if (spec.max) (*metadata.mutable_annotations())[kMaxReplicas] = std::to_string(spec.max);
    *set->mutable_spec()->mutable_template_() = deployment.spec().template_();
    if (std::string_view(spec.name) != "new") {
      set->mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(spec.name);
    }
    set->mutable_spec()->set_replicas(spec.wanted);
    set->mutable_status()->set_replicas(spec.wanted);
    set->mutable_status()->set_available_replicas(spec.available);
    metadata.set_generation(2);
    set->mutable_status()->set_observed_generation(spec.seen ? 2 : 1);
    out.push_back(std::move(set));
  }
  return out;
}

std::string text(const std::vector<std::pair<Ref<ReplicaSet>, int>>& sizes) {
  std::string out;
  for (const auto& [set, size] : sizes) out += fmt::format("{}{}={}", out.empty() ? "" : " ", set->metadata().name(), size);
  return out;
}

TEST(DeploymentPlan, RoundsSurgeUpAndUnavailableDown) {
  struct Case {
    const char* name;
    int replicas;
    const char* surge;
    const char* unavailable;
    int max_surge, max_unavailable;
  };
  const Case cases[] = {
      {"the defaults of 4", 4, "25%", "25%", 1, 1},
      {"the defaults of 3", 3, "25%", "25%", 1, 0},
      {"the defaults of 10", 10, "25%", "25%", 3, 2},
      {"numbers", 10, "4", "5", 4, 5},
      {"both zero", 10, "0", "0", 0, 1},
      {"zero by rounding", 3, "0%", "10%", 0, 1},
      {"more than all", 2, "1", "5", 1, 2},
      {"of nothing", 0, "25%", "25%", 0, 0},
      {"not a percentage", 4, "x%", "1", 0, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(max_surge(web(c.replicas, c.surge, c.unavailable)), c.max_surge);
    EXPECT_EQ(max_unavailable(web(c.replicas, c.surge, c.unavailable)), c.max_unavailable);
  }
}

TEST(DeploymentPlan, GrowsTheNewSetIntoTheRoomThereIs) {
  struct Case {
    const char* name;
    int replicas;
    const char* surge;
    std::vector<SetSpec> sets;
    int grown;  // the new set's size
  };
  const Case cases[] = {
      {"alone", 10, "2", {{"new", 0, 0}}, 10},
      {"beside a full old one", 10, "2", {{"old", 10, 10}, {"new", 0, 0}}, 2},
      {"no surge", 10, "0", {{"old", 10, 10}, {"new", 0, 0}}, 0},
      {"no surge, room made", 10, "0", {{"old", 8, 8}, {"new", 0, 0}}, 2},
      {"never more than wanted", 10, "10", {{"old", 5, 5}, {"new", 6, 0}}, 10},
      {"too many already", 10, "2", {{"old", 12, 12}, {"new", 3, 0}}, 3},
      {"scaled down", 3, "1", {{"new", 10, 10}}, 3},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Deployment deployment = web(c.replicas, c.surge, "1");
    const Sets sets = make_sets(c.sets, deployment);
    EXPECT_EQ(new_set_replicas(deployment, sets, wanted(*sets.back())), c.grown);
  }
}

TEST(DeploymentPlan, ShrinksOldSetsOnlyAsFarAsAvailabilityAllows) {
  struct Case {
    const char* name;
    int replicas;
    const char* unavailable;
    std::vector<SetSpec> sets;  // the new one last
    std::string changes;
  };
  const Case cases[] = {
      {"nothing is available yet", 10, "0", {{"old", 10, 10}, {"new", 2, 0}}, ""},
      {"as many as became available", 10, "0", {{"old", 10, 10}, {"new", 2, 2}}, "old=8"},
      {"and as many as may be missing", 10, "2", {{"old", 10, 10}, {"new", 0, 0}}, "old=8"},
      {"the unhealthy go first, whichever set they are of", 10, "2", {{"a", 8, 8}, {"b", 2, 0}, {"new", 2, 0}}, "b=0"},
      {"the oldest first", 10, "0", {{"a", 3, 3}, {"b", 7, 7}, {"new", 5, 5}}, "a=0 b=5"},
      {"unhealthy ones even when too few are available", 10, "2", {{"old", 8, 5}, {"new", 5, 0}}, ""},
      {"unhealthy ones that are surplus", 10, "5", {{"old", 8, 3}, {"new", 5, 0}}, "old=5"},
      {"all at the end", 3, "0", {{"old", 1, 1}, {"new", 3, 3}}, "old=0"},
      {"one just made smaller tells of what it is about to lose", 3, "1", {{"a", 3, 2}, {"b", 0, 2}, {"new", 1, 0}}, "a=2"},
      {"one made smaller and larger, unseen, may have lost them",
       3,
       "1",
       {{"a", 3, 1}, {.name = "new", .wanted = 2, .available = 2, .seen = false}},
       "a=2"},
      {"once it is seen, what it tells counts", 3, "1", {{"a", 3, 1}, {"new", 2, 2}}, "a=0"},
      {"an old one, too", 3, "1", {{.name = "a", .wanted = 2, .available = 2, .seen = false}, {"new", 3, 2}}, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Deployment deployment = web(c.replicas, "2", c.unavailable);
    Sets sets = make_sets(c.sets, deployment);
    const Ref<ReplicaSet> new_set = sets.back();
    sets.pop_back();
    EXPECT_EQ(text(scale_down_old(deployment, sets, *new_set)), c.changes);
  }
}

// Whatever the numbers, no step leaves fewer available than allowed or more pods than allowed.
TEST(DeploymentPlan, NoStepBreaksItsBounds) {
  SeededRng rng(1);
  for (int round = 0; round < 20000; ++round) {
    const int replicas = static_cast<int>(rng.below(12));
    Deployment deployment = web(replicas, std::to_string(rng.below(4)), std::to_string(rng.below(4)));
    std::vector<SetSpec> specs;
    static constexpr const char* kNames[] = {"a", "b", "new"};
    for (const char* name : kNames) {
      const int size = static_cast<int>(rng.below(8));
      specs.push_back({name, size, static_cast<int>(rng.below(size + 1))});
    }
    const Observed observed{.deployment = deployment, .sets = make_sets(specs, deployment), .now = Time{}};
    const Plan planned = plan(observed);
    int pods_before = total_wanted(observed.sets), pods = pods_before, lost = 0;
    for (const Change& change : planned.changes) {
      if (!change.replicas) continue;
      const int before = wanted(*change.set), available = change.set->status().available_replicas();
      pods += *change.replicas - before;
      // At worst the set deletes available pods only after its unavailable ones.
      if (*change.replicas < before) lost += std::max(0, available - *change.replicas);
    }
    ASSERT_LE(pods, std::max(pods_before, replicas + max_surge(deployment))) << "round " << round;
    const bool shrinks_new = wanted(*observed.sets.back()) > replicas;
    if (lost > 0 && !shrinks_new) {
      ASSERT_GE(total_available(observed.sets) - lost, replicas - max_unavailable(deployment)) << "round " << round;
    }
  }
}

TEST(DeploymentPlan, ScalesSetsInProportion) {
  struct Case {
    const char* name;
    int replicas;
    const char* surge;
    std::vector<SetSpec> sets;
    std::string sizes;
  };
  const Case cases[] = {
      {"only the new one", 10, "2", {{"new", 5, 5}}, "new=10"},
      {"only an old one", 10, "2", {{"old", 5, 5}}, "old=10"},
      {"none active: the new one", 4, "2", {{"old", 0, 0}, {"new", 0, 0}}, "new=4"},
      {"none active, no new one: the youngest", 4, "2", {{"a", 0, 0}, {"b", 0, 0}}, "b=4"},
      {"up, by what each has", 20, "0", {{"old", 8, 8, 0, 10}, {"new", 2, 2, 0, 10}}, "old=16 new=4"},
      {"down, by what each has", 5, "0", {{"old", 8, 8, 0, 10}, {"new", 2, 2, 0, 10}}, "old=4 new=1"},
      {"rounding is the largest's", 6, "0", {{"a", 5, 5, 0, 10}, {"b", 3, 3, 0, 10}, {"new", 2, 2, 0, 10}}, "a=3 b=2 new=1"},
      {"to nothing", 0, "0", {{"old", 8, 8, 0, 10}, {"new", 2, 2, 0, 10}}, "old=0 new=0"},
      {"equal sizes up: the youngest gets the rest", 3, "0", {{"old", 1, 1, 0, 2}, {"new", 1, 1, 0, 2}}, "new=2 old=1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Deployment deployment = web(c.replicas, c.surge, "1");
    Sets sets = make_sets(c.sets, deployment);
    const Ref<ReplicaSet> new_set = find_new(deployment, sets);
    std::erase(sets, new_set);
    EXPECT_EQ(text(scale(deployment, new_set, sets)), c.sizes);
  }
}

TEST(DeploymentPlan, MakesTheFirstSet) {
  Deployment deployment = web(3, "1", "1");
  (*deployment.mutable_metadata()->mutable_annotations())["note"] = "kept";
  (*deployment.mutable_metadata()->mutable_annotations())["kubectl.kubernetes.io/last-applied-configuration"] = "dropped";
  deployment.mutable_spec()->set_min_ready_seconds(7);
  const Plan planned = plan({.deployment = deployment, .sets = {}, .now = Time{}});
  ASSERT_TRUE(planned.create);
  const ReplicaSet& set = *planned.create;
  const std::string hash = template_hash(deployment.spec().template_(), {});
  EXPECT_EQ(set.metadata().name(), "web-" + hash);
  EXPECT_EQ(set.metadata().labels().at("pod-template-hash"), hash);
  EXPECT_EQ(set.spec().selector().match_labels().at("pod-template-hash"), hash);
  EXPECT_EQ(set.spec().template_().metadata().labels().at("pod-template-hash"), hash);
  EXPECT_EQ(set.spec().replicas(), 3);
  EXPECT_EQ(set.spec().min_ready_seconds(), 7);
  EXPECT_EQ(set.metadata().owner_references(0).uid(), "d");
  EXPECT_TRUE(set.metadata().owner_references(0).block_owner_deletion());
  std::map<std::string, std::string> annotations(set.metadata().annotations().begin(), set.metadata().annotations().end());
  EXPECT_THAT(annotations,
              ElementsAre(Pair(kDesiredReplicas, "3"), Pair(kMaxReplicas, "4"), Pair(kRevision, "1"), Pair("note", "kept")));
  EXPECT_EQ(planned.revision, 1);
  EXPECT_TRUE(planned.rolls_out);
}

TEST(DeploymentPlan, ALongNameLeavesRoomForTheHash) {
  for (const std::string& name : {std::string(253, 'a'), std::string(241, 'a') + ".aaaaaaaaaaa"}) {
    Deployment deployment = web(3, "1", "1");
    deployment.mutable_metadata()->set_name(name);
    const Plan planned = plan({.deployment = deployment, .sets = {}, .now = Time{}});
    ASSERT_TRUE(planned.create);
    const std::string& made = planned.create->metadata().name();
    EXPECT_LE(made.size(), 253u);
    EXPECT_TRUE(made.ends_with("a-" + template_hash(deployment.spec().template_(), {}))) << made;
  }
}

TEST(DeploymentPlan, TheHashDependsOnTemplateAndCollisions) {
  const Deployment a = web(1, "1", "1");
  Deployment b = a;
  (*b.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["pod-template-hash"] = "whatever";
  EXPECT_EQ(template_hash(a.spec().template_(), {}), template_hash(b.spec().template_(), {}));
  EXPECT_TRUE(same_template(a.spec().template_(), b.spec().template_()));
  EXPECT_NE(template_hash(a.spec().template_(), {}), template_hash(a.spec().template_(), 1));
  EXPECT_NE(template_hash(a.spec().template_(), 1), template_hash(a.spec().template_(), 2));
  b.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image("other");
  EXPECT_NE(template_hash(a.spec().template_(), {}), template_hash(b.spec().template_(), {}));
  EXPECT_THAT(template_hash(a.spec().template_(), {}), testing::MatchesRegex("[bcdfghjklmnpqrstvwxz2456789]{1,10}"));
}

TEST(DeploymentPlan, CountsRevisionsAndRemembersThem) {
  const Deployment deployment = web(1, "1", "1");
  const auto annotations = [&](const std::vector<SetSpec>& specs, const char* history = "") {
    Sets sets = make_sets(specs, deployment);
    if (*history) {
      auto copy = std::make_shared<ReplicaSet>(*sets.back());
      (*copy->mutable_metadata()->mutable_annotations())[kRevisionHistory] = history;
      sets.back() = copy;
    }
    const Plan planned = plan({.deployment = deployment, .sets = sets, .now = Time{}});
    for (const Change& change : planned.changes) {
      if (change.set == planned.new_set) return std::pair(change.annotations, planned.revision);
    }
    return std::pair(std::map<std::string, std::string>(), planned.revision);
  };
  const auto [newest, first] = annotations({{"old", 0, 0, 1}, {"new", 1, 1, 2}});
  EXPECT_THAT(newest, IsEmpty());
  EXPECT_EQ(first, 2) << "the deployment has none yet";
  const auto [back, second] = annotations({{"old", 0, 0, 4}, {"new", 1, 1, 2}});
  EXPECT_THAT(back, ElementsAre(Pair(kRevision, "5"), Pair(kRevisionHistory, "2")));
  EXPECT_EQ(second, 5);
  const auto [again, third] = annotations({{"old", 0, 0, 6}, {"new", 1, 1, 5}}, "1,3");
  EXPECT_THAT(again, ElementsAre(Pair(kRevision, "7"), Pair(kRevisionHistory, "1,3,5")));
  EXPECT_EQ(third, 7);
}

TEST(DeploymentPlan, LongHistoriesLoseTheirBeginning) {
  const Deployment deployment = web(1, "1", "1");
  auto set = std::make_shared<ReplicaSet>(*make_sets({{"new", 1, 1, 999}}, deployment).front());
  std::string history = "1";
  for (int i = 2; history.size() < 1996; ++i) history += "," + std::to_string(i);
  (*set->mutable_metadata()->mutable_annotations())[kRevisionHistory] = history;
  const std::string longer = annotations_for(deployment, *set, 1000, true).at(kRevisionHistory);
  EXPECT_LE(longer.size(), 2000u);
  EXPECT_TRUE(longer.ends_with(",999"));
  EXPECT_FALSE(longer.starts_with("1,2,"));
}

TEST(DeploymentPlan, CleansUpWhatTheHistoryLimitNoLongerCovers) {
  Deployment deployment = web(1, "1", "1");
  const auto cleaned = [&](std::vector<SetSpec> specs) {
    std::vector<std::string> out;
    for (const auto& set : beyond_history(deployment, make_sets(specs, deployment))) out.push_back(set->metadata().name());
    return out;
  };
  const std::vector<SetSpec> specs{{"c", 0, 0, 3}, {"a", 0, 0, 1}, {"b", 1, 1, 2}, {"e", 0, 0, 5}};
  EXPECT_THAT(cleaned(specs), IsEmpty()) << "no limit";
  deployment.mutable_spec()->set_revision_history_limit(2);
  EXPECT_THAT(cleaned(specs), ElementsAre("a")) << "b still has pods";
  deployment.mutable_spec()->set_revision_history_limit(0);
  EXPECT_THAT(cleaned(specs), ElementsAre("a", "c", "e"));
  deployment.mutable_spec()->set_revision_history_limit(4);
  EXPECT_THAT(cleaned(specs), IsEmpty());
}

TEST(DeploymentPlan, PausedDeploymentsOnlyScale) {
  Deployment deployment = web(4, "1", "1");
  deployment.mutable_spec()->set_paused(true);
  Plan planned = plan({.deployment = deployment, .sets = {}, .now = Time{}});
  EXPECT_FALSE(planned.create);
  planned = plan({.deployment = deployment, .sets = make_sets({{"old", 2, 2}}, deployment), .now = Time{}});
  EXPECT_FALSE(planned.create);
  ASSERT_EQ(planned.changes.size(), 1u);
  EXPECT_EQ(planned.changes[0].replicas, 4);
}

TEST(DeploymentPlan, RecreateWaitsForTheLastOldPod) {
  Deployment deployment = web(3, "1", "1");
  deployment.mutable_spec()->mutable_strategy()->set_type("Recreate");
  deployment.mutable_spec()->mutable_strategy()->clear_rolling_update();
  Sets sets = make_sets({{"old", 3, 3, 1}}, deployment);
  Plan planned = plan({.deployment = deployment, .sets = sets, .now = Time{}});
  ASSERT_EQ(planned.changes.size(), 1u);
  EXPECT_EQ(planned.changes[0].replicas, 0);
  EXPECT_FALSE(planned.create);
  sets = make_sets({{"old", 0, 0, 1}}, deployment);
  EXPECT_FALSE(plan({.deployment = deployment, .sets = sets, .old_pods_running = true, .now = Time{}}).create);
  planned = plan({.deployment = deployment, .sets = sets, .now = Time{}});
  ASSERT_TRUE(planned.create);
  EXPECT_EQ(planned.create->spec().replicas(), 3);
}

TEST(DeploymentPlan, TouchesNothingWhenAllIsAsItShouldBe) {
  Deployment deployment = web(3, "1", "1");
  (*deployment.mutable_metadata()->mutable_annotations())[kRevision] = "1";
  Sets sets = make_sets({{"new", 3, 3, 1, 4}}, deployment);
  const Plan planned = plan({.deployment = deployment, .sets = sets, .now = Time{}});
  EXPECT_THAT(planned.changes, IsEmpty());
  EXPECT_FALSE(planned.create);
  EXPECT_THAT(planned.cleanup, IsEmpty());
  EXPECT_EQ(planned.revision, 0);
}

TEST(DeploymentPlan, AnEmptySelectorIsRefused) {
  Deployment deployment = web(3, "1", "1");
  deployment.mutable_spec()->clear_selector();
  const Plan planned = plan({.deployment = deployment, .sets = {}, .now = Time{}});
  EXPECT_TRUE(planned.selects_all);
  EXPECT_FALSE(planned.create);
}

// -- Status

struct StatusCase {
  Deployment deployment = web(3, "1", "1");
  Sets sets;
  Time now = Time(1000s);
  Done done;

  StatusCase() { deployment.mutable_spec()->set_progress_deadline_seconds(600); }
  apps::v1::DeploymentStatus run() {
    const Observed observed{.deployment = deployment, .sets = sets, .now = now};
    deployment.mutable_status()->CopyFrom(status_of(observed, plan(observed), done));
    return deployment.status();
  }
  std::string condition(std::string_view type) {
    for (const auto& c : deployment.status().conditions()) {
      if (c.type() == type) return c.status() + " " + c.reason() + ": " + c.message();
    }
    return "none";
  }
  void have(int wanted, int actual, int available) {
    auto set = std::make_shared<ReplicaSet>(*make_sets({{"new", wanted, available, 1, 4}}, deployment).front());
    set->mutable_status()->set_replicas(actual);
    set->mutable_status()->set_ready_replicas(available);
    set->mutable_status()->set_terminating_replicas(0);
    sets = {set};
  }
};

TEST(DeploymentStatus, TellsARolloutFromBeginToEnd) {
  StatusCase c;
  c.done.created = true;
  c.run();
  const std::string hash = template_hash(c.deployment.spec().template_(), {});
  EXPECT_EQ(c.condition("Progressing"), "True NewReplicaSetCreated: Created new replica set \"web-" + hash + "\"");
  EXPECT_EQ(c.condition("Available"), "False MinimumReplicasUnavailable: Deployment does not have minimum availability.");
  EXPECT_EQ(c.deployment.status().unavailable_replicas(), 3);
  EXPECT_FALSE(c.deployment.status().has_terminating_replicas()) << "the new set has not counted yet";

  c.done = {};
  c.now += 5s;
  c.have(3, 3, 1);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "True ReplicaSetUpdated: ReplicaSet \"new\" is progressing.");
  EXPECT_EQ(c.deployment.status().updated_replicas(), 3);
  EXPECT_EQ(c.deployment.status().terminating_replicas(), 0);

  c.now += 5s;
  c.have(3, 3, 3);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "True NewReplicaSetAvailable: ReplicaSet \"new\" has successfully progressed.");
  EXPECT_EQ(c.condition("Available"), "True MinimumReplicasAvailable: Deployment has minimum availability.");

  c.now += 1h;
  c.have(3, 3, 0);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "True NewReplicaSetAvailable: ReplicaSet \"new\" has successfully progressed.")
      << "a finished rollout does not time out";
}

TEST(DeploymentStatus, TimesOutWithoutProgress) {
  StatusCase c;
  c.have(3, 3, 1);
  const auto started = c.run();
  EXPECT_EQ(next_deadline(c.deployment, started, c.now), Time(1601s));
  c.now += 600s;
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "True ReplicaSetUpdated: ReplicaSet \"new\" is progressing.");
  c.now += 1s;
  const auto late = c.run();
  EXPECT_EQ(c.condition("Progressing"), "False ProgressDeadlineExceeded: ReplicaSet \"new\" has timed out progressing.");
  EXPECT_EQ(next_deadline(c.deployment, late, c.now), std::nullopt);
  c.have(3, 3, 2);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "True ReplicaSetUpdated: ReplicaSet \"new\" is progressing.") << "it goes on after all";
}

TEST(DeploymentStatus, PausingStopsTheClock) {
  StatusCase c;
  c.have(3, 3, 1);
  c.run();
  c.deployment.mutable_spec()->set_paused(true);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "Unknown DeploymentPaused: Deployment is paused");
  c.now += 1h;
  EXPECT_EQ(next_deadline(c.deployment, c.run(), c.now), std::nullopt);
  c.deployment.mutable_spec()->set_paused(false);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "Unknown DeploymentResumed: Deployment is resumed");
}

TEST(DeploymentStatus, FailuresOfTheSetsShow) {
  StatusCase c;
  c.have(3, 0, 0);
  auto set = std::make_shared<ReplicaSet>(*c.sets.front());
  auto& failure = *set->mutable_status()->add_conditions();
  failure.set_type("ReplicaFailure");
  failure.set_status("True");
  failure.set_reason("FailedCreate");
  failure.set_message("quota");
  c.sets = {set};
  c.run();
  EXPECT_EQ(c.condition("ReplicaFailure"), "True FailedCreate: quota");
  c.have(3, 3, 0);
  c.run();
  EXPECT_EQ(c.condition("ReplicaFailure"), "none");
}

TEST(DeploymentStatus, ASetThatCannotBeMadeShows) {
  StatusCase c;
  c.done.create_failure = "Failed to create new replica set \"x\": no";
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "False ReplicaSetCreateError: Failed to create new replica set \"x\": no");
  EXPECT_EQ(c.condition("Available"), "none");
}

TEST(DeploymentStatus, WithoutADeadlineThereIsNoProgress) {
  StatusCase c;
  c.deployment.mutable_spec()->set_progress_deadline_seconds(std::numeric_limits<std::int32_t>::max());
  c.have(3, 3, 3);
  c.run();
  EXPECT_EQ(c.condition("Progressing"), "none");
  EXPECT_EQ(c.condition("Available"), "True MinimumReplicasAvailable: Deployment has minimum availability.");
}

TEST(DeploymentStatus, IsTheSameWhenNothingHappens) {
  StatusCase c;
  c.have(3, 3, 1);
  const auto once = c.run();
  c.now += 10s;
  EXPECT_EQ(api::encode_protobuf(c.run()), api::encode_protobuf(once));
}

}  // namespace
}  // namespace ph::controllers::deployment

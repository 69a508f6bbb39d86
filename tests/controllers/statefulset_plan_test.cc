// What a StatefulSet plans, as tables: which pods are made, kept and deleted in which order, what the status says, revisions.
#include "controllers/statefulset/plan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/sim/executor.h"
#include "tests/sim/stateful_set.h"

namespace ph::controllers::statefulset {
namespace {

using sim::make_stateful_set;
using testing::ElementsAre, testing::IsEmpty;

const Time kNow = Time(1000h);

// "2 ready new -": ordinal, state (ready, run, pending, failed, done), revision (old, new), on its way out, ready for 5 s ("5s").
Ref<PodView> pod(const std::string& text) {
  auto out = std::make_shared<PodView>();
  std::istringstream words(text);
  std::string ordinal, word;
  words >> ordinal;
  out->namespace_name = "shop";
  out->name = "web-" + ordinal;
  out->uid = "uid-" + ordinal;
  out->phase = "Running";
  std::string revision = "new";
  while (words >> word) {
    if (word == "ready") out->ready = true, out->ready_since = kNow - 1h;
    if (word == "5s") out->ready_since = kNow - 5s;
    if (word == "pending") out->phase = "Pending";
    if (word == "failed") out->phase = "Failed";
    if (word == "done") out->phase = "Succeeded";
    if (word == "old" || word == "other") revision = word;
    if (word == "-") out->deletion = kNow;
  }
  out->labels = {{"controller-revision-hash", revision}, {kPodName, out->name}};
  return out;
}

struct World {
  std::map<std::string, Claim> claims;
  std::set<std::string> without_storage;
  bool many_unavailable = false;
};
Plan planned(const StatefulSet& set, const std::vector<std::string>& pods, const World& world = {}) {
  Observed observed{.set = set, .current = "old", .update = "new", .now = kNow, .many_unavailable = world.many_unavailable};
  for (const std::string& text : pods) observed.pods.push_back(pod(text));
  observed.claim = [&](const std::string& name) -> Ref<Claim> {
    const auto found = world.claims.find(name);
    return found == world.claims.end() ? nullptr : std::make_shared<const Claim>(found->second);
  };
  observed.without_storage = world.without_storage;
  return plan(observed);
}

// Each pod's work, `|` between stages that have any; those done side by side are in brackets.
std::string text(const Plan& plan) {
  std::string out;
  for (const Stage& stage : plan.stages) {
    if (stage.work.empty()) continue;
    std::string all;
    for (const PodWork& work : stage.work) {
      std::string one = work.create ? (work.of_current ? "make old" : "make") : "";
      const auto add = [&](bool does, const char* what) { one += !does ? "" : one.empty() ? what : std::string("+") + what; };
      add(work.make_claims, "claims");
      add(work.fit_claims, "owners");
      add(work.fit, "fit");
      add(work.remove, "end");
      all += fmt::format("{}{} {}", all.empty() ? "" : ", ", one, work.ordinal);
    }
    out += fmt::format("{}{}", out.empty() ? "" : " | ", stage.ordered ? all : "[" + all + "]");
  }
  return out;
}

TEST(StatefulSetPlan, TakesOneStepAtATime) {
  struct Case {
    const char* name;
    std::vector<std::string> pods;
    const char* plan;
  };
  const StatefulSet set = make_stateful_set("shop/web").replicas(3).partition(0);
  const Case cases[] = {
      {"nothing yet", {}, "make 0"},
      {"waits for the first", {"0 pending"}, ""},
      {"… to be ready", {"0 run"}, ""},
      {"the next", {"0 ready"}, "make 1"},
      {"a gap, before what comes after it", {"1 ready", "2 ready"}, "make 0"},
      {"all there", {"0 ready", "1 ready", "2 ready"}, ""},
      {"a pod that fails", {"0 ready", "1 failed", "2 ready"}, "end 1"},
      {"that has succeeded", {"0 done", "1 ready"}, "end 0"},
      {"that has failed and goes", {"0 ready", "1 failed -"}, ""},
      {"that ends", {"0 ready -", "1 ready"}, ""},
      {"too many: the last first", {"0 ready", "1 ready", "2 ready", "3 ready", "4 ready"}, "end 4"},
      {"… when it has gone", {"0 ready", "1 ready", "2 ready", "3 ready", "4 ready -"}, ""},
      {"… not while one that stays is not ready", {"0 ready", "1 run", "2 ready", "3 ready"}, ""},
      {"… nor while one below it is not", {"0 ready", "1 ready", "2 ready", "3 run", "4 run"}, ""},
      {"… but when it is the only one", {"0 ready", "1 ready", "2 ready", "3 ready", "4 run"}, "end 4"},
      {"before updates", {"0 ready old", "1 ready old", "2 ready old", "3 ready old"}, "end 3"},
      {"an update: the last first", {"0 ready old", "1 ready old", "2 ready old"}, "end 2"},
      {"… waits", {"0 ready old", "1 ready old", "2 pending"}, ""},
      {"… goes on", {"0 ready old", "1 ready old", "2 ready"}, "end 1"},
      {"… of whatever other revision", {"0 ready", "1 ready other", "2 ready"}, "end 1"},
      {"… stuck at one that never was ready", {"0 ready old", "1 ready old", "2 run other"}, ""},
      {"names that are no ordinals", {"x ready", "00 ready", "-1 ready", "99999999999999999999 ready"}, "make 0"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(planned(set, c.pods)), c.plan);
  }
}

TEST(StatefulSetPlan, TakesAllStepsAtOnceInParallel) {
  struct Case {
    const char* name;
    std::vector<std::string> pods;
    const char* plan;
  };
  const StatefulSet set = make_stateful_set("shop/web").replicas(3).parallel().partition(0);
  const Case cases[] = {
      {"nothing yet", {}, "[make 0, make 1, make 2]"},
      {"what is missing", {"1 pending"}, "[make 0, make 2]"},
      {"too many", {"0 run", "1 run", "2 run", "3 run", "5 ready", "4 ready -"}, "[end 5, end 3]"},
      {"both", {"0 ready", "4 ready"}, "[make 1, make 2] | [end 4]"},
      {"finished ones", {"0 failed", "1 done", "2 ready"}, "[end 0, end 1]"},
      {"an update goes one by one", {"0 ready old", "1 ready old", "2 ready old"}, "end 2"},
      {"… whether ready or not", {"0 ready old", "1 ready old", "2 run old"}, "end 2"},
      {"… but waits for those it has updated", {"0 ready old", "1 ready old", "2 run"}, ""},
      {"… and for those that go", {"0 ready old", "1 ready old", "2 ready old -"}, ""},
      {"… and for one that is just made", {"0 ready old", "1 ready old"}, "[make 2]"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(text(planned(set, c.pods)), c.plan);
  }
}

TEST(StatefulSetPlan, KeepsTheOldRevisionBelowThePartition) {
  const StatefulSet set = make_stateful_set("shop/web").replicas(4).parallel().partition(2);
  EXPECT_EQ(text(planned(set, {})), "[make old 0, make old 1, make 2, make 3]");
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready old", "2 ready old", "3 ready"})), "end 2");
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready old", "2 ready", "3 ready"})), "");

  const StatefulSet later = make_stateful_set("shop/web").replicas(3).start(5).parallel().partition(1);
  EXPECT_EQ(text(planned(later, {})), "[make old 5, make 6, make 7]") << "it counts from the first ordinal";
  EXPECT_EQ(text(planned(later, {"5 ready old", "6 ready old", "7 ready"})), "end 6");

  StatefulSet bare = make_stateful_set("shop/web").replicas(3).parallel();
  bare.mutable_status()->set_current_replicas(2);
  EXPECT_EQ(text(planned(bare, {})), "[make old 0, make old 1, make 2]") << "without rollingUpdate as many as there were";
}

TEST(StatefulSetPlan, LeavesUpdatesToDeletions) {
  const StatefulSet set = make_stateful_set("shop/web").replicas(2).on_delete();
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready old"})), "");
  EXPECT_EQ(text(planned(set, {"0 ready old"})), "make 1") << "of the new revision";
}

TEST(StatefulSetPlan, CountsFromTheFirstOrdinal) {
  const StatefulSet set = make_stateful_set("shop/web").replicas(2).start(5).partition(0);
  EXPECT_EQ(text(planned(set, {})), "make 5");
  EXPECT_EQ(text(planned(set, {"4 ready", "5 ready", "6 ready", "7 ready"})), "end 7");
  EXPECT_EQ(text(planned(set, {"4 ready", "5 ready", "6 ready"})), "end 4");
}

TEST(StatefulSetPlan, WaitsUntilPodsAreAvailable) {
  StatefulSet set = make_stateful_set("shop/web").replicas(2).min_ready(10).partition(0);
  EXPECT_EQ(text(planned(set, {"0 ready 5s"})), "");
  EXPECT_EQ(text(planned(set, {"0 ready"})), "make 1");
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready 5s"})), "");
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready"})), "end 0");
  set.mutable_spec()->set_pod_management_policy("Parallel");
  EXPECT_EQ(text(planned(set, {"0 ready old", "1 ready 5s"})), "") << "in parallel, too";

  const Observed observed{.set = set, .pods = {pod("0 ready"), pod("1 ready 5s")}, .now = kNow};
  EXPECT_EQ(next_available(observed), kNow + 5s);
  EXPECT_EQ(next_available({.set = set, .pods = {pod("0 ready"), pod("1 run")}, .now = kNow}), std::nullopt);
}

TEST(StatefulSetPlan, HeedsMaxUnavailableBehindItsGate) {
  struct Case {
    const char* name;
    const char* most;  // empty: none is said
    std::vector<std::string> pods;
    const char* plan;
  };
  const std::vector<std::string> all_old{"0 ready old", "1 ready old", "2 ready old", "3 ready old", "4 ready old"};
  const Case cases[] = {
      {"two", "2", all_old, "end 4, end 3"},
      {"half of five, rounded down", "50%", all_old, "end 4, end 3"},
      {"less than one", "10%", all_old, "end 4"},
      {"none said", "", all_old, "end 4"},
      {"one is unavailable already", "2", {"0 run old", "1 ready old", "2 ready old", "3 ready old", "4 ready old"}, "end 4"},
      {"… and another", "2", {"0 run old", "1 ready old", "2 ready old", "3 ready old", "4 ready -"}, ""},
      {"more than allowed", "1", {"0 run old", "1 run old", "2 ready old", "3 ready old", "4 ready"}, ""},
      {"those that are new are passed over",
       "3",
       {"0 ready old", "1 ready old", "2 ready old", "3 run", "4 ready"},
       "end 2, end 1"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    StatefulSet set = make_stateful_set("shop/web").replicas(5).parallel().partition(0);
    if (*c.most) {
      auto& most = *set.mutable_spec()->mutable_update_strategy()->mutable_rolling_update()->mutable_max_unavailable();
      const bool percent = std::string_view(c.most).ends_with('%');
      most.set_type(percent ? 1 : 0);
      if (percent) most.set_str_val(c.most);
      else most.set_int_val(std::stoi(c.most));
    }
    EXPECT_EQ(text(planned(set, c.pods, {.many_unavailable = true})), c.plan);
  }
}

TEST(StatefulSetPlan, DoesNothingForASetThatEnds) {
  StatefulSet set = make_stateful_set("shop/web").replicas(3);
  api::set_time(set.mutable_metadata()->mutable_deletion_timestamp(), kNow);
  const Plan plan = planned(set, {"0 failed", "1 ready", "7 ready"});
  EXPECT_EQ(text(plan), "");
  EXPECT_EQ(plan.status.replicas(), 3) << "but counts";
  EXPECT_EQ(plan.status.ready_replicas(), 2);
}

TEST(StatefulSetPlan, BoundsWhatASingleGoDoes) {
  const Plan many = planned(make_stateful_set("shop/web").replicas(2'000'000'000).parallel(), {});
  EXPECT_EQ(many.stages.front().work.size(), static_cast<std::size_t>(kBurst));
  std::vector<std::string> pods;
  for (int i = 0; i < kBurst + 10; ++i) pods.push_back(std::to_string(i) + " ready");
  const Plan fewer = planned(make_stateful_set("shop/web").replicas(0).parallel(), pods);
  EXPECT_EQ(fewer.stages.back().work.size(), static_cast<std::size_t>(kBurst));
  EXPECT_EQ(text(planned(make_stateful_set("shop/web").replicas(2'000'000'000).start(2'000'000'000), {})), "make 2000000000");
}

TEST(StatefulSetPlan, TellsItsStatus) {
  struct Case {
    const char* name;
    std::vector<std::string> pods;
    std::array<int, 5> counts;  // replicas, ready, current, updated, available
    const char* current = "old";
  };
  const StatefulSet set = make_stateful_set("shop/web").replicas(2).min_ready(10).partition(0);
  const Case cases[] = {
      {"none", {}, {0, 0, 0, 0, 0}},
      {"of both revisions", {"0 ready old", "1 pending"}, {2, 1, 1, 1, 1}},
      {"ready and not available", {"0 ready old", "1 ready 5s"}, {2, 2, 1, 1, 1}},
      {"one goes", {"0 ready old", "1 ready -"}, {2, 2, 1, 0, 2}},
      {"the last old one is about to go", {"0 ready old", "1 ready"}, {2, 2, 0, 1, 2}},
      {"of neither", {"0 run other", "1 run other"}, {2, 0, 0, 0, 0}},
      {"all new: the rollout has ended", {"0 ready", "1 ready"}, {2, 2, 2, 2, 2}, "new"},
      {"all new, one too many yet", {"0 ready", "1 ready", "2 ready -"}, {3, 3, 0, 2, 3}},
      {"all new, one not ready", {"0 ready", "1 run"}, {2, 1, 0, 2, 1}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const StatefulSetStatus status = planned(set, c.pods).status;
    EXPECT_EQ((std::array<int, 5>{status.replicas(), status.ready_replicas(), status.current_replicas(),
                                  status.updated_replicas(), status.available_replicas()}),
              c.counts);
    EXPECT_EQ(status.current_revision(), c.current);
    EXPECT_EQ(status.update_revision(), "new");
  }
}

TEST(StatefulSetPlan, WritesAStatusThatDiffers) {
  StatefulSetStatus before;
  before.set_observed_generation(3);
  StatefulSetStatus after = before;
  EXPECT_FALSE(status_differs(before, after));
  after.set_observed_generation(2);
  EXPECT_FALSE(status_differs(before, after)) << "older than what is told";
  after.set_observed_generation(4);
  EXPECT_TRUE(status_differs(before, after));
  after = before;
  after.set_available_replicas(1);
  EXPECT_TRUE(status_differs(before, after));
}

TEST(StatefulSetPlan, MindsIdentityStorageAndClaims) {
  StatefulSet set = make_stateful_set("shop/web").replicas(2).claims("Delete", "Retain");
  set.mutable_metadata()->set_uid("s");
  const Claim bare = claims_of(set, 0).front();
  Claim owned = bare;
  fit_owners(set, {.name = "web-0", .uid = "uid-0", .wanted = true}, owned);

  EXPECT_EQ(text(planned(set, {"0 pending"})), "claims 0") << "those that are missing";
  EXPECT_EQ(text(planned(set, {"0 ready"}, {.claims = {{"data-web-0", owned}}})), "make 1");
  EXPECT_EQ(text(planned(set, {"0 ready"}, {.claims = {{"data-web-0", bare}}})), "fit 0, make 1");
  EXPECT_EQ(text(planned(set, {"0 ready"}, {.claims = {{"data-web-0", owned}}, .without_storage = {"uid-0"}})), "fit 0, make 1");
  EXPECT_EQ(text(planned(set, {"0 run"}, {.claims = {{"data-web-0", bare}}})), "") << "in its turn";

  Observed nameless{.set = set, .current = "old", .update = "new", .now = kNow, .claim = [](const auto&) { return nullptr; }};
  auto orphan = std::make_shared<PodView>(*pod("0 ready"));
  orphan->labels.clear();
  nameless.pods = {orphan};
  EXPECT_EQ(text(plan(nameless)), "fit 0, make 1");
}

TEST(StatefulSetPlan, WaitsForAClaimThatIsLeftBehind) {
  StatefulSet set = make_stateful_set("shop/web").replicas(1).claims("Retain", "Delete");
  Claim claim = claims_of(set, 0).front();
  fit_owners(set, {.name = "web-0", .uid = "of the one before", .wanted = false}, claim);
  const Plan plan = planned(set, {}, {.claims = {{"data-web-0", claim}}});
  EXPECT_EQ(text(plan), "");
  EXPECT_TRUE(plan.waits_for_claim);
}

TEST(StatefulSetClaims, AreMadeOfTemplates) {
  StatefulSet set = make_stateful_set("shop/web").claims("Retain", "Retain");
  (*set.mutable_spec()->mutable_volume_claim_templates(0)->mutable_metadata()->mutable_labels())["l"] = "x";
  const std::vector<Claim> claims = claims_of(set, 7);
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(key_of(claims[0]).text(), "shop/data-web-7");
  EXPECT_EQ(claims[0].metadata().labels().at("app"), "web") << "the selector's labels";
  EXPECT_EQ(claims[0].metadata().labels().at("l"), "x");
}

TEST(StatefulSetClaims, AreOwnedAsThePolicyWants) {
  struct Case {
    const char *when_deleted, *when_scaled;
    bool wanted;
    const char* owner;  // "set", "pod", or none
  };
  const Case cases[] = {
      {"Retain", "Retain", true, ""},     {"Retain", "Retain", false, ""},    {"Delete", "Retain", true, "set"},
      {"Delete", "Retain", false, "set"}, {"Retain", "Delete", true, ""},     {"Retain", "Delete", false, "pod"},
      {"Delete", "Delete", true, "set"},  {"Delete", "Delete", false, "pod"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(fmt::format("{} {} {}", c.when_deleted, c.when_scaled, c.wanted));
    StatefulSet set = make_stateful_set("shop/web").claims(c.when_deleted, c.when_scaled);
    set.mutable_metadata()->set_uid("set");
    const ClaimingPod pod{.name = "web-0", .uid = "pod", .wanted = c.wanted};
    // From each state that another policy may have left.
    for (const char* other : {"", "set", "pod", "an earlier pod"}) {
      Claim claim = claims_of(set, 0).front();
      if (*other) {
        auto& reference = *claim.mutable_metadata()->add_owner_references();
        reference.set_api_version(*other == 's' ? "apps/v1" : "v1");
        reference.set_kind(*other == 's' ? "StatefulSet" : "Pod");
        reference.set_name(*other == 's' ? "web" : "web-0");
        reference.set_uid(other);
        reference.set_controller(true);
      }
      const bool retains = c.when_deleted == std::string_view("Retain") && c.when_scaled == std::string_view("Retain");
      const bool foreign = !retains && other == std::string_view("an earlier pod");
      EXPECT_EQ(owners_fit(set, claim, pod), std::string_view(other) == c.owner);
      EXPECT_EQ(has_foreign_controller(set, claim, pod), foreign);
      fit_owners(set, pod, claim);
      std::string owners;
      for (const auto& each : claim.metadata().owner_references()) owners += each.uid();
      EXPECT_EQ(owners, foreign ? "" : c.owner) << "instead of " << other;
      EXPECT_TRUE(foreign || owners_fit(set, claim, pod));
    }
  }
}

TEST(StatefulSetClaims, LeaveOthersOwnersAlone) {
  StatefulSet set = make_stateful_set("shop/web").claims("Delete", "Delete");
  set.mutable_metadata()->set_uid("set");
  const ClaimingPod pod{.name = "web-0", .uid = "pod", .wanted = true};
  Claim claim = claims_of(set, 0).front();
  auto& reference = *claim.mutable_metadata()->add_owner_references();
  reference.set_uid("somebody");
  EXPECT_FALSE(owners_fit(set, claim, pod));
  fit_owners(set, pod, claim);
  EXPECT_EQ(claim.metadata().owner_references_size(), 2);
  EXPECT_TRUE(owners_fit(set, claim, pod));
  claim.mutable_metadata()->mutable_owner_references(1)->set_controller(false);
  EXPECT_FALSE(owners_fit(set, claim, pod)) << "the set owns it, and is no controller";

  claim.mutable_metadata()->mutable_owner_references()->DeleteSubrange(1, 1);
  claim.mutable_metadata()->mutable_owner_references(0)->set_controller(true);
  EXPECT_TRUE(has_foreign_controller(set, claim, pod));
  EXPECT_TRUE(owners_fit(set, claim, pod)) << "the policy does not hold for it";
}

TEST(StatefulSetIdentity, MakesPods) {
  StatefulSet set = make_stateful_set("shop/web").claims("Retain", "Retain");
  auto& volumes = *set.mutable_spec()->mutable_template_()->mutable_spec();
  volumes.add_volumes()->set_name("data");
  volumes.add_volumes()->set_name("other");
  const core::v1::Pod pod = make_pod(set, set.spec().template_(), "web-abc", 3);
  EXPECT_EQ(key_of(pod).text(), "shop/web-3");
  EXPECT_EQ(pod.metadata().generate_name(), "web-");
  EXPECT_EQ(pod.spec().hostname(), "web-3");
  EXPECT_EQ(pod.spec().subdomain(), "web");
  EXPECT_EQ(pod.metadata().labels().at(kPodName), "web-3");
  EXPECT_EQ(pod.metadata().labels().at(kPodIndex), "3");
  EXPECT_EQ(pod.metadata().labels().at("controller-revision-hash"), "web-abc");
  EXPECT_EQ(pod.metadata().labels().at("app"), "web");
  ASSERT_EQ(pod.spec().volumes_size(), 2) << "the claim takes the place of a volume of its name";
  EXPECT_EQ(pod.spec().volumes(0).volume_source().persistent_volume_claim().claim_name(), "data-web-3");
  EXPECT_TRUE(has_storage(set, 3, pod));
  EXPECT_FALSE(has_storage(set, 4, pod)) << "another's claim";
}

TEST(StatefulSetIdentity, ReadsOrdinals) {
  struct Case {
    const char* pod;
    int ordinal;  // -1: none
  };
  const StatefulSet set = make_stateful_set("shop/web-1");
  for (const Case& c : {Case{"web-1-0", 0}, Case{"web-1-12", 12}, Case{"web-1", -1}, Case{"web-1-", -1}, Case{"web-1-01", -1},
                        Case{"web-1-1x", -1}, Case{"web-1--1", -1}, Case{"web-10", -1}, Case{"db-1-0", -1}, Case{"", -1}}) {
    SCOPED_TRACE(c.pod);
    EXPECT_EQ(ordinal_of(set, c.pod).value_or(-1), c.ordinal);
  }
}

// -- Revisions

Ref<ControllerRevision> revision(const std::string& name, std::int64_t number, const StatefulSet& of) {
  ControllerRevision out;
  out.mutable_metadata()->set_name(name);
  out.set_revision(number);
  out.mutable_data()->set_raw(revision_data(of.spec().template_()));
  return std::make_shared<const ControllerRevision>(out);
}

TEST(StatefulSetRevisions, AreKnownGoneBackToOrMade) {
  const StatefulSet one = make_stateful_set("shop/web").image("img:1"), two = make_stateful_set("shop/web").image("img:2");
  struct Case {
    const char* name;
    Revisions history;
    const char* known;    // empty: it is made
    std::int64_t number;  // 0: it keeps its own
  };
  const Case cases[] = {
      {"the first", {}, "", 1},
      {"the newest", {revision("b", 1, two), revision("a", 2, one)}, "a", 0},
      {"an older one", {revision("a", 1, one), revision("b", 2, two)}, "a", 3},
      {"the newer of two", {revision("a", 1, one), revision("c", 2, one), revision("b", 5, two)}, "c", 6},
      {"none of them", {revision("b", 4, two)}, "", 5},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const RevisionPlan plan = plan_revision(one, c.history);
    EXPECT_EQ(plan.known ? plan.known->metadata().name() : "", c.known);
    EXPECT_EQ(plan.number.value_or(0), c.number);
  }
}

TEST(StatefulSetRevisions, HaveUpstreamsNames) {
  StatefulSet set = make_stateful_set("shop/web");
  (*set.mutable_metadata()->mutable_annotations())["k"] = "v";
  set.mutable_status()->set_collision_count(2);
  const RevisionPlan plan = plan_revision(set, {});
  const ControllerRevision made = make_revision_of(set, plan, 2), next = make_revision_of(set, plan, 3);
  EXPECT_EQ(made.metadata().name(), "web-" + made.metadata().labels().at(kRevisionHash));
  EXPECT_NE(next.metadata().name(), made.metadata().name());
  EXPECT_EQ(next.metadata().labels().at(kRevisionHash), made.metadata().labels().at(kRevisionHash));
  EXPECT_EQ(made.metadata().annotations().at("k"), "v");
  EXPECT_EQ(made.revision(), 1);
}

TEST(StatefulSetRevisions, BringTheirTemplateBack) {
  const StatefulSet one = make_stateful_set("shop/web").image("img:1"), two = make_stateful_set("shop/web").image("img:2");
  EXPECT_EQ(template_of(two, *revision("a", 1, one)).spec().containers(0).image(), "img:1");
  for (const char* absurd : {"", "7", "{", R"({"spec": {"template": {"spec": 7}}})", R"({"spec": {"$patch": "absurd"}})"}) {
    SCOPED_TRACE(absurd);
    ControllerRevision odd;
    odd.mutable_data()->set_raw(absurd);
    EXPECT_ANY_THROW(template_of(two, odd)) << "and is tried again with backoff";
  }
}

TEST(StatefulSetRevisions, AreForgottenBeyondTheLimit) {
  StatefulSet set = make_stateful_set("shop/web");
  const Revisions history{revision("a", 1, set), revision("b", 2, set), revision("c", 3, set), revision("d", 4, set)};
  const auto forgotten = [&](int limit, const std::set<std::string>& used) {
    set.mutable_spec()->set_revision_history_limit(limit);
    std::string out;
    for (const auto& each : surplus_history(set, history, used)) out += each->metadata().name();
    return out;
  };
  EXPECT_EQ(forgotten(10, {}), "");
  EXPECT_EQ(forgotten(1, {"d"}), "ab");
  EXPECT_EQ(forgotten(1, {"a", "d"}), "b");
  EXPECT_EQ(forgotten(0, {"a", "d"}), "bc");
  EXPECT_EQ(forgotten(-1, {"a", "b", "c", "d"}), "");
}

}  // namespace
}  // namespace ph::controllers::statefulset

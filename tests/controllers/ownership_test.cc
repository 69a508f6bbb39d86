// Whose an object is: claims, adoption and release.
#include "controllers/common/ownership.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/informers/scripted_server.h"
#include "tests/sim/builders.h"

namespace ph::controllers {
namespace {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using informers::Call;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(OwnershipTest, JudgesClaims) {
  struct Case {
    const char* name;
    const char* controller;
    bool selected, object_deleting, owner_deleting;
    Claim claim;
  };
  const Case cases[] = {
      {"ours", "me", true, false, false, Claim::Keep},
      {"ours, though I end", "me", true, false, true, Claim::Keep},
      {"no longer selected", "me", false, false, false, Claim::Release},
      {"no longer selected when I end", "me", false, false, true, Claim::Ignore},
      {"another's", "you", true, false, false, Claim::Ignore},
      {"an orphan", "", true, false, false, Claim::Adopt},
      {"an orphan that ends", "", true, true, false, Claim::Ignore},
      {"an orphan when I end", "", true, false, true, Claim::Ignore},
      {"somebody's orphan", "", false, false, false, Claim::Ignore},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Owner owner;
    owner.uid = "me";
    owner.deleting = c.owner_deleting;
    EXPECT_EQ(judge_claim(owner, c.controller, c.selected, c.object_deleting), c.claim);
  }
}

TEST(OwnershipTest, ASelectorThatSaysNothingSelectsNothing) {
  meta::v1::LabelSelector web, empty, unreadable;
  (*web.mutable_match_labels())["app"] = "web";
  unreadable.add_match_expressions()->set_key("app");
  unreadable.mutable_match_expressions(0)->set_operator_("Resembles");
  struct Case {
    const char* name;
    const meta::v1::LabelSelector& selector;
    const char* app;
    bool selected;
  };
  for (const Case& c : {Case{"its label", web, "web", true}, Case{"another", web, "db", false},
                        Case{"empty", empty, "web", false}, Case{"unreadable", unreadable, "web", false}}) {
    SCOPED_TRACE(c.name);
    const std::map<std::string, std::string> labels = {{"app", c.app}};
    EXPECT_EQ(owner_selector(c.selector).matches_map(labels), c.selected);
  }
}

// claim_all of a deployment `me`, of which the replica sets named s… are selected.
class ClaimAllTest : public testing::Test {
 protected:
  using Sets = std::vector<Ref<ReplicaSet>>;

  ClaimAllTest() {
    Deployment me = sim::make_deployment("ns/me");
    me.mutable_metadata()->set_uid("me");
    owner_ = owner_of(me);
  }

  static Ref<ReplicaSet> set(const std::string& name, const std::string& controller) {
    ReplicaSet out = sim::make_replica_set("ns/" + name);
    out.mutable_metadata()->set_uid("uid-" + name);
    auto& other = *out.mutable_metadata()->add_owner_references();
    other.set_uid("no controller");
    if (controller.empty()) return std::make_shared<const ReplicaSet>(out);
    auto& owner = *out.mutable_metadata()->add_owner_references();
    owner.set_uid(controller);
    owner.set_controller(true);
    return std::make_shared<const ReplicaSet>(out);
  }
  Task<Sets> claim(Sets sets) {
    return claim_all(client_, owner_, std::move(sets),
                     [](const ReplicaSet& set) { return set.metadata().name().starts_with("s"); });
  }
  // The owner as the server has it, for the look at it before the first adoption.
  void answer_owner(const std::string& uid, bool deleting = false) {
    EXPECT_EQ(server_.expect().target, "/apis/apps/v1/namespaces/ns/deployments/me");
    meta::v1::PartialObjectMetadata out;
    out.mutable_metadata()->set_uid(uid);
    if (deleting) out.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
    server_.answer(out);
  }
  // "METHOD path" of the patch that waits; `body` becomes its body.
  std::string patch(nlohmann::json& body) {
    body = nlohmann::json::parse(server_.expect().body);
    return server_.expect().method + " " + server_.expect().target;
  }
  void carry_out() { server_.answer(meta::v1::PartialObjectMetadata()); }
  static std::vector<std::string> names(const Sets& sets) {
    std::vector<std::string> out;
    for (const auto& set : sets) out.push_back(set->metadata().name());
    return out;
  }
  static std::string thrown(Call<Sets>& call) {
    try {
      call.value();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "nothing";
  }

  sim::SimExecutor executor_;
  informers::ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  Owner owner_;
  nlohmann::json body_;
};

TEST_F(ClaimAllTest, KeepsItsOwnWithoutAWord) {
  Call call(executor_, claim({set("s2", "me"), set("s1", "me"), set("s3", "you"), set("x", "")}));
  EXPECT_EQ(server_.requests, 0);
  EXPECT_THAT(names(call.value()), ElementsAre("s2", "s1"));
}

TEST_F(ClaimAllTest, AdoptsAfterOneLookAtTheOwner) {
  Call call(executor_, claim({set("s1", ""), set("s2", "me"), set("s3", "")}));
  answer_owner("me");
  EXPECT_EQ(patch(body_), "PATCH /apis/apps/v1/namespaces/ns/replicasets/s1");
  EXPECT_EQ(body_["metadata"]["uid"], "uid-s1");
  EXPECT_EQ(body_["metadata"]["ownerReferences"], nlohmann::json::parse(R"([{"apiVersion": "apps/v1", "kind": "Deployment",
      "name": "me", "uid": "me", "controller": true, "blockOwnerDeletion": true}])"));
  server_.refuse(404, "NotFound");
  EXPECT_EQ(patch(body_), "PATCH /apis/apps/v1/namespaces/ns/replicasets/s3");
  carry_out();
  EXPECT_EQ(server_.requests, 3);
  EXPECT_THAT(names(call.value()), ElementsAre("s2", "s3")) << "one has gone meanwhile";
}

TEST_F(ClaimAllTest, AdoptsNothingForAnOwnerThatIsGone) {
  struct Case {
    const char* name;
    const char* uid;  // of the live one; empty: there is none
    bool deleting;
    const char* thrown;
  };
  for (const Case& c : {Case{"gone", "", false, "original Deployment ns/me is gone: got uid none, wanted me"},
                        Case{"made again", "new", false, "original Deployment ns/me is gone: got uid new, wanted me"},
                        Case{"ending", "me", true, "ns/me has just been deleted at"}}) {
    SCOPED_TRACE(c.name);
    Call call(executor_, claim({set("s1", "")}));
    if (*c.uid) answer_owner(c.uid, c.deleting);
    if (!*c.uid) server_.refuse(404, "NotFound");
    EXPECT_TRUE(server_.quiet());
    EXPECT_THAT(thrown(call), HasSubstr(c.thrown));
  }
}

TEST_F(ClaimAllTest, ReleasesWhatIsNoLongerSelected) {
  for (const int code : {200, 404, 422}) {
    SCOPED_TRACE(code);
    Call call(executor_, claim({set("x", "me"), set("s", "me")}));
    EXPECT_EQ(patch(body_), "PATCH /apis/apps/v1/namespaces/ns/replicasets/x");
    EXPECT_EQ(body_["metadata"]["uid"], "uid-x");
    EXPECT_EQ(body_["metadata"]["ownerReferences"], nlohmann::json::parse(R"([{"$patch": "delete", "uid": "me"}])"));
    if (code == 200) carry_out();
    if (code != 200) server_.refuse(code, code == 404 ? "NotFound" : "Invalid");
    EXPECT_THAT(names(call.value()), ElementsAre("s"));
  }
}

TEST_F(ClaimAllTest, PutsItsFinalizerOnAndTakesItBack) {
  owner_.finalizer = "a.b/c";
  Call call(executor_, claim({set("s", ""), set("x", "me")}));
  answer_owner("me");
  patch(body_);
  EXPECT_EQ(body_["metadata"]["finalizers"], nlohmann::json::parse(R"(["a.b/c"])"));
  carry_out();
  patch(body_);
  EXPECT_EQ(body_["metadata"]["$deleteFromPrimitiveList/finalizers"], nlohmann::json::parse(R"(["a.b/c"])"));
  carry_out();
  EXPECT_THAT(names(call.value()), ElementsAre("s"));
}

TEST_F(ClaimAllTest, WhatRefusesIsThrown) {
  Call adopts(executor_, claim({set("s", "")}));
  answer_owner("me");
  server_.refuse(422, "Invalid");
  EXPECT_EQ(thrown(adopts), "no") << "another object has the name";
  Call releases(executor_, claim({set("x", "me")}));
  server_.refuse(409, "Conflict");
  EXPECT_EQ(thrown(releases), "no");
}

TEST_F(ClaimAllTest, ServesPods) {
  PodView orphan;
  orphan.namespace_name = "ns";
  orphan.name = "p";
  orphan.uid = "uid-p";
  PodView owned = orphan;
  owned.name = "q";
  owned.owners.push_back({.kind = "Deployment", .name = "me", .uid = "me", .controller = true});
  const std::vector<Ref<PodView>> pods = {std::make_shared<const PodView>(orphan), std::make_shared<const PodView>(owned)};
  Call call(executor_, claim_all(client_, owner_, pods, [](const PodView& pod) { return pod.name == "p"; }));
  answer_owner("me");
  EXPECT_EQ(patch(body_), "PATCH /api/v1/namespaces/ns/pods/p");
  carry_out();
  EXPECT_EQ(patch(body_), "PATCH /api/v1/namespaces/ns/pods/q");
  carry_out();
  ASSERT_EQ(call.value().size(), 1u);
  EXPECT_EQ(call.value()[0]->name, "p");
}

}  // namespace
}  // namespace ph::controllers

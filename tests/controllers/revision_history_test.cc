// The history of a pod template: its bytes, hashes and numbers, which revisions go, and what is asked of the server. That
// recorded revisions have these bytes and names is told in tests/vectors/revisions_test.cc.
#include "controllers/common/revision_history.h"

#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/informers/scripted_server.h"
#include "tests/sim/builders.h"

namespace ph::controllers {
namespace {

using informers::Call;
using testing::ElementsAre, testing::HasSubstr, testing::IsEmpty;

core::v1::PodTemplateSpec pod_template(const std::string& json) {
  core::v1::PodTemplateSpec out;
  api::decode_json(json, out);
  return out;
}

TEST(RevisionHistoryTest, WritesATemplateAsGoWould) {
  struct Case {
    const char* name;
    const char* json;
    const char* spec;  // the data's `spec.template.spec`
  };
  const Case cases[] = {
      {"members in order, and what is always there", R"({"spec": {"restartPolicy": "Always", "containers": [{"name": "c"}]}})",
       R"({"containers":[{"name":"c","resources":{}}],"restartPolicy":"Always"})"},
      {"what HTML and JavaScript mind",
       R"({"spec": {"containers": [{"name": "c", "args": ["<a>&", "\u2028", "\u00e9", "\u0001\b"]}]}})",
       R"({"containers":[{"args":["\u003ca\u003e\u0026","\u2028","é","\u0001\b"],"name":"c","resources":{}}]})"},
      {"numbers are doubles", R"({"spec": {"containers": [], "terminationGracePeriodSeconds": 9223372036854775807}})",
       R"({"containers":null,"terminationGracePeriodSeconds":9223372036854776000})"},
      {"small numbers",
       R"({"spec": {"containers": [], "activeDeadlineSeconds": 9007199254740991, "priority": -1, "hostIPC": true}})",
       R"({"activeDeadlineSeconds":9007199254740991,"containers":null,"hostIPC":true,"priority":-1})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(revision_data(pod_template(c.json)),
              fmt::format(R"({{"spec":{{"template":{{"$patch":"replace","metadata":{{}},"spec":{}}}}}}})", c.spec));
  }
}

TEST(RevisionHistoryTest, KnowsData) {
  const std::string data = revision_data(pod_template(R"({"spec": {"containers": [{"name": "c", "args": ["<"]}]}})"));
  struct Case {
    const char* name;
    std::string raw;
    bool same;
  };
  const Case cases[] = {
      {"the bytes", data, true},
      {"as Kubernetes 1.33 wrote it, through another's JSON",
       R"({"spec": {"template": {"metadata": {"creationTimestamp": null}, "$patch": "replace",
           "spec": {"containers": [{"name": "c", "resources": {}, "args": ["<"]}]}}}})",
       true},
      {"another", R"({"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "d", "args": ["<"]}]}}}})",
       false},
      {"that leaves something of the old", R"({"spec": {"template": {"spec": {"containers": [{"name": "c", "args": ["<"]}]}}}})",
       false},
      {"with more",
       R"({"spec": {"replicas": 1, "template": {"$patch": "replace", "spec": {"containers": [{"name": "c", "args": ["<"]}]}}}})",
       false},
      {"no template", R"({"spec": {"template": {"$patch": "replace", "spec": 7}}})", false},
      {"no patch", R"({"spec": 7})", false},
      {"no JSON", "k8s", false},
      {"nothing", "", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    ControllerRevision revision;
    revision.mutable_data()->set_raw(c.raw);
    EXPECT_EQ(has_data(revision, data), c.same);
  }
}

TEST(RevisionHistoryTest, NamesByHash) {
  EXPECT_EQ(revision_hash("", std::nullopt), "65bb57b6b5") << "2166136261, spelled";
  EXPECT_NE(revision_hash("a", std::nullopt), revision_hash("b", std::nullopt));
  EXPECT_NE(revision_hash("a", 0), revision_hash("a", 1));
  EXPECT_NE(revision_hash("a", std::nullopt), revision_hash("a", 0)) << "counted none, and did not count";
  EXPECT_EQ(revision_name("web", "x"), "web-x");
  EXPECT_EQ(revision_name(std::string(253, 'n'), "x").size(), 225u);
}

TEST(RevisionHistoryTest, MakesOneOfItsOwner) {
  Owner owner = owner_of(sim::make_deployment("shop/web").object());
  owner.uid = "u";
  const auto from = pod_template(R"({"metadata": {"labels": {"app": "web"}, "annotations": {"a": "b"}}, "spec": {}})");
  EXPECT_EQ(api::to_json(make_revision(owner, from, R"({"x":1})", 7)), nlohmann::json::parse(R"({
    "apiVersion": "apps/v1", "kind": "ControllerRevision",
    "metadata": {"namespace": "shop", "labels": {"app": "web"}, "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment",
      "name": "web", "uid": "u", "controller": true, "blockOwnerDeletion": true}]},
    "data": {"x": 1}, "revision": 7})"));
}

struct Made {
  const char* name;
  std::int64_t number;
  int created = 0;
  const char* data = "{}";
};
Revisions history(const std::vector<Made>& specs) {
  Revisions out;
  for (const Made& spec : specs) {
    auto revision =
        std::make_shared<ControllerRevision>(informers::object_of<ControllerRevision>(std::string("shop/") + spec.name, 1));
    revision->mutable_metadata()->mutable_creation_timestamp()->set_seconds(spec.created);
    revision->set_revision(spec.number);
    revision->mutable_data()->set_raw(spec.data);
    out.push_back(std::move(revision));
  }
  return out;
}
std::vector<std::string> names(const Revisions& revisions) {
  std::vector<std::string> out;
  for (const auto& revision : revisions) out.push_back(revision->metadata().name());
  return out;
}

TEST(RevisionHistoryTest, SortsAndNumbers) {
  Revisions some = history({{"e", 3}, {"d", 2, 9}, {"c", 2, 5}, {"b", 2, 5}, {"a", -1}});
  sort_revisions(some);
  EXPECT_THAT(names(some), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(next_number(some), 4);
  EXPECT_EQ(next_number({}), 1);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(next_number(history({{"a", kMost}})), kMost) << "there is no number after it";
}

TEST(RevisionHistoryTest, FindsTheNewestThatSaysIt) {
  const Revisions some = history({{"a", 1, 0, R"({"x":1})"}, {"b", 2, 0, R"({"x":1})"}, {"c", 3, 0, R"({"x":2})"}});
  EXPECT_EQ(newest_with(some, R"({"x":1})"), some[1]);
  EXPECT_EQ(newest_with(some, R"({"x":3})"), nullptr);
}

TEST(RevisionHistoryTest, DropsTheOldestThatAreNotInUse) {
  struct Case {
    std::int64_t count;
    std::string used;
    std::vector<std::string> dropped;
  };
  const Revisions some = history({{"a", 1}, {"b", 2}, {"c", 3}, {"d", 4}});
  for (const Case& c : {Case{2, "", {"a", "b"}}, Case{2, "ac", {"b", "d"}}, Case{9, "a", {"b", "c", "d"}}, Case{0, "", {}},
                        Case{-3, "", {}}, Case{1, "abcd", {}}}) {
    SCOPED_TRACE(fmt::format("{} but {}", c.count, c.used));
    const auto in_use = [&](const ControllerRevision& each) { return c.used.find(each.metadata().name()) != std::string::npos; };
    EXPECT_EQ(names(oldest_unused(some, c.count, in_use)), c.dropped);
  }
}

class RevisionWritesTest : public testing::Test {
 protected:
  static ControllerRevision web(const std::string& data) {
    auto out = informers::object_of<ControllerRevision>("shop/web-1", 3);
    out.mutable_data()->set_raw(data);
    return out;
  }

  sim::SimExecutor executor_;
  informers::ScriptedServer server_{executor_};
  Client client_{server_, "test"};
};

TEST_F(RevisionWritesTest, CreatesOrMeetsWhatHasTheName) {
  struct Case {
    const char* name;
    const char* live;  // the data of what has the name; empty: nothing has
    bool existed, collided;
  };
  for (const Case& c :
       {Case{"new", "", false, false}, Case{"the same", R"({"x":1})", true, false}, Case{"another", R"({"x":2})", false, true}}) {
    SCOPED_TRACE(c.name);
    Call call(executor_, create_revision(client_, web(R"({"x":1})")));
    EXPECT_EQ(server_.expect().method, "POST");
    if (!*c.live) {
      server_.answer(web(R"({"x":1})"));
    } else {
      server_.refuse(409, "AlreadyExists");
      EXPECT_EQ(server_.expect().target, "/apis/apps/v1/namespaces/shop/controllerrevisions/web-1");
      server_.answer(web(c.live));
    }
    EXPECT_EQ(call.value().existed, c.existed);
    EXPECT_EQ(call.value().collided, c.collided);
    EXPECT_EQ(call.value().revision.data().raw(), R"({"x":1})");
  }
}

TEST_F(RevisionWritesTest, SaysWhyNoneWasMade) {
  Call refused(executor_, create_revision(client_, web("{}")));
  server_.answer(403, informers::envelope(informers::failure(403, "Forbidden", "no more of them")));
  EXPECT_THROW(refused.value(), api::ApiError);

  Call vanished(executor_, create_revision(client_, web("{}")));
  server_.refuse(409, "AlreadyExists");
  server_.refuse(404, "NotFound");
  EXPECT_THROW(vanished.value(), api::ApiError) << "it was there, and is not";
}

TEST_F(RevisionWritesTest, DeletesWhatItSawAndNothingElse) {
  const auto remove = [&]() -> Task<bool> {
    co_await remove_revisions(client_, history({{"a", 1}, {"b", 2}, {"c", 3}}));
    co_return true;
  };
  Call call(executor_, remove());
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(server_.expect().method, "DELETE");
    EXPECT_EQ(server_.expect().target, std::string("/apis/apps/v1/namespaces/shop/controllerrevisions/") + name);
    meta::v1::DeleteOptions options;
    api::decode_envelope(server_.expect().body, options);
    EXPECT_EQ(options.preconditions().uid(), std::string("uid-") + name);
    if (name[0] == 'a') server_.refuse(404, "NotFound");
    if (name[0] == 'b') server_.refuse(409, "Conflict");
    if (name[0] == 'c') server_.answer(meta::v1::Status());
  }
  EXPECT_TRUE(call.value());
}

TEST_F(RevisionWritesTest, Renumbers) {
  const auto renumber = [&]() -> Task<bool> {
    co_await renumber_revision(client_, web("{}"), 5);
    co_return true;
  };
  Call call(executor_, renumber());
  EXPECT_EQ(server_.expect().method, "PATCH");
  EXPECT_EQ(nlohmann::json::parse(server_.expect().body),
            nlohmann::json::parse(R"({"metadata": {"uid": "uid-web-1"}, "revision": 5})"));
  server_.answer(web("{}"));
  EXPECT_TRUE(call.value());
}

}  // namespace
}  // namespace ph::controllers

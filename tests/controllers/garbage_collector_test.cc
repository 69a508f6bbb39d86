#include "controllers/garbage_collector/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/builders.h"
#include "tests/sim/cluster.h"

namespace ph::controllers {
namespace {

using core::v1::ConfigMap;
using core::v1::Pod;
using garbage_collector::Action;
using garbage_collector::Dependent;
using garbage_collector::Owner;
using informers::DeleteOptions;
using informers::Interned;
using informers::MetadataView;
using sim::make_config_map;

MetadataView object(std::vector<const char*> owners, std::vector<const char*> finalizers = {}, bool deleting = false) {
  MetadataView out;
  out.uid = "self";
  for (const char* uid : owners) {
    out.owners.emplace_back();
    out.owners.back().uid = Interned(uid);
  }
  for (const char* finalizer : finalizers) out.finalizers.emplace_back(finalizer);
  if (deleting) out.deletion = Time(1s);
  return out;
}

TEST(GarbageCollectorPlan, DecidesByOwnersAndDependents) {
  struct Case {
    const char* name;
    MetadataView object;
    std::vector<Owner> owners;
    std::vector<Dependent> dependents;
    Action::Kind kind;
    const char* policy;
    std::vector<std::string> uids;
  };
  const Case cases[] = {
      {"nobody's", object({}), {}, {}, Action::Nothing, "", {}},
      {"its owner is there", object({"a"}), {Owner::Solid}, {}, Action::Nothing, "", {}},
      {"its owner is gone", object({"a"}), {Owner::Absent}, {}, Action::Delete, "Background", {}},
      {"one of two is gone", object({"a", "b"}), {Owner::Absent, Owner::Solid}, {}, Action::DropOwners, "", {"a"}},
      {"one of two waits", object({"a", "b"}), {Owner::Solid, Owner::Waiting}, {}, Action::DropOwners, "", {"b"}},
      {"a kind nobody knows", object({"a", "b"}), {Owner::Absent, Owner::Unknown}, {}, Action::Nothing, "", {}},
      {"its owner waits, it has none of its own", object({"a"}), {Owner::Waiting}, {}, Action::Delete, "Background", {}},
      {"its owner waits, it has dependents",
       object({"a"}),
       {Owner::Waiting},
       {{.blocks = true}},
       Action::Delete,
       "Foreground",
       {}},
      {"a circle of waiting",
       object({"a"}),
       {Owner::Waiting},
       {{.blocks = true, .is_waiting = true}},
       Action::UnblockThenDelete,
       "Foreground",
       {}},
      {"an earlier choice: orphan", object({"a"}, {"orphan"}), {Owner::Absent}, {}, Action::Delete, "Orphan", {}},
      {"an earlier choice: foreground",
       object({"a"}, {"foregroundDeletion"}),
       {Owner::Absent},
       {},
       Action::Delete,
       "Foreground",
       {}},
      {"deleted already", object({"a"}, {}, true), {}, {{.blocks = true}}, Action::Nothing, "", {}},
      {"waits for who blocks", object({}, {"foregroundDeletion"}, true), {}, {{.blocks = true}}, Action::Nothing, "", {}},
      {"does not wait for who does not block",
       object({}, {"foregroundDeletion"}, true),
       {},
       {{.blocks = false}},
       Action::RemoveForeground,
       "",
       {}},
      {"waits for nobody", object({}, {"foregroundDeletion"}, true), {}, {}, Action::RemoveForeground, "", {}},
      {"orphans", object({}, {"orphan"}, true), {}, {{.blocks = true}}, Action::OrphanDependents, "", {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Action action = garbage_collector::plan(c.object, c.owners, c.dependents);
    EXPECT_EQ(action.kind, c.kind);
    EXPECT_EQ(action.policy, c.policy);
    EXPECT_EQ(action.uids, c.uids);
  }
}

// A config map that another one owns.
ConfigMap owned(const std::string& key, const ConfigMap& owner, bool blocks = true) {
  ConfigMap map = make_config_map(key);
  auto* reference = map.mutable_metadata()->add_owner_references();
  reference->set_api_version("v1");
  reference->set_kind("ConfigMap");
  reference->set_name(owner.metadata().name());
  reference->set_uid(owner.metadata().uid());
  reference->set_block_owner_deletion(blocks);
  return map;
}

TEST(GarbageCollector, BackgroundTakesTheWholeTree) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  const ConfigMap child = cluster.create(owned("default/child", root));
  cluster.create(owned("default/grandchild", child));
  cluster.create(make_config_map("default/stranger"));
  cluster.remove<ConfigMap>("default/root");
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<ConfigMap>("default").size() == 1; }));
  EXPECT_TRUE(cluster.has<ConfigMap>("default/stranger"));
}

TEST(GarbageCollector, AnOwnerInAnotherNamespaceIsToldOf) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  cluster.create(sim::make_namespace("other"));
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  cluster.advance(1s);
  const ConfigMap far = cluster.create(owned("other/far", root));
  cluster.create(owned("default/near", root));
  cluster.advance(5s);
  EXPECT_FALSE(cluster.has<ConfigMap>("other/far")) << "it has no owner";
  EXPECT_TRUE(cluster.has<ConfigMap>("default/near"));
  const auto events = cluster.list<core::v1::Event>("other");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason(), "OwnerRefInvalidNamespace");
  EXPECT_EQ(events[0].involved_object().uid(), far.metadata().uid());
  EXPECT_EQ(events[0].message(), "ownerRef [v1/ConfigMap, namespace: other, name: root, uid: " + root.metadata().uid() +
                                     "] does not exist in namespace \"other\"");
  EXPECT_EQ(events[0].count(), 1);
}

TEST(GarbageCollector, ForegroundGoesFromTheLeavesUp) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  std::vector<std::string> gone;
  cluster.on_write([&](const sim::Cluster::Write& write) {
    if (write.object.empty()) gone.push_back(write.key.substr(write.key.rfind('/') + 1));
  });
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  const ConfigMap child = cluster.create(owned("default/child", root));
  cluster.create(owned("default/grandchild", child));
  cluster.remove<ConfigMap>("default/root", DeleteOptions::foreground());
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<ConfigMap>("default").empty(); }));
  EXPECT_EQ(gone, (std::vector<std::string>{"grandchild", "child", "root"}));
}

TEST(GarbageCollector, ForegroundDoesNotWaitForWhoDoesNotBlock) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  ConfigMap held = owned("default/held", root, false);
  held.mutable_metadata()->add_finalizers("example.com/hold");
  cluster.create(held);
  cluster.remove<ConfigMap>("default/root", DeleteOptions::foreground());
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<ConfigMap>("default/root"); }));
  EXPECT_TRUE(cluster.get<ConfigMap>("default/held").metadata().has_deletion_timestamp());
}

TEST(GarbageCollector, OrphansKeepTheirLivesAndLoseTheirOwner) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  cluster.create(owned("default/child", root));
  cluster.remove<ConfigMap>("default/root", DeleteOptions::orphan());
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.has<ConfigMap>("default/root"); }));
  cluster.advance(1min);
  EXPECT_EQ(cluster.get<ConfigMap>("default/child").metadata().owner_references_size(), 0);
}

TEST(GarbageCollector, ASecondOwnerKeepsAnObject) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  const ConfigMap one = cluster.create(make_config_map("default/one"));
  const ConfigMap two = cluster.create(make_config_map("default/two"));
  ConfigMap child = owned("default/child", one);
  *child.mutable_metadata()->add_owner_references() = owned("default/x", two).metadata().owner_references(0);
  cluster.create(child);
  cluster.remove<ConfigMap>("default/one");
  EXPECT_TRUE(cluster.run_until([&] { return cluster.get<ConfigMap>("default/child").metadata().owner_references_size() == 1; }));
  EXPECT_EQ(cluster.get<ConfigMap>("default/child").metadata().owner_references(0).uid(), two.metadata().uid());
  cluster.advance(1min);
  EXPECT_TRUE(cluster.has<ConfigMap>("default/child"));
}

TEST(GarbageCollector, AnotherObjectOfTheOwnersNameIsNotTheOwner) {
  sim::Cluster cluster(sim::no_loops());
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  cluster.create(owned("default/child", root));
  cluster.remove<ConfigMap>("default/root");
  cluster.create(make_config_map("default/root"));
  cluster.advance(1min);
  ASSERT_TRUE(cluster.has<ConfigMap>("default/child"));  // nobody collects here
  sim::Cluster collected(sim::loops("garbagecollector"));
  ConfigMap stale = root;
  stale.mutable_metadata()->set_uid("11111111-1111-4111-8111-111111111111");
  collected.create(make_config_map("default/root"));
  collected.create(owned("default/child", stale));
  EXPECT_TRUE(collected.run_until([&] { return !collected.has<ConfigMap>("default/child"); }));
  EXPECT_TRUE(collected.has<ConfigMap>("default/root"));
}

// The requests of the collector for config maps, other than to follow them.
struct Asked {
  explicit Asked(sim::Cluster& cluster) {
    cluster.put_before([this](HttpRequest& request) -> std::optional<HttpResponse> {
      if (request.path().find("/configmaps") == std::string_view::npos) return std::nullopt;
      if (request.method == "DELETE") ++deletions;
      else if (request.method != "GET" || request.target.find("metadata.name") != std::string::npos) ++others;
      return std::nullopt;
    });
  }
  int deletions = 0, others = 0;
};

TEST(GarbageCollector, AsksOnceForEachObjectThatGoes) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  constexpr int kOwners = 4, kEach = 100;
  for (int i = 0; i < kOwners; ++i) {
    const ConfigMap owner = cluster.create(make_config_map(fmt::format("default/owner-{}", i)));
    for (int j = 0; j < kEach; ++j) cluster.create(owned(fmt::format("default/child-{}-{}", i, j), owner));
  }
  cluster.advance(1s);
  Asked asked(cluster);
  for (int i = 0; i < kOwners; ++i) cluster.remove<ConfigMap>(fmt::format("default/owner-{}", i));
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<ConfigMap>("default").empty(); }));
  cluster.advance(1min);
  EXPECT_EQ(asked.deletions, kOwners * kEach);
  EXPECT_EQ(asked.others, 0) << "the end of each owner was seen";
}

// Begun after the owners' end it looks for them, and remembers.
TEST(GarbageCollector, LooksForAnOwnerOnceAndNotForEachDependent) {
  sim::Cluster cluster(sim::loops("garbagecollector").later());
  constexpr int kDependents = 300, kWorkers = 20;
  const ConfigMap owner = cluster.create(make_config_map("default/owner"));
  for (int i = 0; i < kDependents; ++i) cluster.create(owned(fmt::format("default/child-{}", i), owner));
  cluster.remove<ConfigMap>("default/owner");
  Asked asked(cluster);
  cluster.restart_loops();
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<ConfigMap>("default").empty(); }));
  cluster.advance(1min);
  EXPECT_EQ(asked.deletions, kDependents);
  EXPECT_GT(asked.others, 0);
  EXPECT_LE(asked.others, kWorkers) << "those that looked before one of them knew";
}

TEST(GarbageCollector, GoesOnAfterACrash) {
  sim::Cluster cluster(sim::loops("garbagecollector"));
  const ConfigMap root = cluster.create(make_config_map("default/root"));
  for (int i = 0; i < 20; ++i) cluster.create(owned("default/child-" + std::to_string(i), root));
  cluster.remove<ConfigMap>("default/root");
  cluster.restart_loops();
  EXPECT_TRUE(cluster.run_until([&] { return cluster.list<ConfigMap>("default").empty(); }));
}

}  // namespace
}  // namespace ph::controllers

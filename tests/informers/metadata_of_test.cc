// Metadata that is read out of the copy of whole objects or of views.
#include "informers/metadata_of.h"

#include <gmock/gmock.h>

#include "api/times.h"
#include "informers/metadata_view.h"
#include "informers/node_view.h"
#include "informers/packed.h"
#include "informers/pod_view.h"
#include "informers/selected.h"
#include "tests/informers/scripted_server.h"

namespace ph::informers {
namespace {

using core::v1::ConfigMap, core::v1::Pod;
using testing::ElementsAre, testing::IsEmpty;

struct SomeMaps {
  static std::string fields() { return "metadata.name=x"; }
};

template <class T>
T owned(std::string key, std::uint64_t revision, const std::string& owner) {
  T out = object_of<T>(std::move(key), revision);
  out.mutable_metadata()->add_owner_references()->set_uid(owner);
  return out;
}

class MetadataOfTest : public testing::Test {
 protected:
  ~MetadataOfTest() override { informers_.stop(); }

  std::shared_ptr<Informer<MetadataView>> follow(const char* version, const char* plural) {
    return informers_.follow(api::ResourceRef(std::shared_ptr<void>(), api::Scheme::builtin().resource("", version, plural)));
  }
  static std::vector<std::string> names(const std::vector<Ref<MetadataView>>& objects) {
    std::vector<std::string> out;
    for (const auto& each : objects) out.push_back(each->name + "@" + std::to_string(each->revision.value));
    return out;
  }

  sim::SimExecutor executor_;
  ScriptedServer server_{executor_};
  Client client_{server_, "test"};
  SeededRng rng_{1};
  Informers informers_{executor_, client_, rng_, Log()};
};

TEST_F(MetadataOfTest, OfMessagesAsksTheServerNothing) {
  informers_.informer<ConfigMap>();
  const auto metadata = follow("v1", "configmaps");
  EXPECT_EQ(server_.expect().path(), "/api/v1/configmaps");
  auto watch = server_.accept_watch();
  EXPECT_TRUE(server_.quiet()) << "one watch for both";
  EXPECT_FALSE(metadata->synced());
  watch.send("ADDED", owned<ConfigMap>("a/x", 5, "boss"));
  watch.send("ADDED", owned<ConfigMap>("b/y", 6, "other"));
  watch.send("BOOKMARK", bookmark(7, true));
  executor_.drain();
  EXPECT_TRUE(metadata->synced());
  EXPECT_EQ(metadata->revision(), Revision{7});
  EXPECT_EQ(metadata->size(), 2u);
  EXPECT_THAT(names(metadata->list()), ElementsAre("x@5", "y@6"));
  EXPECT_THAT(names(metadata->list("b")), ElementsAre("y@6"));
  EXPECT_THAT(names(metadata->by_index(kByOwner, "boss")), ElementsAre("x@5"));
  EXPECT_THAT(names(metadata->by_index("namespace", "a")), ElementsAre("x@5"));
  EXPECT_EQ(metadata->find({"a", "x"})->uid, "uid-x");
  EXPECT_EQ(metadata->find({"a", "z"}), nullptr);
}

TEST_F(MetadataOfTest, OfAViewIsAPartOfIt) {
  Informer<PodView>& pods = informers_.informer<PodView>();
  const auto metadata = follow("v1", "pods");
  server_.expect();
  auto watch = server_.accept_watch();
  watch.send("ADDED", owned<Pod>("a/x", 5, "boss"));
  watch.send("BOOKMARK", bookmark<Pod>(7, true));
  executor_.drain();
  EXPECT_EQ(metadata->find({"a", "x"}).get(), pods.find({"a", "x"}).get());
  EXPECT_THAT(names(metadata->by_index(kByOwner, "boss")), ElementsAre("x@5"));
}

TEST_F(MetadataOfTest, TellsWhatChanges) {
  informers_.informer<ConfigMap>();
  const auto metadata = follow("v1", "configmaps");
  server_.expect();
  auto watch = server_.accept_watch();
  watch.send("BOOKMARK", bookmark(7, true));
  executor_.drain();
  Stream<MetadataView> events = metadata->events();
  Call snapshot(executor_, events.next());
  EXPECT_EQ(snapshot.value()->kind, Event<MetadataView>::Snapshot);
  watch.send("ADDED", owned<ConfigMap>("a/x", 8, "boss"));
  watch.send("MODIFIED", owned<ConfigMap>("a/x", 9, "heir"));
  Call made(executor_, events.next());
  EXPECT_EQ(made.value()->before, nullptr);
  EXPECT_EQ(made.value()->after->owners.at(0).uid, "heir");
  EXPECT_THAT(metadata->by_index(kByOwner, "boss"), IsEmpty());
  watch.send("DELETED", owned<ConfigMap>("a/x", 10, "heir"));
  Call gone(executor_, events.next());
  EXPECT_EQ(gone.value()->before->revision, Revision{9});
  EXPECT_EQ(gone.value()->after, nullptr);
}

TEST_F(MetadataOfTest, ForgettingItEndsItsStreamsAndNoOthers) {
  Informer<ConfigMap>& whole = informers_.informer<ConfigMap>();
  const auto metadata = follow("v1", "configmaps");
  server_.expect();
  auto watch = server_.accept_watch();
  watch.send("BOOKMARK", bookmark(7, true));
  executor_.drain();
  Stream<MetadataView> events = metadata->events();
  Stream<ConfigMap> all = whole.events();
  Call(executor_, events.next()).value();
  Call(executor_, all.next()).value();
  Call waiting(executor_, events.next());
  EXPECT_FALSE(waiting.done());
  informers_.forget(*metadata);
  executor_.drain();
  EXPECT_EQ(waiting.value(), std::nullopt);
  EXPECT_FALSE(watch.dropped());
  watch.send("ADDED", config_map("a/x", 8));
  executor_.drain();
  EXPECT_EQ(Call(executor_, all.next()).value()->after->metadata().name(), "x");
  EXPECT_EQ(Call(executor_, metadata->events().next()).value(), std::nullopt);
}

TEST_F(MetadataOfTest, WhatHoldsSomeOfTheObjectsWillNotDo) {
  informers_.informer<Selected<ConfigMap, SomeMaps>>();
  follow("v1", "configmaps");
  EXPECT_EQ(query(server_.expect(), "fieldSelector"), "metadata.name=x");
  server_.accept_watch();
  EXPECT_THAT(std::string(server_.expect().headers.get("accept")), testing::HasSubstr("PartialObjectMetadata"));
}

TEST(PackedTest, IsTheObjectButForItsManagers) {
  ConfigMap map = config_map("a/x", 5, "u1");
  (*map.mutable_metadata()->mutable_labels())["tier"] = "front";
  (*map.mutable_metadata()->mutable_labels())["app"] = "web";
  (*map.mutable_data())["k"] = "v";
  api::set_time(map.mutable_metadata()->mutable_deletion_timestamp(), Time(100s));
  ConfigMap managed = map;
  managed.mutable_metadata()->add_managed_fields()->set_manager("m");
  Packed<ConfigMap> view;
  view.read(api::encode_protobuf(managed));
  EXPECT_EQ(view.key().text(), "a/x");
  EXPECT_EQ(view.uid, "u1");
  EXPECT_EQ(view.revision, Revision{5});
  EXPECT_EQ(view.deletion, Time(100s));
  EXPECT_EQ(view.label("app"), "web");
  EXPECT_EQ(view.label("tier"), "front");
  EXPECT_EQ(view.label("none"), std::nullopt);
  EXPECT_EQ(api::encode_json(view.whole()), api::encode_json(map));
}

TEST(NodeViewTest, HoldsWhatLoopsNeed) {
  core::v1::Node node = object_of<core::v1::Node>("n1", 12, "u1");
  auto& metadata = *node.mutable_metadata();
  (*metadata.mutable_labels())["zone"] = "b";
  (*metadata.mutable_labels())["disk"] = "ssd";
  (*metadata.mutable_annotations())["node.alpha.kubernetes.io/ttl"] = "15";
  (*metadata.mutable_annotations())["another"] = "1";
  (*metadata.mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
  metadata.add_finalizers("f");
  node.mutable_status()->add_volumes_in_use("in-use");
  auto& attached = *node.mutable_status()->add_volumes_attached();
  attached.set_name("attached");
  attached.set_device_path("/dev/x");
  auto& taint = *node.mutable_spec()->add_taints();
  taint.set_key("k");
  taint.set_effect("NoExecute");
  node.mutable_spec()->set_pod_cidr("10.0.0.0/24");
  node.mutable_spec()->set_provider_id("cloud://zone/n1");
  for (const char* type : {"DiskPressure", "Ready", "PIDPressure"}) {
    auto& condition = *node.mutable_status()->add_conditions();
    condition.set_type(type);
    condition.set_status(std::string(type) == "Ready" ? "True" : "False");
  }
  const auto view = NodeView::of(node);
  EXPECT_EQ(view->key().text(), "n1");
  EXPECT_EQ(view->uid, "u1");
  EXPECT_EQ(view->revision, Revision{12});
  EXPECT_TRUE(view->has_finalizer("f"));
  EXPECT_EQ(view->label("zone"), "b");
  EXPECT_EQ(view->label("disk"), "ssd");
  EXPECT_EQ(view->label("none"), std::nullopt);
  ASSERT_EQ(view->taints.size(), 1u);
  EXPECT_EQ(view->taints[0].key(), "k");
  EXPECT_EQ(view->taints[0].effect(), "NoExecute");
  EXPECT_EQ(view->pod_cidrs, std::vector<std::string>{"10.0.0.0/24"}) << "the older field is as good";
  EXPECT_EQ(view->provider_id, "cloud://zone/n1");
  ASSERT_NE(view->taint("k"), nullptr);
  EXPECT_EQ(view->taint("k")->effect(), "NoExecute");
  EXPECT_EQ(view->taint("none"), nullptr);
  EXPECT_EQ(view->ttl, "15");
  EXPECT_TRUE(view->ready);
  EXPECT_TRUE(view->is_attached_to);
  EXPECT_EQ(view->volumes_in_use, std::vector<std::string>{"in-use"});
  ASSERT_EQ(view->volumes_attached.size(), 1u);
  EXPECT_EQ(view->volumes_attached[0], std::pair(std::string("attached"), std::string("/dev/x")));

  node.mutable_status()->mutable_conditions(1)->set_status("Unknown");
  node.mutable_metadata()->clear_annotations();
  for (const char* cidr : {"10.0.0.0/24", "fd00::/64"}) node.mutable_spec()->add_pod_cidrs(cidr);
  EXPECT_EQ(NodeView::of(node)->pod_cidrs, (std::vector<std::string>{"10.0.0.0/24", "fd00::/64"}));
  EXPECT_FALSE(NodeView::of(node)->ready);
  EXPECT_TRUE(NodeView::of(node)->ttl.empty());
  EXPECT_FALSE(NodeView::of(node)->is_attached_to);
}

}  // namespace
}  // namespace ph::informers

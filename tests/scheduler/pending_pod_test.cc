// Pods that wait, and what they share.
#include "scheduler/cluster/pending_pod.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "api/codec.h"

namespace ph::scheduler::test {
namespace {

using core::v1::Pod;

void add_token(Pod& pod, const std::string& volume) {
  pod.mutable_spec()->add_volumes()->set_name(volume);
  auto& containers = *pod.mutable_spec()->mutable_containers();
  for (auto& container : containers) container.add_volume_mounts()->set_name(volume);
  for (auto& container : *pod.mutable_spec()->mutable_init_containers()) container.add_volume_mounts()->set_name(volume);
}

Pod pod(const std::string& name, const std::string& token, const std::string& image = "img:1") {
  Pod out;
  out.mutable_metadata()->set_name(name);
  out.mutable_metadata()->set_uid("uid-" + name);
  (*out.mutable_metadata()->mutable_labels())["app"] = "web";
  auto& spec = *out.mutable_spec();
  auto& container = *spec.add_containers();
  container.set_name("c");
  container.set_image(image);
  (*container.mutable_resources()->mutable_requests())["cpu"].set_string("1");
  (*container.mutable_resources()->mutable_requests())["memory"].set_string("1Gi");
  spec.add_init_containers()->set_name("i");
  spec.add_volumes()->set_name("data");
  spec.mutable_containers(0)->add_volume_mounts()->set_name("data");
  if (!token.empty()) add_token(out, token);
  out.mutable_status()->set_phase("Pending");
  return out;
}

std::string text(const Pod& pod) { return api::encode_json(pod); }
PendingPod read(const Pod& pod) { return make_pending_pod(api::encode_protobuf(pod)); }

TEST(PendingPod, SharesASpecThatSaysTheSame) {
  ASSERT_EQ(shared_specs(), 0u);
  const PendingPod a = read(pod("a", "kube-api-access-aaaaa")), b = read(pod("b", "kube-api-access-bbbbb"));
  EXPECT_EQ(&a->spec(), &b->spec());
  EXPECT_EQ(a->metadata().name(), "a");
  EXPECT_EQ(b->metadata().name(), "b");
  const PendingPod c = read(pod("c", "kube-api-access-ccccc", "img:2")), d = read(pod("d", ""));
  EXPECT_NE(&a->spec(), &c->spec());
  EXPECT_NE(&a->spec(), &d->spec());
  EXPECT_EQ(shared_specs(), 3u);
}

TEST(PendingPod, ASpecGoesWithItsLastPod) {
  PendingPod a = read(pod("a", "kube-api-access-aaaaa"));
  PendingPod b = read(pod("b", "kube-api-access-bbbbb"));
  a.reset();
  EXPECT_EQ(shared_specs(), 1u);
  EXPECT_EQ(b->spec().containers(0).image(), "img:1");
  b.reset();
  EXPECT_EQ(shared_specs(), 0u);
  EXPECT_EQ(read(pod("c", ""))->spec().containers(0).image(), "img:1");
}

TEST(PendingPod, IsWholeForThoseWhoHandItOn) {
  const Pod pods[] = {
      pod("no token", ""),
      pod("a token", "kube-api-access-x7k2p"),
      pod("another's volume of nearly that name", "kube-api-access-long-one"),
      Pod(),
  };
  for (const Pod& each : pods) {
    SCOPED_TRACE(each.metadata().name());
    const PendingPod first = read(each), second = read(each);
    EXPECT_EQ(text(whole(first)), text(each));
    EXPECT_EQ(text(whole(second)), text(each));
    EXPECT_EQ(text(whole(std::make_shared<const Pod>(each))), text(each)) << "one that shares nothing";
  }
  // The name elsewhere is left alone.
  Pod named = pod("n", "kube-api-access-x7k2p");
  named.mutable_spec()->mutable_containers(0)->add_args("kube-api-access-x7k2p");
  named.mutable_spec()->mutable_containers(0)->add_args("kube-api-access-?????");
  const PendingPod held = read(named);
  EXPECT_EQ(held->spec().containers(0).args(0), "kube-api-access-x7k2p");
  EXPECT_EQ(text(whole(held)), text(named));
}

TEST(PendingPod, LeavesOutWhoManagesWhat) {
  Pod managed = pod("a", "");
  managed.mutable_metadata()->add_managed_fields()->set_manager("m");
  EXPECT_EQ(read(managed)->metadata().managed_fields_size(), 0);
}

TEST(PendingPod, ASpecInPiecesIsReadAsOne) {
  Pod rest;
  rest.mutable_spec()->set_scheduler_name("mine");
  const PendingPod pending = make_pending_pod(pod("a", "").SerializeAsString() + rest.SerializeAsString());
  EXPECT_EQ(pending->spec().scheduler_name(), "mine");
  EXPECT_EQ(pending->spec().containers(0).image(), "img:1");
}

TEST(PendingPod, DamageIsRefused) {
  const std::string bytes = api::encode_protobuf(pod("a", "kube-api-access-x7k2p"));
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    try {
      make_pending_pod(std::string_view(bytes).substr(0, size));  // a cut between fields is a shorter pod
    } catch (const api::DecodeError&) {
    }
  }
  EXPECT_EQ(shared_specs(), 0u);
}

}  // namespace
}  // namespace ph::scheduler::test

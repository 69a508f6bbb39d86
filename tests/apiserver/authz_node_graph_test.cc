// The graph of nodes' needs against an evaluation of the objects themselves, over random histories.
//
//   PH_NODE_HISTORIES=1000   how many; some tens otherwise
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apiserver/authz/node_graph.h"
#include "base/rng.h"

namespace ph::apiserver {
namespace {

using core::v1::PersistentVolume;
using core::v1::Pod;

// -- The cluster as plain tables

struct PlainPod {
  std::string space, name, node;
  bool mirror = false;
  std::set<std::pair<Needed, std::string>> needs;  // but for what its claims lead to
};
struct PlainVolume {
  std::string claim_space, claim;  // no claim: none
  std::set<std::string> secrets;   // "namespace/name"
};
struct Cluster {
  std::map<std::string, PlainPod> pods;
  std::map<std::string, PlainVolume> volumes;

  bool needs(const std::string& node, Needed what, const std::string& space, const std::string& name) const {
    for (const auto& [key, pod] : pods) {
      if (pod.node != node || pod.mirror) continue;
      if (pod.space == space && pod.needs.contains({what, name})) return true;
      if (what != Needed::Secret) continue;
      for (const auto& [_, volume] : volumes) {
        if (volume.claim.empty() || volume.claim_space != pod.space) continue;
        if (pod.needs.contains({Needed::Claim, volume.claim}) && volume.secrets.contains(space + "/" + name)) return true;
      }
    }
    return false;
  }
};

using Words = std::vector<std::string>;
const Words kSpaces{"a", "ab", "b"};
const Words kNodes{"n1", "n2", "n3"};
const Words kNames{"x", "y", "z"};
const Words kPods{"p0", "p1", "p2", "p3", "p4"};
const Words kVolumes{"v0", "v1", "v2"};
constexpr Needed kAll[] = {Needed::Secret, Needed::ConfigMap, Needed::Claim, Needed::ServiceAccount, Needed::DeviceClaim};

template <class T>
EntryRef entry(const T& message) {
  return std::make_shared<const Entry>(Entry{key_of(message).text(), Revision{1}, share(api::encode_envelope(message))});
}

class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {}

  // One object comes, changes or goes.
  void step() {
    if (one_in(4)) return step_of_volume();
    const std::string space = one(kSpaces), name = one(kPods), key = space + "/" + name;
    if (one_in(4)) {
      cluster.pods.erase(key);
      pods_.erase(key);
      return;
    }
    PlainPod plain{space, name, one_in(4) ? "" : one(kNodes), one_in(8), {}};
    Pod pod;
    pod.mutable_metadata()->set_name(name);
    pod.mutable_metadata()->set_namespace_(space);
    pod.mutable_spec()->set_node_name(plain.node);
    if (plain.mirror) (*pod.mutable_metadata()->mutable_annotations())["kubernetes.io/config.mirror"] = "x";
    for (int i = 0; one_in(2) || i < 2; ++i) need(plain, pod, i);
    pods_.put(entry(pod));
    cluster.pods[key] = std::move(plain);
  }

  NodeGraph::State state() { return {pods_.list(), volumes_.list()}; }
  bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }

  Cluster cluster;

 private:
  const std::string& one(const Words& words) { return words[rng_.below(words.size())]; }

  // Something that a pod can refer to, in one of the ways that there are.
  void need(PlainPod& plain, Pod& pod, int number) {
    const std::string name = one(kNames), volume_name = "vol" + std::to_string(number);
    auto& spec = *pod.mutable_spec();
    const auto volume = [&]() -> core::v1::VolumeSource& {
      auto* added = spec.add_volumes();
      added->set_name(volume_name);
      return *added->mutable_volume_source();
    };
    Needed what = Needed::Secret;
    switch (rng_.below(19)) {
      case 0: volume().mutable_secret()->set_secret_name(name); break;
      case 1: spec.add_image_pull_secrets()->set_name(name); break;
      case 2:
        spec.add_containers()->add_env_from()->mutable_secret_ref()->mutable_local_object_reference()->set_name(name);
        break;
      case 3: {
        auto* env = spec.add_init_containers()->add_env();
        env->mutable_value_from()->mutable_secret_key_ref()->mutable_local_object_reference()->set_name(name);
        break;
      }
      case 4: {
        auto* container = spec.add_ephemeral_containers()->mutable_ephemeral_container_common();
        container->add_env_from()->mutable_secret_ref()->mutable_local_object_reference()->set_name(name);
        break;
      }
      case 5:
        volume().mutable_projected()->add_sources()->mutable_secret()->mutable_local_object_reference()->set_name(name);
        break;
      case 6: volume().mutable_csi()->mutable_node_publish_secret_ref()->set_name(name); break;
      case 7: volume().mutable_rbd()->mutable_secret_ref()->set_name(name); break;
      case 8: volume().mutable_azure_file()->set_secret_name(name); break;
      case 9: what = Needed::ConfigMap, volume().mutable_config_map()->mutable_local_object_reference()->set_name(name); break;
      case 10: {
        what = Needed::ConfigMap;
        auto* env = spec.add_containers()->add_env();
        env->mutable_value_from()->mutable_config_map_key_ref()->mutable_local_object_reference()->set_name(name);
        break;
      }
      case 11: {
        what = Needed::ConfigMap;
        volume().mutable_projected()->add_sources()->mutable_config_map()->mutable_local_object_reference()->set_name(name);
        break;
      }
      case 12:
      case 13: what = Needed::Claim, volume().mutable_persistent_volume_claim()->set_claim_name(name); break;
      case 14: {
        volume().mutable_ephemeral();
        plain.needs.insert({Needed::Claim, plain.name + "-" + volume_name});
        return;
      }
      case 15: {
        for (const auto& [kind, _] : plain.needs) {
          if (kind == Needed::ServiceAccount) return;  // a pod has one
        }
        what = Needed::ServiceAccount, spec.set_service_account_name(name);
        break;
      }
      case 16: what = Needed::DeviceClaim, spec.add_resource_claims()->set_resource_claim_name(name); break;
      case 17:
        what = Needed::DeviceClaim, pod.mutable_status()->add_resource_claim_statuses()->set_resource_claim_name(name);
        break;
      default: {
        if (pod.status().has_extended_resource_claim_status()) return;
        what = Needed::DeviceClaim;
        pod.mutable_status()->mutable_extended_resource_claim_status()->set_resource_claim_name(name);
      }
    }
    plain.needs.insert({what, name});
  }

  void step_of_volume() {
    const std::string name = one(kVolumes);
    if (one_in(4)) {
      cluster.volumes.erase(name);
      volumes_.erase(name);
      return;
    }
    PlainVolume plain;
    PersistentVolume volume;
    volume.mutable_metadata()->set_name(name);
    auto& spec = *volume.mutable_spec();
    auto& source = *spec.mutable_persistent_volume_source();
    if (!one_in(4)) {
      plain.claim_space = one(kSpaces), plain.claim = one(kNames);
      spec.mutable_claim_ref()->set_namespace_(plain.claim_space);
      spec.mutable_claim_ref()->set_name(plain.claim);
    }
    const std::string space = one(kSpaces), secret = one(kNames);
    const auto refer = [&](auto* reference) { reference->set_namespace_(space), reference->set_name(secret); };
    bool for_nodes = true;
    std::string in = space;
    switch (rng_.below(7)) {
      case 0: refer(source.mutable_csi()->mutable_node_stage_secret_ref()); break;
      case 1: refer(source.mutable_csi()->mutable_node_publish_secret_ref()); break;
      case 2: refer(source.mutable_csi()->mutable_node_expand_secret_ref()); break;
      case 3: refer(source.mutable_csi()->mutable_controller_publish_secret_ref()), for_nodes = false; break;
      case 4: refer(source.mutable_csi()->mutable_controller_expand_secret_ref()), for_nodes = false; break;
      case 5: source.mutable_azure_file()->set_secret_name(secret), in = plain.claim_space; break;
      default: source.mutable_rbd()->mutable_secret_ref()->set_name(secret), in = plain.claim_space;
    }
    if (for_nodes) plain.secrets.insert(in + "/" + secret);
    volumes_.put(entry(volume));
    cluster.volumes[name] = std::move(plain);
  }

  SeededRng rng_;
  EntryTree pods_, volumes_;
};

void expect_agreement(const NodeGraph& graph, const Cluster& cluster, std::size_t& allowed) {
  Words names = kNames;
  for (const std::string& pod : kPods) names.push_back(pod + "-vol0");
  for (const std::string& node : kNodes) {
    for (const Needed what : kAll) {
      for (const std::string& space : kSpaces) {
        for (const std::string& name : names) {
          const bool wanted = cluster.needs(node, what, space, name);
          allowed += wanted;
          ASSERT_EQ(graph.needs(node, what, space, name), wanted)
              << node << " " << static_cast<char>(what) << " " << space << "/" << name;
        }
      }
    }
  }
}

TEST(NodeGraph, SaysWhatTheObjectsSay) {
  const char* const wanted = std::getenv("PH_NODE_HISTORIES");
  const std::uint64_t histories = wanted ? std::strtoull(wanted, nullptr, 10) : 30;
  std::size_t allowed = 0;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    NodeGraph graph;
    for (int i = 0; i < 60; ++i) {
      do history.step();
      while (history.one_in(2));
      graph.refresh(history.state());
      expect_agreement(graph, history.cluster, allowed);
      if (HasFatalFailure()) return;
      NodeGraph anew;
      anew.refresh(history.state());
      expect_agreement(anew, history.cluster, allowed);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(allowed, histories * 100) << "hardly anything was allowed";
}

// A copy stays as it was when the other goes on.
TEST(NodeGraph, IsAValue) {
  EntryTree pods;
  Pod pod;
  pod.mutable_metadata()->set_name("p");
  pod.mutable_metadata()->set_namespace_("a");
  pod.mutable_spec()->set_node_name("n1");
  pod.mutable_spec()->set_service_account_name("x");
  pods.put(entry(pod));
  NodeGraph graph;
  graph.refresh({pods.list(), nullptr});
  const NodeGraph before = graph;
  pods.erase("a/p");
  graph.refresh({pods.list(), nullptr});
  EXPECT_TRUE(before.needs("n1", Needed::ServiceAccount, "a", "x"));
  EXPECT_FALSE(graph.needs("n1", Needed::ServiceAccount, "a", "x"));
}

}  // namespace
}  // namespace ph::apiserver

// Static pods: those that a kubelet runs from files, whatever the API says, and shows there as mirror pods.
// Reference: "Create static Pods" in the Kubernetes documentation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/sync.h"
#include "core/v1.pb.h"
#include "informers/informer.h"
#include "node/hollow_pod.h"
#include "node/node_keeper.h"

namespace ph::node {

// A file of a folder of manifests.
struct StaticManifest {
  std::string source;  // what it is called, for whoever reads of what is wrong with it
  std::string text;    // YAML or JSON: a v1 Pod
  std::string node;    // whose; empty: each node has one
  bool operator==(const StaticManifest&) const = default;
};

// Throws AskError in words for whoever wrote the file.
core::v1::Pod read_static_pod(const StaticManifest& manifest);
// What a kubelet shows of a static pod. `hash`: of the manifest; it is known by that.
core::v1::Pod mirror_of(const core::v1::Pod& pod, const std::string& node, const std::string& node_uid, const std::string& hash,
                        Time seen);

class StaticPods {
 public:
  // Everything outlives it.
  StaticPods(const NodeWorld& world, const HollowOptions& options, const NodeKeeper& keeper,
             informers::Informer<HollowPod>& pods);

  // Those that run from now on. What is wrong with a file is logged, and it runs nothing.
  void set(std::vector<StaticManifest> manifests);
  // The nodes are registered: their mirrors may be made.
  void start();
  // A mirror that is no more: whoever took it away, the pod has not gone with it.
  void look_at(const HollowPod& gone);
  // Since when its containers run, when it mirrors a pod that does.
  std::optional<Time> began(const HollowPod& pod) const;

 private:
  struct Static {
    core::v1::Pod pod;
    std::string hash;
  };
  // One static pod on one node.
  struct Mirror {
    std::string file;  // of statics_
    int node = 0;
    Time began{};
  };

  void want(const std::string& file, const std::string& node);
  void touch(const ObjectKey& key);
  Task<void> keep(ObjectKey key);
  // Until the mirror of that key is as it is to be, or somebody else will tell.
  Task<void> settle(ObjectKey key);
  std::string wanted_hash(const ObjectKey& key) const;  // empty: there is to be none
  void remove_strangers();
  Time now() const { return world_.executor.clock().now(); }

  const NodeWorld& world_;
  const HollowOptions& options_;
  const NodeKeeper& keeper_;
  informers::Informer<HollowPod>& pods_;
  std::vector<StaticManifest> manifests_;
  std::map<std::string, Static> statics_;  // by their files
  std::map<ObjectKey, Mirror> mirrors_;
  std::map<ObjectKey, bool> busy_;  // that are settled now; and whether they are to be again
  bool started_ = false;
  Scope scope_;  // last: its tasks use everything above
};

}  // namespace ph::node

// Hollow nodes: the kubelet's half of the API without containers (docs/hollow-nodes.md).
//
// They register, renew their leases, bring the pods bound to them to Running and Ready, end them as their commands say, and
// delete them gracefully. All nodes of a process share one client and one informer of pods.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/rng.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "node/container_log.h"
#include "node/node_keeper.h"
#include "node/node_object.h"
#include "node/static_pods.h"
#include "node/uses.h"

namespace ph::node {

class HollowNodes {
 public:
  HollowNodes(NodeWorld world, HollowOptions options);
  // Dropping them is a crash: the API keeps what they wrote.
  ~HollowNodes();

  // Registers all nodes (an existing Node is taken over) and starts to follow pods. Returns when all are Ready.
  Task<void> start();

  // What `kubectl logs` shows of a container; nothing when the pod is not on these nodes.
  std::optional<ContainerLog> log(const ObjectKey& pod, const std::string& container, bool previous) const;

  // These pods run on the nodes they are for, besides those of the API, until they are named no more.
  void run_static(std::vector<StaticManifest> manifests);

  // What the running pods of a namespace use (empty: of all), in the order of their keys; of nodes that answer.
  std::vector<PodUse> pod_uses(const std::string& namespace_name) const;
  // The nodes that would answer who asks their kubelets, in the order of their names.
  std::vector<informers::Ref<OwnNode>> answering() const;
  Time now() const;

  struct Stats {
    std::size_t pods = 0, writes = 0, retries = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ph::node

// What a hollow kubelet does about its node: registers it, renews its lease, reports its status, and suffers from what is asked for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/sync.h"
#include "informers/client.h"
#include "informers/informer.h"
#include "node/node_object.h"
#include "node/own_node.h"
#include "node/stages.h"

namespace ph::node {

// What the nodes are given; everything must outlive them and belongs to `executor`.
struct NodeWorld {
  Executor& executor;
  informers::Client& client;
  informers::Informers& informers;
  Log log;
};

// All nodes of a process. Belongs to its executor.
class NodeKeeper {
 public:
  // `options` outlives it. `wake`: the pods of this node are to be looked at again.
  NodeKeeper(const NodeWorld& world, const HollowOptions& options, std::function<void(int index)> wake);

  // Registers all nodes (an existing Node is taken over); returns when all are.
  Task<void> start();

  // Nothing: it is no node of these.
  std::optional<int> index_of(std::string_view name) const;
  bool is_silent(int index) const { return problems(index) & kSilent; }
  // The UID of its object; empty: it is not known yet.
  std::string uid_of(int index) const;
  // Whether the control plane says so of a volume, by its unique name.
  bool is_attached(int index, std::string_view volume) const;

  // Those that are not, in the order of their names.
  std::vector<informers::Ref<OwnNode>> answering() const;

  // A pod of it has this image from now on: the next report says so.
  void note_image(int index, const informers::Interned& image);
  // One more pod uses a volume, or one less: it is reported as soon as that matters.
  void use_volume(int index, const std::string& volume);
  void release_volume(int index, const std::string& volume);

  std::size_t writes() const { return writes_; }

 private:
  struct Kept {
    Problems asked = 0, staged = 0;  // by its annotation, by stages
    bool reporting = false, report_again = false;
    std::vector<informers::Interned> images;
    std::map<std::string, int> volumes;  // how many pods use it
  };

  Problems problems(int index) const { return kept_[index].asked | kept_[index].staged; }
  ObjectKey key_of(int index) const { return {{}, node_name(options_, index)}; }
  Time now() const { return world_.executor.clock().now(); }
  NodeFacts facts_of(int index) const;

  Task<void> register_node(int index);
  Task<core::v1::Node> try_register(int index);
  Task<void> keep_lease(int index);
  Task<coordination::v1::Lease> renew(ObjectKey key, std::optional<coordination::v1::Lease> lease);
  Task<void> keep_status(int index);
  // One report, and another one as long as something has changed meanwhile; false: it did not arrive.
  Task<bool> report(int index);
  Task<void> report_now(int index);
  Task<void> follow_nodes();
  void take(int index, const OwnNode* node);
  void suffer(int index, Problems& source, Problems problems);
  Task<void> run_stage(int index, const NodeStage* stage);
  Task<void> publish_devices(int index, const DeviceStage* devices, std::string uid);

  const NodeWorld& world_;
  const HollowOptions& options_;
  const std::shared_ptr<const Stages> stages_;
  const std::function<void(int)> wake_;
  informers::Informer<OwnNode>& nodes_;
  std::map<std::string, int, std::less<>> index_of_;
  std::vector<Kept> kept_;
  std::size_t writes_ = 0;
  Scope scope_;  // last: its tasks use everything above
};

}  // namespace ph::node

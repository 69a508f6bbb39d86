// Cache: what the scheduler knows of nodes and the pods on them. It runs ahead of the API: a pod that a cycle has
// placed counts at once (it is assumed), until the API confirms it, the placement fails, or it expires.
//
//   assume ──► (binding finished) ──► add_pod from the informer confirms it
//      │                    └───────► expire, when a lifetime is set and the API never shows the pod
//      └──► forget, when reserve, permit or bind fails
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "scheduler/cluster/changes.h"
#include "scheduler/cluster/node_info.h"
#include "scheduler/cluster/node_tree.h"
#include "scheduler/cluster/snapshot.h"

namespace ph::scheduler {

class Cache {
 public:
  // How long an assumed pod whose binding has finished counts unconfirmed; zero: until it is confirmed or forgotten.
  explicit Cache(Duration assumed_lifetime = Duration::zero()) : assumed_lifetime_(assumed_lifetime) {}

  // Adds or changes a node.
  void put_node(NodeRef node);
  // Its pods stay known until they are removed themselves.
  void remove_node(std::string_view name);

  // The pod is placed on `pod->node_name`. False: it is known already, and nothing has changed.
  [[nodiscard]] bool assume(PodRef pod);
  void finish_binding(std::string_view uid, Steady now);
  // Takes an assumed pod back; nothing when it is not (or no longer) assumed.
  void forget(std::string_view uid);
  // Adds, changes or confirms an assigned pod, as the API shows it.
  void put_pod(PodRef pod);
  void remove_pod(std::string_view uid);
  // Drops the assumed pods whose time is over; their keys.
  std::vector<ObjectKey> expire(Steady now);

  bool is_assumed(std::string_view uid) const;
  // Null: the pod is neither assigned nor assumed.
  PodRef find_pod(std::string_view uid) const;

  void update(Snapshot& snapshot);
  const Changes& changes() const { return changes_; }

  std::size_t node_count() const { return tree_.size(); }
  std::size_t pod_count() const { return pods_.size(); }
  std::size_t assumed_count() const { return assumed_count_; }

 private:
  struct PodState {
    PodRef pod;
    bool assumed = false;
    std::optional<Steady> deadline;
  };
  using Recency = std::list<NodeInfo*>;
  struct NodeState {
    std::unique_ptr<NodeInfo> info;
    Recency::iterator at;
  };

  NodeState& node_state(std::string_view name);
  void touch(NodeState& node);
  void drop_if_empty(std::string_view name);
  void place(PodRef pod, bool assumed);
  void displace(std::string_view uid);
  NodeInfo::Images take_images(const core::v1::Node& node);
  void release_images(const NodeInfo& node);
  // Which nodes the snapshot has, in their order.
  void order(Snapshot& snapshot);
  void order_changed();

  Duration assumed_lifetime_;
  std::map<std::string, NodeState, std::less<>> nodes_;
  Recency by_recency_;  // the last changed first
  std::uint64_t generation_ = 0;
  NodeTree tree_;
  Changes changes_;
  std::vector<std::size_t> free_slots_;
  std::size_t slots_ = 0;            // that have been given out
  std::uint64_t order_version_ = 0;  // grows when nodes come, go or change their zone
  // What has come since the order last changed otherwise, one for each version, and where it then stood.
  struct Addition {
    std::string name;
    std::size_t at;
  };
  std::vector<Addition> additions_;
  std::map<std::string_view, PodState> pods_;  // by the UIDs they have themselves
  std::size_t assumed_count_ = 0;
  std::map<std::string, std::shared_ptr<ImageState>, std::less<>> images_;
};

}  // namespace ph::scheduler

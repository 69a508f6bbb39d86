// The Node and Lease objects of a hollow node.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "coordination/v1.pb.h"
#include "core/v1.pb.h"
#include "informers/interned.h"
#include "node/problems.h"

namespace ph::node {

class Stages;

struct HollowOptions {
  int count = 3;
  std::string name_prefix = "node-";
  std::string cpu = "8", memory = "32Gi", ephemeral_storage = "100Gi";
  int pods = 110;
  // Where the kubelets' API is reached, when it is served: the nodes' address and port. Empty: each node has an address of
  // its own that nobody answers at.
  std::string address;
  int kubelet_port = 0;
  std::map<std::string, std::string> labels;  // besides the well-known ones
  Duration lease_period = 10s;
  Duration status_period = 5min;
  int writers = 64;  // pod writes under way at once
  // How long a pod takes to stop, when nobody says otherwise: never longer than its grace.
  Duration ends_after{};
  std::shared_ptr<const Stages> stages;  // null: none
};

std::string node_name(const HollowOptions& options, int index);
std::string node_ip(int index);  // 172.18.0.0/16
// The n-th address of a node's /24 within 10.128.0.0/9.
std::string pod_ip(int node_index, int n);

// How long the pods of programs take to stop: long enough that whoever watches sees them end.
inline constexpr Duration kEndsAfter = 300ms;

// What a node knows of itself beyond its options.
struct NodeFacts {
  Problems problems = 0;
  std::vector<informers::Interned> images;  // of the pods it ran
  std::vector<std::string> volumes_in_use;  // by their unique names
};

core::v1::Node make_node(const HollowOptions& options, int index, Time now, const NodeFacts& facts = {});
// What a kubelet reports of the node as it is now, as the body of a patch of its status: everything that is a kubelet's, whole, so
// that nothing stays lost; and nothing else.
std::string status_report(const HollowOptions& options, int index, const core::v1::Node& present, Time now,
                          const NodeFacts& facts = {});
// What of its metadata a kubelet keeps, as the body of a patch; nothing: it is there.
std::optional<std::string> metadata_report(const core::v1::Node& present);
coordination::v1::Lease make_lease(const HollowOptions& options, const core::v1::Node& node, Time now);

}  // namespace ph::node

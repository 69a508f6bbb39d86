// Which routes lead to the pods of nodes, and which lead nowhere any more. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/addresses.h"
#include "base/time.h"
#include "controllers/cloud/provider.h"

namespace ph::controllers::node_route {

// Of --cluster-cidr; what cannot be read is left out (the flags are checked at the start).
std::vector<api::AddressRange> cluster_ranges(const std::string& flag);

struct Plan {
  struct Missing {
    informers::Ref<informers::NodeView> node;
    std::string destination;
  };
  std::vector<Missing> missing;
  // Within the cluster's ranges, and of no node that there is: others are left alone. They go first, for a cloud may take a destination
  // once alone.
  std::vector<cloud::Route> obsolete;
};
Plan plan(const cloud::Nodes& nodes, const std::vector<cloud::Route>& routes, const std::vector<api::AddressRange>& cluster);

// The condition NetworkUnavailable as a strategic patch of the node's status; nothing: it says so already.
std::optional<std::string> condition_patch(const informers::NodeView& node, bool has_routes, Time now);

}  // namespace ph::controllers::node_route

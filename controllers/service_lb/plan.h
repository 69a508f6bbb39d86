// Which services have load balancers, what is behind these, and what of a service concerns them. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/v1.pb.h"
#include "informers/informer.h"
#include "informers/node_view.h"

namespace ph::controllers::service_lb {

inline constexpr const char* kFinalizer = "service.kubernetes.io/load-balancer-cleanup";

// One of a class is somebody else's.
bool wants_load_balancer(const core::v1::Service& service);
bool has_finalizer(const core::v1::Service& service);
// It has had one, and is to have none.
bool needs_cleanup(const core::v1::Service& service);

// What a load balancer is made of: two services that say the same need nothing to be done.
struct Wanted {
  using Port = std::tuple<std::string, std::string, int, int, std::string>;  // name, protocol, port, node port, appProtocol

  std::string uid, type, session_affinity, load_balancer_ip, external_traffic_policy;
  std::optional<int> affinity_timeout;
  int health_check_node_port = 0;
  std::vector<Port> ports;
  std::vector<std::string> source_ranges, external_ips, families;
  std::map<std::string, std::string> annotations;

  bool operator==(const Wanted&) const = default;
};
Wanted wanted_of(const core::v1::Service& service);

// Reason and message of the events that tell what has changed.
std::vector<std::pair<std::string, std::string>> told_changes(const Wanted& before, const Wanted& after);

// Whether a node stands behind load balancers: one that is there to stay, and is not left out by its label or by who scales the cluster
// down. Its being ready or not is for the load balancers to find out.
bool is_behind(const informers::NodeView& node);
// Whether a change of a node is one of those behind load balancers. A taint alone brings none: connections are to end in peace.
bool changes_nodes(const informers::NodeView* before, const informers::NodeView* after);

// As upstream tells them: the names of 20 at most.
std::string told_nodes(const std::vector<std::string>& names);

}  // namespace ph::controllers::service_lb

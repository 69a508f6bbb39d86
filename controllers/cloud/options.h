// Of the loops that ask a cloud: service-lb, node-route, cloud-node, cloud-node-lifecycle.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/time.h"

namespace ph::controllers {

struct World;  // controllers/runtime/loop.h

namespace cloud {
class Provider;    // controllers/cloud/provider.h
class Forwarding;  // controllers/cloud/forwarding.h
}  // namespace cloud

struct CloudOptions {
  // Of --cloud-provider: the provider of one loop, made with it. Not set: there is no cloud, and these loops do nothing.
  std::function<std::shared_ptr<cloud::Provider>(const World&)> provider;
  std::string cluster_name = "kubernetes";     // --cluster-name
  bool configures_routes = true;               // --configure-cloud-routes
  Duration route_reconciliation_period = 10s;  // --route-reconciliation-period
  // How often the addresses of nodes are asked for; upstream's cloud-controller-manager has a flag for it.
  Duration node_status_update_frequency = 5min;
  // Of --forward-load-balancers: who sends on what comes to load balancers, and where it listens (an address, or "own"). Null: nobody.
  std::shared_ptr<cloud::Forwarding> forwarding;
  std::string forward_address;
};

}  // namespace ph::controllers

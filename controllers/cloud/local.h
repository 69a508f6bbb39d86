// The provider `local`: a cloud of nothing but this process and the objects of the cluster (docs/controllers.md, "Clouds").
//
// Addresses of load balancers are what the services say that have them, and, until they say it, what this process has promised. Routes
// are noted. Machines are the nodes by their names, or those that the configuration lists.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controllers/cloud/local_config.h"
#include "controllers/cloud/provider.h"
#include "controllers/runtime/loop.h"

namespace ph::controllers::cloud {

inline constexpr const char* kLocal = "local";

// What stands for a load balancer here: whoever sends packets on would go by it.
struct Balancer {
  struct Port {
    std::string protocol;
    int port = 0, node_port = 0;
    bool operator==(const Port&) const = default;
  };
  std::vector<std::string> addresses;
  std::vector<Port> ports;
  std::vector<std::string> source_ranges;  // who may send; empty: everybody
  int health_check_node_port = 0;          // where a node says whether it has endpoints; 0: all nodes take everything
  std::vector<std::string> nodes;

  bool operator==(const Balancer&) const = default;
};

class LocalCloud : public Provider {
 public:
  std::string_view name() const override { return kLocal; }
  // By the service's key.
  virtual const std::map<ObjectKey, Balancer>& balancers() const = 0;
};

// As CloudOptions::provider.
std::function<std::shared_ptr<Provider>(const World&)> local_provider(LocalConfig config);

// `world` outlives it. Throws ConfigError (check_pools).
std::unique_ptr<LocalCloud> local_cloud(LocalConfig config, const World& world);

}  // namespace ph::controllers::cloud

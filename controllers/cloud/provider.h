// What loops ask of the cloud that a cluster's machines stand in: load balancers, routes, machines. Upstream: k8s.io/cloud-provider.
//
// A provider answers by tasks, which may take long and may be dropped. What it refuses is a value, with the reason as text; what is thrown
// goes to the runtime. Everything may be asked twice: what is there already stays as it is. Belongs to the executor of the loops.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "core/v1.pb.h"
#include "informers/informer.h"
#include "informers/node_view.h"

namespace ph::controllers::cloud {

using informers::NodeView;
using informers::Ref;
using Nodes = std::vector<Ref<NodeView>>;

// What came of a request, or why nothing did.
template <class T>
using Answer = std::expected<T, std::string>;

// Of services of type LoadBalancer. `cluster` is the cluster's name (--cluster-name), for clouds with several.
class LoadBalancers {
 public:
  virtual ~LoadBalancers() = default;
  // Whether the service has one.
  virtual Task<Answer<bool>> has(std::string cluster, Ref<core::v1::Service> service) = 0;
  // Makes it, or brings it up to date, with these nodes behind it; where it is reached.
  virtual Task<Answer<core::v1::LoadBalancerStatus>> ensure(std::string cluster, Ref<core::v1::Service> service, Nodes nodes) = 0;
  // Other nodes stand behind it.
  virtual Task<Answer<void>> update(std::string cluster, Ref<core::v1::Service> service, Nodes nodes) = 0;
  // It is there no more, or was not.
  virtual Task<Answer<void>> remove(std::string cluster, Ref<core::v1::Service> service) = 0;
};

// Packets to `destination`, a range of pods' addresses, go to `node`.
struct Route {
  std::string name;         // the cloud's
  std::string node;         // empty: the cloud knows no node of the cluster for it
  std::string destination;  // as written in the node's podCIDRs
  bool leads_nowhere = false;

  bool operator==(const Route&) const = default;
};
class Routes {
 public:
  virtual ~Routes() = default;
  virtual Task<Answer<std::vector<Route>>> list(std::string cluster) = 0;
  // `hint` is to make the name one of its own: the node's UID.
  virtual Task<Answer<void>> create(std::string cluster, std::string hint, Route route) = 0;
  virtual Task<Answer<void>> remove(std::string cluster, Route route) = 0;
};

// A machine, as its cloud knows it. What is empty the cloud does not say.
struct Instance {
  std::string provider_id;                                     // <provider>://<id>
  std::string type;                                            // node.kubernetes.io/instance-type
  std::string zone, region;                                    // topology.kubernetes.io/…
  std::vector<std::pair<std::string, std::string>> addresses;  // type ("InternalIP", …) and address
  std::map<std::string, std::string> labels;                   // more of the node's
};
class Instances {
 public:
  virtual ~Instances() = default;
  virtual Task<Answer<bool>> exists(Ref<NodeView> node) = 0;
  virtual Task<Answer<bool>> is_shut_down(Ref<NodeView> node) = 0;
  virtual Task<Answer<Instance>> describe(Ref<NodeView> node) = 0;
};

class Provider {
 public:
  virtual ~Provider() = default;
  // As --cloud-provider has it.
  virtual std::string_view name() const = 0;
  // Null: the cloud has none. They live as long as the provider. A loop asks for what it uses when it is constructed: a provider may
  // follow objects, and asks for their informers then.
  virtual LoadBalancers* load_balancers() { return nullptr; }
  virtual Routes* routes() { return nullptr; }
  virtual Instances* instances() { return nullptr; }
};

}  // namespace ph::controllers::cloud

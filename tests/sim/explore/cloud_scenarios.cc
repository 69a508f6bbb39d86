// What a cloud is asked for.
#include "controllers/cloud/forwarding.h"
#include "controllers/cloud/local.h"
#include "tests/sim/builders.h"
#include "tests/sim/explore/stage.h"

namespace ph::sim::explore {
namespace {

using core::v1::Node, core::v1::Service;

// The machines a and b of the file, a pool of three addresses, and routes.
controllers::Options with_cloud() {
  controllers::Options out;
  controllers::cloud::LocalConfig config = controllers::cloud::read_local_config(
      "{loadBalancer: {pools: [{addresses: [192.0.2.0-192.0.2.2]}]}, region: here,"
      " instances: [{name: a, zone: b, addresses: [{type: InternalIP, address: 192.168.0.1}]}, {name: b, shutdown: true}]}");
  out.cloud.provider = controllers::cloud::local_provider(std::move(config));
  out.node_ipam.allocate_node_cidrs = true;
  out.node_ipam.cluster_cidr = "10.244.0.0/16";
  return out;
}

// As if all places were free.
class Listening final : public controllers::cloud::Forwarding {
 public:
  std::optional<std::string> set(const controllers::cloud::Place&, const controllers::cloud::Forward&) override { return {}; }
  void clear(const controllers::cloud::Place&) override {}
};

controllers::Options with_forwarding() {
  controllers::Options out = with_cloud();
  out.cloud.forwarding = std::make_shared<Listening>();
  out.cloud.forward_address = controllers::cloud::kOwnAddresses;
  return out;
}

Node make_node(const std::string& name) {
  Node out;
  out.mutable_metadata()->set_name(name);
  auto& taint = *out.mutable_spec()->add_taints();
  taint.set_key("node.cloudprovider.kubernetes.io/uninitialized");
  taint.set_effect("NoSchedule");
  return out;
}

void load_balancers(Stage& stage) {
  int port = 30001;  // one that is drawn would differ
  for (const char* key : {"default/web", "default/other", "default/plain"}) {
    Service service = make_service(key);
    service.mutable_spec()->set_type("LoadBalancer");
    service.mutable_spec()->mutable_ports(0)->set_node_port(port++);
    stage.cluster.create(service);
    stage.settle();
  }
  stage.cluster.edit<Service>("default/web", [](Service& each) { each.mutable_spec()->set_load_balancer_ip("192.0.2.0"); });
  stage.cluster.edit<Service>("default/plain", [](Service& each) {
    each.mutable_spec()->set_type("ClusterIP");
    each.mutable_spec()->mutable_ports(0)->clear_node_port();
  });
  stage.settle();
  stage.cluster.remove<Service>("default/other");
  stage.settle();
}

void routes(Stage& stage) {
  for (const char* name : {"a", "b"}) {
    Node node = make_node(name);
    node.mutable_spec()->set_pod_cidr(std::string("10.244.") + (name[0] == 'a' ? "0" : "1") + ".0/24");
    node.mutable_spec()->add_pod_cidrs(node.spec().pod_cidr());
    stage.cluster.create(node);
  }
  stage.settle();
  stage.cluster.remove<Node>("b");
  stage.settle();
}

void machines(Stage& stage) {
  for (const char* name : {"a", "b"}) stage.cluster.create(make_node(name));
  stage.settle();
}

void machines_that_are_gone(Stage& stage) {
  for (const char* name : {"a", "b", "gone"}) stage.cluster.create(make_node(name));
  stage.settle();
}

constexpr Scenario kScenarios[] = {
    {"service", "", [] { return loops("service").options(with_cloud()); }, load_balancers},
    {"load-balancer-forwarder", "", [] { return loops("service,load-balancer-forwarder").options(with_forwarding()); },
     load_balancers},
    {"route", "", [] { return loops("route").options(with_cloud()); }, routes},
    {"cloud-node", "", [] { return loops("cloud-node").options(with_cloud()); }, machines},
    {"cloud-node-lifecycle", "", [] { return loops("cloud-node-lifecycle").options(with_cloud()); }, machines_that_are_gone},
};

}  // namespace

std::span<const Scenario> cloud_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore

// What tells of pods to those who reach them.
#include "tests/sim/builders.h"
#include "tests/sim/explore/stage.h"

namespace ph::sim::explore {
namespace {

using apps::v1::ReplicaSet;
using core::v1::Endpoints, core::v1::Pod, core::v1::Service;

// Two services over one set of pods, which grows and shrinks.
void endpoints_of_pods(Stage& stage) {
  stage.cluster.create(make_service("default/web"));
  Service other = make_service("default/other");
  (*other.mutable_spec()->mutable_selector())["app"] = "web";
  stage.cluster.create(other);
  stage.cluster.create(make_replica_set("default/web").replicas(2).object());
  stage.settle();
  stage.cluster.scale<ReplicaSet>("default/web", 4);
  stage.cluster.edit<Service>("default/web", [](Service& service) {
    service.mutable_spec()->mutable_ports(0)->mutable_target_port()->set_int_val(8080);
  });
  stage.settle();
  stage.cluster.scale<ReplicaSet>("default/web", 1);
  stage.cluster.remove<Service>("default/other");
  stage.settle();
  stage.cluster.edit<Service>("default/web",
                              [](Service& service) { (*service.mutable_spec()->mutable_selector())["app"] = "nothing"; });
  stage.settle();
}

void fill(Endpoints& endpoints, int addresses, int port) {
  endpoints.clear_subsets();
  auto& subset = *endpoints.add_subsets();
  for (int i = 1; i <= addresses; ++i) subset.add_addresses()->set_ip("192.0.2." + std::to_string(i));
  subset.add_ports()->set_port(port);
  subset.mutable_ports(0)->set_protocol("TCP");
}

void mirroring(Stage& stage) {
  for (const char* name : {"default/web", "default/other"}) {
    Service service = make_service(name);
    service.mutable_spec()->clear_selector();
    stage.cluster.create(service);
    Endpoints endpoints;
    *endpoints.mutable_metadata() = make_config_map(name).metadata();
    fill(endpoints, 2, 80);
    stage.cluster.create(endpoints);
  }
  stage.settle();
  stage.cluster.edit<Endpoints>("default/web", [](Endpoints& each) { fill(each, 3, 81); });
  stage.cluster.remove<Endpoints>("default/other");
  stage.settle();
  stage.cluster.edit<Service>("default/web",
                              [](Service& service) { (*service.mutable_spec()->mutable_selector())["app"] = "web"; });
  stage.settle();
}

constexpr Scenario kScenarios[] = {
    {"endpoint", "", [] { return loops("endpoint,replicaset").nodes(1).scheduler(); }, endpoints_of_pods},
    {"endpointslice", "", [] { return loops("endpointslice,replicaset,garbagecollector").nodes(1).scheduler(); },
     endpoints_of_pods},
    {"endpointslicemirroring", "", [] { return loops("endpointslicemirroring"); }, mirroring},
};

}  // namespace

std::span<const Scenario> service_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore

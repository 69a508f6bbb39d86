// service: services come, go, change their minds about load balancers, and share addresses; there are fewer of these than are wanted.
#include <fmt/format.h>

#include <set>

#include "controllers/cloud/address_book.h"
#include "controllers/cloud/local.h"
#include "controllers/service_lb/plan.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node, core::v1::Service;

constexpr int kAddresses = 4, kServices = 7;
constexpr const char* kForeign = "example.com/other";

bool wants(const Service& service) {
  return service.spec().type() == "LoadBalancer" && !service.spec().has_load_balancer_class();
}
std::string address(const Service& service) {
  return service.status().load_balancer().ingress_size() == 0 ? "" : service.status().load_balancer().ingress(0).ip();
}
std::string sharing_key(const Service& service) {
  const auto found = service.metadata().annotations().find(controllers::cloud::kSharingKey);
  return found == service.metadata().annotations().end() ? "" : found->second;
}
bool has_finalizer(const Service& service) {
  for (const std::string& each : service.metadata().finalizers()) {
    if (each == controllers::service_lb::kFinalizer) return true;
  }
  return false;
}

class ServiceLb final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    controllers::cloud::LocalConfig config;
    config.pools.push_back({.addresses = {controllers::cloud::read_addresses("192.0.2.0-192.0.2.3")}});
    options.cloud.provider = controllers::cloud::local_provider(std::move(config));
    return loops("service").options(options);
  }

  void begin() override {
    services_.follow(cluster(), [this](const auto& key, const Service* before, const Service* after, const auto& write) {
      if (!write.author.ends_with(":service-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (!after) return judge().reached("services let go");
      if (after->spec().has_load_balancer_class()) return judge().never(key + " is of another class, and was written");
      if (address(*before) != address(*after)) judge_address(key, *after);
    });
    nodes_.follow(cluster());
    for (int i = draw().between(1, 5); i > 0; --i) make_service();
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1:
      case 2: return make_service();
      case 3:
      case 4: remove_one(services_); return;
      case 5: return change_type();
      case 6: return ask_for_another();
      case 7: return make_node();
      case 8: remove_one(nodes_); return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::set<std::string> used;
    for (const auto& [key, service] : services_.all()) used.insert(address(service));
    used.erase("");
    for (const auto& [key, service] : services_.all()) {
      if (service.metadata().has_deletion_timestamp()) out.push_back(key + " is still there");
      const std::string has = address(service), asked = service.spec().load_balancer_ip();
      if (!wants(service)) {
        if (!has.empty() || has_finalizer(service)) out.push_back(key + " has a load balancer, and wants none");
        continue;
      }
      if (!has_finalizer(service)) out.push_back(key + " has no finalizer");
      if (!has.empty() && !asked.empty() && has != asked && !used.contains(asked))
        out.push_back(key + " has not what it asks for");
      if (has.empty() && asked.empty() && used.size() < kAddresses) out.push_back(key + " has no address, and one is free");
      for (const auto& [other_key, other] : services_.all()) {
        if (!has.empty() && key < other_key && has == address(other) && alone() && !may_share(service, other))
          out.push_back(fmt::format("{} and {} have {}", key, other_key, has));
      }
    }
    return out;
  }

  // After a start every load balancer is ensured again, and that is told.
  bool may_write_at_rest(const std::string& line) const override { return line.find(" /registry/events/") != std::string::npos; }

 private:
  static bool may_share(const Service& a, const Service& b) {
    return !sharing_key(a).empty() && sharing_key(a) == sharing_key(b) && a.spec().ports(0).port() != b.spec().ports(0).port();
  }

  // A service that has just been changed, so that it shares no more, is not known to have been yet: judged in the end.
  void judge_address(const std::string& key, const Service& service) {
    const std::string has = address(service);
    if (has.empty()) return judge().reached("addresses taken back");
    judge().reached("addresses given");
    for (const auto& [other_key, other] : services_.all()) {
      if (other_key == key || address(other) != has) continue;
      if (!sharing_key(service).empty() && sharing_key(service) == sharing_key(other)) {
        judge().reached("addresses shared");
      } else if (alone()) {
        judge().never(fmt::format("{} was given {}, which {} has", key, has, other_key));
      }
    }
  }

  void make_service() {
    Service service = sim::make_service(fmt::format("default/web-{}", draw().between(1, kServices)));
    service.mutable_spec()->set_type(draw().chance(0.8) ? "LoadBalancer" : "ClusterIP");
    service.mutable_spec()->mutable_ports(0)->set_port(draw().between(80, 82));
    if (draw().chance(0.4)) {
      (*service.mutable_metadata()->mutable_annotations())[controllers::cloud::kSharingKey] = draw().chance(0.5) ? "a" : "b";
    }
    if (service.spec().type() == "LoadBalancer" && draw().chance(0.1)) service.mutable_spec()->set_load_balancer_class(kForeign);
    attempt([&] { cluster().create(service); });
  }
  void change_type() {
    edit_one<Service>(services_, [](Service& service) {
      if (service.spec().has_load_balancer_class()) return;
      const bool was_balanced = service.spec().type() == "LoadBalancer";
      service.mutable_spec()->set_type(was_balanced ? "ClusterIP" : "LoadBalancer");
      if (was_balanced) service.mutable_spec()->mutable_ports(0)->clear_node_port();
    });
  }
  void ask_for_another() {
    const std::string wanted = draw().chance(0.3) ? "" : fmt::format("192.0.2.{}", draw().between(0, kAddresses - 1));
    edit_one<Service>(services_, [&](Service& service) { service.mutable_spec()->set_load_balancer_ip(wanted); });
  }
  void make_node() {
    Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", draw().between(1, 4)));
    attempt([&] { cluster().create(node); });
  }

  Shadow<Service> services_;
  Shadow<Node> nodes_;
};

}  // namespace

std::unique_ptr<Swarm> service_lb() { return std::make_unique<ServiceLb>(); }

}  // namespace ph::sim::swarm

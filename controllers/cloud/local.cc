#include "controllers/cloud/local.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controllers/cloud/address_book.h"
#include "controllers/cloud/source_ranges.h"

namespace ph::controllers::cloud {
namespace {

using core::v1::LoadBalancerStatus, core::v1::Service;

constexpr const char* kByAddress = "load balancer address";

std::vector<std::string> addresses_of(const Service& service) {
  std::vector<std::string> out;
  for (const auto& ingress : service.status().load_balancer().ingress()) {
    if (!ingress.ip().empty()) out.push_back(ingress.ip());
  }
  return out;
}

std::vector<std::string> names_of(const Nodes& nodes) {
  std::vector<std::string> out;
  for (const Ref<NodeView>& node : nodes) out.push_back(node->name);
  return out;
}

LoadBalancerStatus status_of(const std::vector<std::string>& addresses) {
  LoadBalancerStatus out;
  for (const std::string& address : addresses) {
    auto& ingress = *out.add_ingress();
    ingress.set_ip(address);
    ingress.set_ip_mode("VIP");
  }
  return out;
}

class LocalBalancers final : public LoadBalancers {
 public:
  LocalBalancers(std::vector<Pool> pools, const World& world)
      : log_(world.log), book_(std::move(pools)), services_(world.informer<Service>()) {
    services_.add_index(kByAddress, addresses_of);
  }

  Task<Answer<bool>> has(std::string, Ref<Service> service) override {
    co_return !addresses_of(*service).empty() || promises_.contains(service->metadata().uid());
  }

  Task<Answer<LoadBalancerStatus>> ensure(std::string, Ref<Service> service, Nodes nodes) override {
    auto ranges = source_ranges_of(*service);
    if (!ranges) co_return std::unexpected(std::move(ranges.error()));
    forget_what_is_seen();
    auto addresses = book_.choose(*service, present(*service), [this](const std::string& address) { return holders(address); });
    if (!addresses) co_return std::unexpected(std::move(addresses.error()));
    promises_[service->metadata().uid()] = {service, *addresses};
    Balancer balancer{.addresses = *addresses,
                      .ports = {},
                      .source_ranges = std::move(*ranges),
                      .health_check_node_port = service->spec().health_check_node_port(),
                      .nodes = names_of(nodes)};
    for (const auto& port : service->spec().ports()) balancer.ports.push_back({port.protocol(), port.port(), port.node_port()});
    note(key_of(*service), std::move(balancer));
    co_return status_of(*addresses);
  }

  Task<Answer<void>> update(std::string, Ref<Service> service, Nodes nodes) override {
    const auto found = balancers_.find(key_of(*service));
    if (found == balancers_.end()) co_return std::unexpected("there is no such load balancer");
    found->second.nodes = names_of(nodes);
    co_return Answer<void>();
  }

  // The service may show its addresses for a while: as long as it does they are nobody else's.
  Task<Answer<void>> remove(std::string, Ref<Service> service) override {
    promises_.erase(service->metadata().uid());
    balancers_.erase(key_of(*service));
    co_return Answer<void>();
  }

  const std::map<ObjectKey, Balancer>& all() const { return balancers_; }

 private:
  struct Promise {
    Ref<Service> to;
    std::vector<std::string> addresses;
  };

  std::vector<std::string> present(const Service& service) const {
    const auto promised = promises_.find(service.metadata().uid());
    return promised == promises_.end() ? addresses_of(service) : promised->second.addresses;
  }

  std::vector<Ref<Service>> holders(const std::string& address) const {
    std::vector<Ref<Service>> out = services_.by_index(kByAddress, address);
    for (const auto& [uid, promise] : promises_) {
      if (std::ranges::find(promise.addresses, address) != promise.addresses.end()) out.push_back(promise.to);
    }
    return out;
  }

  // A promise that its service shows is as good as kept; what it is to show otherwise it is promised again.
  void forget_what_is_seen() {
    std::erase_if(promises_, [&](const auto& entry) {
      const Ref<Service> service = services_.find(key_of(*entry.second.to));
      const bool is_same = service && service->metadata().uid() == entry.first;
      return is_same && addresses_of(*service) == entry.second.addresses;
    });
  }

  void note(const ObjectKey& key, Balancer balancer) {
    Balancer& known = balancers_[key];
    if (known == balancer) return;
    known = std::move(balancer);
    log_.info("load balancer", "service", key, "addresses", fmt::format("{}", fmt::join(known.addresses, ",")), "from",
              known.source_ranges.empty() ? std::string("everywhere") : fmt::format("{}", fmt::join(known.source_ranges, ",")),
              "health checks", known.health_check_node_port, "nodes", known.nodes.size());
  }

  const Log log_;
  const AddressBook book_;
  Informer<Service>& services_;
  std::map<std::string, Promise> promises_;  // by UID: what was given, and is not seen yet
  std::map<ObjectKey, Balancer> balancers_;
};

class LocalRoutes final : public Routes {
 public:
  Task<Answer<std::vector<Route>>> list(std::string) override {
    std::vector<Route> out;
    for (const auto& [name, route] : routes_) out.push_back(route);
    co_return out;
  }
  Task<Answer<void>> create(std::string cluster, std::string hint, Route route) override {
    route.name = fmt::format("{}-{}-{}", cluster, hint, route.destination);
    routes_[route.name] = route;
    co_return Answer<void>();
  }
  Task<Answer<void>> remove(std::string, Route route) override {
    routes_.erase(route.name);
    co_return Answer<void>();
  }

 private:
  std::map<std::string, Route> routes_;
};

class LocalInstances final : public Instances {
 public:
  explicit LocalInstances(const LocalConfig& config) : zone_(config.zone), region_(config.region), machines_(config.instances) {}

  Task<Answer<bool>> exists(Ref<NodeView> node) override { co_return !machines_ || machines_->contains(name_of(*node)); }

  Task<Answer<bool>> is_shut_down(Ref<NodeView> node) override {
    const Machine* machine = find(*node);
    co_return machine && machine->is_shut_down;
  }

  Task<Answer<Instance>> describe(Ref<NodeView> node) override {
    const Machine* machine = find(*node);
    if (!machine && machines_) co_return std::unexpected("instance not found");
    Instance out{.provider_id = fmt::format("{}://{}", kLocal, name_of(*node)), .zone = zone_, .region = region_};
    if (!machine) co_return out;
    out.type = machine->type;
    out.addresses = machine->addresses;
    if (!machine->zone.empty()) out.zone = machine->zone;
    if (!machine->region.empty()) out.region = machine->region;
    co_return out;
  }

 private:
  // What the provider ID says, if it is one of ours, or else the node's name.
  static std::string name_of(const NodeView& node) {
    const std::string prefix = fmt::format("{}://", kLocal);
    return node.provider_id.starts_with(prefix) ? node.provider_id.substr(prefix.size()) : node.name;
  }
  const Machine* find(const NodeView& node) const {
    if (!machines_) return nullptr;
    const auto found = machines_->find(name_of(node));
    return found == machines_->end() ? nullptr : &found->second;
  }

  const std::string zone_, region_;
  const std::optional<std::map<std::string, Machine>> machines_;
};

class Local final : public LocalCloud {
 public:
  Local(LocalConfig config, const World& world) : config_(std::move(config)), world_(world), instances_(config_) {
    check_pools(config_.pools);
  }

  LoadBalancers* load_balancers() override {
    if (!balancers_) balancers_ = std::make_unique<LocalBalancers>(config_.pools, world_);
    return balancers_.get();
  }
  Routes* routes() override { return &routes_; }
  Instances* instances() override { return &instances_; }

  const std::map<ObjectKey, Balancer>& balancers() const override {
    static const std::map<ObjectKey, Balancer> none;
    return balancers_ ? balancers_->all() : none;
  }

 private:
  const LocalConfig config_;
  const World& world_;
  std::unique_ptr<LocalBalancers> balancers_;  // once somebody has asked: it follows services
  LocalRoutes routes_;
  LocalInstances instances_;
};

}  // namespace

std::unique_ptr<LocalCloud> local_cloud(LocalConfig config, const World& world) {
  return std::make_unique<Local>(std::move(config), world);
}

std::function<std::shared_ptr<Provider>(const World&)> local_provider(LocalConfig config) {
  return [config = std::move(config)](const World& world) -> std::shared_ptr<Provider> { return local_cloud(config, world); };
}

}  // namespace ph::controllers::cloud

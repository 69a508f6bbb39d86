// route: nodes with ranges and without come and go, among routes of others, while the cloud is away now and then.
#include <fmt/format.h>

#include "tests/controllers/scripted_cloud.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;

constexpr int kNodes = 5;

class NodeRoutes final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    options.cloud.provider = controllers::provider_of(cloud_);
    options.node_ipam.allocate_node_cidrs = true;
    options.node_ipam.cluster_cidr = "10.0.0.0/16,fd00::/48";
    return loops("route").options(options);
  }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const Node* before, const Node* after, const auto& write) {
      if (!write.author.ends_with(":route-controller")) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      judge().reached("conditions written");
    });
    cloud_->held_routes["foreign"] = {"foreign", "elsewhere", "192.168.0.0/24"};
    for (int i = draw().between(1, 4); i > 0; --i) make_node();
  }

  void act() override {
    switch (draw().between(0, 6)) {
      case 0:
      case 1: return make_node();
      case 2: remove_one(nodes_); return;
      case 3: return spoil_routes();
      case 4: cloud_->problem = draw().chance(0.4) ? "away" : ""; return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  void settle() override { cloud_->problem.clear(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::size_t wanted = 1;  // the foreign one
    for (const auto& [key, node] : nodes_.all()) {
      const auto& cidrs = node.spec().pod_cidrs();
      wanted += static_cast<std::size_t>(cidrs.size());
      for (const std::string& cidr : cidrs) {
        if (!leads_to(key, cidr)) out.push_back(fmt::format("no route leads to {} of {}", cidr, key));
      }
      const std::string says = unavailable(node), is = cidrs.empty() ? "True" : "False";
      if (says != is) out.push_back(fmt::format("the network of {} is unavailable: \"{}\", and not \"{}\"", key, says, is));
    }
    if (!cloud_->held_routes.contains("foreign")) out.push_back("a route of somebody else is gone");
    if (cloud_->held_routes.size() > wanted) out.push_back("there are routes that nobody needs");
    return out;
  }

 private:
  bool leads_to(const std::string& node, const std::string& cidr) const {
    for (const auto& [name, route] : cloud_->held_routes) {
      if (route.node == node && route.destination == cidr && !route.leads_nowhere) return true;
    }
    return false;
  }
  static std::string unavailable(const Node& node) {
    for (const auto& condition : node.status().conditions()) {
      if (condition.type() == "NetworkUnavailable") return condition.status();
    }
    return {};
  }

  void make_node() {
    Node node;
    const int number = draw().between(1, kNodes);
    node.mutable_metadata()->set_name(fmt::format("node-{}", number));
    if (draw().chance(0.8)) {
      node.mutable_spec()->set_pod_cidr(fmt::format("10.0.{}.0/24", number));
      node.mutable_spec()->add_pod_cidrs(node.spec().pod_cidr());
      if (draw().chance(0.4)) node.mutable_spec()->add_pod_cidrs(fmt::format("fd00:0:0:{}::/64", number));
    }
    attempt([&] { cluster().create(node); });
  }
  void spoil_routes() {
    for (auto& [name, route] : cloud_->held_routes) {
      if (name == "foreign" || !draw().chance(0.5)) continue;
      route.leads_nowhere = true;
    }
    if (draw().chance(0.5)) cloud_->held_routes["old"] = {"old", "gone", "10.0.99.0/24"};
  }

  std::shared_ptr<controllers::ScriptedCloud> cloud_ = std::make_shared<controllers::ScriptedCloud>();
  Shadow<Node> nodes_;
};

}  // namespace

std::unique_ptr<Swarm> node_route() { return std::make_unique<NodeRoutes>(); }

}  // namespace ph::sim::swarm

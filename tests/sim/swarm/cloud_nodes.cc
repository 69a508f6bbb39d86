// cloud-node, and cloud-node-lifecycle with it: nodes join and leave, are ready or not, and their machines come, go and are shut down.
#include <fmt/format.h>

#include "controllers/cloud_node/plan.h"
#include "tests/controllers/scripted_cloud.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;

constexpr const char* kShutDown = "node.cloudprovider.kubernetes.io/shutdown";
constexpr int kNodes = 5;

bool has_taint(const Node& node, std::string_view key) {
  for (const auto& taint : node.spec().taints()) {
    if (taint.key() == key) return true;
  }
  return false;
}
bool is_ready(const Node& node) {
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

class CloudNodes final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    options.cloud.provider = controllers::provider_of(cloud_);
    return loops("cloud-node,cloud-node-lifecycle").options(options);
  }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const Node* before, const Node* after, const auto& write) {
      if (before && after && is_ready(*before) != is_ready(*after)) turned_[key] = steady();
      if (!write.author.ends_with(":node-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (!after) return judge_deletion(key, *before);
      if (has_taint(*before, controllers::cloud_node::kUninitialized) &&
          !has_taint(*after, controllers::cloud_node::kUninitialized))
        judge_start(key, *after);
    });
    for (int i = draw().between(1, kNodes); i > 0; --i) make_node();
  }

  void act() override {
    switch (draw().between(0, 8)) {
      case 0:
      case 1: return make_node();
      case 2: remove_one(nodes_); return;
      case 3:
      case 4: return turn();
      case 5: return change_machine();
      case 6: cloud_->problem = draw().chance(0.5) ? "away" : ""; return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  void settle() override { cloud_->problem.clear(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, node] : nodes_.all()) {
      const bool has_machine = cloud_->machines.contains(key);
      if (!has_machine && !is_ready(node)) out.push_back(key + " is still there, and its machine is not");
      if (has_machine && has_taint(node, controllers::cloud_node::kUninitialized))
        out.push_back(key + " has not been told of its machine");
      if (is_ready(node) && has_taint(node, kShutDown)) out.push_back(key + " is ready, and said to be shut down");
      if (has_machine && !is_ready(node) && cloud_->shut_down.contains(key) && !has_taint(node, kShutDown))
        out.push_back(key + " is not said to be shut down");
    }
    return out;
  }

 private:
  void judge_deletion(const std::string& key, const Node& node) {
    judge().reached("nodes deleted");
    if (cloud_->machines.contains(key) && steady() - made_[key] > request_most())
      judge().never(key + " was deleted, and its machine is there");
    if (is_ready(node) && steady() - turned_[key] > cache_age_most() + request_most())
      judge().never(key + " was deleted, and is ready");
  }
  void judge_start(const std::string& key, const Node& node) {
    judge().reached("nodes initialized");
    if (node.spec().provider_id().empty()) judge().never(key + " may be used, and nobody knows its machine");
  }

  void make_node() {
    Node node;
    const std::string name = fmt::format("node-{}", draw().between(1, kNodes));
    node.mutable_metadata()->set_name(name);
    if (draw().chance(0.7)) {
      auto& taint = *node.mutable_spec()->add_taints();
      taint.set_key(controllers::cloud_node::kUninitialized);
      taint.set_effect("NoSchedule");
    }
    if (draw().chance(0.8) && cloud_->machines.try_emplace(name, machine(name)).second) made_[name] = steady();
    if (attempt([&] { cluster().create(node); })) turned_[name] = steady();
  }
  static controllers::cloud::Instance machine(const std::string& name) {
    return {.provider_id = "scripted://" + name, .zone = "a", .addresses = {{"InternalIP", "192.168.0.1"}}};
  }
  void turn() {
    const auto keys = nodes_.keys();
    if (keys.empty()) return;
    const std::string ready = draw().chance(0.5) ? "True" : "Unknown";
    attempt([&] {
      Node node = cluster().get<Node>(draw().of(keys));
      node.mutable_status()->clear_conditions();
      auto& condition = *node.mutable_status()->add_conditions();
      condition.set_type("Ready");
      condition.set_status(ready);
      cluster().update_status(node);
    });
  }
  void change_machine() {
    const std::string name = fmt::format("node-{}", draw().between(1, kNodes));
    if (draw().chance(0.3)) {
      cloud_->machines.erase(name);
    } else if (cloud_->machines.try_emplace(name, machine(name)).second) {
      made_[name] = steady();
    }
    if (draw().chance(0.3)) cloud_->shut_down.insert(name);
    else cloud_->shut_down.erase(name);
  }

  std::shared_ptr<controllers::ScriptedCloud> cloud_ = std::make_shared<controllers::ScriptedCloud>();
  Shadow<Node> nodes_;
  std::map<std::string, Steady> made_, turned_;
};

}  // namespace

std::unique_ptr<Swarm> cloud_nodes() { return std::make_unique<CloudNodes>(); }

}  // namespace ph::sim::swarm

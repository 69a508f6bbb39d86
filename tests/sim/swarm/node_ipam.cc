// nodeipam: more nodes than there are ranges, now and then; some that linger, and some that bring a range of their own.
#include <fmt/format.h>

#include "api/addresses.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;

constexpr const char* kFinalizer = "example.com/waits";
constexpr std::size_t kRanges = 7;  // eight parts, of which services have one

class NodeIpam final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    options.node_ipam.allocate_node_cidrs = true;
    options.node_ipam.cluster_cidr = "10.0.0.0/27,fd00::/48";
    options.node_ipam.mask_size_ipv4 = 30;
    options.node_ipam.service_cluster_ip_range = "10.0.0.8/30";
    return loops("nodeipam").options(options);
  }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":node-controller")) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      judge_range(key, *after);
    });
    for (int i = draw().between(0, 5); i > 0; --i) make_node();
  }

  void act() override {
    switch (draw().between(0, 5)) {
      case 0:
      case 1: return make_node();
      case 2: remove_one(nodes_); return;
      case 3: return touch();
      case 4: return let_go();
      default: cluster().advance(draw().up_to(20s));
    }
  }

  // Those who wait are told of again and again.
  void settle() override {
    for (const std::string& key : nodes_.keys()) {
      const Node* node = nodes_.find(key);
      if (node->metadata().finalizers_size() > 0) release(key);
    }
    for (const std::string& key : nodes_.keys()) {
      const bool waits = nodes_.find(key)->spec().pod_cidrs().empty();
      if (wanting() > kRanges && waits) attempt([&] { cluster().remove<Node>(key); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::map<std::string, std::string> owners;
    for (const auto& [key, node] : nodes_.all()) {
      if (node.spec().pod_cidrs().empty()) out.push_back(key + " has no range");
      for (const std::string& range : node.spec().pod_cidrs()) {
        const auto [entry, is_new] = owners.try_emplace(range, key);
        if (!is_new && range != kOwn && alone()) out.push_back(fmt::format("{} and {} have {}", key, entry->second, range));
      }
    }
    return out;
  }

 private:
  void judge_range(const std::string& key, const Node& node) {
    const auto& given = node.spec().pod_cidrs();
    if (given.size() != 2) return judge().never(fmt::format("{} was given {} ranges", key, given.size()));
    const auto v4 = api::read_address_range(given[0]), v6 = api::read_address_range(given[1]);
    if (!v4 || v4->bits != 30 || !api::read_address_range("10.0.0.0/27")->contains(v4->address))
      judge().never(key + " was given " + given[0]);
    if (!v6 || v6->bits != 64 || !api::read_address_range("fd00::/48")->contains(v6->address))
      judge().never(key + " was given " + given[1]);
    if (given[0] == "10.0.0.8/30") judge().never(key + " was given addresses of services");
    if (wanting() > kRanges) judge().reached("given while others wait");
    if (!alone()) return;
    for (const auto& [other_key, other] : nodes_.all()) {
      if (other_key == key) continue;
      for (const std::string& range : other.spec().pod_cidrs()) {
        if (range == given[0] || range == given[1])
          judge().never(fmt::format("{} was given {}, which {} has", key, range, other_key));
      }
    }
  }

  // Nodes that have a range of the cluster, or are to get one.
  std::size_t wanting() const {
    std::size_t out = 0;
    for (const auto& [key, node] : nodes_.all()) out += node.spec().pod_cidr() != kOwn;
    return out;
  }

  void make_node() {
    Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", draw().between(0, 11)));
    if (draw().chance(0.2)) node.mutable_metadata()->add_finalizers(kFinalizer);
    if (draw().chance(0.1)) {
      node.mutable_spec()->set_pod_cidr(kOwn);
      node.mutable_spec()->add_pod_cidrs(kOwn);
    }
    if (attempt([&] { cluster().create(node); }) && wanting() > kRanges) judge().reached("more nodes than ranges");
  }
  void touch() {
    edit_one<Node>(nodes_, [](Node& node) { (*node.mutable_metadata()->mutable_annotations())["seen"] += "!"; });
  }
  void let_go() {
    const auto keys = nodes_.keys();
    if (!keys.empty()) release(draw().of(keys));
  }
  void release(const std::string& key) {
    attempt([&] { cluster().edit<Node>(key, [](Node& node) { node.mutable_metadata()->clear_finalizers(); }); });
  }

  static constexpr const char* kOwn = "192.0.2.0/24";
  Shadow<Node> nodes_;
};

}  // namespace

std::unique_ptr<Swarm> node_ipam() { return std::make_unique<NodeIpam>(); }

}  // namespace ph::sim::swarm

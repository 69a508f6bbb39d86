// ttl: nodes that come and go about the number at which kubelets are to ask less often; annotations that users change.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;

constexpr const char* kTtl = "node.alpha.kubernetes.io/ttl";

std::string ttl_of(const Node& node) {
  const auto found = node.metadata().annotations().find(kTtl);
  return found == node.metadata().annotations().end() ? std::string() : found->second;
}

class TtlOfNodes final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("ttl"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      most_ = std::max(most_, nodes_.all().size());
      if (!write.author.ends_with(":ttl-controller")) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      const std::string ttl = ttl_of(*after);
      judge().reached("nodes told " + ttl);
      if (ttl != "0" && ttl != "15") judge().never(key + " was told " + ttl);
      if (ttl == "15" && most_ <= 100) judge().never(key + " was told of a large cluster, and there never was one");
    });
    for (int i = draw().between(88, 103); i > 0; --i) make_node();
  }

  void act() override {
    switch (draw().between(0, 4)) {
      case 0:
        for (int i = draw().between(1, 8); i > 0; --i) make_node();
        return;
      case 1:
        for (int i = draw().between(1, 8); i > 0; --i) remove_one(nodes_);
        return;
      case 2: return touch("77");
      case 3: return touch({});
      default: cluster().advance(draw().up_to(20s));
    }
  }

  // Each is touched, now that their number stays.
  void settle() override {
    if (std::exchange(is_settled_, true)) return;
    cluster().advance(1min);
    for (const std::string& key : nodes_.keys()) {
      attempt([&] {
        cluster().edit<Node>(key, [](Node& node) { (*node.mutable_metadata()->mutable_annotations())["seen"] = "yes"; });
      });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    const std::size_t count = nodes_.all().size();
    for (const auto& [key, node] : nodes_.all()) {
      const std::string ttl = ttl_of(node);
      // Between the bounds it depends on what was before.
      const bool small = ttl == "0" && count <= 100, large = ttl == "15" && count >= 90;
      if (!small && !large) out.push_back(fmt::format("{} of {} nodes has \"{}\"", key, count, ttl));
    }
    return out;
  }

  // A fresh start between the bounds does not know what was before.
  bool may_write_at_rest(const std::string& line) const override {
    const std::size_t count = nodes_.all().size();
    return count >= 90 && count <= 100 && line.find("/registry/minions/") != std::string::npos;
  }

 private:
  void make_node() {
    Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", draw().between(0, 119)));
    attempt([&] { cluster().create(node); });
  }
  void touch(const std::string& ttl) {
    edit_one<Node>(nodes_, [&](Node& node) {
      if (ttl.empty()) node.mutable_metadata()->mutable_annotations()->erase(kTtl);
      else (*node.mutable_metadata()->mutable_annotations())[kTtl] = ttl;
    });
  }

  Shadow<Node> nodes_;
  std::size_t most_ = 0;
  bool is_settled_ = false;
};

}  // namespace

std::unique_ptr<Swarm> ttl() { return std::make_unique<TtlOfNodes>(); }

}  // namespace ph::sim::swarm

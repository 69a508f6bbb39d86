// nodelifecycle: hollow nodes of two zones that fall silent and ill and get well, singly and many at once, that are deleted, and whose
// process ends and comes back; pods on them.
#include <fmt/format.h>

#include "api/times.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using coordination::v1::Lease;
using core::v1::Node, core::v1::Pod;
using informers::Patch;

constexpr const char* kProblem = "hollow.pilothouse.dev/problem";
constexpr Duration kGrace = 40s;  // the least of silence after which a node may be called silent

std::string_view status_of(const auto& conditions, std::string_view type) {
  const auto found = std::ranges::find(conditions, type, [](const auto& each) { return each.type(); });
  return found == conditions.end() ? std::string_view() : std::string_view(found->status());
}
std::string_view ready(const Node& node) { return status_of(node.status().conditions(), "Ready"); }
bool has_taint(const Node& node, std::string_view key, std::string_view effect) {
  return std::ranges::any_of(node.spec().taints(),
                             [&](const auto& taint) { return taint.key() == key && taint.effect() == effect; });
}
std::string problem_of(const Node& node) {
  const auto found = node.metadata().annotations().find(kProblem);
  return found == node.metadata().annotations().end() ? std::string() : found->second;
}

constexpr const char* kZone = "topology.kubernetes.io/zone";
constexpr const char* kUnreachable = "node.kubernetes.io/unreachable";
constexpr const char* kNotReady = "node.kubernetes.io/not-ready";

class NodeLifecycle final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    node::HollowOptions options;
    options.count = draw.between(3, 7);
    return loops("nodelifecycle").nodes(options);
  }
  // A node whose clock stands still renews its lease to the same time, and is rightly called silent.
  Faults faults() const override {
    Faults out = two_managers(90s, 0.03);
    out.clock_jump_every = Duration::zero();
    return out;
  }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto& name, const auto* before, const auto* after, const auto& write) {
      if (after && ready(*after) == "True") well_[name] = steady();
      if (write.author.ends_with(":node-controller")) judge_node(name, before, after);
    });
    leases_.follow(cluster(), [this](const auto& key, const auto*, const auto* after, const auto&) {
      if (after) renewed_[key] = steady();
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":node-controller")) judge_pod(key, before, after);
    });
    cluster().advance(30s);
    for (const std::string& name : nodes_.keys()) {
      const char* zone = draw().chance(0.5) ? "a" : "b";
      attempt([&] {
        cluster().patch<Node>(name, Patch::merge(fmt::format(R"({{"metadata":{{"labels":{{"{}":"{}"}}}}}})", kZone, zone)));
      });
    }
    for (int i = 0; i < 4; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0: return make();
      case 1:
      case 2:
      case 3: return trouble();
      case 4:
      case 5: return heal();
      case 6:
        if (draw().chance(0.3)) all_silent();
        return;
      case 7:
        if (draw().chance(0.3)) remove_one(nodes_);
        return;
      case 8:
        if (draw().chance(0.3)) cluster().restart_nodes([this] { cluster().advance(draw().up_to(2min)); });
        return;
      default: cluster().advance(draw().up_to(draw().chance(0.5) ? 20s : 3min));
    }
  }

  // One at most stays as it is: a zone that is disrupted as a whole, or a cluster, would be spared.
  void settle() override {
    if (std::exchange(is_settled_, true)) return;
    bool first = true;
    for (const std::string& name : nodes_.keys()) {
      if (problem_of(*nodes_.find(name)).empty()) continue;
      if (std::exchange(first, false) && nodes_.all().size() > 2) continue;
      set_problem(name, {});
    }
  }

  // Who has come up says of every node that he has met it.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [name, node] : nodes_.all()) {
      const std::string problem = problem_of(node);
      const auto expect = [&](bool holds, std::string_view what) {
        if (!holds) out.push_back(fmt::format("node {} ({}) {}", name, problem.empty() ? "well" : problem, what));
      };
      const bool silent = problem == "silent", ill = problem == "not-ready";
      expect(ready(node) == (silent ? "Unknown" : ill ? "False" : "True"), "says otherwise of itself");
      for (const std::string_view effect : {"NoSchedule", "NoExecute"}) {
        expect(has_taint(node, kUnreachable, effect) == silent, fmt::format("and the taint unreachable:{}", effect));
        expect(has_taint(node, kNotReady, effect) == ill, fmt::format("and the taint not-ready:{}", effect));
      }
      if (!silent) {
        expect(has_taint(node, "node.kubernetes.io/memory-pressure", "NoSchedule") == (problem == "memory-pressure"),
               "and the taint memory-pressure");
      }
    }
    for (const auto& [key, pod] : pods_.all()) {
      const Node* node = nodes_.find(pod.spec().node_name());
      if (node && problem_of(*node) == "silent" && status_of(pod.status().conditions(), "Ready") == "True") {
        out.push_back(key + " is ready on a silent node");
      }
    }
    return out;
  }

 private:
  // -- Never
  void judge_node(const std::string& name, const Node* before, const Node* after) {
    if (!before || !after) return judge().never(name + " was made or deleted by the loop");
    if (ready(*after) == "Unknown" && ready(*before) != "Unknown") {
      judge().reached("nodes called silent");
      const auto renewed = renewed_.find("kube-node-lease/" + name);
      if (renewed != renewed_.end() && steady() - renewed->second + request_most() < kGrace)
        judge().never(name + " was called silent, and has just renewed its lease");
    }
    judge_taint(name, *before, *after, kUnreachable, "Unknown");
    judge_taint(name, *before, *after, kNotReady, "False");
  }
  void judge_taint(const std::string& name, const Node& before, const Node& after, std::string_view key,
                   std::string_view status) {
    if (!has_taint(after, key, "NoExecute") || has_taint(before, key, "NoExecute")) return;
    judge().reached(fmt::format("nodes tainted {}", key));
    if (ready(after) == status) return;
    const auto well = well_.find(name);
    const bool lately = ready(after) != "True" || (well != well_.end() && steady() - well->second <= request_most());
    if (!lately) judge().never(fmt::format("{} got NoExecute {}, and is {}", name, key, ready(after)));
  }
  void judge_pod(const std::string& key, const Pod* before, const Pod* after) {
    if (!before || !after || (after->metadata().has_deletion_timestamp() && !before->metadata().has_deletion_timestamp()))
      return judge().never(key + " was made or deleted by the loop");
    judge().reached("pods told that they are not ready");
    const Node* node = nodes_.find(after->spec().node_name());
    const auto well = well_.find(after->spec().node_name());
    if (node && ready(*node) == "True" && well != well_.end() && since_ill(*node) > cache_age_most() + request_most())
      judge().never(key + " was told that it is not ready, and its node has been well for long");
  }
  // How long the node has been ready.
  Duration since_ill(const Node& node) {
    for (const auto& each : node.status().conditions()) {
      if (each.type() == "Ready") return latest() - api::to_time(each.last_transition_time());
    }
    return {};
  }

  // -- What others do
  void make() {
    const auto nodes = nodes_.keys();
    if (nodes.empty()) return;
    attempt([&] { cluster().create(make_pod(fmt::format("default/p-{}", made_++), draw().of(nodes))); });
  }
  void set_problem(const std::string& name, const std::string& problem) {
    const std::string value = problem.empty() ? "null" : "\"" + problem + "\"";
    attempt([&] {
      cluster().patch<Node>(name, Patch::merge(fmt::format(R"({{"metadata":{{"annotations":{{"{}":{}}}}}}})", kProblem, value)));
    });
  }
  void trouble() {
    const auto nodes = nodes_.keys();
    if (nodes.empty()) return;
    const std::vector<std::string> problems{"silent", "silent", "not-ready", "memory-pressure"};
    set_problem(draw().of(nodes), draw().of(problems));
  }
  void heal() {
    const auto nodes = nodes_.keys();
    if (!nodes.empty()) set_problem(draw().of(nodes), {});
  }
  void all_silent() {
    for (const std::string& name : nodes_.keys()) set_problem(name, "silent");
    cluster().advance(draw().up_to(5min));
    judge().reached("everybody was silent");
    if (!draw().chance(0.5)) return;
    for (const std::string& name : nodes_.keys()) set_problem(name, {});
  }

  int made_ = 0;
  bool is_settled_ = false;
  Shadow<Node> nodes_;
  Shadow<Lease> leases_;
  Shadow<Pod> pods_;
  std::map<std::string, Steady> well_, renewed_;  // when a node was last seen ready; by the lease's key
};

}  // namespace

std::unique_ptr<Swarm> node_lifecycle() { return std::make_unique<NodeLifecycle>(); }

}  // namespace ph::sim::swarm

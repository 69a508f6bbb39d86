// taint-eviction-controller: nodes that are tainted and healed, and that come and go, while pods come, learn to bear more, and end; pods
// that bear nothing, everything, or a taint for a while.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node, core::v1::Pod, core::v1::Taint, core::v1::Toleration;

constexpr int kNodes = 3;

bool is_leaving(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }

// All tolerations here are of any value; those without an effect are of every one.
bool fits(const Toleration& toleration, const Taint& taint) {
  return (toleration.key().empty() || toleration.key() == taint.key()) &&
         (toleration.effect().empty() || toleration.effect() == taint.effect());
}

// How long the pod may stay on a node with these taints; nothing: for ever.
std::optional<Duration> bears(const Pod& pod, const Node& node) {
  std::optional<Duration> out;
  for (const Taint& taint : node.spec().taints()) {
    if (taint.effect() != "NoExecute") continue;
    const auto& all = pod.spec().tolerations();
    const auto first = std::ranges::find_if(all, [&](const Toleration& each) { return fits(each, taint); });
    if (first == all.end()) return Duration::zero();
    if (!first->has_toleration_seconds()) continue;
    const Duration most = std::chrono::seconds(std::max<std::int64_t>(0, first->toleration_seconds()));
    if (!out || most < *out) out = most;
  }
  return out;
}

class TaintEviction final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("taint-eviction-controller"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    nodes_.follow(cluster(), [this](const auto&, const auto*, const auto*, const auto&) { look(); });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":node-controller")) by_the_loop(key, before, after);
      look();
    });
    for (int i = 0; i < kNodes; ++i) make_node(i);
    for (int i = 0; i < 5; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 13)) {
      case 0:
      case 1:
      case 2: return make();
      case 3:
      case 4:
      case 5: return taint();
      case 6:
      case 7: return heal();
      case 8: return bear_more();
      case 9: remove_one(pods_); return;
      case 10: return replace_node();
      default: cluster().advance(draw().up_to(draw().chance(0.7) ? 10s : 90s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      const Node* node = nodes_.find(pod.spec().node_name());
      const auto& conditions = pod.status().conditions();
      const bool told = std::ranges::any_of(conditions, [](const auto& each) { return each.type() == "DisruptionTarget"; });
      if (!node || (is_leaving(pod) && told) || !bears(pod, *node)) continue;
      out.push_back(key + " is still there, and bears its node only for a while");
    }
    return out;
  }

 private:
  // What is known of a pod that has to go some time.
  struct Time {
    Steady since;                 // it has had to go without a pause that must have been seen
    Duration least;               // that it may have borne in that time
    std::optional<Steady> until;  // it has not had to go any more since then
  };

  Duration slack() const { return cache_age_most() + request_most(); }

  // -- Never
  void by_the_loop(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return judge().never(key + " was made by the loop");
    const bool deleted = !after || (is_leaving(*after) && !is_leaving(*before));
    if (!deleted) return judge().reached("pods told that they go");
    judge().reached("pods evicted");
    const auto known = times_.find(before->metadata().uid());
    if (known == times_.end()) return judge().never(key + " was evicted, and never had to go");
    const Time& time = known->second;
    if (time.until && steady() - *time.until > slack()) return judge().never(key + " was evicted, and may stay");
    if (time.until) judge().reached("pods evicted for a taint that has just gone");
    if (steady() < time.since + time.least) judge().never(key + " was evicted too early");
  }

  void look() {
    for (const auto& [key, pod] : pods_.all()) {
      const Node* node = nodes_.find(pod.spec().node_name());
      if (!node) continue;  // what was to be lifted is gone with it
      const auto most = bears(pod, *node);
      const auto known = times_.find(pod.metadata().uid());
      if (!most) {
        if (known != times_.end() && !known->second.until) known->second.until = steady();
      } else if (known == times_.end() || (known->second.until && steady() - *known->second.until > slack())) {
        times_.insert_or_assign(pod.metadata().uid(), Time{steady(), *most, {}});
      } else {
        known->second.least = std::min(known->second.least, *most);
        known->second.until.reset();
      }
    }
  }

  // -- What others do
  void make_node(int number) {
    attempt([&] {
      Node node;
      node.mutable_metadata()->set_name(fmt::format("node-{}", number));
      cluster().create(node);
    });
  }
  void replace_node() {
    const int number = draw().between(0, kNodes - 1);
    attempt([&] { cluster().remove<Node>(fmt::format("node-{}", number)); });
    if (draw().chance(0.5)) cluster().advance(draw().up_to(20s));
    make_node(number);
  }
  Toleration toleration() {
    Toleration out;
    out.set_key(draw().chance(0.2) ? "" : some_key());
    out.set_operator_("Exists");
    if (draw().chance(0.8)) out.set_effect("NoExecute");
    if (out.effect() == "NoExecute" && draw().chance(0.6)) out.set_toleration_seconds(draw().between(-1, 120));
    return out;
  }
  void make() {
    Pod pod = make_pod(fmt::format("default/p-{}", made_++), fmt::format("node-{}", draw().between(0, kNodes - 1)));
    for (int i = draw().between(0, 2); i > 0; --i) *pod.mutable_spec()->add_tolerations() = toleration();
    attempt([&] { cluster().create(pod); });
  }
  void taint() {
    edit_one<Node>(nodes_, [this](Node& node) {
      Taint one;
      one.set_key(some_key());
      one.set_effect(draw().chance(0.8) ? "NoExecute" : "NoSchedule");
      for (const Taint& taint : node.spec().taints()) {
        if (taint.key() == one.key() && taint.effect() == one.effect()) return;
      }
      *node.mutable_spec()->add_taints() = one;
    });
  }
  void heal() {
    edit_one<Node>(nodes_, [this](Node& node) {
      if (draw().chance(0.5) || node.spec().taints().empty()) return node.mutable_spec()->clear_taints();
      node.mutable_spec()->mutable_taints()->RemoveLast();
    });
  }
  // Tolerations may be added, and nothing else.
  void bear_more() {
    edit_one<Pod>(pods_, [this](Pod& pod) { *pod.mutable_spec()->add_tolerations() = toleration(); });
  }
  std::string some_key() { return draw().chance(0.5) ? "broken" : "old"; }

  int made_ = 0;
  Shadow<Node> nodes_;
  Shadow<Pod> pods_;
  std::map<std::string, Time> times_;  // by UID
};

}  // namespace

std::unique_ptr<Swarm> taint_eviction() { return std::make_unique<TaintEviction>(); }

}  // namespace ph::sim::swarm

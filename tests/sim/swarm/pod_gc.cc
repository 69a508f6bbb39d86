// podgc: pods on nodes that come, go and are taken out of service; pods that end, more than may stay; pods that are deleted and
// held. No kubelet confirms the end of a pod but on a node that is there and in service.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Node;
using core::v1::Pod;

constexpr const char* kHeld = "example.com/held";
constexpr const char* kOutOfService = "node.kubernetes.io/out-of-service";
constexpr Duration kQuarantine = 40s;
const std::vector<std::string> kNodes{"node-0", "node-1", "node-2", "node-3"};

bool has_ended(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }
bool is_leaving(const Pod& pod) { return pod.metadata().has_deletion_timestamp(); }

bool is_out_of_service(const Node& node) {
  const auto& taints = node.spec().taints();
  const auto& conditions = node.status().conditions();
  return std::ranges::any_of(taints, [](const auto& taint) { return taint.key() == kOutOfService; }) &&
         std::ranges::none_of(conditions, [](const auto& c) { return c.type() == "Ready" && c.status() == "True"; });
}

bool is_podgcs(const core::v1::PodCondition& condition) {
  return condition.type() == "DisruptionTarget" && condition.reason() == "DeletionByPodGC";
}
bool was_disrupted(const Pod& pod) { return std::ranges::any_of(pod.status().conditions(), is_podgcs); }

// When something held.
class Stretches {
 public:
  void set(bool holds, Steady now) {
    if (holds == holds_) return;
    holds_ = holds;
    if (holds) stretches_.push_back({now, Steady::max()});
    else stretches_.back().end = now;
  }
  bool holds() const { return holds_; }
  // It held for `least`, and still did `slack` ago or later. What interrupted it for less than `gap` may not have been noticed.
  bool held(Duration least, Duration slack, Duration gap, Steady now) const {
    std::optional<Steady> begin;
    Steady end{};
    for (const Stretch& each : stretches_) {
      if (!begin || each.begin - end >= gap) begin = each.begin;
      end = std::min(each.end, now);
      if (end - *begin >= least && end + slack >= now) return true;
    }
    return false;
  }

 private:
  struct Stretch {
    Steady begin, end;
  };
  bool holds_ = false;
  std::vector<Stretch> stretches_;
};

class PodGarbageCollector final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    ended_most_ = draw.chance(0.3) ? 0 : draw.between(1, 6);
    tidy_ = draw.chance(0.5);
    controllers::Options options;
    options.terminated_pod_gc_threshold = ended_most_;
    return loops("podgc").options(options);
  }
  Faults faults() const override { return two_managers(60s, 0.02); }

  void begin() override {
    for (const std::string& name : kNodes) truth_[name].absent.set(true, steady());
    nodes_.follow(cluster(), [this](const auto& name, const auto*, const auto* after, const auto&) {
      truth_[name].absent.set(!after, steady());
      truth_[name].out.set(after && is_out_of_service(*after), steady());
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      const bool by_the_loop = write.author.ends_with(":pod-garbage-collector");
      if (by_the_loop) judge_write(key, before, after);
      else if (before && !after && has_ended(*before)) removed_.push_back(steady());
    });
    for (int i = 0; i < 3; ++i) make_node();
    for (int i = 0; i < 5; ++i) make_pod();
  }

  void act() override {
    cluster().advance(draw().up_to(8s));
    switch (draw().between(0, 15)) {
      case 0:
      case 1:
      case 2:
      case 3:
        for (int i = draw().between(1, 4); i > 0; --i) make_pod();
        return;
      case 4:
      case 5:
      case 6:
        for (int i = draw().between(1, 3); i > 0; --i) end_pod();
        return;
      case 7:
      case 13:
        for (int i = draw().between(1, 3); i > 0; --i) delete_pod();
        return;
      case 8: return confirm(draw().chance(0.5));
      case 9: return make_node();
      case 10: remove_one(nodes_); return;
      case 11:
      case 14: return toggle_service();
      case 12: return release();
      default: cluster().advance(draw().up_to(30s));
    }
  }

  void settle() override {
    confirm(true);
    for (const std::string& key : pods_.keys()) let_go(key);
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      const std::string& node = pod.spec().node_name();
      if (!node.empty() && !nodes_.find(node)) out.push_back(fmt::format("{} is on {}, which is gone", key, node));
      if (is_leaving(pod)) out.push_back(key + " is still on its way out");
    }
    if (ended_most_ > 0 && ended() > ended_most_)
      out.push_back(fmt::format("{} pods have ended, and {} may stay", ended(), ended_most_));
    return out;
  }

 private:
  struct Truth {
    Stretches absent, out;
  };

  int ended() const {
    return static_cast<int>(std::ranges::count_if(pods_.all(), [](const auto& entry) { return has_ended(entry.second); }));
  }

  // Why the loop may take this pod away; empty: it may not.
  const char* reason(const Pod& pod, bool counted) {
    const std::string& node = pod.spec().node_name();
    if (is_leaving(pod) && node.empty()) return "unscheduled";
    if (!node.empty()) {
      const Truth& truth = truth_[node];
      if (truth.absent.held(kQuarantine, request_most(), cache_age_most(), steady())) return "orphaned";
      if (is_leaving(pod) && truth.out.held({}, request_most(), {}, steady())) return "out of service";
    }
    if (!has_ended(pod) || ended_most_ <= 0) return "";
    // The loop may not know yet what went.
    const auto unknown =
        std::ranges::count_if(removed_, [&](Steady at) { return at + cache_age_most() + request_most() >= steady(); });
    const int many = ended() + (counted ? 0 : 1) + static_cast<int>(unknown);
    return many > ended_most_ ? "terminated" : "";
  }

  void judge_write(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return judge().never(key + " was made by the loop");
    const bool ends = !after || (is_leaving(*after) && !is_leaving(*before));
    const bool fails = after && has_ended(*after) && !has_ended(*before);
    const std::string why = reason(*before, after != nullptr);
    if (why.empty())
      return judge().never(fmt::format("{} was {}, and nothing was wrong with it", key, ends ? "deleted" : "changed"));
    if (ends) judge().reached("pods deleted: " + why);
    // Counted among those that have ended in the same round.
    if (ends && has_ended(*before) && why != "terminated") removed_.push_back(steady());
    if (fails) judge().reached("pods marked as failed: " + why);
    if (ends && !has_ended(*before) && !fails) judge().never(key + " was deleted, and had not ended");
    if (fails && after->status().phase() != "Failed") judge().never(key + " was said to have succeeded");
    if (after && was_disrupted(*after) && !was_disrupted(*before) && why != "orphaned")
      judge().never(key + " is called disrupted");
    const Truth& truth = truth_[before->spec().node_name()];
    if (why == "orphaned" && !truth.absent.holds()) judge().reached("pods taken whose node had just come back");
    if (why == "out of service" && !truth.out.holds()) judge().reached("pods taken whose node was in service again");
  }

  // -- The workload
  void make_pod() {
    const std::string key = fmt::format("default/pod-{}", draw().between(0, 24));
    Pod pod = sim::make_pod(key, draw().chance(0.25) ? std::string() : draw().of(kNodes));
    if (draw().chance(0.25)) pod.mutable_metadata()->add_finalizers(kHeld);
    attempt([&] { cluster().create(pod); });
  }
  void end_pod() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    Pod pod = *pods_.find(draw().of(keys));
    if (has_ended(pod)) return;
    pod.mutable_metadata()->clear_resource_version();
    pod.mutable_status()->set_phase(draw().chance(0.5) ? "Succeeded" : "Failed");
    if (pod.status().phase() == "Failed" && draw().chance(0.5)) pod.mutable_status()->set_reason("Evicted");
    attempt([&] { cluster().update_status<Pod>(pod); });
  }
  // Those who are tidy leave ended pods to the loop.
  void delete_pod() {
    const auto keys = pods_.keys();
    if (keys.empty()) return;
    const std::string key = draw().of(keys);
    if (tidy_ && has_ended(*pods_.find(key))) return;
    informers::DeleteOptions options;
    if (draw().chance(0.2)) options.grace_seconds = 0;
    attempt([&] { cluster().remove<Pod>(key, options); });
  }
  // Kubelets say that pods have ended: all, or some.
  void confirm(bool of_all) {
    for (const std::string& key : pods_.keys()) {
      const Pod* pod = pods_.find(key);
      const Node* node = pod && is_leaving(*pod) ? nodes_.find(pod->spec().node_name()) : nullptr;
      if (!node || is_out_of_service(*node) || (!of_all && draw().chance(0.5))) continue;
      informers::DeleteOptions options;
      options.uid = pod->metadata().uid();
      options.grace_seconds = 0;
      attempt([&] { cluster().remove<Pod>(key, options); });
    }
  }
  void release() {
    const auto keys = pods_.keys();
    if (!keys.empty()) let_go(draw().of(keys));
  }
  // Whoever holds a pod that is on its way out lets go of it.
  void let_go(const std::string& key) {
    const Pod* pod = pods_.find(key);
    if (!pod || !is_leaving(*pod) || pod->metadata().finalizers_size() == 0) return;
    attempt([&] { cluster().edit<Pod>(key, [](Pod& each) { each.mutable_metadata()->clear_finalizers(); }); });
  }
  void make_node() {
    Node node;
    node.mutable_metadata()->set_name(draw().of(kNodes));
    attempt([&] { cluster().create(node); });
  }
  void toggle_service() {
    edit_one<Node>(nodes_, [](Node& node) {
      auto& taints = *node.mutable_spec()->mutable_taints();
      const auto found = std::ranges::find(taints, kOutOfService, [](const auto& taint) { return taint.key(); });
      if (found != taints.end()) {
        taints.erase(found);
        return;
      }
      auto& taint = *taints.Add();
      taint.set_key(kOutOfService);
      taint.set_value("nodeshutdown");
      taint.set_effect("NoExecute");
    });
  }

  int ended_most_ = 0;
  bool tidy_ = false;
  Shadow<Node> nodes_;
  Shadow<Pod> pods_;
  std::map<std::string, Truth> truth_;  // of nodes
  std::vector<Steady> removed_;         // when an ended pod went, but not because there were too many
};

}  // namespace

std::unique_ptr<Swarm> pod_gc() { return std::make_unique<PodGarbageCollector>(); }

}  // namespace ph::sim::swarm

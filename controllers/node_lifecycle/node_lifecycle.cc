// node-lifecycle: knows by their leases and statuses which nodes are silent, says so in their conditions, taints nodes by what they say of
// themselves, and gives up those that are not ready, zone by zone and at a rate. Their pods are then the taint-eviction loop's.
//
//   reads     v1 Node, v1 Pod, coordination.k8s.io/v1 Lease   informers; nodes live before they are said to be silent or given up
//   writes    v1 Node   status: conditions are Unknown; taints, and two labels; all pinned to the revision that was judged
//             v1 Pod    status: Ready is False, pinned likewise
//   upstream  pkg/controller/nodelifecycle
//
// A node's own key is about what follows from it alone: NoSchedule taints and labels. A pod's is about its being bound to a node that is
// not ready. All nodes are looked at together, once in a period, under one key, which the runtime holds until the loop's own writes of
// nodes are seen: who has been tainted is not given up again.
#include <algorithm>

#include "base/within.h"
#include "controllers/common/pods_by_node.h"
#include "controllers/common/side_by_side.h"
#include "controllers/node_lifecycle/evictions.h"
#include "controllers/node_lifecycle/health.h"
#include "controllers/node_lifecycle/lease_view.h"
#include "controllers/node_lifecycle/metrics.h"
#include "controllers/node_lifecycle/taints.h"

namespace ph::controllers {
namespace {

using core::v1::Node, core::v1::ObjectReference, core::v1::Pod;
using informers::NodeView, informers::Said;
using node_lifecycle::Evictions, node_lifecycle::Health, node_lifecycle::LeaseView;
using Zones = node_lifecycle::ZoneCounts;

// No node has this name.
ObjectKey all_nodes() { return {{}, "*"}; }

ObjectReference reference(const char* kind, const ObjectKey& key, std::string_view uid) {
  ObjectReference out;
  out.set_api_version("v1");
  out.set_kind(kind);
  out.set_namespace_(key.namespace_name);
  out.set_name(key.name);
  out.set_uid(std::string(uid));
  return out;
}

bool says_ready(const PodView& pod) { return pod.readiness == Said::True || pod.readiness == Said::Unknown; }

Patch pinned(Patch patch) {
  patch.pinned = true;
  return patch;
}

class NodeLifecycle final : public Loop {
 public:
  explicit NodeLifecycle(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        options_(world.options->node_lifecycle),
        nodes_(world.informer<NodeView>()),
        pods_(world.informer<PodView>()),
        leases_(world.informer<LeaseView>()),
        evictions_(options_),
        metrics_(world.metrics) {
    index_pods_by_node(pods_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (key == all_nodes()) co_return co_await watch_over();
    if (key.namespace_name.empty()) co_await tend(key);
    else co_await receive(key);
    co_return Outcome::done();
  }

 private:
  // A node as it was found, and how it is once it was judged. Lost: nobody knows.
  struct Seen {
    Ref<NodeView> node;
    std::string ready;
    bool lost = false;
  };

  // -- One node, one pod

  Task<void> tend(ObjectKey key) {
    const Ref<NodeView> node = nodes_.find(key);
    const auto body = node ? node_lifecycle::tending_patch(*node, clock_.now()) : std::nullopt;
    if (body) co_await client_.try_patch<Node>(key, pinned(Patch::merge(*body)));
  }

  // It has just been bound. Those that are there when a node falls silent are told by `tell_pods`; how the node is must be known.
  Task<void> receive(ObjectKey key) {
    const Ref<PodView> pod = pods_.find(key);
    if (!pod || pod->node_name.empty() || !says_ready(*pod) || !health_.contains(pod->node_name.view())) co_return;
    const Ref<NodeView> node = nodes_.find({{}, std::string(pod->node_name.view())});
    const std::string_view ready = node ? node_lifecycle::readiness(*node) : std::string_view();
    if (!ready.empty() && ready != "True") co_await mark_not_ready(pod);
  }

  Task<void> mark_not_ready(Ref<PodView> pod) {
    Patch patch = Patch::strategic(node_lifecycle::not_ready_patch(pod->uid, pod->revision, clock_.now()));
    const Patched patched = co_await client_.try_patch<Pod>(pod->key(), pinned(std::move(patch)), "status");
    if (patched == Patched::Yes) events_.warning(reference("Pod", pod->key(), pod->uid), "NodeNotReady", "Node is not ready");
  }

  // -- All nodes

  // What fails is tried again with the next round, and keeps nothing else from being done. It is thrown at the end, for the runtime to
  // tell and to count.
  Task<Outcome> watch_over() {
    failed_ = nullptr;
    if (clock_.steady() >= next_) {
      next_ = clock_.steady() + options_.monitor_period;
      co_await look_at_all();
    }
    while (const auto turn = evictions_.due(clock_.steady())) {
      bool given_up = false;
      std::vector<Task<void>> one;
      one.push_back(give_up(turn->node, &given_up));
      co_await carry_out(std::move(one));
      evictions_.done(*turn, given_up, clock_.steady());
    }
    if (const auto failed = std::exchange(failed_, nullptr)) std::rethrow_exception(failed);
    const Steady next = std::min(next_, evictions_.next().value_or(next_));
    co_return Outcome::again_after(std::max(next - clock_.steady(), Duration::zero()));
  }

  Task<void> look_at_all() {
    const Steady began = clock_.steady();
    std::vector<Seen> seen;
    for (Ref<NodeView>& node : nodes_.list())
      seen.push_back({.node = node, .ready = std::string(node_lifecycle::readiness(*node))});
    note_who_is_here(seen);
    co_await declare_silent(seen);
    judge_zones(seen);
    co_await settle(seen);
    metrics_.looked(clock_.steady() - began);
  }

  void note_who_is_here(const std::vector<Seen>& seen) {
    std::set<std::string_view> here;
    for (const auto& [node, ready, lost] : seen) {
      here.insert(node->name);
      const auto found = health_.find(node->name);
      const bool is_new = found == health_.end() || found->second.uid != node->uid;
      if (is_new && found != health_.end()) tell_of(node->name, found->second.uid, "RemovingNode", "Removing", "from");
      if (is_new) tell_of(node->name, node->uid, "RegisteredNode", "Registered", "in");
      const Health fresh =
          node_lifecycle::hear(found == health_.end() ? nullptr : &found->second, *node, renewed(node->name), now());
      health_[node->name] = fresh;
    }
    std::erase_if(health_, [&](const auto& known) {
      if (here.contains(known.first)) return false;
      tell_of(known.first, known.second.uid, "RemovingNode", "Removing", "from");
      return true;
    });
  }

  void tell_of(const std::string& node, const std::string& uid, const char* reason, const char* what, const char* where) {
    const std::string text = std::string(what) + " Node " + node + " " + where + " Controller";
    events_.normal(reference("Node", {{}, node}, uid), reason, "Node " + node + " event: " + text);
  }

  Task<void> declare_silent(std::vector<Seen>& seen) {
    std::vector<Task<void>> declare;
    for (Seen& each : seen) {
      if (each.ready == "Unknown" || !node_lifecycle::is_silent(health_.at(each.node->name), options_, clock_.steady())) continue;
      each.lost = true;
      declare.push_back(this->declare(each));
    }
    if (declare.empty()) co_return;
    // A lease that was renewed, and is not seen yet, would make a node that is well be given up.
    bool is_fresh = false;
    std::vector<Task<void>> first;
    first.push_back(catch_up(&is_fresh));
    co_await carry_out(std::move(first));
    if (is_fresh) co_await carry_out(std::move(declare));
  }

  Task<void> catch_up(bool* done) { *done = co_await within(options_.monitor_period, leases_.any().catch_up()); }

  // Judged once more as it is by the server's word.
  Task<void> declare(Seen& seen) {
    const ObjectKey key = seen.node->key();
    const std::optional<Node> live = co_await client_.find<Node>(key);
    if (!live || live->metadata().uid() != seen.node->uid) co_return;
    const Ref<NodeView> node = NodeView::of(*live);
    Health& health = health_[key.name];
    health = node_lifecycle::hear(&health, *node, renewed(key.name), now());
    seen.ready = node_lifecycle::readiness(*node);
    seen.lost = false;
    const auto body = node_lifecycle::unknown_patch(*node, clock_.now());
    if (!body || !node_lifecycle::is_silent(health, options_, clock_.steady())) co_return;
    seen.lost = true;
    const Patched patched = co_await client_.try_patch<Node>(key, pinned(Patch::strategic(*body)), "status");
    if (patched != Patched::Yes) co_return;
    log_.warning("node is silent", "node", key.name);
    const bool was_ready = std::exchange(seen.ready, "Unknown") == "True";
    if (was_ready) {
      events_.normal(reference("Node", key, node->uid), "NodeNotReady", "Node " + key.name + " status is now: NodeNotReady");
    }
    seen.lost = false;
    // What this loop says of it is not heard from the node.
    if (!std::exchange(health.reported, true)) health.heartbeat = node->created;
  }

  void judge_zones(const std::vector<Seen>& seen) {
    Zones counts;
    for (const auto& [node, ready, lost] : seen) {
      if (lost || node_lifecycle::is_left_out(*node)) continue;
      node_lifecycle::ZoneCount& zone = counts[node_lifecycle::zone_of(*node)];
      ++(ready == "True" ? zone.ready : zone.not_ready);
    }
    const bool had_stopped = evictions_.stopped();
    const bool resumed = evictions_.judge(counts, clock_.steady());
    if (evictions_.stopped() && !had_stopped) log_.warning("no node is ready: no pods are evicted");
    if (resumed) log_.info("some nodes are ready again");
    for (auto& [name, health] : health_) {
      if (resumed) health.heard = clock_.steady();
    }
    metrics_.show(counts);
  }

  // What becomes of nodes and of their pods, now that it is known how each of them is.
  Task<void> settle(const std::vector<Seen>& seen) {
    std::map<std::string, Evictions::Names, std::less<>> waiting;
    std::vector<Task<void>> tasks;
    for (const auto& [node, ready, lost] : seen) {
      if (lost) continue;
      const node_lifecycle::NoExecute taints = node_lifecycle::no_execute(*node, ready, evictions_.stopped());
      if (!taints.by_turn.empty()) waiting[node_lifecycle::zone_of(*node)].insert(node->name);
      if (!taints.now.empty()) tasks.push_back(retaint(node));
      if (ready == "Unknown" && !health_.at(node->name).told) tasks.push_back(tell_pods(node));
    }
    evictions_.wait_in_turn(waiting);
    co_await carry_out(std::move(tasks));
  }

  Task<void> retaint(Ref<NodeView> cached) {
    const Ref<NodeView> node = co_await live(cached);
    if (!node) co_return;
    const auto taints = node_lifecycle::no_execute(*node, node_lifecycle::readiness(*node), evictions_.stopped());
    if (!taints.now.empty()) co_await swap(*node, taints.now);
  }

  Task<void> give_up(std::string name, bool* done) {
    const Ref<NodeView> cached = nodes_.find({{}, name});
    const Ref<NodeView> node = cached ? co_await live(cached) : nullptr;
    if (!node) co_return;
    const auto taints = node_lifecycle::no_execute(*node, node_lifecycle::readiness(*node), evictions_.stopped());
    if (taints.by_turn.empty() || co_await swap(*node, taints.by_turn) != Patched::Yes) co_return;
    *done = true;
    metrics_.given_up(node_lifecycle::zone_of(*node));
    log_.info("node is given up", "node", name);
  }

  // The same node as the server has it; nothing: it is gone.
  Task<Ref<NodeView>> live(Ref<NodeView> cached) {
    const std::optional<Node> node = co_await client_.find<Node>(cached->key());
    co_return node && node->metadata().uid() == cached->uid ? NodeView::of(*node) : nullptr;
  }

  Task<Patched> swap(const NodeView& node, const node_lifecycle::Swap& swap) {
    const node_lifecycle::Swap all = node_lifecycle::with_no_schedule(node, swap);
    const std::string body = node_lifecycle::swap_patch(node, all, clock_.now());
    return client_.try_patch<Node>(node.key(), pinned(Patch::merge(body)));
  }

  // Once, after the node has fallen silent: a kubelet that says otherwise later on is believed.
  Task<void> tell_pods(Ref<NodeView> node) {
    std::vector<Task<void>> tasks;
    for (const Ref<PodView>& pod : pods_.by_index(kByNode, node->name)) {
      if (says_ready(*pod)) tasks.push_back(mark_not_ready(pod));
    }
    const std::exception_ptr failed = co_await side_by_side(std::move(tasks));
    if (failed) std::rethrow_exception(failed);
    health_.at(node->name).told = true;
  }

  // -- Requests

  Task<void> carry_out(std::vector<Task<void>> tasks) {
    const std::exception_ptr failed = co_await side_by_side(std::move(tasks));
    if (!failed_) failed_ = failed;
  }

  std::optional<Time> renewed(const std::string& node) const {
    const Ref<LeaseView> lease = leases_.find({node_lifecycle::kLeaseNamespace, node});
    return lease ? lease->renewed : std::nullopt;
  }
  node_lifecycle::Moment now() const { return {.wall = clock_.now(), .steady = clock_.steady()}; }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  const NodeLifecycleOptions options_;
  Informer<NodeView>& nodes_;
  Informer<PodView>& pods_;
  Informer<LeaseView>& leases_;
  std::map<std::string, Health, std::less<>> health_;  // of the nodes there are
  Evictions evictions_;
  Steady next_{};
  std::exception_ptr failed_;
  node_lifecycle::NodeMetrics metrics_;
};

// Pods that come with a node, as all do at the start, are their node's matter.
std::optional<Duration> newly_bound(const PodView* before, const PodView* after) {
  if (!before || !after || after->node_name.empty() || after->node_name == before->node_name) return std::nullopt;
  return Duration::zero();
}

}  // namespace

void node_lifecycle_loop(LoopBuilder& loop) {
  loop.watches<NodeView>([](const NodeView& node, const World&) -> LoopBuilder::Keys { return {node.key(), all_nodes()}; })
      .reconciles_changes<PodView>(newly_bound)
      .reads<LeaseView>()
      .event_source("node-controller")
      .with<NodeLifecycle>();
}

}  // namespace ph::controllers

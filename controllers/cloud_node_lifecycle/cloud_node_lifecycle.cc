// cloud-node-lifecycle: asks the cloud about the machines of nodes that are not ready. The node of one that is gone is deleted; the node of
// one that is shut down is tainted until it is ready again.
//
//   reads     v1 Node (views)   informer
//   writes    v1 Node    delete, by UID; patch of the taints, pinned to the revision
//             v1 Event   about nodes: DeletingNode
//   asks      the cloud's machines
//   upstream  k8s.io/cloud-provider, controllers/nodelifecycle
//
// All nodes are looked at together, once in a period, under one key.
#include <exception>

#include <fmt/format.h>

#include "controllers/cloud/part.h"
#include "controllers/common/node_reference.h"
#include "controllers/common/side_by_side.h"
#include "controllers/node_lifecycle/taints.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using core::v1::Node, core::v1::Taint;
using informers::NodeView;

constexpr const char* kShutDown = "node.cloudprovider.kubernetes.io/shutdown";

// No node has this name.
ObjectKey all_nodes() { return {{}, "*"}; }

class CloudNodeLifecycle final : public Loop {
 public:
  explicit CloudNodeLifecycle(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        period_(world.options->node_lifecycle.monitor_period),
        nodes_(world.informer<NodeView>()) {
    instances_ = cloud::part_of(world, provider_, &cloud::Provider::instances, "the cloud knows no machines");
  }

  Task<Outcome> reconcile(ObjectKey) override {
    if (!instances_) co_return Outcome::done();
    if (clock_.steady() >= next_) {
      next_ = clock_.steady() + period_;
      std::vector<Task<void>> looks;
      for (const Ref<NodeView>& node : nodes_.list()) {
        const bool needs_a_look = !node->ready || node->taint(kShutDown);
        if (needs_a_look && !node->deletion) looks.push_back(look_at(node));
      }
      if (const std::exception_ptr failed = co_await side_by_side(std::move(looks))) std::rethrow_exception(failed);
    }
    co_return Outcome::again_after(std::max(next_ - clock_.steady(), Duration::zero()));
  }

 private:
  Task<void> look_at(Ref<NodeView> node) {
    if (node->ready) co_return co_await swap(node, {.add = {}, .remove = {shut_down()}});
    const auto exists = co_await instances_->exists(node);
    if (!exists) co_return unknown(*node, exists.error());
    if (!*exists) co_return co_await remove(node);
    const auto is_shut_down = co_await instances_->is_shut_down(node);
    if (!is_shut_down) co_return unknown(*node, is_shut_down.error());
    if (*is_shut_down && !node->taint(kShutDown)) co_await swap(node, {.add = {shut_down()}, .remove = {}});
  }

  void unknown(const NodeView& node, const std::string& why) {
    log_.warning("nobody knows how a node's machine is", "node", node.name, "error", why);
  }

  Task<void> remove(Ref<NodeView> node) {
    events_.normal(reference_to(*node), "DeletingNode",
                   fmt::format("Deleting node {} because it does not exist in the cloud provider", node->name));
    DeleteOptions options;
    options.uid = node->uid;
    const Removed removed = co_await client_.remove<Node>(node->key(), std::move(options));
    if (removed == Removed::Yes) log_.info("the node of a machine that is gone is deleted", "node", node->name);
  }

  static Taint shut_down() {
    Taint out;
    out.set_key(kShutDown);
    out.set_effect("NoSchedule");
    return out;
  }

  Task<void> swap(Ref<NodeView> node, node_lifecycle::Swap swap) {
    Patch patch = Patch::merge(node_lifecycle::swap_patch(*node, swap, clock_.now()));
    patch.pinned = true;
    co_await client_.try_patch<Node>(node->key(), std::move(patch));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  const Duration period_;
  Informer<NodeView>& nodes_;
  std::shared_ptr<cloud::Provider> provider_;
  cloud::Instances* instances_ = nullptr;  // the provider's; null: nothing is to be done
  Steady next_{};
};

}  // namespace

void cloud_node_lifecycle_loop(LoopBuilder& loop) {
  loop.watches<NodeView>([](const NodeView&, const World&) -> LoopBuilder::Keys { return {all_nodes()}; })
      .event_source("cloud-node-lifecycle-controller")
      .with<CloudNodeLifecycle>();
}

}  // namespace ph::controllers

// cloud-node: tells a new node what its cloud knows of the machine (provider ID, type, zone, region, addresses) and lets pods be placed
// there; from then on it keeps the addresses up to date.
//
//   reads     v1 Node (views)   informer; nodes live when something is to be written, and once in a while for their addresses
//   writes    v1 Node    patches of the node and of its status, pinned to the revision
//             v1 Event   about nodes: Synced
//   asks      the cloud's machines
//   upstream  k8s.io/cloud-provider, controllers/node
#include <stdexcept>

#include <fmt/format.h>

#include "controllers/cloud/part.h"
#include "controllers/cloud_node/plan.h"
#include "controllers/common/node_reference.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using informers::NodeView;

class CloudNodes final : public Loop {
 public:
  explicit CloudNodes(const World& world)
      : client_(world.client),
        events_(world.events),
        log_(world.log),
        period_(world.options->cloud.node_status_update_frequency),
        nodes_(world.informer<NodeView>()) {
    instances_ = cloud::part_of(world, provider_, &cloud::Provider::instances, "the cloud knows no machines");
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<NodeView> node = instances_ ? nodes_.find(key) : nullptr;
    if (!node) co_return Outcome::done();
    const bool is_new = node->taint(cloud_node::kUninitialized) != nullptr;
    const auto instance = co_await instances_->describe(node);
    if (!instance && !is_new) {
      // It may be gone: that is cloud-node-lifecycle's matter.
      log_.warning("nothing is known of a node's machine", "node", key.name, "error", instance.error());
      co_return Outcome::again_after(period_);
    }
    if (!instance)
      throw std::runtime_error(fmt::format("failed to get instance metadata for node {}: {}", key.name, instance.error()));
    // What is not known yet needs no look at the node.
    if (!is_new && instance->addresses.empty()) co_return Outcome::again_after(period_);
    std::optional<Node> live = co_await client_.find<Node>(key);
    if (!live || live->metadata().uid() != node->uid) co_return Outcome::done();  // what is there now brings the key
    const auto addresses = cloud_node::addresses_patch(*live, *instance);
    if (!addresses) throw std::runtime_error(addresses.error());
    if (*addresses) live = co_await client_.patch<Node>(key, Patch::merge(**addresses), "status");
    if (cloud_node::is_new(*live)) co_await initialize(*live, *instance);
    co_return Outcome::again_after(period_);
  }

 private:
  Task<void> initialize(const Node& node, const cloud::Instance& instance) {
    Patch patch = Patch::merge(cloud_node::initializing_patch(node, instance));
    patch.pinned = true;
    core::v1::ObjectReference about = informers::reference_to(node);
    if (co_await client_.try_patch<Node>(key_of(node), std::move(patch)) != Patched::Yes) co_return;
    log_.info("node is known to its cloud", "node", about.name(), "provider id", instance.provider_id);
    events_.normal(std::move(about), "Synced", "Node synced successfully");
  }

  Client& client_;
  EventRecorder& events_;
  const Log log_;
  const Duration period_;
  Informer<NodeView>& nodes_;
  std::shared_ptr<cloud::Provider> provider_;
  cloud::Instances* instances_ = nullptr;  // the provider's; null: nothing is to be done
};

// One that the cloud has told of is looked at from time to time, whatever it says of itself.
std::optional<Duration> brings(const NodeView* before, const NodeView* after) {
  if (!after) return std::nullopt;
  const bool is_another = !before || before->uid != after->uid;
  return is_another || after->taint(cloud_node::kUninitialized) ? std::optional(Duration::zero()) : std::nullopt;
}

}  // namespace

void cloud_node_loop(LoopBuilder& loop) {
  loop.reconciles_changes<NodeView>(brings).event_source("cloud-node-controller").with<CloudNodes>();
}

}  // namespace ph::controllers

// ttl: tells every kubelet, in an annotation of its node, how long it may keep Secrets and ConfigMaps before it asks again.
//
//   reads     v1 Node   informer
//   writes    v1 Node   patch: the annotation node.alpha.kubernetes.io/ttl
//   upstream  pkg/controller/ttl
//
// As upstream's, it changes a node's annotation when the node changes: after the number of nodes has passed a bound, nodes hear of it
// with their next heartbeat or so, and not all at once.
#include <nlohmann/json.hpp>

#include "controllers/runtime/loop.h"
#include "controllers/ttl/plan.h"
#include "informers/node_view.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using informers::NodeView;

class TtlOfNodes final : public Loop {
 public:
  explicit TtlOfNodes(const World& world) : client_(world.client), nodes_(world.informer<NodeView>()) {}

  Task<Outcome> reconcile(ObjectKey key) override {
    const int seconds = ttl_.seconds_for(nodes_.size());
    const Ref<NodeView> node = nodes_.find(key);
    if (!node || ttl::says(node->ttl, seconds)) co_return Outcome::done();
    const nlohmann::json metadata = {{"uid", node->uid}, {"annotations", {{ttl::kAnnotation, std::to_string(seconds)}}}};
    Patch patch = Patch::merge(nlohmann::json{{"metadata", metadata}}.dump());
    // Another node of that name brings its own key.
    patch.pinned = true;
    co_await client_.try_patch<Node>(key, std::move(patch));
    co_return Outcome::done();
  }

 private:
  Client& client_;
  Informer<NodeView>& nodes_;
  ttl::Ttl ttl_;
};

}  // namespace

void ttl_loop(LoopBuilder& loop) { loop.reconciles<NodeView>().with<TtlOfNodes>(); }

}  // namespace ph::controllers

// node-ipam: gives every node its ranges of addresses for pods, one of each family, out of the cluster's.
//
//   reads     v1 Node    informer (views)
//   writes    v1 Node    patch: spec.podCIDR and podCIDRs, pinned to the UID; both are immutable once they are there
//             v1 Event   about nodes: CIDRNotAvailable, CIDRAssignmentFailed
//   upstream  pkg/controller/nodeipam, its range allocator
//
// Who holds what is noted by this process, from the nodes that are there when it begins and from each that changes; what it has
// promised and not seen yet is noted, too.
#include <utility>

#include <nlohmann/json.hpp>

#include "controllers/common/node_reference.h"
#include "controllers/node_ipam/ledger.h"
#include "controllers/runtime/loop.h"
#include "controllers/runtime/options.h"
#include "informers/node_view.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using informers::NodeView;
using node_ipam::Ledger;

constexpr const char* kWithoutRange = "without-pod-cidr";

class NodeIpam final : public Loop {
 public:
  explicit NodeIpam(const World& world)
      : client_(world.client), events_(world.events), log_(world.log), nodes_(world.informer<NodeView>()) {
    nodes_.add_index(kWithoutRange, [](const NodeView& node) -> std::vector<std::string> {
      return node.pod_cidrs.empty() ? std::vector<std::string>{""} : std::vector<std::string>();
    });
    if (!world.options->node_ipam.allocate_node_cidrs) return;
    const node_ipam::Settings settings = node_ipam::read_settings(world.options->node_ipam);
    for (const std::string& range : settings.passed_over)
      log_.warning("a range of services that nobody can read", "range", range);
    ledger_.emplace(settings);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    if (!ledger_) co_return Outcome::done();
    note_all_once();
    const Ref<NodeView> node = nodes_.find(key);
    if (!node) {
      ledger_->forget(key.name);
      co_return Outcome::done();
    }
    if (!node->pod_cidrs.empty()) {
      note(*node);
      co_return Outcome::done();
    }
    if (node->deletion) co_return Outcome::done();
    const auto ranges = ledger_->promise(node->name, node->uid);
    if (!ranges) {
      log_.warning("no range is left", "node", node->name, "error", ranges.error().why);
      tell(*node, "CIDRNotAvailable");
      co_return Outcome::again();
    }
    if (co_await give(*node, *ranges) != Patched::Yes) ledger_->forget(node->name);
    co_return Outcome::done();
  }

 private:
  // Before the first promise: ranges of nodes whose own keys come later are not free.
  void note_all_once() {
    if (std::exchange(has_noted_all_, true)) return;
    for (const Ref<NodeView>& node : nodes_.list()) {
      if (!node->pod_cidrs.empty()) note(*node);
    }
  }

  void note(const NodeView& node) {
    for (const std::string& cidr : ledger_->note(node.name, node.uid, node.pod_cidrs))
      log_.warning("a node has a range that is none of the cluster's", "node", node.name, "range", cidr);
  }

  Task<Patched> give(const NodeView& node, const std::vector<std::string>& ranges) {
    const nlohmann::json body = {{"metadata", {{"uid", node.uid}}},
                                 {"spec", {{"podCIDR", ranges.front()}, {"podCIDRs", ranges}}}};
    Patch patch = Patch::strategic(body.dump());
    // Another node of that name brings its own key, and so does one that somebody else has given ranges.
    patch.pinned = true;
    const core::v1::ObjectReference about = reference_to(node);
    const Patched out = co_await client_.try_patch<Node>(node.key(), std::move(patch));
    if (out == Patched::Changed) tell_of(about, "CIDRAssignmentFailed");
    co_return out;
  }

  void tell(const NodeView& node, const char* status) { tell_of(reference_to(node), status); }
  void tell_of(const core::v1::ObjectReference& node, const std::string& status) {
    events_.normal(node, status, "Node " + node.name() + " status is now: " + status);
  }

  Client& client_;
  EventRecorder& events_;
  const Log log_;
  Informer<NodeView>& nodes_;
  std::optional<Ledger> ledger_;  // none: nothing is to be given
  bool has_noted_all_ = false;
};

// What a node leaves behind is for those who have been waiting: their keys come behind its own, which releases it.
std::vector<LoopBuilder::Wake> left_behind(const NodeView* before, const NodeView* after, const World& world) {
  std::vector<LoopBuilder::Wake> out;
  if (!world.options->node_ipam.allocate_node_cidrs || !before || after) return out;
  for (const Ref<NodeView>& waiting : world.informers.informer<NodeView>().by_index(kWithoutRange, ""))
    out.push_back({waiting->key()});
  return out;
}

}  // namespace

void node_ipam_loop(LoopBuilder& loop) {
  loop.reconciles<NodeView>().watches_changes<NodeView>(left_behind).event_source("cidrAllocator").with<NodeIpam>();
}

}  // namespace ph::controllers

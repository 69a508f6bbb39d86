// taint-eviction: deletes the pods that do not tolerate a NoExecute taint of their node, or only for a while, when that is over.
//
//   reads     v1 Pod, v1 Node   informers; pods on tainted nodes live: for their tolerations, and before they are deleted
//   writes    v1 Pod            status: DisruptionTarget; then a delete; both pinned to the UID
//   upstream  pkg/controller/tainteviction
//
// As upstream's, it counts from when it sees the pod on the tainted node, a fresh start begins anew, and a pod whose time runs keeps it while
// taints come and go, until it may stay for ever or not at all.
#include <map>
#include <utility>

#include "controllers/common/pods_by_node.h"
#include "controllers/taint_eviction/metrics.h"
#include "controllers/taint_eviction/plan.h"
#include "informers/node_view.h"

namespace ph::controllers {
namespace {

using core::v1::ObjectReference, core::v1::Pod;
using informers::NodeView;
using taint_eviction::Taints;

class TaintEviction final : public Loop {
 public:
  explicit TaintEviction(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        log_(world.log),
        pods_(world.informer<PodView>()),
        nodes_(world.informer<NodeView>()),
        deletions_(taint_eviction::EvictionFamilies{world.metrics}.deletions.with({})),
        late_(taint_eviction::EvictionFamilies{world.metrics}.late.with({})) {
    index_pods_by_node(pods_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<PodView> pod = pods_.find(key);
    const auto known = stays_.find(key);
    if (known != stays_.end() && (!pod || pod->uid != known->second.uid)) forget(key);
    if (!pod || pod->node_name.empty() || is_done(*pod)) co_return Outcome::done();
    const Ref<NodeView> node = nodes_.find({{}, std::string(pod->node_name.view())});
    const Taints taints = node ? taint_eviction::no_execute(node->taints) : Taints();
    // With the node its taints are not lifted: whose time runs has to go, and other pods are somebody else's matter.
    if (node && taints.empty()) forget(key);
    if (taints.empty() && !stays_.contains(key)) co_return Outcome::done();

    if (!taints.empty() && !co_await judge(pod, taints)) co_return Outcome::done();
    const Stay& stay = stays_.at(key);
    if (!stay.over) co_return Outcome::done();
    if (*stay.over > clock_.steady()) co_return Outcome::again_after(*stay.over - clock_.steady());
    co_await evict(pod);
    co_return Outcome::done();
  }

 private:
  // A pod on a tainted node.
  struct Stay {
    std::string uid;
    std::int64_t generation = 0;  // of the tolerations
    api::Tolerations tolerations;
    std::optional<Steady> over;  // nothing: it may stay
    bool told = false;           // that it goes
  };

  // It is on its way out for this loop's sake, or somebody's who has said so.
  static bool is_done(const PodView& pod) { return pod.deletion && pod.disrupted_since; }

  // How long it may stay; false: it is another one, or gone.
  Task<bool> judge(Ref<PodView> pod, Taints taints) {
    const ObjectKey key = pod->key();
    const auto known = stays_.find(key);
    // Views do not hold tolerations, which matter on few nodes; they may grow, and the generation with them.
    if (known == stays_.end() || known->second.generation < pod->generation) {
      const std::optional<Pod> live = co_await client_.find<Pod>(key);
      if (!live || live->metadata().uid() != pod->uid) co_return false;
      Stay& stay = stays_[key];
      stay.uid = pod->uid;
      stay.generation = live->metadata().generation();
      stay.tolerations = live->spec().tolerations();
    }
    Stay& stay = stays_.at(key);
    const auto time = taint_eviction::may_stay(taints, stay.tolerations);
    const bool at_once = !taint_eviction::tolerates_all(taints, stay.tolerations);
    if (!time || (at_once && !stay.told)) call_off(key, stay);
    if (time && !stay.over) stay.over = clock_.steady() + *time;
    co_return true;
  }

  Task<void> evict(Ref<PodView> pod) {
    const ObjectKey key = pod->key();
    const Steady over = *stays_.at(key).over;
    if (!std::exchange(stays_.at(key).told, true)) {
      log_.info("pod is evicted", "pod", key, "node", pod->node_name.view());
      events_.normal(reference(key), "TaintManagerEviction", "Marking for deletion Pod " + key.text());
    }
    const std::optional<Pod> live = co_await client_.find<Pod>(key);
    if (live && live->metadata().uid() == pod->uid) co_await remove(key, *live, over);
    stays_.erase(key);
  }

  Task<void> remove(ObjectKey key, const Pod& pod, Steady over) {
    if (const auto body = taint_eviction::disruption_patch(pod, clock_.now())) {
      Patch patch = Patch::strategic(*body);
      patch.pinned = true;
      if (co_await client_.try_patch<Pod>(key, std::move(patch), "status") != Patched::Yes) co_return;
    }
    DeleteOptions options;
    options.uid = pod.metadata().uid();
    if (co_await client_.remove<Pod>(key, options) != Removed::Yes) co_return;
    deletions_.add();
    late_.observe(clock_.steady() - over);
  }

  void forget(const ObjectKey& key) {
    const auto found = stays_.find(key);
    if (found == stays_.end()) return;
    call_off(key, found->second);
    stays_.erase(found);
  }

  void call_off(const ObjectKey& key, Stay& stay) {
    const bool was_to_go = std::exchange(stay.over, std::nullopt) && !stay.told;
    if (was_to_go) events_.normal(reference(key), "TaintManagerEviction", "Cancelling deletion of Pod " + key.text());
    stay.told = false;
  }

  static ObjectReference reference(const ObjectKey& key) {
    ObjectReference out;
    out.set_api_version("v1");
    out.set_kind("Pod");
    out.set_namespace_(key.namespace_name);
    out.set_name(key.name);
    return out;
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const Log log_;
  Informer<PodView>& pods_;
  Informer<NodeView>& nodes_;
  std::map<ObjectKey, Stay> stays_;
  const Counter deletions_;
  const Histogram late_;
};

// What a pod may bear is in its spec; that it ends, or that others say something of it, changes nothing.
std::optional<Duration> when_it_matters(const PodView* before, const PodView* after) {
  if (!after) return Duration::zero();
  const bool same =
      before && before->uid == after->uid && before->generation == after->generation && before->node_name == after->node_name;
  if (same || after->node_name.empty()) return std::nullopt;
  return Duration::zero();
}

std::vector<LoopBuilder::Wake> pods_of_tainted(const NodeView* before, const NodeView* after, const World& world) {
  const Taints had = before ? taint_eviction::no_execute(before->taints) : Taints();
  const Taints has = after ? taint_eviction::no_execute(after->taints) : Taints();
  if (taint_eviction::are_same(had, has)) return {};
  std::vector<LoopBuilder::Wake> out;
  for (const Ref<PodView>& pod : world.informer<PodView>().by_index(kByNode, (after ? after : before)->name))
    out.push_back({pod->key(), {}});
  return out;
}

}  // namespace

void taint_eviction_loop(LoopBuilder& loop) {
  loop.reconciles_changes<PodView>(when_it_matters).watches_changes<NodeView>(pods_of_tainted).with<TaintEviction>();
}

}  // namespace ph::controllers

// pod-garbage-collector: removes pods that nobody else will: finished ones beyond a number, those on nodes that are gone or out
// of service, and those that end without ever having had a node.
//
//   reads     v1 Pod, v1 Node   informers; nodes live before pods go for their sake, pods live before their status changes
//   writes    v1 Pod            status: phase Failed, DisruptionTarget; delete without grace; both pinned to the UID
//   upstream  pkg/controller/podgc
//
// All pods are judged together, every 20 s, under one key. Any change of a pod brings the key, so that the runtime holds it
// until the loop's own deletions are seen: what went already is not counted again.
#include "controllers/pod_gc/metrics.h"
#include "controllers/pod_gc/plan.h"
#include "controllers/runtime/options.h"

namespace ph::controllers {
namespace {

using core::v1::Node;
using core::v1::Pod;
using informers::NodeView;
using pod_gc::Victim;
using pod_gc::Why;

constexpr Duration kPeriod = 20s;
// So many pods are removed side by side.
constexpr std::size_t kAtOnce = 20;

const api::Resource& nodes_resource() { return *api::Scheme::builtin().resource(api::schema_of<Node>()); }

class PodGarbageCollector final : public Loop {
 public:
  explicit PodGarbageCollector(const World& world)
      : client_(world.client),
        clock_(world.clock),
        log_(world.log),
        terminated_max_(world.options->terminated_pod_gc_threshold),
        pods_(world.informer<PodView>()),
        nodes_(world.informer<NodeView>()),
        metrics_{world.metrics} {}

  Task<Outcome> reconcile(ObjectKey) override {
    if (const Duration early = next_ - clock_.steady(); early > Duration::zero()) co_return Outcome::again_after(early);
    next_ = clock_.steady() + kPeriod;

    const std::vector<Ref<PodView>> pods = pods_.list();
    pod_gc::Facts facts;
    facts.terminated_max = terminated_max_;
    facts.out_of_service = co_await nodes_out_of_service(pods);
    facts.gone = co_await nodes_gone(pods);
    std::vector<Victim> victims = pod_gc::victims(pods, facts);
    std::erase_if(victims, [](const Victim& victim) { return pod_gc::is_ending_for_good(*victim.pod); });
    co_await remove_all(std::move(victims));
    co_return Outcome::again_after(next_ - clock_.steady());
  }

 private:
  // Nodes that ending pods wait for in vain. The cache may be late, and a pod without its node's word may still run: the node is
  // asked for live.
  Task<pod_gc::Names> nodes_out_of_service(std::vector<Ref<PodView>> pods) {
    pod_gc::Names suspects, out;
    for (const Ref<PodView>& pod : pods) {
      if (!pod->deletion || pod->node_name.empty() || suspects.contains(pod->node_name.view())) continue;
      const Ref<NodeView> node = nodes_.find({{}, std::string(pod->node_name.view())});
      if (node && pod_gc::is_out_of_service(*node)) suspects.emplace(pod->node_name.view());
    }
    for (const std::string& name : suspects) {
      const std::optional<Node> live = co_await client_.find<Node>({{}, name});
      if (live && pod_gc::is_out_of_service(*NodeView::of(*live))) out.insert(name);
    }
    co_return out;
  }

  // Nodes that pods are bound to, that have been missing for a while, and that do not exist by the server's word.
  Task<pod_gc::Names> nodes_gone(std::vector<Ref<PodView>> pods) {
    pod_gc::Names missing, out;
    for (const Ref<PodView>& pod : pods) {
      if (pod->node_name.empty() || missing.contains(pod->node_name.view())) continue;
      if (!nodes_.find({{}, std::string(pod->node_name.view())})) missing.emplace(pod->node_name.view());
    }
    for (const std::string& name : quarantine_.due(missing, clock_.steady())) {
      const auto live = co_await client_.find_metadata(nodes_resource(), {{}, name});
      if (live) quarantine_.begin_anew(name, clock_.steady());
      else out.insert(name);
    }
    co_return out;
  }

  // One that fails keeps none of the others; the first failure is thrown at the end.
  Task<void> remove_all(std::vector<Victim> victims) {
    std::exception_ptr error;
    for (std::size_t at = 0; at < victims.size(); at += kAtOnce) {
      std::vector<Task<void>> batch;
      for (std::size_t i = at; i < std::min(victims.size(), at + kAtOnce); ++i) batch.push_back(remove(victims[i]));
      const std::vector<Outcome_<void>> results = co_await all(std::move(batch));
      for (std::size_t i = 0; i < results.size(); ++i) {
        count(victims[at + i], results[i].error != nullptr);
        if (results[i].error && !error) error = results[i].error;
      }
    }
    if (error) std::rethrow_exception(error);
  }

  // Nobody is left to say that the pod has ended: without a final phase its owner would wait for it.
  Task<void> remove(Victim victim) {
    const PodView& pod = *victim.pod;
    if (!pod.finished() && !co_await mark_failed(pod.key(), pod.uid, victim.why)) co_return;
    DeleteOptions options;
    options.uid = pod.uid;
    options.grace_seconds = 0;
    const Removed removed = co_await client_.remove<Pod>(pod.key(), options);
    if (removed == Removed::Yes)
      log_.info("pod deleted", "pod", pod.key(), "node", pod.node_name.view(), "reason", text(victim.why));
  }

  // Whether the pod is still there. Read live for its conditions and generation, which no view holds; by a list, since the loop
  // may not get pods.
  Task<bool> mark_failed(ObjectKey key, std::string uid, Why why) {
    const auto live =
        co_await client_.list<Pod>({.namespace_name = key.namespace_name, .field_selector = "metadata.name=" + key.name});
    if (live.items.empty() || live.items.front().metadata().uid() != uid) co_return false;
    const Pod& pod = live.items.front();
    if (pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed") co_return true;
    const Patched patched =
        co_await client_.try_patch<Pod>(key, Patch::strategic(pod_gc::failed_patch(pod, why, clock_.now())), "status");
    co_return patched == Patched::Yes;
  }

  // As upstream does, what fails is counted among the removed, too.
  void count(const Victim& victim, bool failed) const {
    const std::string_view namespace_name = victim.pod->namespace_name.view();
    metrics_.removed.with({namespace_name, text(victim.why)}).add();
    if (failed) metrics_.failed.with({namespace_name, text(victim.why)}).add();
  }

  static std::string_view text(Why why) {
    switch (why) {
      case Why::Terminated: return "terminated";
      case Why::OutOfService: return "out-of-service";
      case Why::Orphaned: return "orphaned";
      case Why::Unscheduled: return "unscheduled";
    }
    return {};
  }

  Client& client_;
  const Clock& clock_;
  const Log log_;
  const int terminated_max_;
  Informer<PodView>& pods_;
  Informer<NodeView>& nodes_;
  const pod_gc::PodGcFamilies metrics_;
  pod_gc::Quarantine quarantine_;
  Steady next_{};
};

}  // namespace

void pod_gc_loop(LoopBuilder& loop) {
  loop.watches<PodView>([](const PodView&, const World&) -> LoopBuilder::Keys { return {{{}, "pods"}}; })
      .reads<NodeView>()
      .with<PodGarbageCollector>();
}

}  // namespace ph::controllers

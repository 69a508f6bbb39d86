// deployment: brings a Deployment's pods to its template, through one ReplicaSet for each version of it.
//
//   reads     apps/v1 Deployment, apps/v1 ReplicaSet, v1 Pod   informers; the deployment once live before it adopts
//   writes    apps/v1 ReplicaSet                               create, patch (pinned to the revision), delete (pinned to the UID)
//             apps/v1 Deployment                               status, with the revision annotation
//             v1 Event                                         ScalingReplicaSet, ReplicaSetCreateError, SelectingAll
//   upstream  pkg/controller/deployment
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/selector.h"
#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "controllers/common/same.h"
#include "controllers/deployment/plan.h"

namespace ph::controllers {

namespace dp = deployment;
using apps::v1::Deployment;
using apps::v1::ReplicaSet;

namespace {

bool is_recreated(const Deployment& deployment) { return deployment.spec().strategy().type() == "Recreate"; }

class Deployments final : public Loop {
 public:
  explicit Deployments(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        deployments_(world.informer<Deployment>()),
        sets_(world.informer<ReplicaSet>()),
        pods_(world.informer<PodView>()) {
    index_pods_by_controller(pods_);
    index_by_controller(sets_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<Deployment> deployment = deployments_.find(key);
    if (!deployment) co_return Outcome::done();
    const auto about = informers::reference_to(*deployment);

    dp::Observed observed{.deployment = *deployment, .sets = {}, .now = clock_.now()};
    observed.sets = co_await owned_sets(*deployment);
    observed.old_pods_running = is_recreated(*deployment) && old_pods_run(observed);
    const dp::Plan plan = dp::plan(observed);
    if (plan.selects_all) {
      events_.warning(about, "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.");
    }

    dp::Done done;
    std::exception_ptr error;
    if (plan.create) {
      const NewSet created = co_await create(observed, *plan.create, about);
      if (created.collided) co_return Outcome::again();
      done = {.created = created.error == nullptr && !created.existed, .create_failure = created.failure};
      error = created.error;
    }
    if (!error) {
      for (const dp::Change& change : plan.changes) co_await apply(change, about);
      for (const Ref<ReplicaSet>& set : plan.cleanup) {
        co_await client_.remove<ReplicaSet>(key_of(*set), DeleteOptions::background(set->metadata().uid()));
      }
    }
    const auto status = dp::status_of(observed, plan, done);
    co_await write_status(observed.deployment, status, error ? 0 : plan.revision);
    if (error) std::rethrow_exception(error);
    if (const auto next = dp::next_deadline(*deployment, status, clock_.now())) co_return Outcome::again_at(*next);
    co_return Outcome::done();
  }

 private:
  // What became of the new set's creation.
  struct NewSet {
    bool existed = false;                // ours already: the cache was behind
    bool collided = false;               // another's name: it is tried again under the next
    std::optional<std::string> failure;  // for the condition
    std::exception_ptr error;
  };

  // The deployment's sets, after orphans that it selects were adopted, and sets it no longer selects released.
  Task<dp::Sets> owned_sets(const Deployment& deployment) {
    const Owner owner = owner_of(deployment);
    const api::LabelSelector selector = owner_selector(deployment.spec().selector());
    const auto selected = [&selector](const ReplicaSet& set) { return selector.matches_map(set.metadata().labels()); };
    dp::Sets out =
        co_await claim_all(client_, owner, controlled_or_orphaned(sets_, owner.uid, owner.key.namespace_name), selected);
    std::ranges::sort(out, {}, [](const Ref<ReplicaSet>& set) -> const std::string& { return set->metadata().name(); });
    co_return out;
  }

  // Pods of the sets that are not the new one and have not finished.
  bool old_pods_run(const dp::Observed& observed) const {
    const Ref<ReplicaSet> new_set = dp::find_new(observed.deployment, observed.sets);
    return std::ranges::any_of(observed.sets, [&](const Ref<ReplicaSet>& set) {
      if (set == new_set) return false;
      return std::ranges::any_of(pods_.by_index("controller", set->metadata().uid()),
                                 [](const Ref<PodView>& pod) { return !pod->finished(); });
    });
  }

  Task<NewSet> create(const dp::Observed& observed, const ReplicaSet& set, const core::v1::ObjectReference& about) {
    const Created<ReplicaSet> created = co_await client_.try_create<ReplicaSet>(set);
    if (created.made == Made::Yes) {
      if (const int replicas = dp::wanted(set); replicas > 0) tell_scaling(about, set.metadata().name(), 0, replicas);
      co_return NewSet{};
    }
    if (created.made == Made::Exists) co_return co_await meet_existing(observed, set);
    NewSet out{.error = std::make_exception_ptr(*created.refusal)};
    // A namespace on its way out needs no set: the deployment goes with it.
    if (created.made == Made::NamespaceEnding) co_return out;
    out.failure = fmt::format("Failed to create new replica set \"{}\": {}", set.metadata().name(), created.refusal->what());
    events_.warning(about, "ReplicaSetCreateError", *out.failure);
    co_return out;
  }

  // There is a set of the new one's name. It is ours (then the cache was behind), or its hash collides with ours.
  Task<NewSet> meet_existing(const dp::Observed& observed, const ReplicaSet& wanted_set) {
    const auto live = co_await client_.find<ReplicaSet>(key_of(wanted_set));
    const auto* controller = live ? controller_of(live->metadata()) : nullptr;
    const bool ours = controller && controller->uid() == observed.deployment.metadata().uid() &&
                      dp::same_template(live->spec().template_(), observed.deployment.spec().template_());
    if (ours) co_return NewSet{.existed = true};
    if (live) {
      apps::v1::DeploymentStatus status = observed.deployment.status();
      status.set_collision_count(status.collision_count() + 1);
      co_await write_status(observed.deployment, std::move(status), 0);
    }
    co_return NewSet{.collided = true};
  }

  Task<void> apply(const dp::Change& change, const core::v1::ObjectReference& about) {
    const ReplicaSet& set = *change.set;
    nlohmann::json patch = {
        {"metadata", {{"resourceVersion", set.metadata().resource_version()}, {"uid", set.metadata().uid()}}}};
    for (const auto& [name, value] : change.annotations) patch["metadata"]["annotations"][name] = value;
    if (change.replicas) patch["spec"]["replicas"] = *change.replicas;
    if (change.min_ready_seconds) patch["spec"]["minReadySeconds"] = *change.min_ready_seconds;
    co_await client_.patch<ReplicaSet>(key_of(set), Patch::merge(patch.dump()));
    if (change.replicas) tell_scaling(about, set.metadata().name(), dp::wanted(set), *change.replicas);
  }

  void tell_scaling(const core::v1::ObjectReference& about, const std::string& set, int from, int to) {
    events_.normal(about, "ScalingReplicaSet",
                   fmt::format("Scaled {} replica set {} from {} to {}", to > from ? "up" : "down", set, from, to));
  }

  Task<void> write_status(const Deployment& deployment, apps::v1::DeploymentStatus status, std::int64_t revision) {
    if (revision == 0 && says_same(deployment.status(), status)) co_return;
    Deployment changed = deployment;
    *changed.mutable_status() = std::move(status);
    if (revision != 0) (*changed.mutable_metadata()->mutable_annotations())[dp::kRevision] = std::to_string(revision);
    co_await client_.update_status<Deployment>(std::move(changed));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<Deployment>& deployments_;
  Informer<ReplicaSet>& sets_;
  Informer<PodView>& pods_;
};

// An orphan concerns every deployment that would adopt it.
LoopBuilder::Keys deployments_for_orphan(const ReplicaSet& set, const World& world) {
  LoopBuilder::Keys out;
  if (controller_of(set.metadata())) return out;
  for (const Ref<Deployment>& each : world.informers.informer<Deployment>().list(set.metadata().namespace_())) {
    if (owner_selector(each->spec().selector()).matches_map(set.metadata().labels())) out.push_back(key_of(*each));
  }
  return out;
}

// A deployment of strategy Recreate goes on when the last old pod has ended.
LoopBuilder::Keys recreated_deployment_of(const PodView& pod, const World& world) {
  const informers::OwnerView* owner = pod.controller();
  if (!owner || owner->kind != "ReplicaSet") return {};
  const std::string space(pod.namespace_name.view());
  const Ref<ReplicaSet> set = world.informers.informer<ReplicaSet>().find({space, std::string(owner->name.view())});
  const auto* controller = set ? controller_of(set->metadata()) : nullptr;
  if (!controller || controller->kind() != "Deployment") return {};
  const ObjectKey key{space, controller->name()};
  const Ref<Deployment> found = world.informers.informer<Deployment>().find(key);
  if (!found || !is_recreated(*found)) return {};
  return {key};
}

}  // namespace

void deployment_loop(LoopBuilder& loop) {
  loop.reconciles<Deployment>()
      .owns<Deployment, ReplicaSet>()
      .watches<ReplicaSet>(deployments_for_orphan)
      .watches<PodView>(recreated_deployment_of)
      .with<Deployments>();
}

}  // namespace ph::controllers

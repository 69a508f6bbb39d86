// statefulset: keeps pods of a template that have names, storage and an order of their own, and brings them to its newest
// version.
//
//   reads     apps/v1 StatefulSet, apps/v1 ControllerRevision, v1 Pod, v1 PersistentVolumeClaim
//                                           informers; the set once live before it adopts, a pod once live for its volumes
//   writes    apps/v1 ControllerRevision    create, patch of the number and of owner references, delete (pinned to the UID)
//             v1 PersistentVolumeClaim      create, update of owner references
//             v1 Pod                        create, delete (pinned to the UID), update of labels, patch of owner references
//             apps/v1 StatefulSet           status
//             v1 Event                      Successful…, Failed… of Create, Update, Delete; ConflictingController
//   upstream  pkg/controller/statefulset
#include <algorithm>

#include "controllers/common/ownership.h"
#include "controllers/common/pod_control.h"
#include "controllers/runtime/options.h"
#include "controllers/statefulset/plan.h"
#include "controllers/statefulset/pod_writes.h"

namespace ph::controllers {

namespace st = statefulset;
using apps::v1::StatefulSet;
using core::v1::PersistentVolumeClaim;
using core::v1::Pod;

namespace {

bool is_deleting(const StatefulSet& set) { return set.metadata().has_deletion_timestamp(); }

// A set's history, and where it is in it.
struct Versions {
  Revisions all;  // sorted, before the present template's was made
  std::string update, current;
  Ref<ControllerRevision> current_revision;  // null: it is the update's
  std::int32_t collisions = 0;
  bool lent = false;  // the update's is another's, who may take it with him
};

class StatefulSets final : public Loop {
 public:
  explicit StatefulSets(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        many_unavailable_(world.options && world.options->stateful_set_max_unavailable),
        sets_(world.informer<StatefulSet>()),
        revisions_(world.informer<ControllerRevision>()),
        pods_(world.informer<PodView>()),
        claims_(world.informer<PersistentVolumeClaim>()) {
    index_pods_by_controller(pods_);
    index_by_controller(revisions_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<StatefulSet> set = sets_.find(key);
    if (!set) {
      storage_.erase(key);
      co_return Outcome::done();
    }
    const api::LabelSelector selector = owner_selector(set->spec().selector());
    Revisions history = co_await owned_revisions(*set, selector);
    const auto pods = co_await owned_pods(*set, selector);
    const Versions versions = co_await versions_of(*set, std::move(history));
    st::Observed observed{.set = *set,
                          .pods = pods,
                          .current = versions.current,
                          .update = versions.update,
                          .collisions = versions.collisions,
                          .now = clock_.now(),
                          .many_unavailable = many_unavailable_,
                          .claim = [&](const std::string& name) { return claims_.find({key.namespace_name, name}); }};
    if (!is_deleting(*set)) observed.without_storage = co_await without_storage(*set, pods);
    const st::Plan plan = st::plan(observed);

    const std::exception_ptr error = co_await error_of(carry_out(*set, versions, plan));
    co_await write_status(*set, plan.status);
    co_await forget_history(*set, versions, pods);
    if (error) std::rethrow_exception(error);
    // Nobody tells when they have gone.
    if (plan.waits_for_claim || versions.lent) co_return Outcome::again();
    if (const auto next = st::next_available(observed)) co_return Outcome::again_at(*next);
    co_return Outcome::done();
  }

 private:
  // UIDs of pods, and whether they mount the set's claims. Neither changes while both live.
  struct Storage {
    std::string set_uid;
    std::map<std::string, bool> pods;
  };

  // -- What there is

  // Orphans that it selects are adopted; its own that it does not select stay what they are, and are no part of its history.
  Task<Revisions> owned_revisions(const StatefulSet& set, const api::LabelSelector& selector) {
    const Owner owner = owner_of(set);
    Revisions selected = controlled_or_orphaned(revisions_, owner.uid, owner.key.namespace_name);
    std::erase_if(selected, [&](const auto& each) { return !selector.matches_map(each->metadata().labels()); });
    Revisions out = co_await claim_all(client_, owner, std::move(selected), [](const ControllerRevision&) { return true; });
    sort_revisions(out);
    co_return out;
  }

  Task<std::vector<Ref<PodView>>> owned_pods(const StatefulSet& set, const api::LabelSelector& selector) {
    const Owner owner = owner_of(set);
    const auto belongs = [&](const PodView& pod) {
      return st::ordinal_of(set, pod.name).has_value() && selector.matches(labels_of(pod));
    };
    return claim_all(client_, owner, controlled_or_orphaned(pods_, owner.uid, owner.key.namespace_name), belongs);
  }

  Task<Versions> versions_of(const StatefulSet& set, Revisions history) {
    Versions out{.all = std::move(history), .collisions = set.status().collision_count()};
    const auto current = std::ranges::find(out.all, set.status().current_revision(),
                                           [](const auto& each) -> const std::string& { return each->metadata().name(); });
    if (is_deleting(set)) {
      // Nothing is made any more, of which the garbage collector would have to be told again.
      out.update = set.status().update_revision();
      out.current = set.status().current_revision();
      co_return out;
    }
    const st::RevisionPlan plan = st::plan_revision(set, out.all);
    if (!plan.known) {
      const NewRevision made = co_await create_revision_of(set, plan, out.collisions);
      out.update = made.revision.metadata().name();
      out.lent = controller_uid(made.revision) != set.metadata().uid();
    } else {
      out.update = plan.known->metadata().name();
      if (plan.number) co_await renumber_revision(client_, *plan.known, *plan.number);
    }
    out.current = current == out.all.end() ? out.update : (*current)->metadata().name();
    if (out.current != out.update) out.current_revision = *current;
    co_return out;
  }

  Task<NewRevision> create_revision_of(const StatefulSet& set, const st::RevisionPlan& plan, std::int32_t& collisions) {
    constexpr int kAttempts = 100;  // each meets another revision that somebody has made
    for (int i = 0; i < kAttempts; ++i) {
      NewRevision made = co_await create_revision(client_, st::make_revision_of(set, plan, collisions));
      if (!made.collided) co_return made;
      ++collisions;
    }
    throw std::runtime_error("no name is free for the revision of " + key_of(set).text());
  }

  // Of pods the set would keep. Volumes are in no view: a pod is read once.
  Task<std::set<std::string>> without_storage(const StatefulSet& set, const std::vector<Ref<PodView>>& pods) {
    std::set<std::string> out;
    if (set.spec().volume_claim_templates().empty()) co_return out;
    Storage known{.set_uid = set.metadata().uid(), .pods = {}};
    if (const auto found = storage_.find(key_of(set)); found != storage_.end() && found->second.set_uid == known.set_uid) {
      known = found->second;
    }
    std::map<std::string, bool> present;
    for (const Ref<PodView>& pod : pods) {
      const std::int64_t ordinal = st::ordinal_of(set, pod->name).value_or(-1);
      if (!st::wants(set, ordinal) || pod->finished()) continue;
      auto entry = known.pods.find(pod->uid);
      if (entry == known.pods.end()) {
        const std::optional<Pod> live = co_await client_.find<Pod>(pod->key());
        if (!live || live->metadata().uid() != pod->uid) continue;
        entry = known.pods.emplace(pod->uid, st::has_storage(set, ordinal, *live)).first;
      }
      if (!entry->second) out.insert(pod->uid);
      present.insert(*entry);
    }
    known.pods = std::move(present);
    storage_[key_of(set)] = std::move(known);
    co_return out;
  }

  // -- What is done

  Task<void> carry_out(const StatefulSet& set, const Versions& versions, const st::Plan& plan) {
    st::PodWrites writes(client_, events_, claims_, set);
    for (const st::Stage& stage : plan.stages) {
      const auto one = [&](int i) { return carry_out(set, versions, writes, stage.work[static_cast<std::size_t>(i)]); };
      const int count = static_cast<int>(stage.work.size());
      if (stage.ordered) {
        for (int i = 0; i < count; ++i) {
          const bool goes_on = co_await one(i);
          if (!goes_on) co_return;
        }
        continue;
      }
      const Batches done = co_await slow_start(count, one);
      if (done.error) std::rethrow_exception(done.error);
      if (done.succeeded < count) co_return;
    }
  }

  // Whether anything else is to be done for the set.
  Task<bool> carry_out(const StatefulSet& set, const Versions& versions, st::PodWrites& writes, const st::PodWork& work) {
    if (work.create) {
      const bool old = work.of_current && versions.current_revision;
      const core::v1::PodTemplateSpec from = old ? st::template_of(set, *versions.current_revision) : set.spec().template_();
      const std::string& revision = work.of_current ? versions.current : versions.update;
      const std::string uid = co_await writes.create(st::make_pod(set, from, revision, work.ordinal), work.ordinal);
      if (uid.empty()) co_return false;
      if (!set.spec().volume_claim_templates().empty()) storage_[key_of(set)].pods[uid] = true;
    }
    if (work.make_claims) co_await writes.make_claims(work);
    if (work.fit_claims) co_await writes.fit_claims(work);
    if (work.fit) co_await writes.fit(work);
    if (work.remove) co_await writes.remove(work);
    co_return true;
  }

  static Task<std::exception_ptr> error_of(Task<void> work) {
    try {
      co_await std::move(work);
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  Task<void> write_status(const StatefulSet& set, const apps::v1::StatefulSetStatus& status) {
    if (!st::status_differs(set.status(), status)) co_return;
    StatefulSet changed = set;
    *changed.mutable_status() = status;
    co_await client_.try_update_status<StatefulSet>(std::move(changed));
  }

  Task<void> forget_history(const StatefulSet& set, const Versions& versions, const std::vector<Ref<PodView>>& pods) {
    if (is_deleting(set)) co_return;
    std::set<std::string> in_use{versions.current, versions.update};
    for (const Ref<PodView>& pod : pods) in_use.emplace(pod->label(kPodRevision).value_or(std::string_view()));
    co_await remove_revisions(client_, st::surplus_history(set, versions.all, in_use));
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  const bool many_unavailable_;
  Informer<StatefulSet>& sets_;
  Informer<ControllerRevision>& revisions_;
  Informer<PodView>& pods_;
  Informer<PersistentVolumeClaim>& claims_;
  std::map<ObjectKey, Storage> storage_;
};

// An orphan concerns every set that would adopt it.
LoopBuilder::Keys sets_for_orphan(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (pod.controller()) return out;
  for (const Ref<StatefulSet>& set : world.informers.informer<StatefulSet>().list(pod.namespace_name.view())) {
    if (st::ordinal_of(*set, pod.name) && owner_selector(set->spec().selector()).matches(labels_of(pod)))
      out.push_back(key_of(*set));
  }
  return out;
}

}  // namespace

// Revisions and claims that others change or delete do not bring a set back: upstream does not look at them either until a pod or
// the set itself changes.
void statefulset_loop(LoopBuilder& loop) {
  loop.reconciles<StatefulSet>()
      .owns<StatefulSet, PodView>()
      .watches<PodView>(sets_for_orphan)
      .reads<ControllerRevision>()
      .reads<PersistentVolumeClaim>()
      .with<StatefulSets>();
}

}  // namespace ph::controllers

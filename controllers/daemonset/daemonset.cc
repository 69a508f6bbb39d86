// daemonset: keeps a pod of a DaemonSet's template on each node that is to have one, and rolls new templates out.
//
//   reads     apps/v1 DaemonSet, apps/v1 ControllerRevision   informers; the set once live before it adopts
//             v1 Pod, v1 Node                                 informers
//   writes    v1 Pod                       create, delete (pinned to the UID), patch of owner references and of the revision's label
//             apps/v1 ControllerRevision   create, patch, delete (pinned to the UID)
//             apps/v1 DaemonSet            status
//             v1 Event                     SuccessfulCreate, SuccessfulDelete, FailedCreate, FailedDelete, FailedDaemonPod,
//                                          SucceededDaemonPod, SelectingAll
//   upstream  pkg/controller/daemon
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "controllers/common/ownership.h"
#include "controllers/common/pod_control.h"
#include "controllers/common/same.h"
#include "controllers/daemonset/backoff.h"
#include "controllers/daemonset/history.h"
#include "controllers/daemonset/plan.h"

namespace ph::controllers {

namespace ds = daemonset;
using apps::v1::DaemonSet;
using core::v1::ObjectReference;
using core::v1::Pod;
using informers::NodeView;

namespace {

// Pods of daemon sets by set and node: whether a node has one is asked with every change of its labels and taints.
constexpr const char* kOnNode = "daemonset on node";
std::string on_node(std::string_view set_uid, std::string_view node) { return fmt::format("{} {}", set_uid, node); }

// What a node's change makes urgent brings the set at once. All else (a node that is gone, a pod that may stay where none would be
// made) changes numbers of its status alone, and is looked at with the next thing that happens, or after this time.
constexpr Duration kPatience = 1min;

bool selects_all(const DaemonSet& set) {
  const auto& selector = set.spec().selector();
  return selector.match_labels().empty() && selector.match_expressions().empty();
}

class DaemonSets final : public Loop {
 public:
  explicit DaemonSets(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        sets_(world.informer<DaemonSet>()),
        revisions_(world.informer<ControllerRevision>()),
        pods_(world.informer<PodView>()),
        nodes_(world.informer<NodeView>()),
        control_(world.client, world.events) {
    index_by_controller(revisions_);
    index_pods_by_controller(pods_);
    pods_.add_index(kOnNode, [](const PodView& pod) -> std::vector<std::string> {
      const informers::OwnerView* owner = pod.controller();
      if (!owner || owner->kind != "DaemonSet" || pod.node_name.empty()) return {};
      return {on_node(owner->uid, pod.node_name)};
    });
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<DaemonSet> set = sets_.find(key);
    if (!set) backoff_.forget(key);
    if (!set) co_return Outcome::done();
    const ObjectReference about = informers::reference_to(*set);
    if (selects_all(*set)) {
      events_.warning(about, "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.");
      co_return Outcome::done();
    }
    // Its pods are the garbage collector's.
    if (set->metadata().has_deletion_timestamp()) co_return Outcome::done();

    const ds::History history = ds::history_of(*set, co_await claimed(*set, revisions_));
    const ds::Pods pods = co_await claimed(*set, pods_);
    const std::optional<std::string> hash = co_await present_hash(*set, history, pods);
    if (!hash) co_return Outcome::again();

    const ds::Observed observed = ds::observe(set, nodes_.list(), pods, *hash, clock_.now());
    const ds::Plan plan = ds::plan(observed, [&](const std::string& node) { return backoff_.wait(*set, node, clock_.steady()); });
    const std::exception_ptr failed = co_await carry_out(observed, plan, about);
    if (!failed) co_await remove_revisions(client_, ds::beyond_limit(*set, history.old, pods));
    co_await write_status(*set, ds::status_of(observed));
    if (failed) std::rethrow_exception(failed);
    co_return next_look(observed, plan);
  }

 private:
  // The set's, after orphans that it selects were adopted, and those it no longer selects released.
  template <class T>
  Task<std::vector<Ref<T>>> claimed(const DaemonSet& set, const Informer<T>& informer) {
    const Owner owner = owner_of(set);
    const api::LabelSelector selector = owner_selector(set.spec().selector());
    const auto selected = [&selector](const T& object) {
      if constexpr (std::is_same_v<T, PodView>) {
        return selector.matches(labels_of(object));
      } else {
        return selector.matches_map(object.metadata().labels());
      }
    };
    std::vector<Ref<T>> out =
        co_await claim_all(client_, owner, controlled_or_orphaned(informer, owner.uid, owner.key.namespace_name), selected);
    co_return out;
  }

  // What pods of the present template are labelled with; its revision is made, or becomes the newest. Nothing: its name was another's,
  // which is counted, and gives it another name.
  Task<std::optional<std::string>> present_hash(const DaemonSet& set, const ds::History& history, const ds::Pods& pods) {
    for (const Ref<ControllerRevision>& each : history.old) co_await label(*each);
    const std::int64_t number = next_number(history.old);
    if (history.present.empty()) {
      const NewRevision made = co_await create_revision(client_, ds::first_of_template(set, number));
      if (!made.collided) co_return ds::hash_of(made.revision);
      ds::DaemonSetStatus status = set.status();
      status.set_collision_count(status.collision_count() + 1);
      co_await write_status(set, std::move(status));
      co_return std::nullopt;
    }
    const Ref<ControllerRevision> kept = history.present.back();
    co_await label(*kept);
    co_await drop_doubles(history.present, pods);
    if (kept->revision() < number) co_await renumber_revision(client_, *kept, number);
    co_return ds::hash_of(*kept);
  }

  Task<void> label(const ControllerRevision& revision) {
    if (revision.metadata().labels().contains(kPodRevision)) co_return;
    co_await patch_label<ControllerRevision>(key_of(revision), revision.metadata().uid(), ds::hash_of(revision));
  }

  // Revisions that say the same as the last of them, which their pods are given to.
  Task<void> drop_doubles(Revisions same, ds::Pods pods) {
    const std::string hash = ds::hash_of(*same.back());
    same.pop_back();
    for (const Ref<ControllerRevision>& each : same) {
      const std::string other = ds::hash_of(*each);
      for (const Ref<PodView>& pod : pods) {
        if (other != hash && pod->label(kPodRevision) == other) co_await patch_label<Pod>(pod->key(), pod->uid, hash);
      }
    }
    co_await remove_revisions(client_, std::move(same));
  }

  template <class T>
  Task<void> patch_label(ObjectKey key, std::string uid, std::string hash) {
    const nlohmann::json body = {{"metadata", {{"uid", uid}, {"labels", {{kPodRevision, hash}}}}}};
    Patch patch = Patch::merge(body.dump());
    patch.pinned = true;
    co_await client_.try_patch<T>(std::move(key), std::move(patch));
  }

  // The first thing that did not come about.
  Task<std::exception_ptr> carry_out(const ds::Observed& observed, const ds::Plan& plan, const ObjectReference& about) {
    tell_finished(observed, plan, about);
    std::optional<PodControl::Failure> created, removed;
    if (!plan.create.empty()) created = co_await create(observed, plan, about);
    if (!plan.remove.empty()) {
      ds::Pods pods;
      for (const ds::Removal& each : plan.remove) pods.push_back(each.pod);
      removed = co_await control_.remove(std::move(pods), about);
    }
    if (created) co_return created->error;
    if (removed) co_return removed->error;
    co_return nullptr;
  }

  Task<std::optional<PodControl::Failure>> create(const ds::Observed& observed, const ds::Plan& plan,
                                                  const ObjectReference& about) {
    const Pod pod = ds::pod_of(*observed.set, owner_of(*observed.set), observed.hash);
    // No server takes a template whose pods are not selected: each would be released as soon as it is seen, and another made.
    if (!owner_selector(observed.set->spec().selector()).matches_map(pod.metadata().labels())) co_return std::nullopt;
    const auto make = [&](int i) {
      Pod out = pod;
      ds::bind_by_affinity(out, std::string(plan.create[static_cast<std::size_t>(i)]));
      return out;
    };
    auto failure = co_await control_.create(static_cast<int>(plan.create.size()), make, about);
    co_return failure;
  }

  void tell_finished(const ds::Observed& observed, const ds::Plan& plan, const ObjectReference& about) {
    for (const ds::Removal& each : plan.remove) {
      const std::string pod = each.pod->key().text(), node(each.node);
      if (each.why == ds::Removal::Failed) {
        backoff_.note(*observed.set, node, clock_.steady());
        events_.warning(about, "FailedDaemonPod",
                        fmt::format("Found failed daemon pod {} on node {}, will try to kill it", pod, node));
      } else if (each.why == ds::Removal::Succeeded) {
        events_.normal(about, "SucceededDaemonPod",
                       fmt::format("Found succeeded daemon pod {} on node {}, will try to delete it", pod, node));
      }
    }
  }

  Task<void> write_status(const DaemonSet& set, ds::DaemonSetStatus status) {
    if (says_same(set.status(), status)) co_return;
    DaemonSet changed = set;
    *changed.mutable_status() = std::move(status);
    // One that was deleted meanwhile needs none.
    co_await client_.try_update_status<DaemonSet>(std::move(changed));
  }

  Outcome next_look(const ds::Observed& observed, const ds::Plan& plan) const {
    std::optional<Duration> delay = plan.look_again;
    if (const auto next = ds::next_available(observed)) {
      const Duration until = std::max<Duration>(*next - clock_.now(), Duration::zero());
      delay = delay ? std::min(*delay, until) : until;
    }
    return delay ? Outcome::again_after(*delay) : Outcome::done();
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<DaemonSet>& sets_;
  Informer<ControllerRevision>& revisions_;
  Informer<PodView>& pods_;
  Informer<NodeView>& nodes_;
  PodControl control_;
  ds::FailureBackoff backoff_;
};

// An orphan concerns every set that would adopt it.
template <class Selected>
LoopBuilder::Keys sets_that_select(std::string_view space, const World& world, Selected selected) {
  LoopBuilder::Keys out;
  for (const Ref<DaemonSet>& each : world.informers.informer<DaemonSet>().list(space)) {
    if (selected(owner_selector(each->spec().selector()))) out.push_back(key_of(*each));
  }
  return out;
}
LoopBuilder::Keys sets_for_pod(const PodView& pod, const World& world) {
  if (pod.controller()) return {};
  return sets_that_select(pod.namespace_name.view(), world,
                          [&](const auto& selector) { return selector.matches(labels_of(pod)); });
}
LoopBuilder::Keys sets_for_revision(const ControllerRevision& revision, const World& world) {
  const meta::v1::ObjectMeta& metadata = revision.metadata();
  if (controller_of(metadata)) return {};
  return sets_that_select(metadata.namespace_(), world,
                          [&](const auto& selector) { return selector.matches_map(metadata.labels()); });
}

// A node's status changes all the time: only where it is and what it keeps away counts.
std::vector<LoopBuilder::Wake> sets_for_node(const NodeView* before, const NodeView* after, const World& world) {
  if (before && after && ds::same_place(*before, *after)) return {};
  std::vector<LoopBuilder::Wake> out;
  for (const Ref<DaemonSet>& set : world.informers.informer<DaemonSet>().list()) {
    const ds::Placement placement(*set);
    const ds::Fit was = before ? placement.on(*before) : ds::Fit();
    const ds::Fit is = after ? placement.on(*after) : ds::Fit();
    bool urgent = false;
    if (after) {
      const std::string here = on_node(set->metadata().uid(), after->name);
      const bool has_pod = !world.informers.informer<PodView>().by_index(kOnNode, here).empty();
      urgent = has_pod ? !is.stays : is.starts;
    }
    if (urgent) {
      out.push_back({key_of(*set)});
    } else if (was != is) {
      out.push_back({key_of(*set), kPatience});
    }
  }
  return out;
}

}  // namespace

void daemonset_loop(LoopBuilder& loop) {
  loop.reconciles<DaemonSet>()
      .owns<DaemonSet, PodView>()
      .watches<PodView>(sets_for_pod)
      .owns<DaemonSet, ControllerRevision>()
      .watches<ControllerRevision>(sets_for_revision)
      .watches_changes<NodeView>(sets_for_node)
      .with<DaemonSets>();
}

}  // namespace ph::controllers

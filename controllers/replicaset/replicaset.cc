// replicaset: keeps as many pods of a template as a ReplicaSet wants.
//
//   reads     apps/v1 ReplicaSet, v1 Pod   informers; the set once live before it adopts
//   writes    v1 Pod                       create, delete (pinned to the UID), patch of owner references
//             apps/v1 ReplicaSet           status
//             v1 Event                     SuccessfulCreate, SuccessfulDelete, FailedCreate, FailedDelete
//   upstream  pkg/controller/replicaset
#include <algorithm>

#include <fmt/format.h>

#include "api/selector.h"
#include "controllers/replicaset/plan.h"

namespace ph::controllers {

namespace rs = replicaset;
using apps::v1::ReplicaSet;
using core::v1::Pod;

namespace {

std::optional<api::LabelSelector> readable(const meta::v1::LabelSelector& selector) {
  // A selector the server let in but we cannot read selects nothing, rather than everything.
  try {
    return api::LabelSelector::from(selector);
  } catch (const api::DecodeError&) {
    return std::nullopt;
  }
}

bool selects(const ReplicaSet& set, const PodView& pod) {
  const auto selector = readable(set.spec().selector());
  return selector && !selector->empty() && selector->matches(labels_of(pod));
}

bool namespace_is_ending(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const api::ApiError& e) {
    return std::ranges::any_of(e.status().details().causes(), [](const auto& c) { return c.reason() == "NamespaceTerminating"; });
  } catch (...) {
    return false;
  }
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

class ReplicaSets final : public Loop {
 public:
  explicit ReplicaSets(const World& world)
      : client_(world.client),
        clock_(world.clock),
        events_(world.events),
        sets_(world.informer<ReplicaSet>()),
        pods_(world.informer<PodView>()) {
    index_pods_by_controller(pods_);
    index_by_controller(sets_);
  }

  Task<Outcome> reconcile(ObjectKey key) override {
    const Ref<ReplicaSet> set = sets_.find(key);
    if (!set) co_return Outcome::done();
    const rs::Observed observed = co_await observe(*set);

    std::exception_ptr error;
    std::optional<rs::Failure> failure;
    if (const int surplus = rs::surplus(*set, observed); surplus != 0) {
      error = surplus < 0 ? co_await create(*set, -surplus) : co_await remove(*set, observed, surplus);
      if (error) failure = rs::Failure{surplus, text_of(error)};
    }
    co_await write_status(*set, rs::status_of(*set, observed, failure, clock_.now()));
    if (error) std::rethrow_exception(error);
    if (const auto next = rs::next_available(*set, observed, clock_.now())) co_return Outcome::again_at(*next);
    co_return Outcome::done();
  }

 private:
  // The set's pods, after orphans that it selects were adopted, and pods it no longer selects released.
  Task<rs::Observed> observe(const ReplicaSet& set) {
    const api::Resource& resource = *api::Scheme::builtin().resource(api::schema_of<Pod>());
    const Owner owner = owner_of(set);
    Claimer claimer(client_, owner);
    rs::Observed out;
    for (const Ref<PodView>& pod : controlled_or_orphaned(pods_, owner.uid, owner.key.namespace_name)) {
      const informers::OwnerView* controller = pod->controller();
      if (controller && is_terminating(*pod)) out.terminating.push_back(pod);
      if (!is_active(*pod)) continue;
      const std::string_view uid = controller ? controller->uid.view() : std::string_view();
      switch (judge_claim(owner, uid, selects(set, *pod), pod->deletion.has_value())) {
        case Claim::Ignore: break;
        case Claim::Keep: out.active.push_back(pod); break;
        case Claim::Release: co_await claimer.release(resource, pod->key(), pod->uid); break;
        case Claim::Adopt: {
          const bool adopted = co_await claimer.adopt(resource, pod->key(), pod->uid);
          if (adopted) out.active.push_back(pod);
          break;
        }
      }
    }
    co_return out;
  }

  Task<std::exception_ptr> create(const ReplicaSet& set, int count) {
    const Pod pod = pod_from_template(set.spec().template_(), owner_of(set));
    const auto about = informers::reference_to(set);
    const Batches made = co_await slow_start(count, [this, &pod, &about](int) { return create_one(pod, about); });
    if (made.error && namespace_is_ending(made.error)) co_return nullptr;
    co_return made.error;
  }

  Task<void> create_one(const Pod& pod, const core::v1::ObjectReference& about) {
    std::exception_ptr error;
    try {
      const Pod created = co_await client_.create<Pod>(pod);
      events_.normal(about, "SuccessfulCreate", "Created pod: " + created.metadata().name());
      co_return;
    } catch (...) {
      error = std::current_exception();
    }
    if (!namespace_is_ending(error)) events_.warning(about, "FailedCreate", "Error creating: " + text_of(error));
    std::rethrow_exception(error);
  }

  Task<std::exception_ptr> remove(const ReplicaSet& set, const rs::Observed& observed, int count) {
    const auto about = informers::reference_to(set);
    const std::map<std::string, int, std::less<>> crowds = related_pods_by_node(set);
    const auto crowd = [&](const PodView& pod) {
      const auto found = crowds.find(pod.node_name.view());
      return found == crowds.end() ? 0 : found->second;
    };
    std::vector<Task<void>> deletions;
    for (const Ref<PodView>& pod : first_to_delete(observed.active, static_cast<std::size_t>(count), crowd, clock_.now())) {
      deletions.push_back(remove_one(pod->key(), pod->uid, about));
    }
    std::exception_ptr error;
    for (const Outcome_<void>& result : co_await all(std::move(deletions))) {
      if (result.error && !error) error = result.error;
    }
    co_return error;
  }

  Task<void> remove_one(ObjectKey key, std::string uid, const core::v1::ObjectReference& about) {
    DeleteOptions options;
    options.uid = std::move(uid);
    try {
      const Removed removed = co_await client_.remove<Pod>(key, options);
      if (removed == Removed::Yes) events_.normal(about, "SuccessfulDelete", "Deleted pod: " + key.name);
    } catch (const std::exception& error) {
      events_.warning(about, "FailedDelete", std::string("Error deleting: ") + error.what());
      throw;
    }
  }

  // Active pods of all sets with the same controller, by node: where many are, one can be spared.
  std::map<std::string, int, std::less<>> related_pods_by_node(const ReplicaSet& set) {
    std::vector<std::string> uids{set.metadata().uid()};
    if (const auto* owner = controller_of(set.metadata())) {
      for (const Ref<ReplicaSet>& related : sets_.by_index("controller", owner->uid())) {
        if (related->metadata().uid() != uids.front()) uids.push_back(related->metadata().uid());
      }
    }
    std::map<std::string, int, std::less<>> out;
    for (const std::string& uid : uids) {
      for (const Ref<PodView>& pod : pods_.by_index("controller", uid)) {
        if (is_active(*pod)) ++out[std::string(pod->node_name.view())];
      }
    }
    return out;
  }

  Task<void> write_status(const ReplicaSet& set, apps::v1::ReplicaSetStatus status) {
    if (rs::same_status(set.status(), status)) co_return;
    ReplicaSet changed = set;
    *changed.mutable_status() = std::move(status);
    try {
      co_await client_.update_status<ReplicaSet>(std::move(changed));
    } catch (const api::ApiError& error) {
      if (error.code() != 404) throw;  // it was deleted meanwhile
    }
  }

  Client& client_;
  const Clock& clock_;
  EventRecorder& events_;
  Informer<ReplicaSet>& sets_;
  Informer<PodView>& pods_;
};

// An orphan concerns every set that would adopt it.
LoopBuilder::Keys sets_for_orphan(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (pod.controller()) return out;
  for (const Ref<ReplicaSet>& set : world.informers.informer<ReplicaSet>().list(pod.namespace_name.view())) {
    if (selects(*set, pod)) out.push_back(key_of(*set));
  }
  return out;
}

}  // namespace

void replica_set(LoopBuilder& loop) {
  loop.reconciles<ReplicaSet>().owns<ReplicaSet, PodView>().watches<PodView>(sets_for_orphan).with<ReplicaSets>();
}

}  // namespace ph::controllers

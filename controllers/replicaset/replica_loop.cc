#include "controllers/replicaset/replica_loop.h"

#include <algorithm>

#include "controllers/common/namespaces.h"

namespace ph::controllers::replicaset {

using core::v1::Pod;

namespace {

bool for_an_ending_namespace(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const api::ApiError& e) {
    return namespace_is_ending(e);
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

}  // namespace

ReplicaLoop::ReplicaLoop(const World& world)
    : client_(world.client), clock_(world.clock), events_(world.events), pods_(world.informer<PodView>()) {
  index_pods_by_controller(pods_);
}

Task<Outcome> ReplicaLoop::reconcile(ObjectKey key) {
  const std::optional<Subject> subject = find(key);
  if (!subject) co_return Outcome::done();
  const ReplicaSet& set = *subject->set;
  const Observed observed = co_await observe(*subject);

  std::exception_ptr error;
  std::optional<Failure> failure;
  if (const int surplus = replicaset::surplus(set, observed); surplus != 0) {
    error = surplus < 0 ? co_await create(*subject, -surplus) : co_await remove(*subject, observed, surplus);
    if (error) failure = Failure{surplus, text_of(error)};
  }
  co_await write_status(subject->object, status_of(set, observed, failure, clock_.now()));
  if (error) std::rethrow_exception(error);
  if (const auto next = next_available(set, observed, clock_.now())) co_return Outcome::again_at(*next);
  co_return Outcome::done();
}

// Its pods, after orphans that it selects were adopted, and pods it no longer selects released.
Task<Observed> ReplicaLoop::observe(const Subject& subject) {
  const api::Resource& resource = *api::Scheme::builtin().resource(api::schema_of<Pod>());
  const Owner& owner = subject.owner;
  Claimer claimer(client_, owner);
  Observed out;
  for (const Ref<PodView>& pod : controlled_or_orphaned(pods_, owner.uid, owner.key.namespace_name)) {
    const informers::OwnerView* controller = pod->controller();
    if (controller && is_terminating(*pod)) out.terminating.push_back(pod);
    if (!is_active(*pod)) continue;
    const std::string_view uid = controller ? controller->uid.view() : std::string_view();
    switch (judge_claim(owner, uid, selects(subject.selector, *pod), pod->deletion.has_value())) {
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

Task<std::exception_ptr> ReplicaLoop::create(const Subject& subject, int count) {
  const Pod pod = pod_from_template(subject.set->spec().template_(), subject.owner);
  const Batches made = co_await slow_start(count, [this, &pod, &subject](int) { return create_one(pod, subject.about); });
  if (made.error && for_an_ending_namespace(made.error)) co_return nullptr;
  co_return made.error;
}

Task<void> ReplicaLoop::create_one(const Pod& pod, const core::v1::ObjectReference& about) {
  std::exception_ptr error;
  try {
    const Pod created = co_await client_.create<Pod>(pod);
    events_.normal(about, "SuccessfulCreate", "Created pod: " + created.metadata().name());
    co_return;
  } catch (...) {
    error = std::current_exception();
  }
  if (!for_an_ending_namespace(error)) events_.warning(about, "FailedCreate", "Error creating: " + text_of(error));
  std::rethrow_exception(error);
}

Task<std::exception_ptr> ReplicaLoop::remove(const Subject& subject, const Observed& observed, int count) {
  const std::map<std::string, int, std::less<>> crowds = related_pods_by_node(subject);
  const auto crowd = [&](const PodView& pod) {
    const auto found = crowds.find(pod.node_name.view());
    return found == crowds.end() ? 0 : found->second;
  };
  std::vector<Task<void>> deletions;
  for (const Ref<PodView>& pod : first_to_delete(observed.active, static_cast<std::size_t>(count), crowd, clock_.now())) {
    deletions.push_back(remove_one(pod->key(), pod->uid, subject.about));
  }
  std::exception_ptr error;
  for (const Outcome_<void>& result : co_await all(std::move(deletions))) {
    if (result.error && !error) error = result.error;
  }
  co_return error;
}

Task<void> ReplicaLoop::remove_one(ObjectKey key, std::string uid, const core::v1::ObjectReference& about) {
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

// Active pods of all that have the same controller, by node: where many are, one can be spared.
std::map<std::string, int, std::less<>> ReplicaLoop::related_pods_by_node(const Subject& subject) {
  std::vector<std::string> uids;
  if (const auto* owner = controller_of(subject.set->metadata())) uids = controlled_by(owner->uid());
  if (std::ranges::find(uids, subject.owner.uid) == uids.end()) uids.push_back(subject.owner.uid);
  std::map<std::string, int, std::less<>> out;
  for (const std::string& uid : uids) {
    for (const Ref<PodView>& pod : pods_.by_index("controller", uid)) {
      if (is_active(*pod)) ++out[std::string(pod->node_name.view())];
    }
  }
  return out;
}

}  // namespace ph::controllers::replicaset

#include "controllers/replicaset/replica_loop.h"

#include <algorithm>

namespace ph::controllers::replicaset {

using core::v1::Pod;

ReplicaLoop::ReplicaLoop(const World& world)
    : client_(world.client), clock_(world.clock), pods_(world.informer<PodView>()), control_(world.client, world.events) {
  index_pods_by_controller(pods_);
}

Task<Outcome> ReplicaLoop::reconcile(ObjectKey key) {
  const std::optional<Subject> subject = find(key);
  if (!subject) co_return Outcome::done();
  const ReplicaSet& set = *subject->set;
  const Observed observed = co_await observe(*subject);

  std::optional<PodControl::Failure> failed;
  std::optional<Failure> failure;
  if (const int surplus = replicaset::surplus(set, observed); surplus != 0) {
    failed = surplus < 0 ? co_await create(*subject, -surplus) : co_await remove(*subject, observed, surplus);
    if (failed) failure = Failure{surplus, failed->message};
  }
  co_await write_status(subject->object, status_of(set, observed, failure, clock_.now()));
  if (failed) std::rethrow_exception(failed->error);
  if (const auto next = next_available(set, observed, clock_.now())) co_return Outcome::again_at(*next);
  co_return Outcome::done();
}

// Its pods, after orphans that it selects were adopted, and pods it no longer selects released.
Task<Observed> ReplicaLoop::observe(const Subject& subject) {
  const Owner& owner = subject.owner;
  Observed out;
  std::vector<Ref<PodView>> active;
  for (const Ref<PodView>& pod : controlled_or_orphaned(pods_, owner.uid, owner.key.namespace_name)) {
    if (pod->controller() && is_terminating(*pod)) out.terminating.push_back(pod);
    if (is_active(*pod)) active.push_back(pod);
  }
  out.active = co_await claim_all(client_, owner, std::move(active), PodSelection(subject.selector));
  co_return out;
}

Task<std::optional<PodControl::Failure>> ReplicaLoop::create(const Subject& subject, int count) {
  const Pod pod = pod_from_template(subject.set->spec().template_(), subject.owner);
  // No server takes a template whose pods are not selected: each would be released as soon as it is seen, and another made.
  if (!subject.selector.matches_map(pod.metadata().labels())) co_return std::nullopt;
  const auto make = [&pod](int) { return pod; };
  auto failure = co_await control_.create(count, make, subject.about);
  co_return failure;
}

Task<std::optional<PodControl::Failure>> ReplicaLoop::remove(const Subject& subject, const Observed& observed, int count) {
  const std::map<std::string, int, std::less<>> crowds = related_pods_by_node(subject);
  const auto crowd = [&](const PodView& pod) {
    const auto found = crowds.find(pod.node_name.view());
    return found == crowds.end() ? 0 : found->second;
  };
  return control_.remove(first_to_delete(observed.active, static_cast<std::size_t>(count), crowd, clock_.now()), subject.about);
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

// From the choice of a node to the written binding. Upstream: pkg/scheduler/schedule_one.go (assume, bindingCycle)
#include <fmt/format.h>

#include <stdexcept>

#include "scheduler/scheduler.h"

namespace ph::scheduler {

void Scheduler::assume_and_bind(const QueuedRef& pod, CycleState state, const NodeInfo& node) {
  state.placed();
  Attempt attempt{pod, pod->pod, std::make_shared<CycleState>(std::move(state)), placed_on(*pod->info, node.name()), node.name()};
  if (!cache_.assume(attempt.placed)) {
    throw std::runtime_error(
        fmt::format("pod {}({}) is in the cache, so can't be assumed", pod->uid(), attempt.placed->key().text()));
  }
  const std::string expected = expected_on(*pod->info);
  queue_.nominated().remove(pod->uid());
  if (expected != attempt.node) nomination_ended(*pod->info, expected);

  Verdict verdict = pod->profile->reserve(*attempt.state, *attempt.message, attempt.node);
  if (verdict.success()) verdict = pod->profile->permit(*attempt.state, *attempt.message, attempt.node, waiting_);
  if (!verdict.success() && !verdict.waits()) return take_back(attempt, verdict);
  tasks_.spawn(bind(std::move(attempt)));
}

Task<void> Scheduler::bind(Attempt attempt) {
  const Counted counted(under_way_);
  if (const Verdict verdict = co_await try_bind(attempt); !verdict.success()) {
    take_back(attempt, verdict);
    co_return;
  }
  ++stats_.scheduled;
  metrics_.bound(*attempt.pod);
  const std::string& uid = attempt.placed->uid;
  const bool deleted =
      attempt.pod->place == QueuedPod::Place::Removed && cache_.is_assumed(uid) && !is_there(attempt.placed->key(), uid);
  cache_.finish_binding(uid, world_.clock.steady());
  queue_.done(attempt.pod);
  // Its assignment will never be seen.
  if (deleted) take_out(uid);
  diagnoses_.erase(attempt.placed->key());
  events(*attempt.pod->profile)
      .report({.about = informers::reference_to(*attempt.message),
               .reason = "Scheduled",
               .action = "Binding",
               .note = fmt::format("Successfully assigned {}/{} to {}", attempt.placed->namespace_name.view(),
                                   attempt.placed->name, attempt.node)});
  attempt.pod->profile->post_bind(*attempt.state, *attempt.message, attempt.node);
}

Task<Verdict> Scheduler::try_bind(const Attempt& attempt) {
  const Profile& profile = *attempt.pod->profile;
  const Steady begun = metrics_.now();
  const bool waits = waiting_.waits(attempt.placed->uid);
  const Verdict work = profile.pre_bind_pre_flight(*attempt.state, *attempt.message, attempt.node);
  if (work.failed()) co_return work;
  // It will take a while: the world is told where the pod goes.
  if (waits || work.success()) co_await nominate(*attempt.message, attempt.node);
  Verdict verdict = co_await waiting_.wait(attempt.placed->uid);
  if (waits) metrics_.permitted(verdict, begun);
  if (!verdict.success()) co_return verdict;
  verdict = co_await profile.pre_bind(*attempt.state, *attempt.message, attempt.node);
  if (!verdict.success()) co_return verdict;
  if (const auto bound = co_await bind_by_extender(attempt)) co_return *bound;
  co_return co_await profile.bind(*attempt.state, *attempt.message, attempt.node);
}

Task<std::optional<Verdict>> Scheduler::bind_by_extender(const Attempt& attempt) {
  for (const auto& extender : extenders_) {
    if (!extender->binds() || !extender->interested(*attempt.message)) continue;
    try {
      co_await extender->bind(attempt.message, attempt.node);
      co_return Verdict::fits();
    } catch (const ExtenderError& error) {
      if (!extender->ignorable()) co_return Verdict::error(error.what());
      world_.log.info("an extender that may be ignored did not bind", "extender", extender->name(), "err", error.what());
    }
  }
  co_return std::nullopt;
}

// The pod does not get its node after all: what was held for it is free for others again.
void Scheduler::take_back(const Attempt& attempt, const Verdict& verdict) {
  const QueuedRef& pod = attempt.pod;
  pod->profile->unreserve(*attempt.state, *attempt.message, attempt.node);
  const bool was_assumed = cache_.is_assumed(attempt.placed->uid);
  cache_.forget(attempt.placed->uid);
  if (const auto now = pods().find(attempt.placed->key())) queue_.refresh(pod, *now);

  auto diagnosis = std::make_shared<Diagnosis>();
  diagnosis->at = world_.clock.now();
  if (verdict.rejected()) {
    diagnosis->nodes_total = 1;
    diagnosis->add(verdict);
    fail(pod, Verdict::owning(verdict.code(), fit_message(*diagnosis)), std::move(diagnosis), {});
  } else {
    fail(pod, verdict, std::move(diagnosis), {});
  }
  // The pod itself has not become any more schedulable by its own leaving.
  if (was_assumed)
    queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = attempt.placed}, {.except = attempt.placed->uid});
  if (pod->place == QueuedPod::Place::Removed) look_again(*attempt.placed);
}

}  // namespace ph::scheduler

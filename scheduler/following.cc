// What happens in the cluster, told to the cache and the queue. Upstream: pkg/scheduler/eventhandlers.go
#include "scheduler/scheduler.h"

namespace ph::scheduler {

using core::v1::Node;
using informers::Event;
using informers::Informer;
using informers::Ref;
using informers::Stream;

namespace {

// A pod that holds nothing and wants nothing any more.
bool is_over(const SchedulerPod& pod) { return pod.info->finished; }

}  // namespace

void Scheduler::warm(informers::Informers& informers, const Configuration& configuration) {
  informers.informer<Node>();
  followed_pods(informers, configuration);
}

Informer<SchedulerPod> Scheduler::followed_pods(informers::Informers& informers, const Configuration& configuration) {
  if (configuration.extenders.empty()) return informers.informer<SchedulerPod>();
  return Informer<SchedulerPod>(informers.informer<WholeSchedulerPod>().any());
}

Task<void> Scheduler::follow_nodes() {
  Stream<Node> events = world_.informers.informer<Node>().events();
  while (const auto event = co_await events.next()) {
    if (event->kind == Event<Node>::Snapshot) {
      nodes_known_.set();
    } else {
      node_changed(event->before, event->after);
    }
  }
}

Task<void> Scheduler::follow_pods() {
  Stream<SchedulerPod> events = pods().events();
  while (const auto event = co_await events.next()) {
    if (event->kind == Event<SchedulerPod>::Snapshot) {
      pods_known_.set();
    } else {
      pod_changed(event->before, event->after);
    }
  }
}

// -- Nodes

void Scheduler::node_changed(const NodeRef& before, const NodeRef& after) {
  if (!after) {
    cache_.remove_node(before->metadata().name());
    queue_.move({.event = ClusterEvent::NodeDeleted, .node_before = before});
    return;
  }
  cache_.put_node(after);
  if (!before) {
    queue_.move({.event = ClusterEvent::NodeAdded, .node_after = after});
    return;
  }
  events_of(*before, *after).each([&](ClusterEvent event) {
    queue_.move({.event = event, .node_before = before, .node_after = after});
  });
}

// -- Pods

void Scheduler::pod_changed(const Ref<SchedulerPod>& before, const Ref<SchedulerPod>& after) {
  const bool is = after && !is_over(*after);
  const bool was = before && !is_over(*before);
  if (!was) {
    if (is) pod_appeared(*after);
    return;
  }
  if (!is) return pod_gone(*before);
  if (before->info->uid != after->info->uid) {  // another pod of the same name
    pod_gone(*before);
    return pod_appeared(*after);
  }
  if (!before->info->assigned() && after->info->assigned()) return pod_assigned(*before, *after);
  if (after->info->assigned()) {
    cache_.put_pod(after->info);
    events_of(*before->info, *after->info).each([&](ClusterEvent event) {
      queue_.move({.event = event, .pod_before = before->info, .pod_after = after->info});
    });
    return;
  }
  const Profile* profile = this->profile(after->info->scheduler_name.view());
  if (!profile) return;
  if (cache_.is_assumed(after->info->uid)) {
    if (after->info->deleting && !before->info->deleting) give_up(after->info->uid);
    return;
  }
  queue_.update(*before, *after, *profile);
  if (before->info->nominated_node != after->info->nominated_node) {
    nomination_ended(*before->info, before->info->nominated_node.view());
  }
}

// Where it was to go; by somebody else's hand, elsewhere too: what was held for it is then free for others.
void Scheduler::pod_assigned(const SchedulerPod& before, const SchedulerPod& after) {
  const PodRef assumed = cache_.find_pod(after.info->uid);
  const std::string expected = expected_on(*before.info);
  waits_no_more(*before.info);
  pod_appeared(after);
  if (assumed && assumed->node_name != after.info->node_name) {
    queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = assumed});
  } else if (assumed) {
    // It may have changed while it was being bound.
    events_of(*assumed, *after.info).each([&](ClusterEvent event) {
      if (event == ClusterEvent::AssignedPodChanged) return;
      queue_.move({.event = event, .pod_before = assumed, .pod_after = after.info});
    });
  }
  if (expected != after.info->node_name.view()) nomination_ended(*before.info, expected);
}

void Scheduler::pod_appeared(const SchedulerPod& pod) {
  if (pod.info->assigned()) {
    cache_.put_pod(pod.info);
    queue_.move({.event = ClusterEvent::AssignedPodAdded, .pod_after = pod.info});
    return;
  }
  const Profile* profile = this->profile(pod.info->scheduler_name.view());
  if (!profile) return;
  // Its phase said for a moment that it had ended, while it was being bound: that goes on, and `take_back` looks again.
  if (cache_.is_assumed(pod.info->uid)) return;
  queue_.add(pod, *profile);
}

// A pod left the queue while it was being bound, and was not bound: it may have come back meanwhile.
void Scheduler::look_again(const PodInfo& info) {
  const Ref<SchedulerPod> now = pods().find(info.key());
  const bool waits = now && now->info->uid == info.uid && !is_over(*now) && !now->info->assigned() && !queue_.find(info.uid);
  if (waits) pod_appeared(*now);
}

void Scheduler::pod_gone(const SchedulerPod& pod) {
  if (pod.info->assigned()) {
    cache_.remove_pod(pod.info->uid);
    queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = pod.info});
    return;
  }
  // The pod may have been bound and deleted before its assignment was seen. While it is being bound, `bind` takes care.
  const bool in_flight = queue_.find(pod.info->uid) != nullptr;
  if (!in_flight && cache_.is_assumed(pod.info->uid)) take_out(pod.info->uid);
  // It may not have been heard of yet where it was nominated.
  std::string expected = expected_on(*pod.info);
  if (expected.empty()) expected = pod.info->nominated_node.view();
  waits_no_more(*pod.info);
  nomination_ended(*pod.info, expected);
}

// Others need not wait for what becomes of its binding: nobody binds a pod that is being deleted.
void Scheduler::give_up(std::string_view uid) {
  if (waiting_.waits(uid)) {
    waiting_.remove(uid);
  } else {
    take_out(uid);
  }
}

// It has gone, or has a node.
void Scheduler::waits_no_more(const PodInfo& pod) {
  queue_.remove(pod.uid);
  waiting_.remove(pod.uid);
  const auto diagnosis = diagnoses_.find(pod.key());
  if (diagnosis != diagnoses_.end() && diagnosis->second.first == pod.uid) diagnoses_.erase(diagnosis);
}

void Scheduler::take_out(std::string_view uid) {
  const PodRef pod = cache_.find_pod(uid);
  cache_.forget(uid);
  queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = pod}, {.except = uid});
}

// Pods that matter no more than it had to leave it the room as if it had been there.
void Scheduler::nomination_ended(const PodInfo& pod, std::string_view node) {
  if (node.empty()) return;
  queue_.move({.event = ClusterEvent::AssignedPodDeleted, .pod_before = placed_on(pod, node)},
              {.except = pod.uid, .priority_most = pod.priority});
}

}  // namespace ph::scheduler

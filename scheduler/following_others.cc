// Changes of the kinds that only some plugins know (volumes, claims, devices), told to the queue: of those kinds for whose events some
// plugin waits. What plugins know of these objects they read from the informers themselves.
#include "scheduler/scheduler.h"

namespace ph::scheduler {
namespace {

// The events of a kind.
struct Lifecycle {
  ClusterEvent added, changed, deleted;
  ClusterEvents all() const { return {added, changed, deleted}; }
};

template <class T>
Task<void> follow(informers::Informer<T>& informer, SchedulingQueue& queue, Lifecycle events) {
  informers::Stream<T> changes = informer.events();
  while (const auto change = co_await changes.next()) {
    if (change->kind == informers::Event<T>::Snapshot) continue;
    const ClusterEvent event = !change->before ? events.added : change->after ? events.changed : events.deleted;
    queue.move({.event = event, .object_before = change->before, .object_after = change->after});
  }
}

}  // namespace

void Scheduler::follow_others() {
  using enum ClusterEvent;
  const auto follow = [this]<class T>(const T*, Lifecycle events) {
    bool wanted = false;
    events.all().each([&](ClusterEvent event) {
      for (const auto& [name, profile] : profiles_) wanted |= profile->wants(event);
    });
    if (wanted) tasks_.spawn(scheduler::follow<T>(world_.informers.informer<T>(), queue_, events));
  };
#define FOLLOW(Kind, prefix) follow((const Kind*)nullptr, {prefix##Added, prefix##Changed, prefix##Deleted})
  FOLLOW(core::v1::PersistentVolume, PersistentVolume);
  FOLLOW(core::v1::PersistentVolumeClaim, PersistentVolumeClaim);
  FOLLOW(storage::v1::StorageClass, StorageClass);
  FOLLOW(storage::v1::CSINode, CsiNode);
  FOLLOW(storage::v1::CSIDriver, CsiDriver);
  FOLLOW(storage::v1::CSIStorageCapacity, CsiStorageCapacity);
  FOLLOW(storage::v1::VolumeAttachment, VolumeAttachment);
  FOLLOW(resources::v1::ResourceClaim, ResourceClaim);
  FOLLOW(resources::v1::ResourceSlice, ResourceSlice);
  FOLLOW(resources::v1::DeviceClass, DeviceClass);
#undef FOLLOW
}

}  // namespace ph::scheduler

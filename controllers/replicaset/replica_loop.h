// The loop that keeps a number of pods alike, for every kind that asks for it: ReplicaSets, and ReplicationControllers, which are
// told as ReplicaSets. A kind is an entry in ReplicaKind and one line in its entry function.
#pragma once

#include <optional>
#include <vector>

#include "api/selector.h"
#include "controllers/common/pod_control.h"
#include "controllers/common/same.h"
#include "controllers/replicaset/plan.h"

namespace ph::controllers::replicaset {

// What the loop must know of a kind T:
//   static Ref<ReplicaSet> as_set(const Ref<T>&);                     metadata, spec and status
//   static api::LabelSelector selector(const T&);
//   static <status of T> status(const ReplicaSetStatus&);
template <class T>
struct ReplicaKind;

// An object that asks for pods.
struct Subject {
  std::shared_ptr<const google::protobuf::Message> object;  // of the kind it is
  Ref<ReplicaSet> set;                                      // the same as a ReplicaSet
  api::LabelSelector selector;
  Owner owner;
  core::v1::ObjectReference about;
};

class ReplicaLoop : public Loop {
 public:
  explicit ReplicaLoop(const World& world);
  Task<Outcome> reconcile(ObjectKey key) final;

 protected:
  virtual std::optional<Subject> find(const ObjectKey& key) const = 0;
  // UIDs of all objects of the kind that have this controller.
  virtual std::vector<std::string> controlled_by(const std::string& uid) const = 0;
  // Writes the object back with another status, unless it has that already or is gone; throws when the object has changed.
  virtual Task<void> write_status(std::shared_ptr<const google::protobuf::Message> object, ReplicaSetStatus status) = 0;

  Client& client_;

 private:
  Task<Observed> observe(const Subject& subject);
  Task<std::optional<PodControl::Failure>> create(const Subject& subject, int count);
  Task<std::optional<PodControl::Failure>> remove(const Subject& subject, const Observed& observed, int count);
  std::map<std::string, int, std::less<>> related_pods_by_node(const Subject& subject);

  const Clock& clock_;
  Informer<PodView>& pods_;
  PodControl control_;
};

template <class T>
class ReplicaLoopOf final : public ReplicaLoop {
 public:
  explicit ReplicaLoopOf(const World& world) : ReplicaLoop(world), objects_(world.informer<T>()) {
    index_by_controller(objects_);
  }

 protected:
  std::optional<Subject> find(const ObjectKey& key) const override {
    const Ref<T> object = objects_.find(key);
    if (!object) return std::nullopt;
    return Subject{.object = object,
                   .set = ReplicaKind<T>::as_set(object),
                   .selector = ReplicaKind<T>::selector(*object),
                   .owner = owner_of(*object),
                   .about = informers::reference_to(*object)};
  }
  std::vector<std::string> controlled_by(const std::string& uid) const override {
    std::vector<std::string> out;
    for (const Ref<T>& object : objects_.by_index("controller", uid)) out.push_back(object->metadata().uid());
    return out;
  }
  Task<void> write_status(std::shared_ptr<const google::protobuf::Message> object, ReplicaSetStatus status) override {
    const T& before = static_cast<const T&>(*object);
    auto after = ReplicaKind<T>::status(status);
    if (says_same(before.status(), after)) co_return;
    T changed = before;
    *changed.mutable_status() = std::move(after);
    // One that was deleted meanwhile needs none.
    co_await client_.try_update_status<T>(std::move(changed));
  }

 private:
  Informer<T>& objects_;
};

// An orphan concerns every object that would adopt it.
template <class T>
LoopBuilder::Keys keys_for_orphan(const PodView& pod, const World& world) {
  LoopBuilder::Keys out;
  if (pod.controller()) return out;
  for (const Ref<T>& object : world.informers.informer<T>().list(pod.namespace_name.view())) {
    if (ReplicaKind<T>::selector(*object).matches(labels_of(pod))) out.push_back(key_of(*object));
  }
  return out;
}

// All that the entry function of a kind has to say.
template <class T>
void keep_replicas(LoopBuilder& loop) {
  loop.reconciles<T>()
      .template owns<T, PodView>()
      .template watches<PodView>(keys_for_orphan<T>)
      .template with<ReplicaLoopOf<T>>();
}

}  // namespace ph::controllers::replicaset

// replicaset, replicationcontroller: objects with overlapping selectors, scaled and deleted; orphans and strangers; pods that fail,
// finish and are deleted.
#pragma once

#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {

// What differs between the kinds:
//   static constexpr const char *kLoop, *kAccount;
//   static std::string app(const T&);             the one that it selects
//   static T make(const std::string& key, const std::string& app);
template <class T>
struct ReplicaKind;

template <class T>
class Replicas final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops(ReplicaKind<T>::kLoop); }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    sets_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (after) note_wanted(before, *after);
    });
    pods_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(ReplicaKind<T>::kAccount)) by_the_loop(key, before, after);
    });
    kubelet_.enter(cluster(), draw(), pods_, false);
    make_set();
  }

  void act() override {
    switch (draw().between(0, 11)) {
      case 0:
      case 1: return make_set();
      case 2:
      case 3: return scale();
      case 4: return delete_set();
      case 5: return make_orphan();
      case 6: return relabel();
      case 7: return delete_pod();
      default:
        for (int i = draw().between(1, 6); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override { kubelet_.settle(); }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, set] : sets_.all()) {
      if (!set.metadata().has_deletion_timestamp()) compare(key, set, out);
    }
    for (const auto& [key, pod] : pods_.all()) {
      if (!is_active(pod) || !controller_of(pod.metadata()).empty()) continue;
      for (const auto& [name, set] : sets_.all()) {
        if (set.metadata().has_deletion_timestamp() || ReplicaKind<T>::app(set) != app_of(pod.metadata())) continue;
        out.push_back(fmt::format("{} selects the orphan {}", name, key));
      }
    }
    return out;
  }

 private:
  using Pod = core::v1::Pod;
  inline static const std::vector<std::string> kNames{"a", "b", "c", "d"};
  inline static const std::vector<std::string> kApps{"red", "green", "blue"};

  static std::string app_of(const meta::v1::ObjectMeta& metadata) {
    const auto found = metadata.labels().find("app");
    return found == metadata.labels().end() ? std::string() : found->second;
  }

  struct Bounds {
    int most = 0;
    bool may_shrink = false;  // it was scaled down, or has adopted
  };

  void note_wanted(const T* before, const T& after) {
    Bounds& bounds = bounds_[after.metadata().uid()];
    bounds.most = std::max(bounds.most, after.spec().replicas());
    if (before && before->spec().replicas() > after.spec().replicas()) bounds.may_shrink = true;
  }

  int active(const std::string& uid) const {
    int out = 0;
    for (const auto& [key, pod] : pods_.all()) out += is_active(pod) && controller_of(pod.metadata()) == uid;
    return out;
  }

  void by_the_loop(const std::string& key, const Pod* before, const Pod* after) {
    if (!before) return created(key, *after);
    const std::string was = controller_of(before->metadata());
    const bool ends = !after || (!before->metadata().has_deletion_timestamp() && after->metadata().has_deletion_timestamp());
    if (ends) return deleted(key, was);
    const std::string is = controller_of(after->metadata());
    if (was.empty() && !is.empty()) {
      judge().reached("pods adopted");
      bounds_[is].may_shrink = true;
    }
    if (!was.empty() && is.empty()) judge().reached("pods released");
    if (!was.empty() && !is.empty() && was != is) judge().never(fmt::format("{} was taken from its owner", key));
  }

  void created(const std::string& key, const Pod& pod) {
    const std::string uid = controller_of(pod.metadata());
    const int count = active(uid), most = bounds_[uid].most;
    if (!alone()) {
      if (count > most) judge().reached("pods too many, of two managers");
      return;
    }
    if (count > most) judge().never(fmt::format("{} was created: {} pods where at most {} were ever wanted", key, count, most));
  }

  void deleted(const std::string& key, const std::string& controller) {
    judge().reached("pods deleted by the loop");
    if (controller.empty()) {
      if (alone()) return judge().never(fmt::format("{} was deleted, and nobody's", key));
      return judge().reached("pods deleted that another manager had released");
    }
    if (alone() && !bounds_[controller].may_shrink) {
      judge().never(fmt::format("{} was deleted, but its set was never scaled down and adopted nothing", key));
    }
  }

  void compare(const std::string& key, const T& set, std::vector<std::string>& out) const {
    int ready = 0;
    for (const auto& [name, pod] : pods_.all()) {
      if (controller_of(pod.metadata()) != set.metadata().uid() || !is_active(pod)) continue;
      ready += is_ready(pod);
      if (app_of(pod.metadata()) != ReplicaKind<T>::app(set)) out.push_back(fmt::format("{} still owns {}", key, name));
    }
    const int wanted = set.spec().replicas(), count = active(set.metadata().uid());
    const auto& status = set.status();
    if (count != wanted || ready != wanted)
      out.push_back(fmt::format("{} wants {} pods, has {}, {} ready", key, wanted, count, ready));
    if (status.replicas() != count || status.ready_replicas() != ready || status.available_replicas() != ready) {
      out.push_back(fmt::format("{} tells of {} pods, {} ready, {} available; it has {}, {}", key, status.replicas(),
                                status.ready_replicas(), status.available_replicas(), count, ready));
    }
    if (status.observed_generation() != set.metadata().generation()) out.push_back(key + " does not know its newest generation");
  }

  // -- The workload
  void make_set() {
    const std::string name = "default/" + draw().of(kNames);
    const std::string app = draw().of(kApps);
    T set = ReplicaKind<T>::make(name, app);
    set.mutable_spec()->set_replicas(draw().between(0, 6));
    if (draw().chance(0.3)) set.mutable_spec()->set_min_ready_seconds(draw().between(1, 20));
    attempt([&] { cluster().create(set); });
  }
  void scale() {
    const int to = draw().between(0, 8);
    this->template edit_one<T>(sets_, [&](T& set) { set.mutable_spec()->set_replicas(to); });
  }
  void delete_set() {
    remove_one(sets_, draw().chance(0.7) ? informers::DeleteOptions::background() : informers::DeleteOptions::foreground());
  }
  void make_orphan() {
    Pod pod = make_pod(fmt::format("default/orphan-{}", draw().between(0, 9)));
    (*pod.mutable_metadata()->mutable_labels())["app"] = draw().of(kApps);
    attempt([&] { cluster().create(pod); });
  }
  void relabel() {
    const std::string app = draw().chance(0.3) ? "grey" : draw().of(kApps);
    edit_one<Pod>(pods_, [&](Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["app"] = app; });
  }
  void delete_pod() {
    informers::DeleteOptions options;
    if (draw().chance(0.5)) options.grace_seconds = 0;
    remove_one(pods_, options);
  }

  Shadow<T> sets_;
  Shadow<Pod> pods_;
  Kubelet kubelet_;
  std::map<std::string, Bounds> bounds_;  // by the set's UID
};

}  // namespace ph::sim::swarm

// deployment: rollouts, rollbacks, scalings, pauses, both strategies; sets meddled with by users; names taken by the sets of a
// deployment of the same name that is gone.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"

namespace ph::sim::swarm {
namespace {

using apps::v1::Deployment;
using apps::v1::ReplicaSet;
using core::v1::Pod;

constexpr int kHistory = 2;
constexpr const char* kRevision = "deployment.kubernetes.io/revision";

// An IntOrString of `total`, by the rules of the documentation: surge is rounded up, unavailable down.
int part(const meta::v1::IntOrString& value, int total, bool up) {
  if (value.type() == 0) return value.int_val();
  const int percent = std::stoi(value.str_val());
  return up ? (percent * total + 99) / 100 : percent * total / 100;
}

struct Limits {
  int surge = 0, unavailable = 0;
};
Limits limits_of(const Deployment& deployment) {
  const auto& spec = deployment.spec();
  if (spec.strategy().type() == "Recreate") return {0, spec.replicas()};
  Limits out{part(spec.strategy().rolling_update().max_surge(), spec.replicas(), true),
             part(spec.strategy().rolling_update().max_unavailable(), spec.replicas(), false)};
  if (out.surge == 0 && out.unavailable == 0) out.unavailable = 1;
  return out;
}

std::string template_of(const core::v1::PodTemplateSpec& from) {
  core::v1::PodTemplateSpec bare = from;
  bare.mutable_metadata()->mutable_labels()->erase("pod-template-hash");
  return api::encode_protobuf(bare);
}

int revision_of(const meta::v1::ObjectMeta& metadata) {
  const auto found = metadata.annotations().find(kRevision);
  return found == metadata.annotations().end() ? 0 : std::stoi(found->second);
}

class Deployments final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    gentle_ = draw.chance(0.5);
    return loops("deployment,replicaset");
  }
  Faults faults() const override { return two_managers(120s); }

  void begin() override {
    deployments_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) {
      if (after) note(before, *after);
    });
    sets_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":deployment-controller")) by_the_loop(key, before, after);
      if (write.author == "admin" && before) meddled(*before);
    });
    pods_.follow(cluster());
    kubelet_.enter(cluster(), draw(), pods_, gentle_);
    make();
  }

  void act() override {
    switch (draw().between(0, 13)) {
      case 0: return make();
      case 1:
      case 2: return edit([this](Deployment& it) { it.mutable_spec()->set_replicas(draw().between(0, 7)); });
      case 3:
      case 4:
      case 5: return roll();
      case 6: return edit([](Deployment& it) { it.mutable_spec()->set_paused(!it.spec().paused()); });
      case 7: return edit([this](Deployment& it) { choose_strategy(it); });
      case 8:
        if (draw().chance(0.4)) return remove();
        return;
      case 9:
        if (!gentle_) return meddle();
        return;
      default:
        for (int i = draw().between(1, 8); i > 0; --i) kubelet_.step();
    }
  }

  void settle() override {
    for (const auto& [key, deployment] : std::map(deployments_.all())) {
      if (!deployment.spec().paused() || deployment.metadata().has_deletion_timestamp()) continue;
      attempt([&] { cluster().edit<Deployment>(key, [](Deployment& it) { it.mutable_spec()->set_paused(false); }); });
    }
    kubelet_.settle();
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, deployment] : deployments_.all()) {
      if (!deployment.metadata().has_deletion_timestamp()) compare(key, deployment, out);
    }
    return out;
  }

 private:
  // What a deployment has ever asked for.
  struct Asked {
    int most = 0;  // pods, with surge
    int least_available = 1 << 30;
    bool strategy_changed = false, scaled_down = false;
    bool meddled = false;  // by users, with its sets: nothing is promised then
  };

  void note(const Deployment* before, const Deployment& after) {
    Asked& asked = asked_[after.metadata().uid()];
    const Limits limits = limits_of(after);
    asked.most = std::max(asked.most, after.spec().replicas() + limits.surge);
    asked.least_available = std::min(asked.least_available, after.spec().replicas() - limits.unavailable);
    if (!before) return;
    if (before->spec().strategy().type() != after.spec().strategy().type()) asked.strategy_changed = true;
    if (before->spec().replicas() > after.spec().replicas()) asked.scaled_down = true;
    const int collisions = after.status().collision_count() - before->status().collision_count();
    if (collisions > 0) judge().reached("hash collisions");
  }
  void meddled(const ReplicaSet& set) { asked_[controller_of(set.metadata())].meddled = true; }

  template <class F>
  void for_sets_of(const std::string& uid, F what) const {
    for (const auto& [key, set] : sets_.all()) {
      if (controller_of(set.metadata()) == uid) what(key, set);
    }
  }

  int ready_of(const ReplicaSet& set) const {
    int out = 0;
    for (const auto& [key, pod] : pods_.all()) {
      out += is_active(pod) && is_ready(pod) && controller_of(pod.metadata()) == set.metadata().uid();
    }
    return out;
  }
  int active_of(const ReplicaSet& set) const {
    int out = 0;
    for (const auto& [key, pod] : pods_.all()) out += is_active(pod) && controller_of(pod.metadata()) == set.metadata().uid();
    return out;
  }

  void by_the_loop(const std::string& key, const ReplicaSet* before, const ReplicaSet* after) {
    const ReplicaSet& set = after ? *after : *before;
    const std::string uid = controller_of(set.metadata());
    Asked& asked = asked_[uid];
    if (before && after && controller_of(before->metadata()).empty() && !uid.empty()) {
      judge().reached("sets adopted");
      asked.meddled = true;
    }
    if (before && after && revision_of(before->metadata()) > revision_of(after->metadata())) {
      judge().never(key + " went back to an older revision");
    }
    if (!alone() || asked.meddled) return;
    if (!before) created(key, set, uid);
    if (!after || (after->metadata().has_deletion_timestamp() && !before->metadata().has_deletion_timestamp()))
      return cleaned(key, *before);
    int total = 0;
    for_sets_of(uid, [&](const auto&, const ReplicaSet& each) { total += each.spec().replicas(); });
    const bool grew = !before || after->spec().replicas() > before->spec().replicas();
    if (grew && total > asked.most) {
      judge().never(fmt::format("{}: the sets want {} pods where at most {} were ever allowed", key, total, asked.most));
    }
    if (before && after->spec().replicas() < before->spec().replicas()) shrunk(key, *before, *after, uid);
  }

  void created(const std::string& key, const ReplicaSet& set, const std::string& uid) {
    judge().reached("sets made");
    for_sets_of(uid, [&](const std::string& other, const ReplicaSet& each) {
      if (other == key || each.metadata().has_deletion_timestamp()) return;
      if (template_of(each.spec().template_()) == template_of(set.spec().template_())) {
        judge().never(fmt::format("{} was made though {} has its template", key, other));
      }
    });
  }

  void cleaned(const std::string& key, const ReplicaSet& set) {
    judge().reached("sets cleaned up");
    if (set.spec().replicas() != 0) judge().never(key + " was deleted while it wants pods");
    if (active_of(set) != 0) judge().never(key + " was deleted while it has pods");
  }

  // In a rolling update, where no pod fails: as many stay available as were promised, or as were before and the sets' statuses told.
  void shrunk(const std::string& key, const ReplicaSet& before, const ReplicaSet& after, const std::string& uid) {
    const Asked& asked = asked_[uid];
    if (!gentle_ || asked.strategy_changed || asked.scaled_down) return;
    const Deployment* owner = nullptr;
    for (const auto& [name, each] : deployments_.all()) {
      if (each.metadata().uid() == uid) owner = &each;
    }
    if (!owner || owner->spec().strategy().type() == "Recreate") return;
    int stay = 0, had = 0;
    for_sets_of(uid, [&](const std::string& name, const ReplicaSet& each) {
      const int ready = ready_of(each);
      stay += std::min(name == key ? after.spec().replicas() : each.spec().replicas(), ready);
      const int told = std::min(ready, each.status().available_replicas());
      had += std::min(name == key ? before.spec().replicas() : each.spec().replicas(), told);
    });
    if (stay < std::min(had, asked.least_available)) {
      judge().never(
          fmt::format("{} was made smaller: {} available pods stay where {} were promised", key, stay, asked.least_available));
    }
    judge().reached("sets made smaller while rolling");
  }

  void compare(const std::string& key, const Deployment& deployment, std::vector<std::string>& out) const {
    const int wanted = deployment.spec().replicas();
    int current = 0, old = 0, pods = 0;
    for_sets_of(deployment.metadata().uid(), [&](const std::string& name, const ReplicaSet& set) {
      if (set.metadata().has_deletion_timestamp()) return;
      const bool is_new = template_of(set.spec().template_()) == template_of(deployment.spec().template_());
      is_new ? ++current : ++old;
      if (is_new) pods += active_of(set);
      if (!is_new && set.spec().replicas() != 0)
        out.push_back(fmt::format("the old set {} wants {} pods", name, set.spec().replicas()));
      if (!is_new && active_of(set) != 0) out.push_back(fmt::format("the old set {} has {} pods", name, active_of(set)));
    });
    if (pods != wanted) out.push_back(fmt::format("{} has {} pods, not {}", key, pods, wanted));
    if (current > 1 && !asked_.at(deployment.metadata().uid()).meddled && alone()) {
      out.push_back(fmt::format("{} has {} sets of its template", key, current));
    }
    if (current == 0) out.push_back(key + " has no set of its template");
    if (old > kHistory) out.push_back(fmt::format("{} keeps {} old sets", key, old));
    const auto& status = deployment.status();
    if (status.observed_generation() != deployment.metadata().generation())
      out.push_back(key + " does not know its newest generation");
    if (status.replicas() != wanted || status.updated_replicas() != wanted || status.available_replicas() != wanted) {
      out.push_back(fmt::format("{} tells of {} pods, {} updated, {} available, not {}", key, status.replicas(),
                                status.updated_replicas(), status.available_replicas(), wanted));
    }
    bool progressed = false;
    for (const auto& c : status.conditions())
      progressed = progressed || (c.type() == "Progressing" && c.reason() == "NewReplicaSetAvailable");
    if (!progressed) out.push_back(key + " does not tell that it has progressed");
  }

  // -- The workload
  void make() {
    Deployment deployment = make_deployment(fmt::format("default/web-{}", draw().between(0, 2))).replicas(draw().between(1, 6));
    deployment.mutable_spec()->set_revision_history_limit(kHistory);
    choose_strategy(deployment);
    attempt([&] { cluster().create(deployment); });
  }
  void choose_strategy(Deployment& it) {
    auto& strategy = *it.mutable_spec()->mutable_strategy();
    strategy.Clear();
    if (draw().chance(0.2)) return strategy.set_type("Recreate");
    strategy.set_type("RollingUpdate");
    const int surge = draw().between(0, 2), unavailable = draw().between(surge == 0 ? 1 : 0, 2);
    strategy.mutable_rolling_update()->mutable_max_surge()->set_int_val(surge);
    strategy.mutable_rolling_update()->mutable_max_unavailable()->set_int_val(unavailable);
  }
  void edit(const std::function<void(Deployment&)>& change) {
    const auto keys = deployments_.keys();
    if (keys.empty()) return;
    attempt([&] { cluster().edit<Deployment>(draw().of(keys), change); });
  }
  void roll() {
    edit([this](Deployment& it) {
      auto& spec = *it.mutable_spec()->mutable_template_()->mutable_spec();
      spec.mutable_containers(0)->set_image(fmt::format("img:{}", draw().between(1, 5)));
    });
  }
  void remove() {
    const auto keys = deployments_.keys();
    if (!keys.empty()) attempt([&] { cluster().remove<Deployment>(draw().of(keys)); });
  }
  void meddle() {
    const auto keys = sets_.keys();
    if (keys.empty()) return;
    const std::string key = draw().of(keys);
    switch (draw().between(0, 2)) {
      case 0: attempt([&] { cluster().remove<ReplicaSet>(key); }); return;
      case 1:
        attempt([&] {
          cluster().edit<ReplicaSet>(key, [this](ReplicaSet& set) { set.mutable_spec()->set_replicas(draw().between(0, 5)); });
        });
        return;
      default:
        attempt(
            [&] { cluster().edit<ReplicaSet>(key, [](ReplicaSet& set) { set.mutable_metadata()->clear_owner_references(); }); });
    }
  }

  bool gentle_ = false;
  Shadow<Deployment> deployments_;
  Shadow<ReplicaSet> sets_;
  Shadow<Pod> pods_;
  Kubelet kubelet_;
  std::map<std::string, Asked> asked_;  // by the deployment's UID
};

}  // namespace

std::unique_ptr<Swarm> deployment() { return std::make_unique<Deployments>(); }

}  // namespace ph::sim::swarm

// pvc-protection: claims come, are deleted, and lose their finalizer; pods name them or bring their own, get nodes, end and go.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;
using Claim = core::v1::PersistentVolumeClaim;

constexpr const char* kFinalizer = "kubernetes.io/pvc-protection";
constexpr const char* kHeld = "example.com/held";

bool has_finalizer(const Claim& claim, const char* name) {
  return std::ranges::count(claim.metadata().finalizers(), std::string_view(name)) > 0;
}
bool is_deleted(const Claim& claim) { return claim.metadata().has_deletion_timestamp(); }

// Names of the claims that a pod's volumes name, and of those that it brings.
struct Named {
  std::vector<std::string> plain, own;
};
Named claims_of(const Pod& pod) {
  Named out;
  for (const auto& volume : pod.spec().volumes()) {
    const auto& source = volume.volume_source();
    if (source.has_persistent_volume_claim()) out.plain.push_back(source.persistent_volume_claim().claim_name());
    if (source.has_ephemeral()) out.own.push_back(pod.metadata().name() + "-" + volume.name());
  }
  return out;
}
bool has(const std::vector<std::string>& names, const std::string& name) { return std::ranges::count(names, name) > 0; }

class ClaimProtection final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("pvc-protection"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    pods_.follow(cluster());
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":pvc-protection-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (!after || has_finalizer(*before, kFinalizer)) {
        if (!is_deleted(*before)) judge().never(key + " was let go, and nobody had deleted it");
        if (is_used(*before)) judge().never(key + " was let go while a pod used it");
        judge().reached(after ? "claims let go that others hold" : "claims let go");
        return;
      }
      if (is_deleted(*before)) judge().never(key + " was protected though it was deleted");
      judge().reached("claims protected");
    });
  }

  void act() override {
    switch (draw().between(0, 8)) {
      case 0:
      case 1: return make_claim(fmt::format("data-{}", draw().between(0, 4)), nullptr);
      case 2: remove_one(claims_); return;
      case 3: return make_pod();
      case 4: return bind_one();
      case 5: return end_or_remove_one();
      case 6: return bring_one();
      case 7:
        edit_one<Claim>(claims_, [this](Claim& claim) {
          claim.mutable_metadata()->clear_finalizers();
          if (draw().chance(0.2) && !is_deleted(claim)) claim.mutable_metadata()->add_finalizers(kHeld);
        });
        return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  void settle() override {
    for (const auto& [key, pod] : std::map(pods_.all())) {
      if (!pod.metadata().has_deletion_timestamp()) continue;
      attempt([&] { cluster().remove<Pod>(key, {.grace_seconds = 0}); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, claim] : claims_.all()) {
      const bool has = has_finalizer(claim, kFinalizer);
      if (!is_deleted(claim) && !has) out.push_back(key + " is not protected");
      if (is_deleted(claim) && has && !is_used(claim)) out.push_back(key + " is deleted, unused, and still there");
    }
    return out;
  }

 private:
  bool is_used(const Claim& claim) const {
    const std::string& name = claim.metadata().name();
    return std::ranges::any_of(pods_.all(), [&](const auto& entry) {
      const Pod& pod = entry.second;
      if (pod.spec().node_name().empty()) return false;
      const Named named = claims_of(pod);
      const auto& metadata = pod.metadata();
      const bool is_over = metadata.has_deletion_timestamp() && metadata.deletion_grace_period_seconds() == 0;
      return has(named.plain, name) || (!is_over && has(named.own, name) && controller_of(claim.metadata()) == metadata.uid());
    });
  }

  void make_claim(const std::string& name, const Pod* owner) {
    Claim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(name);
    if (draw().chance(0.7)) claim.mutable_metadata()->add_finalizers(kFinalizer);
    claim.mutable_spec()->add_access_modes("ReadWriteOnce");
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    if (owner) {
      auto& reference = *claim.mutable_metadata()->add_owner_references();
      reference.set_api_version("v1");
      reference.set_kind("Pod");
      reference.set_name(owner->metadata().name());
      reference.set_uid(owner->metadata().uid());
      reference.set_controller(true);
    }
    attempt([&] { cluster().create(claim); });
  }
  // What the loop for ephemeral volumes would do.
  void bring_one() {
    if (pods_.all().empty()) return;
    const Pod pod = *pods_.find(draw().of(pods_.keys()));
    for (const std::string& name : claims_of(pod).own) make_claim(name, draw().chance(0.8) ? &pod : nullptr);
  }

  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 5)));
    for (int i = draw().between(0, 2); i > 0; --i) {
      auto& volume = *pod.mutable_spec()->add_volumes();
      volume.set_name(fmt::format("v{}", i));
      volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(
          fmt::format("data-{}", draw().between(0, 4)));
    }
    if (draw().chance(0.5)) {
      auto& volume = *pod.mutable_spec()->add_volumes();
      volume.set_name("tmp");
      auto& from = *volume.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec();
      from.add_access_modes("ReadWriteOnce");
      (*from.mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    }
    attempt([&] { cluster().create(pod); });
  }

  // As the scheduler: not while a claim is not there, or on its way out.
  void bind_one() {
    if (pods_.all().empty()) return;
    const Pod pod = *pods_.find(draw().of(pods_.keys()));
    const Named named = claims_of(pod);
    for (const auto* names : {&named.plain, &named.own}) {
      for (const std::string& name : *names) {
        const Claim* claim = claims_.find("default/" + name);
        if (!claim || is_deleted(*claim)) return;
      }
    }
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
    binding.mutable_metadata()->set_name(pod.metadata().name());
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name("node-0");
    attempt([&] {
      cluster().call<meta::v1::Status>([&](informers::Client& client) {
        return client.post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding", binding);
      });
    });
  }

  void end_or_remove_one() {
    if (pods_.all().empty()) return;
    const std::string key = draw().of(pods_.keys());
    attempt([&] {
      if (draw().chance(0.3)) {
        Pod pod = cluster().get<Pod>(key);
        pod.mutable_status()->set_phase("Failed");
        cluster().update_status(pod);
      } else if (draw().chance(0.5)) {
        cluster().remove<Pod>(key);
      } else {
        cluster().remove<Pod>(key, {.grace_seconds = 0});
      }
    });
  }

  Shadow<Pod> pods_;
  Shadow<Claim> claims_;
};

}  // namespace

std::unique_ptr<Swarm> persistent_volume_claim_protection() { return std::make_unique<ClaimProtection>(); }

}  // namespace ph::sim::swarm

// ephemeral-volume: pods with volumes that bring claims come and go, claims are deleted, and somebody else takes their names.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/kubelet.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;
using Claim = core::v1::PersistentVolumeClaim;

constexpr const char* kHeld = "example.com/held";

void ask_for_storage(core::v1::PersistentVolumeClaimSpec& spec) {
  spec.add_access_modes("ReadWriteOnce");
  (*spec.mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
}

class EphemeralVolumes final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("ephemeral-volume"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    pods_.follow(cluster(), [this](const auto&, const auto*, const auto* after, const auto&) {
      if (after) known_[after->metadata().uid()] = *after;
    });
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":ephemeral-volume-controller")) return;
      if (before) return judge().never(key + " was changed by the loop");
      judge_made(key, *after);
    });
    for (int i = 0; i < 3; ++i) make_pod();
  }

  void act() override {
    switch (draw().between(0, 6)) {
      case 0:
      case 1: return make_pod();
      case 2: remove_one(claims_); return;
      case 3: remove_one(pods_, {.grace_seconds = 0}); return;
      case 4: return take_a_name();
      case 5: edit_one<Pod>(pods_, [](Pod& pod) { pod.mutable_metadata()->clear_finalizers(); }); return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, pod] : pods_.all()) {
      if (pod.metadata().has_deletion_timestamp()) continue;
      for (const auto& volume : pod.spec().volumes()) {
        const Claim* claim = claims_.find(key + "-" + volume.name());
        if (!claim) out.push_back(key + " has no claim for " + volume.name());
        // As upstream's: those that follow wait.
        if (!claim || controller_of(claim->metadata()) != pod.metadata().uid()) break;
      }
    }
    return out;
  }

  // Whose name somebody else has is told of it again, after a restart too.
  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  void judge_made(const std::string& key, const Claim& claim) {
    const auto pod = known_.find(controller_of(claim.metadata()));
    if (pod == known_.end()) return judge().never(key + " was made for no pod");
    const auto& volumes = pod->second.spec().volumes();
    const bool is_his = std::ranges::any_of(volumes, [&](const auto& volume) {
      return pod->second.metadata().name() + "-" + volume.name() == claim.metadata().name();
    });
    if (!is_his) judge().never(key + " was made for a pod that has no such volume");
    judge().reached("claims made");
  }

  void make_pod() {
    Pod pod = sim::make_pod(fmt::format("default/pod-{}", draw().between(0, 4)));
    if (draw().chance(0.2)) pod.mutable_metadata()->add_finalizers(kHeld);
    for (int i = draw().between(1, 3); i > 0; --i) {
      auto& volume = *pod.mutable_spec()->add_volumes();
      volume.set_name(fmt::format("v{}", i));
      ask_for_storage(*volume.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec());
    }
    attempt([&] { cluster().create(pod); });
  }
  void take_a_name() {
    Claim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(fmt::format("pod-{}-v{}", draw().between(0, 4), draw().between(1, 3)));
    ask_for_storage(*claim.mutable_spec());
    if (attempt([&] { cluster().create(claim); })) judge().reached("names taken by others");
  }

  Shadow<Pod> pods_;
  Shadow<Claim> claims_;
  std::map<std::string, Pod> known_;  // all there ever were, by UID
};

}  // namespace

std::unique_ptr<Swarm> ephemeral_volume() { return std::make_unique<EphemeralVolumes>(); }

}  // namespace ph::sim::swarm

// pv-protection: volumes come, are bound and released, are deleted, and lose their finalizer.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Volume = core::v1::PersistentVolume;

constexpr const char* kFinalizer = "kubernetes.io/pv-protection";
constexpr const char* kHeld = "example.com/held";

bool is_protected(const Volume& volume) {
  return std::ranges::count(volume.metadata().finalizers(), std::string_view(kFinalizer)) > 0;
}
bool is_deleted(const Volume& volume) { return volume.metadata().has_deletion_timestamp(); }

class VolumeProtection final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("pv-protection"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    volumes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":pv-protection-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (!after || is_protected(*before)) {
        if (!is_deleted(*before)) judge().never(key + " was let go, and nobody had deleted it");
        if (before->status().phase() == "Bound") judge().never(key + " was let go while it was bound");
        judge().reached(after ? "volumes let go that others hold" : "volumes let go");
        return;
      }
      if (is_deleted(*before)) judge().never(key + " was protected though it was deleted");
      judge().reached("volumes protected");
    });
  }

  void act() override {
    switch (draw().between(0, 5)) {
      case 0:
      case 1: return make_volume();
      case 2: remove_one(volumes_); return;
      case 3: return change_phase();
      case 4:
        edit_one<Volume>(volumes_, [this](Volume& volume) {
          volume.mutable_metadata()->clear_finalizers();
          if (draw().chance(0.2) && !is_deleted(volume)) volume.mutable_metadata()->add_finalizers(kHeld);
        });
        return;
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, volume] : volumes_.all()) {
      const bool is_bound = volume.status().phase() == "Bound";
      if (!is_deleted(volume) && !is_protected(volume)) out.push_back(key + " is not protected");
      if (is_deleted(volume) && is_protected(volume) && !is_bound) out.push_back(key + " is deleted, not bound, and still there");
    }
    return out;
  }

 private:
  void make_volume() {
    Volume volume;
    volume.mutable_metadata()->set_name(fmt::format("volume-{}", draw().between(0, 5)));
    if (draw().chance(0.6)) volume.mutable_metadata()->add_finalizers(kFinalizer);
    (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
    volume.mutable_spec()->add_access_modes("ReadWriteOnce");
    volume.mutable_spec()->mutable_persistent_volume_source()->mutable_host_path()->set_path("/x");
    attempt([&] { cluster().create(volume); });
  }
  void change_phase() {
    if (volumes_.all().empty()) return;
    const std::string key = draw().of(volumes_.keys());
    const bool bound = draw().chance(0.5);
    attempt([&] {
      Volume volume = cluster().get<Volume>(key);
      volume.mutable_status()->set_phase(bound ? "Bound" : "Released");
      cluster().update_status(volume);
    });
  }

  Shadow<Volume> volumes_;
};

}  // namespace

std::unique_ptr<Swarm> persistent_volume_protection() { return std::make_unique<VolumeProtection>(); }

}  // namespace ph::sim::swarm

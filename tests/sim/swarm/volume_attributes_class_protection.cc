// volumeattributesclass-protection: classes come and are deleted; claims and volumes name them, change to others, and go.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Claim = core::v1::PersistentVolumeClaim;
using Class = storage::v1::VolumeAttributesClass;
using Volume = core::v1::PersistentVolume;

constexpr const char* kFinalizer = "kubernetes.io/vac-protection";

bool is_protected(const Class& of) { return std::ranges::count(of.metadata().finalizers(), std::string_view(kFinalizer)) > 0; }
bool is_deleted(const Class& of) { return of.metadata().has_deletion_timestamp(); }

class ClassProtection final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("volumeattributesclass-protection-controller"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    claims_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) { note(before, after); });
    volumes_.follow(cluster(), [this](const auto&, const auto* before, const auto* after, const auto&) { note(before, after); });
    classes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":volumeattributesclass-protection-controller")) return;
      if (!before) return judge().never(key + " was made by the loop");
      if (!after || is_protected(*before)) {
        if (!is_deleted(*before)) judge().never(key + " was let go, and nobody had deleted it");
        // The copies may be behind: who began to name it a moment ago is not seen.
        const auto since = named_since_.find(key);
        if (since != named_since_.end() && since->second + cache_age_most() + request_most() < steady())
          judge().never(key + " was let go while it was named");
        judge().reached("classes let go");
        return;
      }
      if (is_deleted(*before)) judge().never(key + " was protected though it was deleted");
      judge().reached("classes protected");
    });
  }

  void act() override {
    switch (draw().between(0, 8)) {
      case 0:
      case 1: return make_class();
      case 2: remove_one(classes_); return;
      case 3: return make_claim();
      case 4: return make_volume();
      case 5: remove_one(claims_); return;
      case 6: remove_one(volumes_); return;
      case 7: return change_claim();
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, of] : classes_.all()) {
      if (!is_deleted(of) && !is_protected(of)) out.push_back(key + " is not protected");
      if (is_deleted(of) && is_protected(of) && !is_named(key)) out.push_back(key + " is deleted, not named, and still there");
    }
    return out;
  }

 private:
  bool is_named(const std::string& name) const {
    const auto claim_names = [&](const auto& entry) {
      const Claim& claim = entry.second;
      return claim.spec().volume_attributes_class_name() == name ||
             claim.status().current_volume_attributes_class_name() == name ||
             claim.status().modify_volume_status().target_volume_attributes_class_name() == name;
    };
    return std::ranges::any_of(claims_.all(), claim_names) || std::ranges::any_of(volumes_.all(), [&](const auto& entry) {
             return entry.second.spec().volume_attributes_class_name() == name;
           });
  }
  // Since when each class has been named without a break.
  template <class T>
  void note(const T*, const T*) {
    for (int i = 0; i < kClasses; ++i) {
      const std::string name = fmt::format("class-{}", i);
      if (is_named(name)) named_since_.emplace(name, steady());
      else named_since_.erase(name);
    }
  }

  std::string any_class() { return fmt::format("class-{}", draw().between(0, kClasses - 1)); }

  void make_class() {
    Class of;
    of.mutable_metadata()->set_name(any_class());
    if (draw().chance(0.6)) of.mutable_metadata()->add_finalizers(kFinalizer);
    of.set_driver_name("csi.example.com");
    (*of.mutable_parameters())["iops"] = "5";
    attempt([&] { cluster().create(of); });
  }
  void make_claim() {
    Claim claim;
    claim.mutable_metadata()->set_namespace_("default");
    claim.mutable_metadata()->set_name(fmt::format("claim-{}", draw().between(0, 5)));
    claim.mutable_spec()->add_access_modes("ReadWriteOnce");
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    claim.mutable_spec()->set_volume_attributes_class_name(any_class());
    attempt([&] { cluster().create(claim); });
  }
  void make_volume() {
    Volume volume;
    volume.mutable_metadata()->set_name(fmt::format("volume-{}", draw().between(0, 3)));
    (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
    volume.mutable_spec()->add_access_modes("ReadWriteOnce");
    auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
    csi.set_driver("csi.example.com");
    csi.set_volume_handle("h");
    volume.mutable_spec()->set_volume_attributes_class_name(any_class());
    attempt([&] { cluster().create(volume); });
  }
  // As the resizer tells of it.
  void change_claim() {
    if (claims_.all().empty()) return;
    const std::string key = draw().of(claims_.keys());
    attempt([&] {
      Claim claim = cluster().get<Claim>(key);
      auto& status = *claim.mutable_status();
      if (draw().chance(0.5)) {
        status.set_current_volume_attributes_class_name(any_class());
        status.clear_modify_volume_status();
      } else {
        status.mutable_modify_volume_status()->set_target_volume_attributes_class_name(any_class());
        status.mutable_modify_volume_status()->set_status("InProgress");
      }
      cluster().update_status(claim);
    });
  }

  static constexpr int kClasses = 4;
  Shadow<Claim> claims_;
  Shadow<Volume> volumes_;
  Shadow<Class> classes_;
  std::map<std::string, Steady> named_since_;
};

}  // namespace

std::unique_ptr<Swarm> volume_attributes_class_protection() { return std::make_unique<ClassProtection>(); }

}  // namespace ph::sim::swarm

// persistentvolume-binder: claims that take any volume, name one, wait for their first pod or are provisioned for; volumes that are free,
// kept for a claim, chosen by a scheduler or made for a node; both are deleted in between. No volume has two claims, and none is given
// away.
#include <fmt/format.h>

#include <algorithm>

#include "informers/recorder.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;

constexpr const char* kProvider = "csi.example.com";
constexpr const char* kAsked = "volume.kubernetes.io/storage-provisioner";
constexpr const char* kMade = "pv.kubernetes.io/provisioned-by";
constexpr const char* kNode = "volume.kubernetes.io/selected-node";
constexpr const char* kByController = "pv.kubernetes.io/bound-by-controller";

template <class T>
bool has_note(const T& object, const char* name) {
  return object.metadata().annotations().contains(name);
}
int gigabytes(const std::string& size) { return size.empty() ? 0 : std::stoi(size); }
int size_of(const Claim& claim) { return gigabytes(claim.spec().resources().requests().at("storage").string()); }
int size_of(const Volume& volume) { return gigabytes(volume.spec().capacity().at("storage").string()); }
const std::string& owner_of(const Volume& volume) { return volume.spec().claim_ref().uid(); }

class VolumeBinder final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("persistentvolume-binder"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":persistent-volume-binder")) judge_claim(key, before, after);
    });
    volumes_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":persistent-volume-binder")) judge_volume(key, before, after);
    });
    cluster().create(controllers::make_class("made", kProvider));
    cluster().create(controllers::make_class("waits", kProvider, true));
    cluster().create(controllers::make_class("by-hand", "kubernetes.io/no-provisioner"));
    for (int i = 0; i < 3; ++i) make_volume();
  }

  void act() override {
    switch (draw().between(0, 10)) {
      case 0:
      case 1:
      case 2: return make_claim();
      case 3:
      case 4: return make_volume();
      case 5: remove_one(claims_); return;
      case 6:
        if (draw().chance(0.5)) remove_one(volumes_);
        return;
      case 7: return provision(0.5);
      case 8: return select_nodes(0.5);
      case 9: return choose();
      default: cluster().advance(draw().up_to(30s));
    }
  }

  void settle() override {
    cluster().advance(16s);  // what waits is looked at once in fifteen seconds, and only then is a provisioner asked
    select_nodes(1);
    provision(1);
    for (const auto& [key, volume] : std::map(volumes_.all())) {
      if (has_note(volume, kMade) && volume.status().phase() == "Released") attempt([&] { cluster().remove<Volume>(key); });
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, claim] : claims_.all()) {
      if (const std::string wrong = wrong_with(key, claim); !wrong.empty()) out.push_back(key + " " + wrong);
    }
    for (const auto& [key, volume] : volumes_.all()) {
      const std::string phase = phase_for(key, volume);
      if (volume.status().phase() != phase)
        out.push_back(fmt::format("{} is {}, and should be {}", key, volume.status().phase(), phase));
    }
    return out;
  }

  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  // -- Never

  void judge_claim(const std::string& key, const Claim* before, const Claim* after) {
    if (!before || !after) return judge().never(key + " was made or deleted by the loop");
    const std::string &was = before->spec().volume_name(), &is = after->spec().volume_name();
    if (!was.empty() && was != is) judge().never(key + " was moved from one volume to another");
    if (was.empty() && !is.empty()) {
      // The volume was its own before it knew, and nobody takes that away.
      const Volume* volume = volumes_.find(is);
      if (volume && owner_of(*volume) != after->metadata().uid())
        judge().never(key + " was given the volume of somebody else, " + is);
      judge().reached("claims bound");
    }
    if (after->status().phase() != "Bound" || before->status().phase() == "Bound") return;
    for (const auto& [other, claim] : claims_.all()) {
      if (other == key || claim.status().phase() != "Bound" || claim.spec().volume_name() != is) continue;
      judge().never(fmt::format("{} and {} are both bound to {}", other, key, is));
    }
  }

  void judge_volume(const std::string& key, const Volume* before, const Volume* after) {
    if (!before || !after) return judge().never(key + " was made or deleted by the loop");
    const Claim* owner = claim_of(owner_of(*before));
    const bool is_theirs = owner && owner->spec().volume_name() == key;
    if (!owner_of(*before).empty() && owner_of(*after) != owner_of(*before)) {
      if (!owner_of(*after).empty()) judge().never(key + " was given away while it was somebody's");
      if (is_theirs) judge().never(key + " was taken from the claim that is bound to it");
      judge().reached("volumes given up");
    }
    const std::string &was = before->status().phase(), &is = after->status().phase();
    if (was != is && (is == "Released" || is == "Failed")) {
      if (is_theirs) judge().never(key + " was released while its claim was there");
      judge().reached("volumes " + is);
    }
  }

  // -- In the end

  const Claim* claim_of(const std::string& uid) const {
    for (const auto& [key, claim] : claims_.all()) {
      if (claim.metadata().uid() == uid) return &claim;
    }
    return nullptr;
  }

  std::string phase_for(const std::string& key, const Volume& volume) const {
    if (owner_of(volume).empty()) return "Available";
    const Claim* claim = claim_of(owner_of(volume));
    if (claim && claim->spec().volume_name() == key) return "Bound";
    const bool is_deleted = volume.spec().persistent_volume_reclaim_policy() == "Delete";
    return is_deleted && !has_note(volume, kMade) ? "Failed" : "Released";
  }

  std::string wrong_with(const std::string& key, const Claim& claim) const {
    const std::string& name = claim.spec().volume_name();
    const Volume* its = name.empty() ? nullptr : volumes_.find(name);
    const std::string& phase = claim.status().phase();
    const bool is_complete = has_note(claim, "pv.kubernetes.io/bind-completed");
    if (its && owner_of(*its) == claim.metadata().uid())
      return phase == "Bound" && is_complete ? "" : "is not bound, and has " + name;
    if (is_complete) return phase == "Lost" ? "" : "is not lost, and has lost " + name;
    if (phase != "Pending") return "is " + phase;
    if (has_note(claim, kAsked)) return "waits for its provisioner";
    for (const auto& [other, volume] : volumes_.all()) {
      if (!name.empty() && other != name) continue;
      if (could_have(key, claim, volume)) return "is pending, and could have " + other;
    }
    return {};
  }

  static bool could_have(const std::string& key, const Claim& claim, const Volume& volume) {
    if (size_of(volume) < size_of(claim) || !owner_of(volume).empty()) return false;
    const auto& ref = volume.spec().claim_ref();
    if (volume.spec().has_claim_ref()) return ref.namespace_() + "/" + ref.name() == key;
    const std::string& of = claim.spec().storage_class_name();
    return volume.spec().storage_class_name() == of && (of != "waits" || !claim.spec().volume_name().empty());
  }

  // -- What there is

  std::string any_claim() { return fmt::format("default/claim-{}", draw().between(0, 5)); }
  std::string any_size() { return fmt::format("{}Gi", draw().between(1, 3)); }

  void make_claim() {
    const std::string of = draw().of(std::vector<std::string>{"", "by-hand", "made", "waits"});
    auto claim = controllers::make_claim(any_claim()).size(any_size()).of_class(of);
    if (draw().chance(0.15)) claim.volume(fmt::format("volume-{}", draw().between(0, volumes_made_)));
    attempt([&] { cluster().create(claim.object()); });
  }

  // No name comes twice: who is bound to a volume is bound to that one. (One that is made for a claim may be made for it again.)
  void make_volume() {
    const std::string of = draw().of(std::vector<std::string>{"", "by-hand", "by-hand", "waits"});
    auto volume = controllers::make_volume(fmt::format("volume-{}", volumes_made_++)).size(any_size()).of_class(of);
    if (draw().chance(0.2)) volume.kept_for(any_claim());
    if (draw().chance(0.3)) volume.reclaim("Delete");
    attempt([&] { cluster().create(volume.object()); });
  }

  void provision(double chance) {
    for (const auto& [key, claim] : std::map(claims_.all())) {
      if (!has_note(claim, kAsked) || !claim.spec().volume_name().empty() || !draw().chance(chance)) continue;
      const std::string name = "pvc-" + claim.metadata().uid();
      if (volumes_.find(name)) continue;
      const auto volume = controllers::make_volume(name)
                              .size(fmt::format("{}Gi", size_of(claim)))
                              .of_class(claim.spec().storage_class_name())
                              .reclaim("Delete")
                              .noted(kMade, kProvider)
                              .kept_for(key, claim.metadata().uid());
      attempt([&] { cluster().create(volume.object()); });
    }
  }

  // As the scheduler does: for a node on which the volume is to be made, or with a volume that is there.
  void select_nodes(double chance) {
    for (const auto& [key, claim] : std::map(claims_.all())) {
      if (claim.spec().storage_class_name() != "waits" || !claim.spec().volume_name().empty()) continue;
      if (has_note(claim, kNode) || !draw().chance(chance)) continue;
      attempt([&] {
        cluster().edit<Claim>(key, [](Claim& each) { (*each.mutable_metadata()->mutable_annotations())[kNode] = "n1"; });
      });
    }
  }
  void choose() {
    for (const auto& [claim_key, claim] : std::map(claims_.all())) {
      if (claim.spec().storage_class_name() != "waits" || !claim.spec().volume_name().empty()) continue;
      for (const auto& [key, volume] : std::map(volumes_.all())) {
        const bool is_free = volume.status().phase() == "Available" && !volume.spec().has_claim_ref();
        if (!is_free || volume.spec().storage_class_name() != "waits" || size_of(volume) < size_of(claim)) continue;
        attempt([&] {
          cluster().edit<Volume>(key, [&](Volume& each) {
            if (each.spec().has_claim_ref()) return;
            *each.mutable_spec()->mutable_claim_ref() = informers::reference_to(claim);
            (*each.mutable_metadata()->mutable_annotations())[kByController] = "yes";
          });
          judge().reached("volumes chosen by a scheduler");
        });
        return;
      }
    }
  }

  Shadow<Claim> claims_;
  Shadow<Volume> volumes_;
  int volumes_made_ = 0;
};

}  // namespace

std::unique_ptr<Swarm> persistent_volume_binder() { return std::make_unique<VolumeBinder>(); }

}  // namespace ph::sim::swarm

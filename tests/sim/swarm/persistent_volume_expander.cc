// persistentvolume-expander: bound claims grow, some of volumes whose plugin has moved to a driver. All it writes is who is to let them.
#include <fmt/format.h>

#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;

constexpr const char* kResizer = "volume.kubernetes.io/storage-resizer";
constexpr const char* kDriver = "ebs.csi.aws.com";

int gigabytes(const std::string& size) { return size.empty() ? 0 : std::stoi(size); }
int asked_by(const Claim& claim) { return gigabytes(claim.spec().resources().requests().at("storage").string()); }
int size_of(const Claim& claim) {
  const auto found = claim.status().capacity().find("storage");
  return found == claim.status().capacity().end() ? 0 : gigabytes(found->second.string());
}

class VolumeExpander final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("persistentvolume-expander"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    claims_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":expand-controller")) return;
      if (!before || !after) return judge().never(key + " was made or deleted by the loop");
      Claim told = *after;
      told.mutable_metadata()->mutable_annotations()->erase(kResizer);
      Claim was = *before;
      was.mutable_metadata()->mutable_annotations()->erase(kResizer);
      for (Claim* each : {&told, &was}) {
        each->mutable_metadata()->clear_managed_fields();
        each->mutable_metadata()->clear_resource_version();
        each->mutable_metadata()->clear_generation();
      }
      if (told.SerializeAsString() != was.SerializeAsString()) judge().never(key + " was changed in what is not the loop's");
      const Volume* volume = volumes_.find(after->spec().volume_name());
      if (volume && !volume->spec().persistent_volume_source().has_aws_elastic_block_store())
        judge().never(key + " was told a resizer that its volume does not need");
      judge().reached("resizers told");
    });
    volumes_.follow(cluster());
    for (int i = 0; i < 4; ++i) make(i);
  }

  void act() override {
    switch (draw().between(0, 4)) {
      case 0:
      case 1:
        edit_one<Claim>(claims_, [this](Claim& claim) {
          const std::string more = fmt::format("{}Gi", asked_by(claim) + draw().between(0, 2));
          (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string(more);
        });
        return;
      case 2: return grow();
      case 3: return make(draw().between(0, 5));
      default: cluster().advance(draw().up_to(20s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, claim] : claims_.all()) {
      const Volume* volume = volumes_.find(claim.spec().volume_name());
      const bool waits = volume && claim.status().phase() == "Bound" && size_of(claim) < asked_by(claim);
      if (!waits || !volume->spec().persistent_volume_source().has_aws_elastic_block_store()) continue;
      const auto told = claim.metadata().annotations().find(kResizer);
      if (told == claim.metadata().annotations().end() || told->second != kDriver)
        out.push_back(key + " does not know its resizer");
    }
    return out;
  }

  bool may_write_at_rest(const std::string& line) const override { return line.find("/registry/events/") != std::string::npos; }

 private:
  // A claim that is bound, by hand.
  void make(int number) {
    const std::string name = fmt::format("claim-{}", number);
    if (claims_.find("default/" + name)) return;
    attempt([&] {
      Claim claim =
          cluster().create(controllers::make_claim("default/" + name).bound("volume-" + name).of_class("grows").object());
      auto volume = controllers::make_volume("volume-" + name)
                        .kept_for("default/" + name, claim.metadata().uid())
                        .of_class("grows")
                        .object();
      if (number % 2 == 0) {
        auto& source = *volume.mutable_spec()->mutable_persistent_volume_source();
        source.clear_csi();
        source.mutable_aws_elastic_block_store()->set_volume_id("vol-" + name);
      }
      cluster().create(volume);
      set_bound(claim, "1Gi");
    });
  }
  void set_bound(Claim claim, const std::string& size) {
    claim.mutable_status()->set_phase("Bound");
    (*claim.mutable_status()->mutable_capacity())["storage"].set_string(size);
    cluster().update_status(claim);
  }
  // As a resizer does.
  void grow() {
    const auto keys = claims_.keys();
    if (keys.empty()) return;
    const Claim claim = *claims_.find(draw().of(keys));
    attempt([&] { set_bound(claim, fmt::format("{}Gi", asked_by(claim))); });
  }

  Shadow<Claim> claims_;
  Shadow<Volume> volumes_;
};

}  // namespace

std::unique_ptr<Swarm> persistent_volume_expander() { return std::make_unique<VolumeExpander>(); }

}  // namespace ph::sim::swarm

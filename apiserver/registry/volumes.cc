// Persistent volumes and claims: their phase, and since when.
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using core::v1::PersistentVolume;
using core::v1::PersistentVolumeClaim;

class ClaimRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, api::Object& object) override {
    object.as<PersistentVolumeClaim>().mutable_status()->set_phase("Pending");
  }
};

class VolumeRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    auto& status = *object.as<PersistentVolume>().mutable_status();
    status.set_phase("Pending");
    api::set_time(status.mutable_last_phase_transition_time(), context.now);
  }
  void prepare_status(WriteContext& context, api::Object& object, const api::Object& old) override {
    auto& status = *object.as<PersistentVolume>().mutable_status();
    const auto& before = old.as<PersistentVolume>().status();
    if (status.phase() != before.phase() && !status.has_last_phase_transition_time()) {
      api::set_time(status.mutable_last_phase_transition_time(), context.now);
    }
  }
};

}  // namespace

std::unique_ptr<ResourceRules> volume_claims(const ServerOptions&) { return std::make_unique<ClaimRules>(); }
std::unique_ptr<ResourceRules> volumes(const ServerOptions&) { return std::make_unique<VolumeRules>(); }

}  // namespace ph::apiserver

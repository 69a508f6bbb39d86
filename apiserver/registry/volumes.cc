// Persistent volumes and claims: their phase, and since when.
#include "api/kinds.h"
#include "api/times.h"
#include "apiserver/registry/resource_rules.h"

namespace ph::apiserver {
namespace {

using core::v1::PersistentVolume;
using core::v1::PersistentVolumeClaim;

// A claim names what it is made from in two ways, an old one and one that says more.
void join_data_sources(core::v1::PersistentVolumeClaimSpec& spec) {
  const auto copy = [](const auto& from, auto& to) {
    to.set_kind(from.kind());
    to.set_name(from.name());
    if (from.has_api_group()) to.set_api_group(from.api_group());
  };
  if (spec.has_data_source() && !spec.has_data_source_ref()) {
    copy(spec.data_source(), *spec.mutable_data_source_ref());
  } else if (spec.has_data_source_ref() && !spec.has_data_source() && spec.data_source_ref().namespace_().empty()) {
    copy(spec.data_source_ref(), *spec.mutable_data_source());
  }
}

// The old way has only ever been for these; others are left out, unless the claim has had one.
void drop_unknown_source(core::v1::PersistentVolumeClaimSpec& spec) {
  const auto& source = spec.data_source();
  const bool claim = source.kind() == "PersistentVolumeClaim" && source.api_group().empty();
  const bool snapshot = source.kind() == "VolumeSnapshot" && source.api_group() == "snapshot.storage.k8s.io";
  if (!claim && !snapshot) spec.clear_data_source();
}

class ClaimRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext&, api::Object& object) override {
    PersistentVolumeClaim& claim = object.as<PersistentVolumeClaim>();
    claim.mutable_status()->set_phase("Pending");
    drop_unknown_source(*claim.mutable_spec());
    join_data_sources(*claim.mutable_spec());
  }
  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    auto& spec = *object.as<PersistentVolumeClaim>().mutable_spec();
    const auto& before = old.as<PersistentVolumeClaim>().spec();
    if (!before.has_data_source() && !before.has_data_source_ref()) drop_unknown_source(spec);
    join_data_sources(spec);
  }
};

class VolumeRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    auto& status = *object.as<PersistentVolume>().mutable_status();
    status.set_phase("Pending");
    api::set_time(status.mutable_last_phase_transition_time(), context.now);
  }
  // Who tells of a phase may tell since when; most do not, or tell the time that they have read.
  void prepare_status(WriteContext& context, api::Object& object, const api::Object& old) override {
    auto& status = *object.as<PersistentVolume>().mutable_status();
    const auto& before = old.as<PersistentVolume>().status();
    const bool tells = status.has_last_phase_transition_time();
    if (status.phase() == before.phase()) {
      if (!tells && before.has_last_phase_transition_time())
        *status.mutable_last_phase_transition_time() = before.last_phase_transition_time();
      return;
    }
    const bool is_as_read =
        tells && before.has_last_phase_transition_time() &&
        api::to_time(status.last_phase_transition_time()) == api::to_time(before.last_phase_transition_time());
    if (!tells || is_as_read) api::set_time(status.mutable_last_phase_transition_time(), context.now);
  }
};

}  // namespace

std::unique_ptr<ResourceRules> volume_claims(const ServerOptions&) { return std::make_unique<ClaimRules>(); }
std::unique_ptr<ResourceRules> volumes(const ServerOptions&) { return std::make_unique<VolumeRules>(); }

}  // namespace ph::apiserver

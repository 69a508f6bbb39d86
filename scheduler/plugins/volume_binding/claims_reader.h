// ClaimsReader: looks a pod's claims up, and all that may become of them.
#pragma once

#include "scheduler/plugins/volume_binding/pod_claims.h"

namespace ph::scheduler {

class ClaimsReader {
 public:
  explicit ClaimsReader(const PluginWorld& world);

  // Why the pod cannot be placed before somebody has done something about its claims; empty: no reason. `has_claims`: it has any.
  std::string obstacle(const Pod& pod, bool& has_claims) const;
  // Throws std::runtime_error when it cannot be said what a claim waits for.
  PodClaims read(const Pod& pod) const;

  Assumed<core::v1::PersistentVolume>& volumes() { return volumes_; }
  Assumed<core::v1::PersistentVolumeClaim>& claims() { return claims_; }

 private:
  bool is_delayed(const core::v1::PersistentVolumeClaim& claim) const;
  void add_delayed(ClaimRef claim, PodClaims& out) const;
  Provision provision_of(const core::v1::PersistentVolumeClaim& claim) const;
  std::optional<std::vector<LabelMatcher>> capacity_for(const core::v1::PersistentVolumeClaim& claim,
                                                        const storage::v1::StorageClass& storage_class) const;

  Assumed<core::v1::PersistentVolume> volumes_;
  Assumed<core::v1::PersistentVolumeClaim> claims_;
  Lister<storage::v1::StorageClass> classes_;
  Lister<storage::v1::CSIDriver> drivers_;
  Lister<storage::v1::CSIStorageCapacity> capacities_;
};

}  // namespace ph::scheduler

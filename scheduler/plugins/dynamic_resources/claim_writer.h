// ClaimWriter: writes what was decided about a pod's resource claims: devices, and that the pod uses them.
//
//   reads     resource.k8s.io/v1 ResourceClaim   live, after a conflict
//   writes    resource.k8s.io/v1 ResourceClaim   update: the finalizer; update of the status: allocation, reservedFor
#pragma once

#include <optional>
#include <string>

#include "base/task.h"
#include "informers/client.h"
#include "scheduler/plugins/dynamic_resources/pod_claims.h"

namespace ph::scheduler {

class ClaimWriter {
 public:
  explicit ClaimWriter(const PluginWorld& world) : client_(world.client), clock_(world.clock) {}

  // The pod is among those that use the claim; `allocation`: it has these devices from now on. Throws what writing throws, and
  // std::runtime_error when the claim has become another one.
  Task<resources::v1::ResourceClaim> bind(ResourceClaimRef claim, std::optional<resources::v1::AllocationResult> allocation,
                                          std::string pod_name, std::string pod_uid);
  // The pod uses the claim no more. Nothing when that cannot be written: whoever cleans up after pods does it.
  Task<void> release(ResourceClaimRef claim, std::string pod_uid, Log log);
  // Nobody uses the claim: its devices are free.
  Task<void> deallocate(ResourceClaimRef claim);

 private:
  informers::Client* client_;
  const Clock* clock_;
};

}  // namespace ph::scheduler

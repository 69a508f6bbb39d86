// DeviceAllocator: finds devices for the claims of one pod on a node: all of them or none.
// Reference: https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/, KEP-4381
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "scheduler/plugins/dynamic_resources/device_selectors.h"
#include "scheduler/plugins/dynamic_resources/device_usage.h"
#include "scheduler/plugins/dynamic_resources/pod_claims.h"

namespace ph::scheduler {

using DeviceClassRef = informers::Ref<resources::v1::DeviceClass>;

// One way to satisfy a request: the request itself, or one of those that it would take one after another.
struct DeviceWish {
  std::string name;  // "request", "request/subrequest"
  DeviceClassRef device_class;
  const Selectors* selectors = nullptr;
  const google::protobuf::RepeatedPtrField<resources::v1::DeviceToleration>* tolerations = nullptr;
  const resources::v1::CapacityRequirements* capacity = nullptr;
  bool all = false;  // of the node's devices that are chosen; else `count`
  std::int64_t count = 1;
  bool admin_access = false;           // devices in use will do, and are not used up
  std::string class_text, claim_text;  // whose selectors they are, for errors
};

struct DeviceWishes {
  std::string request;
  std::vector<DeviceWish> alternatives;
  bool prioritized = false;  // there are alternatives, the best first
};

struct ClaimToAllocate {
  ResourceClaimRef claim;
  std::vector<DeviceWishes> requests;
};

// Which devices, for which claim. `alternative`: which of the request's was taken.
struct ChosenDevice {
  const OfferedDevice* device;
  std::size_t request, alternative;
  std::optional<Amounts> taken;  // of a device that several claims share
};
using ChosenDevices = std::vector<std::vector<ChosenDevice>>;  // beside the claims

class DeviceAllocator {
 public:
  // `holders`: claims that have devices. All that is given lives as long as the allocator.
  DeviceAllocator(std::vector<ClaimToAllocate> claims, std::vector<SliceRef> slices, std::vector<ResourceClaimRef> holders,
                  DeviceSelectors& selectors);

  struct Result {
    std::optional<ChosenDevices> devices;  // nothing: they cannot all be had
    std::string_view reason;               // then; a literal. Empty: the usual one
  };
  // Throws std::runtime_error when a selector means nothing.
  Result allocate(const core::v1::Node& node) const;
  const std::vector<ClaimToAllocate>& claims() const { return claims_; }
  // As it is written into the claim's status. `rng`: for the names of shares.
  resources::v1::AllocationResult result_of(std::size_t claim, const std::vector<ChosenDevice>& devices, Rng& rng) const;

 private:
  class Search;
  bool is_selected(const DeviceWish& wish, const OfferedDevice& device, const core::v1::Node& node) const;

  std::vector<ClaimToAllocate> claims_;
  std::vector<ResourceClaimRef> holders_;
  DevicePools pools_;
  DeviceUsage usage_;
  DeviceSelectors& selectors_;
  mutable std::map<std::pair<const DeviceWish*, const OfferedDevice*>, bool> selected_;  // what expressions said
};

}  // namespace ph::scheduler

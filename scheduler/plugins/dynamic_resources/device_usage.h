// DeviceUsage: which devices are in use, and how much of what several claims share: capacity of devices, counters of pools.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "api/quantity.h"
#include "scheduler/plugins/dynamic_resources/device_pools.h"

namespace ph::scheduler {

using Amounts = std::map<std::string_view, api::Quantity>;

// What a request takes of a device that several share. Nothing: the device does not give what is asked for.
std::optional<Amounts> capacity_taken(const resources::v1::CapacityRequirements& wanted, const resources::v1::Device& device);

class DeviceUsage {
 public:
  // The pools must outlive it.
  explicit DeviceUsage(const DevicePools& pools) : pools_(pools) {}

  // What claims hold already.
  void add(const resources::v1::AllocationResult& allocation);

  bool is_free(const OfferedDevice& device) const { return !taken_.contains(device.id); }
  // False: there is not enough left, and nothing has changed. `amounts`: of a device that several share; null: it is taken whole.
  bool take(const OfferedDevice& device, const Amounts* amounts);
  // Undoes a `take`.
  void give_back(const OfferedDevice& device, const Amounts* amounts);

 private:
  // A counter of a set of a pool.
  struct CounterId {
    std::string_view driver, pool, set, counter;
    auto operator<=>(const CounterId&) const = default;
  };
  bool has_capacity(const OfferedDevice& device, const Amounts& amounts) const;
  bool has_counters(const OfferedDevice& device) const;
  // Absent: there is no such counter.
  std::optional<api::Quantity> total(const CounterId& id) const;
  void count(const OfferedDevice& device, bool taken);

  const DevicePools& pools_;
  std::set<DeviceId> taken_;
  std::map<DeviceId, Amounts> shared_;  // of devices that several share
  std::map<DeviceId, int> sharers_;
  std::map<CounterId, api::Quantity> counters_;  // what is consumed
};

}  // namespace ph::scheduler

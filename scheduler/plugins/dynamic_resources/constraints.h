// Constraints between the devices of a claim: the same value of an attribute, or different ones.
#pragma once

#include <string>
#include <vector>

#include "scheduler/plugins/dynamic_resources/device_pools.h"

namespace ph::scheduler {

class DeviceConstraintState {
 public:
  explicit DeviceConstraintState(const resources::v1::DeviceConstraint& constraint) : constraint_(&constraint) {}
  // False: the device cannot be there beside those that are. `wish`: "request" or "request/subrequest".
  bool add(std::string_view request, std::string_view wish, const OfferedDevice& device);
  // Undoes an `add` that was taken.
  void remove(std::string_view request, std::string_view wish);

 private:
  bool concerns(std::string_view request, std::string_view wish) const;

  const resources::v1::DeviceConstraint* constraint_;
  std::vector<const resources::v1::DeviceAttribute*> values_;  // of the devices that are there
};

}  // namespace ph::scheduler

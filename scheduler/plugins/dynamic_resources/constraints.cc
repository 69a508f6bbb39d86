// Upstream: k8s.io/dynamic-resource-allocation/structured (matchAttributeConstraint, distinctAttributeConstraint)
#include "scheduler/plugins/dynamic_resources/constraints.h"

#include <algorithm>

namespace ph::scheduler {

using resources::v1::Device, resources::v1::DeviceAttribute;

namespace {

const DeviceAttribute* found(const Device& device, std::string_view name) {
  const auto at = device.attributes().find(std::string(name));
  return at == device.attributes().end() ? nullptr : &at->second;
}

// By its full name; or by its short one where the domain is the driver.
const DeviceAttribute* attribute_of(const OfferedDevice& device, std::string_view name) {
  if (const DeviceAttribute* whole = found(*device.device, name)) return whole;
  const auto slash = name.find('/');
  if (slash == name.npos || name.substr(0, slash) != device.id.driver) return nullptr;
  return found(*device.device, name.substr(slash + 1));
}

bool are_same(const DeviceAttribute& a, const DeviceAttribute& b) {
  if (a.has_string() && b.has_string()) return a.string() == b.string();
  if (a.has_int_() && b.has_int_()) return a.int_() == b.int_();
  if (a.has_bool_() && b.has_bool_()) return a.bool_() == b.bool_();
  // Semantic versions would tell 1.0.0+a from 1.0.0+b neither, but texts it is.
  return a.has_version() && b.has_version() && a.version() == b.version();
}

}  // namespace

bool DeviceConstraintState::concerns(std::string_view request, std::string_view wish) const {
  const auto& names = constraint_->requests();
  return names.empty() || std::ranges::any_of(names, [&](const std::string& name) { return name == request || name == wish; });
}

bool DeviceConstraintState::add(std::string_view request, std::string_view wish, const OfferedDevice& device) {
  if (!concerns(request, wish)) return true;
  const bool equal = constraint_->has_match_attribute();
  const auto* value = attribute_of(device, equal ? constraint_->match_attribute() : constraint_->distinct_attribute());
  if (!value) return false;
  const bool good = equal ? values_.empty() || are_same(*values_.front(), *value)
                          : std::ranges::none_of(values_, [&](const auto* other) { return are_same(*other, *value); });
  if (good) values_.push_back(value);
  return good;
}

void DeviceConstraintState::remove(std::string_view request, std::string_view wish) {
  if (concerns(request, wish)) values_.pop_back();
}

}  // namespace ph::scheduler

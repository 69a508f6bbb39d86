// Upstream: k8s.io/dynamic-resource-allocation/structured (partitionable devices, consumable capacity)
#include "scheduler/plugins/dynamic_resources/device_usage.h"

#include <algorithm>

#include "api/sorted.h"

namespace ph::scheduler {

using api::Quantity;
using resources::v1::AllocationResult, resources::v1::CapacityRequestPolicy, resources::v1::CapacityRequestPolicyRange,
    resources::v1::CapacityRequirements, resources::v1::Device, resources::v1::DeviceCapacity;

namespace {

Quantity amount(const meta::v1::Quantity& quantity) { return Quantity::parse(quantity.string()).value_or(Quantity()); }

// The least amount of the range that is enough. Nothing: the range ends before.
std::optional<Quantity> within(const CapacityRequestPolicyRange& range, const Quantity& wanted) {
  Quantity out = amount(range.min());
  if (wanted > out) {
    if (range.has_step() && amount(range.step()).sign() > 0) {
      const std::int64_t step = amount(range.step()).value(), above = wanted.value() - out.value();
      if (step <= 0) return std::nullopt;
      out = Quantity::of(out.value() + (above + step - 1) / step * step, wanted.format());
    } else {
      out = wanted;
    }
  }
  if (range.has_max() && out > amount(range.max())) return std::nullopt;
  return out;
}

// What is taken of one capacity. Nothing: it cannot be had.
std::optional<Quantity> taken_of(const DeviceCapacity& capacity, const std::optional<Quantity>& wanted) {
  const CapacityRequestPolicy& policy = capacity.request_policy();
  if (!wanted) return policy.has_default_() ? amount(policy.default_()) : amount(capacity.value());
  if (policy.has_valid_range()) return within(policy.valid_range(), *wanted);
  if (policy.valid_values().empty()) return *wanted;
  std::optional<Quantity> least;
  for (const auto& value : policy.valid_values()) {
    const Quantity one = amount(value);
    if (one >= *wanted && (!least || one < *least)) least = one;
  }
  return least;
}

}  // namespace

std::optional<Amounts> capacity_taken(const CapacityRequirements& wanted, const Device& device) {
  Amounts out;
  for (const auto* one : sorted(wanted.requests())) {
    if (!device.capacity().contains(one->first)) return std::nullopt;
  }
  for (const auto* one : sorted(device.capacity())) {
    const auto asked = wanted.requests().find(one->first);
    const auto taken =
        taken_of(one->second, asked == wanted.requests().end() ? std::nullopt : std::optional(amount(asked->second)));
    if (!taken || *taken > amount(one->second.value())) return std::nullopt;
    out.emplace(one->first, *taken);
  }
  return out;
}

void DeviceUsage::add(const AllocationResult& allocation) {
  for (const auto& result : allocation.devices().results()) {
    if (result.admin_access()) continue;
    const DeviceId id{result.driver(), result.pool(), result.device()};
    const OfferedDevice* device = pools_.find(id);
    if (result.has_share_id()) {
      for (const auto* one : sorted(result.consumed_capacity())) shared_[id][one->first] += amount(one->second);
      if (sharers_[id]++ == 0 && device) count(*device, true);
    } else if (taken_.insert(id).second && device) {
      count(*device, true);
    }
  }
}

bool DeviceUsage::take(const OfferedDevice& device, const Amounts* amounts) {
  if (!is_free(device) || (amounts && !has_capacity(device, *amounts))) return false;
  const bool counts = !amounts || sharers_[device.id] == 0;
  if (counts && !has_counters(device)) return false;
  if (counts) count(device, true);
  if (!amounts) {
    taken_.insert(device.id);
    return true;
  }
  ++sharers_[device.id];
  for (const auto& [name, quantity] : *amounts) shared_[device.id][name] += quantity;
  return true;
}

void DeviceUsage::give_back(const OfferedDevice& device, const Amounts* amounts) {
  if (!amounts) {
    taken_.erase(device.id);
    return count(device, false);
  }
  for (const auto& [name, quantity] : *amounts) shared_[device.id][name] -= quantity;
  if (--sharers_[device.id] == 0) count(device, false);
}

bool DeviceUsage::has_capacity(const OfferedDevice& device, const Amounts& amounts) const {
  const auto used = shared_.find(device.id);
  if (used == shared_.end()) return true;
  return std::ranges::all_of(amounts, [&](const auto& one) {
    const auto there = device.device->capacity().find(std::string(one.first));
    const auto taken = used->second.find(one.first);
    Quantity sum = one.second;
    if (taken != used->second.end()) sum += taken->second;
    return there != device.device->capacity().end() && sum <= amount(there->second.value());
  });
}

std::optional<Quantity> DeviceUsage::total(const CounterId& id) const {
  const auto pool =
      std::ranges::find_if(pools_.all(), [&](const DevicePool& one) { return one.driver == id.driver && one.name == id.pool; });
  if (pool == pools_.all().end()) return std::nullopt;
  for (const auto* slice : pool->slices) {
    for (const auto& set : slice->shared_counters()) {
      if (set.name() != id.set) continue;
      const auto found = set.counters().find(std::string(id.counter));
      if (found != set.counters().end()) return amount(found->second.value());
    }
  }
  return std::nullopt;
}

bool DeviceUsage::has_counters(const OfferedDevice& device) const {
  for (const auto& consumption : device.device->consumes_counters()) {
    for (const auto* one : sorted(consumption.counters())) {
      const CounterId id{device.id.driver, device.id.pool, consumption.counter_set(), one->first};
      const auto there = total(id);
      const auto used = counters_.find(id);
      Quantity sum = amount(one->second.value());
      if (used != counters_.end()) sum += used->second;
      if (!there || sum > *there) return false;
    }
  }
  return true;
}

void DeviceUsage::count(const OfferedDevice& device, bool taken) {
  for (const auto& consumption : device.device->consumes_counters()) {
    for (const auto* one : sorted(consumption.counters())) {
      Quantity& used = counters_[{device.id.driver, device.id.pool, consumption.counter_set(), one->first}];
      taken ? used += amount(one->second.value()) : used -= amount(one->second.value());
    }
  }
}

}  // namespace ph::scheduler

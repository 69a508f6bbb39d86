// Upstream: k8s.io/dynamic-resource-allocation/structured (GatherPools)
#include "scheduler/plugins/dynamic_resources/device_pools.h"

#include <algorithm>

#include "scheduler/plugins/dynamic_resources/device_selectors.h"

namespace ph::scheduler {

using core::v1::Node, resources::v1::Device, resources::v1::ResourceSliceSpec;

bool Reach::includes(const Node& candidate) const {
  if (everywhere) return true;
  if (!node.empty()) return node == candidate.metadata().name();
  return selector && selector->matches(candidate);
}

const api::cel::Value& OfferedDevice::value() const {
  if (!value_) value_ = device_value(id.driver, *device);
  return *value_;
}

const Reach* DevicePools::reach_of(const ResourceSliceSpec& slice) {
  Reach& out = *reaches_.emplace_back(std::make_unique<Reach>());
  out.everywhere = slice.all_nodes();
  out.node = slice.node_name();
  if (slice.has_node_selector()) out.selector.emplace(slice.node_selector());
  return &out;
}

const Reach* DevicePools::reach_of(const Device& device) {
  Reach& out = *reaches_.emplace_back(std::make_unique<Reach>());
  out.everywhere = device.all_nodes();
  out.node = device.node_name();
  if (device.has_node_selector()) out.selector.emplace(device.node_selector());
  return &out;
}

void DevicePools::add(DevicePool& pool, const ResourceSliceSpec& slice) {
  pool.slices.push_back(&slice);
  const Reach* shared = slice.per_device_node_selection() || slice.devices().empty() ? nullptr : reach_of(slice);
  for (const Device& device : slice.devices()) {
    OfferedDevice& one = pool.devices.emplace_back();
    one.id = {slice.driver(), slice.pool().name(), device.name()};
    one.device = &device;
    one.slice = &slice;
    one.reach = shared ? shared : reach_of(device);
  }
}

DevicePools::DevicePools(std::vector<SliceRef> slices) : slices_(std::move(slices)) {
  std::map<std::pair<std::string_view, std::string_view>, std::vector<const ResourceSliceSpec*>> by_pool;
  for (const SliceRef& slice : slices_) by_pool[{slice->spec().driver(), slice->spec().pool().name()}].push_back(&slice->spec());
  for (auto& [key, all] : by_pool) {
    DevicePool& pool = pools_.emplace_back();
    std::tie(pool.driver, pool.name) = key;
    for (const auto* slice : all) pool.generation = std::max(pool.generation, slice->pool().generation());
    std::erase_if(all, [&](const auto* slice) { return slice->pool().generation() != pool.generation; });
    pool.complete = static_cast<std::int64_t>(all.size()) == all.front()->pool().resource_slice_count();
    for (const auto* slice : all) add(pool, *slice);
  }
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    bool others = false;
    for (const OfferedDevice& device : pools_[i].devices) {
      devices_.emplace(device.id, &device);
      if (device.reach->node.empty()) {
        others = true;
      } else if (auto& of = of_node_[device.reach->node]; of.empty() || of.back() != i) {
        of.push_back(i);
      }
    }
    if (others) of_others_.push_back(i);
  }
}

std::vector<const DevicePool*> DevicePools::of(const Node& node) const {
  std::vector<std::size_t> numbers = of_others_;
  if (const auto own = of_node_.find(node.metadata().name()); own != of_node_.end()) {
    numbers.insert(numbers.end(), own->second.begin(), own->second.end());
  }
  std::ranges::sort(numbers);
  const auto twice = std::ranges::unique(numbers);
  numbers.erase(twice.begin(), twice.end());
  std::vector<const DevicePool*> out;
  for (const std::size_t number : numbers) {
    const DevicePool& pool = pools_[number];
    if (std::ranges::any_of(pool.devices, [&](const OfferedDevice& device) { return device.reach->includes(node); })) {
      out.push_back(&pool);
    }
  }
  return out;
}

const OfferedDevice* DevicePools::find(const DeviceId& id) const {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : found->second;
}

}  // namespace ph::scheduler

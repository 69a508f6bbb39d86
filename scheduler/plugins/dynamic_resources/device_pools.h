// The devices that drivers offer, as allocation sees them.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/cel/value.h"
#include "api/node_selector.h"
#include "scheduler/cluster/node_info.h"

namespace ph::scheduler {

using SliceRef = informers::Ref<resources::v1::ResourceSlice>;

// Views texts of objects that somebody holds.
struct DeviceId {
  std::string_view driver, pool, device;
  auto operator<=>(const DeviceId&) const = default;
};

// Which nodes can use a device, or all devices of a slice.
struct Reach {
  bool everywhere = false;
  std::string_view node;  // that one; empty: any that the selector selects
  std::optional<api::NodeTerms> selector;
  bool includes(const core::v1::Node& candidate) const;
};

struct OfferedDevice {
  DeviceId id;
  const resources::v1::Device* device = nullptr;
  const resources::v1::ResourceSliceSpec* slice = nullptr;
  const Reach* reach = nullptr;
  // For expressions; made when one asks.
  const api::cel::Value& value() const;

 private:
  mutable std::optional<api::cel::Value> value_;
};

// The newest generation of a pool. One of which not all slices have been seen is incomplete.
struct DevicePool {
  std::string_view driver, name;
  std::int64_t generation = 0;
  bool complete = true;
  std::vector<const resources::v1::ResourceSliceSpec*> slices;
  std::vector<OfferedDevice> devices;
};

class DevicePools {
 public:
  explicit DevicePools(std::vector<SliceRef> slices);
  DevicePools(const DevicePools&) = delete;
  DevicePools& operator=(const DevicePools&) = delete;

  // By driver and name.
  const std::vector<DevicePool>& all() const { return pools_; }
  // Those with devices that the node can use.
  std::vector<const DevicePool*> of(const core::v1::Node& node) const;
  // Null: nobody offers it.
  const OfferedDevice* find(const DeviceId& id) const;

 private:
  const Reach* reach_of(const resources::v1::ResourceSliceSpec& slice);
  const Reach* reach_of(const resources::v1::Device& device);
  void add(DevicePool& pool, const resources::v1::ResourceSliceSpec& slice);

  std::vector<SliceRef> slices_;
  std::vector<std::unique_ptr<Reach>> reaches_;
  std::vector<DevicePool> pools_;
  std::map<DeviceId, const OfferedDevice*> devices_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> of_node_;  // pools with devices of that node alone
  std::vector<std::size_t> of_others_;                                      // pools with devices of several nodes
};

}  // namespace ph::scheduler

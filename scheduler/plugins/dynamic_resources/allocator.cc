// Upstream: k8s.io/dynamic-resource-allocation/structured (allocateOne, allocateDevice)
#include "scheduler/plugins/dynamic_resources/allocator.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/sorted.h"
#include "scheduler/plugins/dynamic_resources/constraints.h"

namespace ph::scheduler {

using core::v1::Node;
using resources::v1::AllocationResult, resources::v1::Device, resources::v1::DeviceTaint, resources::v1::DeviceToleration;

namespace {

constexpr std::size_t kMostResults = 32;  // devices of a claim
constexpr int kMostTries = 200'000;       // devices that are tried on a node: the search may grow beyond all bounds
constexpr std::string_view kTooLong = "timed out trying to allocate devices";

bool tolerates(const DeviceToleration& toleration, const DeviceTaint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  return toleration.operator_() == "Exists" || toleration.value() == taint.value();
}

bool is_tolerated(const OfferedDevice& device, const DeviceWish& wish) {
  return std::ranges::all_of(device.device->taints(), [&](const DeviceTaint& taint) {
    if (taint.effect() != "NoSchedule" && taint.effect() != "NoExecute") return true;
    return std::ranges::any_of(*wish.tolerations, [&](const DeviceToleration& one) { return tolerates(one, taint); });
  });
}

}  // namespace

// One node's search: requests one after another, devices in the order in which they are offered, with steps back.
class DeviceAllocator::Search {
 public:
  Search(const DeviceAllocator& allocator, const Node& node)
      : allocator_(allocator), node_(node), pools_(allocator.pools_.of(node)), usage_(allocator.usage_) {
    for (const ClaimToAllocate& claim : allocator.claims_) {
      auto& constraints = constraints_.emplace_back();
      for (const auto& one : claim.claim->spec().devices().constraints()) constraints.emplace_back(one);
    }
    chosen_.resize(allocator.claims_.size());
  }

  bool run() { return requests_from(0, 0); }
  bool gave_up() const { return tries_ > kMostTries; }
  ChosenDevices take() && { return std::move(chosen_); }

 private:
  const ClaimToAllocate& claim(std::size_t i) const { return allocator_.claims_[i]; }

  // The requests that are left, from this one on.
  bool requests_from(std::size_t c, std::size_t r) {
    if (c == allocator_.claims_.size()) return true;
    if (r == claim(c).requests.size()) return requests_from(c + 1, 0);
    const auto& alternatives = claim(c).requests[r].alternatives;
    for (std::size_t a = 0; a < alternatives.size(); ++a) {
      const DeviceWish& wish = alternatives[a];
      if (wish.all ? all_devices(c, r, a) : devices(c, r, a, wish.count, {0, 0})) return true;
    }
    return false;
  }

  // Where a search goes on: a pool of the node's, a device of it.
  struct Place {
    std::size_t pool, device;
  };
  // `left` devices more, from a place on: which of them is taken first makes no difference.
  bool devices(std::size_t c, std::size_t r, std::size_t a, std::int64_t left, Place from) {
    if (left == 0) return requests_from(c, r + 1);
    const DeviceWish& wish = claim(c).requests[r].alternatives[a];
    if (chosen_[c].size() + static_cast<std::size_t>(left) > kMostResults) return false;
    for (Place at = from; at.pool < pools_.size(); at = {at.pool + 1, 0}) {
      for (const auto& offered = pools_[at.pool]->devices; at.device < offered.size(); ++at.device) {
        const OfferedDevice& device = offered[at.device];
        if (++tries_ > kMostTries) return false;
        if (!wish.admin_access && !usage_.is_free(device)) continue;
        if (!allocator_.is_selected(wish, device, node_) || !add(c, r, a, device)) continue;
        if (devices(c, r, a, left - 1, at)) return true;
        remove(c);
      }
    }
    return false;
  }

  // "All": every device that is selected, or none. The order makes no difference.
  bool all_devices(std::size_t c, std::size_t r, std::size_t a) {
    const DeviceWish& wish = claim(c).requests[r].alternatives[a];
    std::vector<const OfferedDevice*> all;
    for (const DevicePool* pool : pools_) {
      if (!pool->complete) return false;  // nobody knows what all are
      for (const OfferedDevice& device : pool->devices) {
        if (allocator_.is_selected(wish, device, node_)) all.push_back(&device);
      }
    }
    if (all.empty() || chosen_[c].size() + all.size() > kMostResults) return false;
    std::size_t added = 0;
    while (added < all.size() && add(c, r, a, *all[added])) ++added;
    if (added == all.size() && requests_from(c, r + 1)) return true;
    while (added-- > 0) remove(c);
    return false;
  }

  bool add(std::size_t c, std::size_t r, std::size_t a, const OfferedDevice& device) {
    const DeviceWishes& request = claim(c).requests[r];
    const DeviceWish& wish = request.alternatives[a];
    if (!is_tolerated(device, wish)) return false;
    std::optional<Amounts> taken;
    const bool shared = device.device->allow_multiple_allocations();
    if (shared || !wish.capacity->requests().empty()) {
      taken = capacity_taken(*wish.capacity, *device.device);
      if (!taken) return false;
      if (!shared) taken.reset();
    }
    // A device is given to a claim once only, unless it is one of those that can be shared.
    const bool again = std::ranges::any_of(chosen_[c], [&](const ChosenDevice& one) { return one.device == &device; });
    if (again && !taken) return false;
    if (!wish.admin_access && !usage_.take(device, taken ? &*taken : nullptr)) return false;
    for (std::size_t i = 0; i < constraints_[c].size(); ++i) {
      if (constraints_[c][i].add(request.request, wish.name, device)) continue;
      while (i-- > 0) constraints_[c][i].remove(request.request, wish.name);
      if (!wish.admin_access) usage_.give_back(device, taken ? &*taken : nullptr);
      return false;
    }
    chosen_[c].push_back({&device, r, a, std::move(taken)});
    return true;
  }

  void remove(std::size_t c) {
    const ChosenDevice last = std::move(chosen_[c].back());
    chosen_[c].pop_back();
    const DeviceWishes& request = claim(c).requests[last.request];
    const DeviceWish& wish = request.alternatives[last.alternative];
    for (DeviceConstraintState& constraint : constraints_[c]) constraint.remove(request.request, wish.name);
    if (!wish.admin_access) usage_.give_back(*last.device, last.taken ? &*last.taken : nullptr);
  }

  const DeviceAllocator& allocator_;
  const Node& node_;
  std::vector<const DevicePool*> pools_;
  DeviceUsage usage_;
  std::vector<std::vector<DeviceConstraintState>> constraints_;
  ChosenDevices chosen_;
  int tries_ = 0;
};

DeviceAllocator::DeviceAllocator(std::vector<ClaimToAllocate> claims, std::vector<SliceRef> slices,
                                 std::vector<ResourceClaimRef> holders, DeviceSelectors& selectors)
    : claims_(std::move(claims)), holders_(std::move(holders)), pools_(std::move(slices)), usage_(pools_), selectors_(selectors) {
  for (const ResourceClaimRef& holder : holders_) usage_.add(holder->status().allocation());
}

bool DeviceAllocator::is_selected(const DeviceWish& wish, const OfferedDevice& device, const Node& node) const {
  if (!device.reach->includes(node)) return false;
  const auto [known, is_new] = selected_.try_emplace({&wish, &device}, false);
  if (is_new) {
    known->second = selectors_.match(wish.device_class->spec().selectors(), device.value(), wish.class_text) &&
                    selectors_.match(*wish.selectors, device.value(), wish.claim_text);
  }
  return known->second;
}

DeviceAllocator::Result DeviceAllocator::allocate(const Node& node) const {
  Search search(*this, node);
  if (search.run()) return {std::move(search).take(), {}};
  return {std::nullopt, search.gave_up() ? kTooLong : std::string_view()};
}

// -- The result, in the words of the API

namespace {

using core::v1::NodeSelector, core::v1::NodeSelectorRequirement;

void add_config(const ClaimToAllocate& claim, const std::vector<ChosenDevice>& devices, AllocationResult& out) {
  const auto add = [&](const char* source, const auto& requests, const auto& configuration) {
    auto* config = out.mutable_devices()->add_config();
    config->set_source(source);
    for (const std::string& request : requests) config->add_requests(request);
    *config->mutable_device_configuration() = configuration;
  };
  const auto taken = [&](std::size_t request) -> const DeviceWish& {
    const auto first = std::ranges::find(devices, request, &ChosenDevice::request);
    return claim.requests[request].alternatives[first == devices.end() ? 0 : first->alternative];
  };
  for (std::size_t r = 0; r < claim.requests.size(); ++r) {
    const DeviceWish& wish = taken(r);
    for (const auto& config : wish.device_class->spec().config()) {
      add("FromClass", std::vector<std::string>(), config.device_configuration());
    }
  }
  for (const auto& config : claim.claim->spec().devices().config()) {
    const bool concerns = config.requests().empty() || std::ranges::any_of(config.requests(), [&](const std::string& name) {
                            for (std::size_t r = 0; r < claim.requests.size(); ++r) {
                              if (name == claim.requests[r].request || name == taken(r).name) return true;
                            }
                            return false;
                          });
    if (concerns) add("FromClaim", config.requests(), config.device_configuration());
  }
}

template <class Requirements>
void add_new(const Requirements& from, Requirements& to) {
  for (const NodeSelectorRequirement& one : from) {
    const bool known = std::ranges::any_of(
        to, [&](const NodeSelectorRequirement& other) { return other.SerializeAsString() == one.SerializeAsString(); });
    if (!known) *to.Add() = one;
  }
}

// The nodes on which all devices can be used. Absent: everywhere.
std::optional<NodeSelector> nodes_of(const std::vector<ChosenDevice>& devices) {
  NodeSelector out;
  auto& term = *out.add_node_selector_terms();
  for (const ChosenDevice& one : devices) {
    const Device& device = *one.device->device;
    const auto& slice = *one.device->slice;
    const bool own = slice.per_device_node_selection();
    const std::string& node = own ? device.node_name() : slice.node_name();
    if (!node.empty()) {
      term.Clear();
      auto* name = term.add_match_fields();
      name->set_key("metadata.name");
      name->set_operator_("In");
      name->add_values(node);
      return out;
    }
    const NodeSelector& selector = own ? device.node_selector() : slice.node_selector();
    if (selector.node_selector_terms().empty()) continue;
    add_new(selector.node_selector_terms(0).match_fields(), *term.mutable_match_fields());
    add_new(selector.node_selector_terms(0).match_expressions(), *term.mutable_match_expressions());
  }
  if (term.match_fields().empty() && term.match_expressions().empty()) return std::nullopt;
  return out;
}

}  // namespace

AllocationResult DeviceAllocator::result_of(std::size_t claim, const std::vector<ChosenDevice>& devices, Rng& rng) const {
  AllocationResult out;
  const ClaimToAllocate& of = claims_[claim];
  for (const ChosenDevice& one : devices) {
    const DeviceWish& wish = of.requests[one.request].alternatives[one.alternative];
    auto* result = out.mutable_devices()->add_results();
    result->set_request(wish.name);
    result->set_driver(std::string(one.device->id.driver));
    result->set_pool(std::string(one.device->id.pool));
    result->set_device(std::string(one.device->id.device));
    if (wish.admin_access) result->set_admin_access(true);
    *result->mutable_tolerations() = *wish.tolerations;
    *result->mutable_binding_conditions() = one.device->device->binding_conditions();
    *result->mutable_binding_failure_conditions() = one.device->device->binding_failure_conditions();
    if (!one.taken) continue;
    result->set_share_id(rng.uuid());
    for (const auto& [name, quantity] : *one.taken) {
      (*result->mutable_consumed_capacity())[std::string(name)].set_string(quantity.text());
    }
  }
  add_config(of, devices, out);
  if (auto nodes = nodes_of(devices)) *out.mutable_node_selector() = *std::move(nodes);
  return out;
}

}  // namespace ph::scheduler

// Upstream: pkg/scheduler/framework (Resource, calculateResource).
#include "scheduler/cluster/resource.h"

#include <algorithm>

namespace ph::scheduler {

using api::pod_requests, api::ResourceAmounts;
using api::Quantity;
using core::v1::Pod;

std::int64_t Resource::scalar(std::string_view name) const {
  const auto found = std::ranges::find(scalars, name, [](const auto& entry) { return entry.first.view(); });
  return found == scalars.end() ? 0 : found->second;
}

std::int64_t Resource::amount(std::string_view name) const {
  if (name == "cpu") return milli_cpu;
  if (name == "memory") return memory;
  if (name == "ephemeral-storage") return ephemeral_storage;
  if (name == "pods") return pods;
  return scalar(name);
}

void Resource::set(std::string_view name, const Quantity& quantity) {
  if (name == "cpu") {
    milli_cpu = quantity.milli_value();
  } else if (name == "memory") {
    memory = quantity.value();
  } else if (name == "ephemeral-storage") {
    ephemeral_storage = quantity.value();
  } else if (name == "pods") {
    pods = quantity.value();
  } else if (is_scalar_resource(name)) {
    scalar_slot(Interned(name)) = quantity.value();
  }
}

std::int64_t& Resource::scalar_slot(Interned name) {
  auto at = std::ranges::lower_bound(scalars, name.view(), {}, [](const auto& entry) { return entry.first.view(); });
  if (at == scalars.end() || at->first != name) at = scalars.insert(at, {name, 0});
  return at->second;
}

// Amounts beyond 63 bits are the greatest there is; sums of those wrap, so that what was added can be taken away again.
Resource& Resource::merge(const Resource& other, std::int64_t sign) {
  const auto add = [sign](std::int64_t& to, std::int64_t value) {
    to = static_cast<std::int64_t>(static_cast<std::uint64_t>(to) +
                                   static_cast<std::uint64_t>(sign) * static_cast<std::uint64_t>(value));
  };
  add(milli_cpu, other.milli_cpu);
  add(memory, other.memory);
  add(ephemeral_storage, other.ephemeral_storage);
  add(pods, other.pods);
  for (const auto& [name, value] : other.scalars) add(scalar_slot(name), value);
  return *this;
}

namespace {

bool is_native(std::string_view name) { return name.find('/') == name.npos || name.find("kubernetes.io/") != name.npos; }

bool is_huge_pages(std::string_view name) { return name.starts_with("hugepages-"); }

}  // namespace

bool is_extended_resource(std::string_view name) { return !is_native(name) && !name.starts_with("requests."); }

bool is_scalar_resource(std::string_view name) {
  return is_extended_resource(name) || is_huge_pages(name) || name.find("kubernetes.io/") != name.npos ||
         name.starts_with("attachable-volumes-");
}

Resource to_resource(const ResourceMap& list) { return to_resource(api::amounts_of(list)); }

Resource to_resource(const ResourceAmounts& list) {
  Resource out;
  for (const auto& [name, quantity] : list) out.set(name, quantity);
  return out;
}

Resource requests_of(const Pod& pod) { return to_resource(pod_requests(pod)); }

Resource scored_requests_of(const Pod& pod) {
  ResourceAmounts defaults{{"cpu", Quantity::of_milli(kDefaultMilliCpu)}, {"memory", Quantity::of(kDefaultMemory)}};
  if (pod.spec().has_resources() && !pod.spec().resources().requests().empty()) {
    // Requests of the whole pod stand for its containers: only what they leave open is filled in.
    for (const auto& [name, quantity] : pod_requests(pod)) defaults.erase(name);
  }
  return to_resource(pod_requests(pod, defaults));
}

namespace {

Pod without_whole(const Pod& pod) {
  Pod out = pod;
  out.mutable_spec()->clear_resources();
  return out;
}

}  // namespace

Resource requests_of_containers(const Pod& pod) { return requests_of(without_whole(pod)); }
Resource scored_requests_of_containers(const Pod& pod) { return scored_requests_of(without_whole(pod)); }

}  // namespace ph::scheduler

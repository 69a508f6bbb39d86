// Upstream: component-helpers/resource, pkg/scheduler/framework (Resource, calculateResource).
#include "scheduler/cluster/resource.h"

#include <algorithm>

#include "api/sorted.h"

namespace ph::scheduler {

using api::Quantity;
using core::v1::Container, core::v1::ContainerStatus, core::v1::Pod;

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

ResourceList to_list(const ResourceMap& map) {
  ResourceList list;
  for (const auto& [name, quantity] : in_any_order(map)) {
    if (const auto parsed = Quantity::parse(quantity.string())) list.emplace(name, *parsed);
  }
  return list;
}

void add(ResourceList& into, const ResourceList& more) {
  for (const auto& [name, quantity] : more) into[name] += quantity;
}

void raise(ResourceList& into, const ResourceList& least) {
  for (const auto& [name, quantity] : least) {
    const auto [at, added] = into.emplace(name, quantity);
    if (!added) at->second = std::max(at->second, quantity);
  }
}

bool is_sidecar(const Container& container) { return container.has_restart_policy() && container.restart_policy() == "Always"; }

bool resize_is_infeasible(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(), [](const auto& condition) {
    return condition.type() == "PodResizePending" && condition.reason() == "Infeasible";
  });
}

const ContainerStatus* status_of(const google::protobuf::RepeatedPtrField<ContainerStatus>& all, const std::string& name) {
  const auto found = std::ranges::find_if(all, [&](const auto& status) { return status.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

// While a container is resized in place the node may hold more than the spec asks for, or less.
ResourceList container_requests(const Pod& pod, const Container& container, const ContainerStatus* status) {
  ResourceList requests = to_list(container.resources().requests());
  if (!status || !status->has_resources()) return requests;
  if (resize_is_infeasible(pod)) requests.clear();
  raise(requests, to_list(status->resources().requests()));
  raise(requests, to_list(status->allocated_resources()));
  return requests;
}

// Requests of the pod as a whole, which stand in place of its containers' sums.
ResourceList whole_pod_requests(const Pod& pod) {
  if (!pod.spec().has_resources()) return {};
  ResourceList requests = to_list(pod.spec().resources().requests());
  if (pod.status().has_resources()) {
    if (resize_is_infeasible(pod)) requests.clear();
    raise(requests, to_list(pod.status().resources().requests()));
    raise(requests, to_list(pod.status().allocated_resources()));
  }
  std::erase_if(requests,
                [](const auto& entry) { return entry.first != "cpu" && entry.first != "memory" && !is_huge_pages(entry.first); });
  return requests;
}

ResourceList pod_requests(const Pod& pod, const ResourceList& defaults) {
  const auto of = [&](const Container& container, const auto& statuses) {
    ResourceList requests = container_requests(pod, container, status_of(statuses, container.name()));
    for (const auto& missing : defaults) requests.insert(missing);
    return requests;
  };
  ResourceList running;
  for (const Container& container : pod.spec().containers()) add(running, of(container, pod.status().container_statuses()));

  // Init containers run one after another, each beside the sidecars that were started before it.
  ResourceList starting, sidecars;
  for (const Container& container : pod.spec().init_containers()) {
    ResourceList now = of(container, pod.status().init_container_statuses());
    if (is_sidecar(container)) {
      add(running, now);
      add(sidecars, now);
      now = sidecars;
    } else {
      add(now, sidecars);
    }
    raise(starting, now);
  }
  raise(running, starting);

  for (const auto& [name, quantity] : whole_pod_requests(pod)) running[name] = quantity;
  add(running, to_list(pod.spec().overhead()));
  return running;
}

}  // namespace

bool is_extended_resource(std::string_view name) { return !is_native(name) && !name.starts_with("requests."); }

bool is_scalar_resource(std::string_view name) {
  return is_extended_resource(name) || is_huge_pages(name) || name.find("kubernetes.io/") != name.npos ||
         name.starts_with("attachable-volumes-");
}

Resource to_resource(const ResourceMap& list) { return to_resource(to_list(list)); }

Resource to_resource(const ResourceList& list) {
  Resource out;
  for (const auto& [name, quantity] : list) out.set(name, quantity);
  return out;
}

Resource requests_of(const Pod& pod) { return to_resource(pod_requests(pod, {})); }

Resource scored_requests_of(const Pod& pod) {
  ResourceList defaults{{"cpu", Quantity::of_milli(kDefaultMilliCpu)}, {"memory", Quantity::of(kDefaultMemory)}};
  if (pod.spec().has_resources() && !pod.spec().resources().requests().empty()) {
    // Requests of the whole pod stand for its containers: only what they leave open is filled in.
    for (const auto& [name, quantity] : pod_requests(pod, {})) defaults.erase(name);
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

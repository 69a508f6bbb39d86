#include "api/pod_resources.h"

#include <algorithm>

#include "api/sorted.h"

namespace ph::api {
namespace {

using core::v1::Container, core::v1::ContainerStatus, core::v1::Pod, core::v1::ResourceRequirements;
using ResourceMap = google::protobuf::Map<std::string, meta::v1::Quantity>;

// What a pod may ask for as a whole.
bool may_be_whole(std::string_view name) { return name == "cpu" || name == "memory" || name.starts_with("hugepages-"); }

bool has_whole(const ResourceMap& resources) {
  return std::ranges::any_of(resources, [](const auto& entry) { return may_be_whole(entry.first); });
}

bool is_sidecar(const Container& container) { return container.restart_policy() == "Always"; }

bool resize_is_infeasible(const Pod& pod) {
  return std::ranges::any_of(pod.status().conditions(), [](const auto& condition) {
    return condition.type() == "PodResizePending" && condition.reason() == "Infeasible";
  });
}

const ContainerStatus* status_of(const google::protobuf::RepeatedPtrField<ContainerStatus>& all, const std::string& name) {
  const auto found = std::ranges::find_if(all, [&](const auto& status) { return status.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

// Requests, or limits.
enum class Which { Requests, Limits };

const ResourceMap& of(const ResourceRequirements& resources, Which which) {
  return which == Which::Requests ? resources.requests() : resources.limits();
}

// While something is resized in place the node may hold more than the spec asks for, or less.
template <class Status>
ResourceAmounts resized(const Pod& pod, ResourceAmounts asked, const Status& status, Which which) {
  if (!status.has_resources()) return asked;
  if (resize_is_infeasible(pod)) asked.clear();
  raise(asked, amounts_of(of(status.resources(), which)));
  if (which == Which::Requests) raise(asked, amounts_of(status.allocated_resources()));
  return asked;
}

ResourceAmounts container_amounts(const Pod& pod, const Container& container, const ContainerStatus* status, Which which) {
  ResourceAmounts asked = amounts_of(of(container.resources(), which));
  return status ? resized(pod, std::move(asked), *status, which) : asked;
}

// Of the pod as a whole, which stand in place of its containers' sums.
ResourceAmounts whole_amounts(const Pod& pod, Which which) {
  if (!pod.spec().has_resources()) return {};
  ResourceAmounts out = resized(pod, amounts_of(of(pod.spec().resources(), which)), pod.status(), which);
  std::erase_if(out, [](const auto& entry) { return !may_be_whole(entry.first); });
  return out;
}

ResourceAmounts pod_amounts(const Pod& pod, const ResourceAmounts& defaults, Which which) {
  const auto of_one = [&](const Container& container, const auto& statuses) {
    ResourceAmounts amounts = container_amounts(pod, container, status_of(statuses, container.name()), which);
    for (const auto& missing : defaults) amounts.insert(missing);
    return amounts;
  };
  ResourceAmounts running;
  for (const Container& container : pod.spec().containers()) add(running, of_one(container, pod.status().container_statuses()));

  // Init containers run one after another, each beside the sidecars that were started before it.
  ResourceAmounts starting, sidecars;
  for (const Container& container : pod.spec().init_containers()) {
    ResourceAmounts now = of_one(container, pod.status().init_container_statuses());
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
  for (const auto& [name, quantity] : whole_amounts(pod, which)) running[name] = quantity;
  return running;
}

}  // namespace

ResourceAmounts amounts_of(const ResourceMap& resources) {
  ResourceAmounts out;
  for (const auto& [name, quantity] : in_any_order(resources)) {
    if (const auto parsed = Quantity::parse(quantity.string())) out.emplace(name, *parsed);
  }
  return out;
}

void add(ResourceAmounts& into, const ResourceAmounts& more) {
  for (const auto& [name, quantity] : more) into[name] += quantity;
}

void raise(ResourceAmounts& into, const ResourceAmounts& least) {
  for (const auto& [name, quantity] : least) {
    const auto [at, added] = into.emplace(name, quantity);
    if (!added) at->second = std::max(at->second, quantity);
  }
}

ResourceAmounts pod_requests(const Pod& pod, const ResourceAmounts& defaults) {
  ResourceAmounts out = pod_amounts(pod, defaults, Which::Requests);
  add(out, amounts_of(pod.spec().overhead()));
  return out;
}

ResourceAmounts pod_limits(const Pod& pod) {
  ResourceAmounts out = pod_amounts(pod, {}, Which::Limits);
  for (const auto& [name, quantity] : amounts_of(pod.spec().overhead())) {
    if (const auto limited = out.find(name); limited != out.end()) limited->second += quantity;
  }
  return out;
}

bool asks_as_a_whole(const core::v1::PodSpec& spec) { return spec.has_resources() && has_whole(spec.resources().requests()); }

bool has_resources_as_a_whole(const core::v1::PodSpec& spec) {
  return spec.has_resources() && (has_whole(spec.resources().requests()) || has_whole(spec.resources().limits()));
}

}  // namespace ph::api

// v1 Pod: what pods get beyond the defaults of pod templates.
#include "api/defaults/defaults.h"
#include "api/quantity.h"
#include "api/sorted.h"

namespace ph::api {

using namespace core::v1;

namespace {

using Amounts = std::map<std::string, Quantity>;

void add(Amounts& sums, const ResourceMap& amounts) {
  for (const auto* entry : sorted(amounts)) {
    const auto parsed = Quantity::parse(entry->second.string());
    if (!parsed) continue;
    const auto [at, fresh] = sums.try_emplace(entry->first, *parsed);
    if (!fresh) at->second += *parsed;
  }
}

void raise_to(Amounts& sums, const Amounts& least) {
  for (const auto& [name, amount] : least) {
    const auto [at, fresh] = sums.try_emplace(name, amount);
    if (!fresh && at->second < amount) at->second = amount;
  }
}

// What all containers need together: the sum of the containers and sidecars, or the most any init container needs beside
// the sidecars started before it.
Amounts needs(const PodSpec& spec, const ResourceMap& (*of)(const Container&)) {
  Amounts sums, sidecars, start;
  for (const Container& container : spec.containers()) add(sums, of(container));
  for (const Container& container : spec.init_containers()) {
    const bool sidecar = container.restart_policy() == "Always";
    Amounts moment = sidecars;
    add(moment, of(container));
    if (sidecar) {
      add(sums, of(container));
      sidecars = moment;
    }
    raise_to(start, moment);
  }
  raise_to(sums, start);
  return sums;
}

const ResourceMap& requests_of(const Container& container) { return container.resources().requests(); }
const ResourceMap& limits_of(const Container& container) { return container.resources().limits(); }

bool is_hugepages(std::string_view name) { return name.starts_with("hugepages-"); }
bool fits_pod_level(std::string_view name) { return name == "cpu" || name == "memory" || is_hugepages(name); }

void default_hugepages_limits(PodSpec& spec) {
  ResourceRequirements& resources = *spec.mutable_resources();
  for (const auto& [name, amount] : needs(spec, limits_of)) {
    const bool given = resources.limits().contains(name) || resources.requests().contains(name);
    if (is_hugepages(name) && !given) (*resources.mutable_limits())[name].set_string(amount.text());
  }
}

void default_pod_requests(PodSpec& spec) {
  ResourceRequirements& resources = *spec.mutable_resources();
  if (resources.limits().empty()) return;
  for (const auto& [name, amount] : needs(spec, requests_of)) {
    const bool overcommittable = !is_hugepages(name);
    if (!fits_pod_level(name) || !overcommittable || resources.requests().contains(name)) continue;
    (*resources.mutable_requests())[name].set_string(amount.text());
  }
  for (const auto* limit : sorted(resources.limits())) {
    if (!fits_pod_level(limit->first) || resources.requests().contains(limit->first)) continue;
    (*resources.mutable_requests())[limit->first] = limit->second;
  }
}

void default_requests_from_limits(Container& container) {
  if (container.resources().limits().empty()) return;
  ResourceRequirements& resources = *container.mutable_resources();
  for (const auto* limit : sorted(resources.limits())) {
    if (!resources.requests().contains(limit->first)) (*resources.mutable_requests())[limit->first] = limit->second;
  }
}

void default_host_ports(Container& container) {
  for (ContainerPort& port : *container.mutable_ports()) {
    if (port.host_port() == 0) port.set_host_port(port.container_port());
  }
}

// podIP is the first of podIPs; where a writer knew only one of them, the other follows.
void align_pod_ips(PodStatus& status) {
  if (!status.pod_ip().empty() && (status.pod_ips().empty() || status.pod_ips(0).ip() != status.pod_ip())) {
    status.clear_pod_ips();
    status.add_pod_ips()->set_ip(status.pod_ip());
  }
  if (!status.pod_ips().empty()) status.set_pod_ip(status.pod_ips(0).ip());
}

}  // namespace

void set_defaults(Pod& pod) {
  PodSpec& spec = *pod.mutable_spec();
  for (Container& container : *spec.mutable_containers()) default_requests_from_limits(container);
  for (Container& container : *spec.mutable_init_containers()) default_requests_from_limits(container);
  if (spec.has_resources()) {
    default_hugepages_limits(spec);
    default_pod_requests(spec);
  }
  if (!spec.has_enable_service_links()) spec.set_enable_service_links(true);
  if (spec.host_network()) {
    for (Container& container : *spec.mutable_containers()) default_host_ports(container);
    for (Container& container : *spec.mutable_init_containers()) default_host_ports(container);
  }
  default_pod_spec(spec);
  align_pod_ips(*pod.mutable_status());
}

}  // namespace ph::api

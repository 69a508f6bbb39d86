#include "apiserver/registry/service_numbers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/rules.h"
#include "api/times.h"

namespace ph::apiserver {
namespace {

using core::v1::Service;
using core::v1::ServicePort;

// Numbers below are left to those who ask for them. Upstream's formulas.
std::uint32_t address_band(std::uint32_t size) { return std::clamp(size / 16, 16u, 256u); }
std::uint32_t port_band(std::uint32_t size) { return std::clamp(size / 32, 16u, 128u); }

[[noreturn]] void refuse(const Service& service, const api::Errors& errors) {
  throw api::invalid("Service", service.metadata().name(), errors.list());
}

[[noreturn]] void refuse_address(const Service& service, std::string_view why) {
  api::Errors errors;
  errors.invalid(api::Path("spec.clusterIPs"), fmt::format("[\"{}\"]", service.spec().cluster_ip()),
                 fmt::format("failed to allocate IP {}: {}", service.spec().cluster_ip(), why));
  refuse(service, errors);
}

[[noreturn]] void refuse_port(const Service& service, const std::string& field, int port, std::string_view why) {
  api::Errors errors;
  errors.invalid(api::Path(field), std::to_string(port), why);
  refuse(service, errors);
}

std::string owner_text(const Service& service) { return service.metadata().namespace_() + "/" + service.metadata().name(); }

std::set<int> ports_of(const Service* service) {
  std::set<int> out;
  if (service == nullptr) return out;
  for (const ServicePort& port : service->spec().ports()) {
    if (port.node_port() != 0) out.insert(port.node_port());
  }
  if (service->spec().health_check_node_port() != 0) out.insert(service->spec().health_check_node_port());
  return out;
}

// The node port of an entry with the same port number and another protocol: both share one.
int shared_port(const Service& service, const ServicePort& wanted) {
  for (const ServicePort& port : service.spec().ports()) {
    if (&port != &wanted && port.port() == wanted.port() && port.protocol() != wanted.protocol() && port.node_port() != 0) {
      return port.node_port();
    }
  }
  return 0;
}

const api::Resource& ip_addresses(const WriteContext& context) {
  return *context.reader.resource(api::schema_of<networking::v1::IPAddress>());
}

}  // namespace

std::unique_ptr<networking::v1::IPAddress> ip_address_of(const std::string& address, const Service& owner) {
  auto out = std::make_unique<networking::v1::IPAddress>();
  out->mutable_metadata()->set_name(address);
  auto& labels = *out->mutable_metadata()->mutable_labels();
  labels["ipaddress.kubernetes.io/ip-family"] = "IPv4";
  labels["ipaddress.kubernetes.io/managed-by"] = "ipallocator.k8s.io";
  auto& parent = *out->mutable_spec()->mutable_parent_ref();
  parent.set_resource("services");
  parent.set_namespace_(owner.metadata().namespace_());
  parent.set_name(owner.metadata().name());
  return out;
}

bool needs_cluster_ip(const Service& service) { return service.spec().type() != "ExternalName"; }
bool has_cluster_ip(const Service& service) {
  return needs_cluster_ip(service) && !service.spec().cluster_ip().empty() && service.spec().cluster_ip() != "None";
}
bool needs_node_ports(const Service& service) {
  const auto& spec = service.spec();
  if (spec.type() == "NodePort") return true;
  if (spec.type() != "LoadBalancer") return false;
  return !spec.has_allocate_load_balancer_node_ports() || spec.allocate_load_balancer_node_ports();
}
bool needs_health_check_port(const Service& service) {
  return service.spec().type() == "LoadBalancer" && service.spec().external_traffic_policy() == "Local";
}

ServiceNumbers::ServiceNumbers(const ServerOptions& options)
    : range_(IpRange::parse(options.service_cidr)),
      port_min_(static_cast<std::uint32_t>(options.node_port_min)),
      port_max_(static_cast<std::uint32_t>(options.node_port_max)),
      addresses_(1, range_.size() - 2, address_band(range_.size())),
      ports_(port_min_, port_max_, port_band(port_max_ - port_min_ + 1)) {}

void ServiceNumbers::adopt(const Service& service) {
  if (has_cluster_ip(service)) {
    if (const auto offset = range_.offset(service.spec().cluster_ip())) addresses_.take(*offset);
  }
  for (const int port : ports_of(&service)) ports_.take(static_cast<std::uint32_t>(port));
}

void ServiceNumbers::take_address(WriteContext& context, Service& service, const Service* old) {
  if (!needs_cluster_ip(service) || service.spec().cluster_ip() == "None") return;
  auto& spec = *service.mutable_spec();
  if (old != nullptr && has_cluster_ip(*old) && old->spec().cluster_ip() == spec.cluster_ip()) return;
  if (spec.cluster_ip().empty()) {
    const std::uint32_t offset = pick_address(context, service);
    spec.set_cluster_ip(range_.text(offset));
    spec.clear_cluster_ips();
    spec.add_cluster_ips(spec.cluster_ip());
    reserve(context, addresses_, offset, address_key(offset), service);
    show_owner(context, offset, service);
    // A lost race picks another.
    context.on_failure.emplace_back([&spec, dry_run = context.dry_run] {
      if (dry_run) return;
      spec.clear_cluster_ip();
      spec.clear_cluster_ips();
    });
    return;
  }
  const auto offset = range_.offset(spec.cluster_ip());
  if (!offset) {
    refuse_address(service, fmt::format("the provided IP ({}) is not in the valid range. The range of valid IPs is {}",
                                        spec.cluster_ip(), range_.cidr()));
  }
  if (is_refused(context, addresses_, *offset, address_key(*offset)) || !is_free(context, *offset)) {
    refuse_address(service, "provided IP is already allocated");
  }
  reserve(context, addresses_, *offset, address_key(*offset), service);
  show_owner(context, *offset, service);
}

void ServiceNumbers::show_owner(WriteContext& context, std::uint32_t offset, const Service& owner) const {
  auto object = ip_address_of(range_.text(offset), owner);
  object->mutable_metadata()->set_uid(context.rng.uuid());
  api::set_time(object->mutable_metadata()->mutable_creation_timestamp(), context.now);
  context.also_write(ip_addresses(context), {{}, range_.text(offset)}, nullptr, std::move(object));
}

bool ServiceNumbers::is_free(const WriteContext& context, std::uint32_t offset) const {
  const api::Resource& objects = ip_addresses(context);
  const std::string address = range_.text(offset);
  return !context.refused.contains(address_key(offset)) && !context.refused.contains(objects.storage_prefix + "/" + address) &&
         !context.reader.cache(objects)->find(address);
}

std::uint32_t ServiceNumbers::pick_address(WriteContext& context, const Service& service) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto offset = addresses_.pick(context.rng);
    if (!offset) break;
    if (is_free(context, *offset)) return *offset;
  }
  throw api::internal(fmt::format("failed to allocate a serviceIP for {}: range is full", service.metadata().name()));
}

void ServiceNumbers::take_ports(WriteContext& context, Service& service, const Service* old) {
  auto& spec = *service.mutable_spec();
  const std::set<int> had = ports_of(old);
  std::set<int> taken = had;
  for (int i = 0; i < spec.ports_size(); ++i) {
    ServicePort& port = *spec.mutable_ports(i);
    const std::string field = fmt::format("spec.ports[{}].nodePort", i);
    if (port.node_port() == 0) {
      if (!needs_node_ports(service)) continue;
      port.set_node_port(shared_port(service, port));
      if (port.node_port() == 0) port.set_node_port(pick_port(context, service, field));
      context.on_failure.emplace_back([&port, dry_run = context.dry_run] {
        if (!dry_run) port.clear_node_port();
      });
    }
    if (taken.insert(port.node_port()).second) take_port(context, service, port.node_port(), field);
  }
  if (!needs_health_check_port(service)) return;
  if (spec.health_check_node_port() == 0) {
    spec.set_health_check_node_port(pick_port(context, service, "spec.healthCheckNodePort"));
    context.on_failure.emplace_back([&spec, dry_run = context.dry_run] {
      if (!dry_run) spec.clear_health_check_node_port();
    });
  }
  if (taken.insert(spec.health_check_node_port()).second) {
    take_port(context, service, spec.health_check_node_port(), "spec.healthCheckNodePort");
  }
}

int ServiceNumbers::pick_port(WriteContext& context, const Service& service, const std::string& field) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto port = ports_.pick(context.rng);
    if (!port) break;
    if (!context.refused.contains(port_key(*port))) return static_cast<int>(*port);
  }
  refuse_port(service, field, 0, "failed to allocate a nodePort: range is full");
}

void ServiceNumbers::take_port(WriteContext& context, const Service& service, int port, const std::string& field) {
  const auto number = static_cast<std::uint32_t>(port);
  if (!ports_.contains(number)) {
    refuse_port(service, field, port,
                fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}", port_min_, port_max_));
  }
  if (is_refused(context, ports_, number, port_key(number))) {
    refuse_port(service, field, port, "provided port is already allocated");
  }
  reserve(context, ports_, number, port_key(number), service);
}

void ServiceNumbers::release_unused(WriteContext& context, const Service* service, const Service& old) {
  const bool keeps_address =
      service != nullptr && has_cluster_ip(*service) && service->spec().cluster_ip() == old.spec().cluster_ip();
  if (has_cluster_ip(old) && !keeps_address) {
    if (const auto offset = range_.offset(old.spec().cluster_ip())) {
      release(context, addresses_, *offset, address_key(*offset));
      context.mutations.push_back(
          {.key = ip_addresses(context).storage_prefix + "/" + range_.text(*offset), .value = std::nullopt});
    }
  }
  const std::set<int> kept = ports_of(service);
  for (const int port : ports_of(&old)) {
    const auto number = static_cast<std::uint32_t>(port);
    if (!kept.contains(port)) release(context, ports_, number, port_key(number));
  }
}

std::string ServiceNumbers::address_key(std::uint32_t offset) const {
  return "/registry/ranges/serviceips/" + range_.text(offset);
}
std::string ServiceNumbers::port_key(std::uint32_t port) const {
  return "/registry/ranges/servicenodeports/" + std::to_string(port);
}

// The store has the last word: memory may still hold what a write released whose client went away before the answer.
bool ServiceNumbers::is_refused(const WriteContext& context, const NumberPool& pool, std::uint32_t number,
                                const std::string& key) {
  return context.refused.contains(key) || (context.dry_run && pool.taken(number));
}

void ServiceNumbers::reserve(WriteContext& context, NumberPool& pool, std::uint32_t number, std::string key,
                             const Service& owner) {
  // Taken from now on, so that no other write tries it while this one is on its way.
  if (!pool.taken(number)) {
    pool.take(number);
    context.on_failure.emplace_back([&pool, number] { pool.release(number); });
  }
  context.preconditions.push_back({.key = key, .kind = Precondition::Kind::Absent, .revision = {}});
  context.mutations.push_back({.key = std::move(key), .value = owner_text(owner)});
}

void ServiceNumbers::release(WriteContext& context, NumberPool& pool, std::uint32_t number, std::string key) {
  context.on_success.emplace_back([&pool, number] { pool.release(number); });
  context.mutations.push_back({.key = std::move(key), .value = std::nullopt});
}

}  // namespace ph::apiserver

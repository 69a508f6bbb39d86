#include "apiserver/registry/service_numbers.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/errors.h"
#include "api/rules.h"
#include "api/times.h"
#include "apiserver/registry/service_ranges.h"

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

[[noreturn]] void refuse_address(const Service& service, const std::string& address, std::string_view why) {
  api::Errors errors;
  errors.invalid(api::Path("spec.clusterIPs"), fmt::format("[\"{}\"]", fmt::join(service.spec().cluster_ips(), "\",\"")),
                 fmt::format("failed to allocate IP {}: {}", address, why));
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

std::string address_key(const std::string& address) { return "/registry/ranges/serviceips/" + address; }

const api::Resource& ip_addresses(const WriteContext& context) {
  return *context.reader.resource(api::schema_of<networking::v1::IPAddress>());
}

// The object that says whose the address is.
void show_owner(WriteContext& context, const std::string& address, const Service& owner) {
  auto object = ip_address_of(address, owner);
  object->mutable_metadata()->set_uid(context.rng.uuid());
  api::set_time(object->mutable_metadata()->mutable_creation_timestamp(), context.now);
  context.also_write(ip_addresses(context), {{}, address}, nullptr, std::move(object));
}

}  // namespace

std::unique_ptr<networking::v1::IPAddress> ip_address_of(const std::string& address, const Service& owner) {
  auto out = std::make_unique<networking::v1::IPAddress>();
  out->mutable_metadata()->set_name(address);
  auto& labels = *out->mutable_metadata()->mutable_labels();
  labels["ipaddress.kubernetes.io/ip-family"] = address.find(':') == address.npos ? "IPv4" : "IPv6";
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
std::vector<std::string> cluster_ips(const Service& service) {
  if (!has_cluster_ip(service)) return {};
  const auto& all = service.spec().cluster_ips();
  if (all.empty()) return {service.spec().cluster_ip()};
  return {all.begin(), all.end()};
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
    : port_min_(static_cast<std::uint32_t>(options.node_port_min)),
      port_max_(static_cast<std::uint32_t>(options.node_port_max)),
      ports_(port_min_, port_max_, port_band(port_max_ - port_min_ + 1)) {
  for (IpRange& range : IpRange::parse_all(options.service_cidr)) {
    NumberPool pool(1, range.last(), address_band(range.size()));
    addresses_.push_back({.range = std::move(range), .pool = std::move(pool)});
  }
}

std::vector<std::string_view> ServiceNumbers::families() const {
  std::vector<std::string_view> out;
  for (const Addresses& each : addresses_) out.push_back(each.range.family());
  return out;
}

ServiceNumbers::Addresses* ServiceNumbers::addresses_of(std::string_view family) {
  const auto found = std::ranges::find_if(addresses_, [&](const Addresses& each) { return each.range.family() == family; });
  return found == addresses_.end() ? nullptr : &*found;
}

void ServiceNumbers::adopt(const Service& service) {
  for (const std::string& address : cluster_ips(service)) {
    for (Addresses& each : addresses_) {
      if (const auto offset = each.range.offset(address)) each.pool.take(*offset);
    }
  }
  for (const int port : ports_of(&service)) ports_.take(static_cast<std::uint32_t>(port));
}

void ServiceNumbers::take_addresses(WriteContext& context, Service& service, const Service* old) {
  if (!needs_cluster_ip(service) || service.spec().cluster_ip() == "None") return;
  const auto had = old != nullptr ? cluster_ips(*old) : std::vector<std::string>();
  const auto& spec = service.spec();
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    if (i < spec.cluster_ips_size() && std::ranges::find(had, spec.cluster_ips(i)) != had.end()) continue;
    // Of a family that the cluster has not there was an address once, and is no more.
    if (Addresses* addresses = addresses_of(spec.ip_families(i))) take_address(context, service, i, *addresses);
  }
}

void ServiceNumbers::take_address(WriteContext& context, Service& service, int at, Addresses& addresses) {
  auto& spec = *service.mutable_spec();
  if (at >= spec.cluster_ips_size()) {
    const auto offset = pick_address(context, addresses);
    spec.add_cluster_ips(offset ? addresses.range.text(*offset) : pick_added(context, service, addresses.range.family()));
    if (at == 0) spec.set_cluster_ip(spec.cluster_ips(0));
    if (offset) reserve_address(context, addresses, *offset, service);
    else reserve_added(context, spec.cluster_ips(at), service);
    // A lost race picks another.
    context.on_failure.emplace_back([&spec, at, dry_run = context.dry_run] {
      if (dry_run) return;
      if (at == 0) spec.clear_cluster_ip();
      while (spec.cluster_ips_size() > at) spec.mutable_cluster_ips()->RemoveLast();
    });
    return;
  }
  const std::string& wanted = spec.cluster_ips(at);
  const auto offset = addresses.range.offset(wanted);
  if (!offset) return take_added(context, service, wanted, addresses);
  const std::string address = addresses.range.text(*offset);
  if (is_refused(context, addresses.pool, *offset, address_key(address)) || !is_free(context, address))
    refuse_address(service, wanted, "provided IP is already allocated");
  reserve_address(context, addresses, *offset, service);
}

void ServiceNumbers::reserve_address(WriteContext& context, Addresses& addresses, std::uint32_t offset, const Service& owner) {
  const std::string address = addresses.range.text(offset);
  reserve(context, addresses.pool, offset, address_key(address), owner);
  show_owner(context, address, owner);
}

void ServiceNumbers::release_address(WriteContext& context, const std::string& address) {
  const auto read = api::read_address(address);
  if (!read) return;
  const std::string text = read->text(), object = ip_addresses(context).storage_prefix + "/" + text;
  for (Addresses& each : addresses_) {
    const auto offset = each.range.offset(address);
    if (!offset) continue;
    release(context, each.pool, *offset, address_key(text));
    context.mutations.push_back({.key = object, .value = std::nullopt});
    return;
  }
  // Of a range that was added, or of one that the server has no more.
  if (!context.reader.cache(ip_addresses(context))->find(text)) return;
  for (const std::string& key : {address_key(text), object}) context.mutations.push_back({.key = key, .value = std::nullopt});
}

bool ServiceNumbers::is_free(const WriteContext& context, const std::string& address) {
  const api::Resource& objects = ip_addresses(context);
  return !context.refused.contains(address_key(address)) && !context.refused.contains(objects.storage_prefix + "/" + address) &&
         !context.reader.cache(objects)->find(address);
}

std::optional<std::uint32_t> ServiceNumbers::pick_address(WriteContext& context, const Addresses& addresses) const {
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto offset = addresses.pool.pick(context.rng);
    if (!offset) break;
    if (is_free(context, addresses.range.text(*offset))) return offset;
  }
  return std::nullopt;
}

// -- Of ranges that were added: nothing of them is in memory, the objects tell what is free.

std::string ServiceNumbers::pick_added(WriteContext& context, const Service& service, std::string_view family) {
  constexpr int kAttempts = 64;
  for (const api::AddressRange& range : ready_service_ranges(context.reader, family)) {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto address = random_address(range, context.rng);
      if (address && is_free(context, address->text())) return address->text();
    }
  }
  throw api::internal(fmt::format("failed to allocate a serviceIP for {}: range is full", service.metadata().name()));
}

void ServiceNumbers::take_added(WriteContext& context, const Service& service, const std::string& wanted,
                                const Addresses& addresses) {
  const auto address = api::read_address(wanted);
  const auto ranges = ready_service_ranges(context.reader, addresses.range.family());
  if (!address || std::ranges::none_of(ranges, [&](const auto& range) { return is_usable(range, *address); })) {
    refuse_address(service, wanted,
                   fmt::format("the provided IP ({}) is not in the valid range. The range of valid IPs is {}", wanted,
                               addresses.range.cidr()));
  }
  if (!is_free(context, address->text())) refuse_address(service, wanted, "provided IP is already allocated");
  reserve_added(context, address->text(), service);
}

void ServiceNumbers::reserve_added(WriteContext& context, const std::string& address, const Service& owner) {
  context.preconditions.push_back({.key = address_key(address), .kind = Precondition::Kind::Absent, .revision = {}});
  context.mutations.push_back({.key = address_key(address), .value = owner_text(owner)});
  show_owner(context, address, owner);
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
    // A dry run asks for nothing but whether others have it.
    if (context.dry_run) return;
    refuse_port(service, field, port,
                fmt::format("provided port is not in the valid range. The range of valid ports is {}-{}", port_min_, port_max_));
  }
  if (is_refused(context, ports_, number, port_key(number))) {
    refuse_port(service, field, port, "provided port is already allocated");
  }
  reserve(context, ports_, number, port_key(number), service);
}

void ServiceNumbers::release_unused(WriteContext& context, const Service* service, const Service& old) {
  const auto still = service != nullptr ? cluster_ips(*service) : std::vector<std::string>();
  for (const std::string& address : cluster_ips(old)) {
    if (std::ranges::find(still, address) == still.end()) release_address(context, address);
  }
  const std::set<int> kept = ports_of(service);
  for (const int port : ports_of(&old)) {
    const auto number = static_cast<std::uint32_t>(port);
    if (!kept.contains(port)) release(context, ports_, number, port_key(number));
  }
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

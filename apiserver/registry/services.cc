// Services: addresses and ports of the cluster, given out and taken back with the write that needs them.
#include <algorithm>

#include "api/codec.h"
#include "api/kinds.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/registry/service_families.h"
#include "apiserver/registry/service_numbers.h"

namespace ph::apiserver {
namespace {

using core::v1::Service;
using core::v1::ServicePort;
using core::v1::ServiceSpec;

// A service that shall be of one family again gives the second one up, unless it says anything else of it.
void drop_second_family(ServiceSpec& spec, const ServiceSpec& old) {
  const bool was_for_both = old.has_ip_family_policy() && old.ip_family_policy() != "SingleStack";
  if (!was_for_both || spec.ip_family_policy() != "SingleStack") return;
  const auto same = [](const auto& a, const auto& b) { return std::ranges::equal(a, b); };
  if (spec.cluster_ips_size() > 1 && same(spec.cluster_ips(), old.cluster_ips())) spec.mutable_cluster_ips()->RemoveLast();
  if (spec.ip_families_size() > 1 && same(spec.ip_families(), old.ip_families())) spec.mutable_ip_families()->RemoveLast();
}

// The old single address means the list: of who says nothing of the list, and of who changes one of the two.
void join_addresses(ServiceSpec& spec, const ServiceSpec* old) {
  const auto as_before = [&] { return std::ranges::equal(spec.cluster_ips(), old->cluster_ips()); };
  if (old != nullptr && !old->cluster_ip().empty() && spec.cluster_ip() != old->cluster_ip() && as_before())
    spec.clear_cluster_ips();
  if (old != nullptr && spec.cluster_ip() == old->cluster_ip() && spec.cluster_ips_size() == 0)
    *spec.mutable_cluster_ips() = old->cluster_ips();
  if (!spec.cluster_ip().empty() && spec.cluster_ips_size() == 0) spec.add_cluster_ips(spec.cluster_ip());
}

void clear_families(ServiceSpec& spec) {
  spec.clear_ip_families();
  spec.clear_ip_family_policy();
}

const ServicePort* same_port(const Service& service, const ServicePort& wanted) {
  const auto& ports = service.spec().ports();
  const auto found = std::ranges::find_if(ports, [&](const ServicePort& port) {
    return port.port() == wanted.port() && port.protocol() == wanted.protocol() && port.name() == wanted.name();
  });
  return found == ports.end() ? nullptr : &*found;
}

// What an update left out and the service already has.
void keep_numbers(Service& service, const Service& old) {
  auto& spec = *service.mutable_spec();
  const auto& before = old.spec();
  if (needs_cluster_ip(service) && needs_cluster_ip(old)) {
    if (spec.cluster_ip().empty() && spec.cluster_ips_size() == 0) {
      spec.set_cluster_ip(before.cluster_ip());
      *spec.mutable_cluster_ips() = before.cluster_ips();
    }
    if (spec.ip_families_size() == 0) *spec.mutable_ip_families() = before.ip_families();
    if (!spec.has_ip_family_policy() && before.has_ip_family_policy()) spec.set_ip_family_policy(before.ip_family_policy());
  }
  if (needs_node_ports(service) && needs_node_ports(old)) {
    for (ServicePort& port : *spec.mutable_ports()) {
      const ServicePort* known = same_port(old, port);
      if (port.node_port() == 0 && known != nullptr) port.set_node_port(known->node_port());
    }
  }
  if (needs_health_check_port(service) && needs_health_check_port(old) && spec.health_check_node_port() == 0) {
    spec.set_health_check_node_port(before.health_check_node_port());
  }
}

bool ports_as_before(const Service& service, const Service& old) {
  return std::ranges::all_of(service.spec().ports(), [&](const ServicePort& port) {
    const ServicePort* known = same_port(old, port);
    return port.node_port() == 0 || (known != nullptr && known->node_port() == port.node_port());
  });
}

// What belongs to the old type and was only carried along.
void drop_type_leftovers(Service& service, const Service& old) {
  auto& spec = *service.mutable_spec();
  const auto& before = old.spec();
  if (needs_cluster_ip(old) && !needs_cluster_ip(service) && spec.cluster_ip() == before.cluster_ip()) {
    spec.clear_cluster_ip();
    spec.clear_cluster_ips();
    clear_families(spec);
  }
  if (needs_node_ports(old) && !needs_node_ports(service) && ports_as_before(service, old)) {
    for (ServicePort& port : *spec.mutable_ports()) port.clear_node_port();
  }
  if (needs_health_check_port(old) && !needs_health_check_port(service) &&
      spec.health_check_node_port() == before.health_check_node_port()) {
    spec.clear_health_check_node_port();
  }
  if (before.type() == "LoadBalancer" && spec.type() != "LoadBalancer") {
    spec.clear_allocate_load_balancer_node_ports();
    spec.clear_load_balancer_class();
  }
  const bool external = spec.type() == "NodePort" || spec.type() == "LoadBalancer" || spec.external_ips_size() > 0;
  if (!external && spec.external_traffic_policy() == before.external_traffic_policy()) spec.clear_external_traffic_policy();
  if (spec.type() == "ExternalName") spec.clear_internal_traffic_policy();
}

class ServiceRules final : public ResourceRules {
 public:
  explicit ServiceRules(const ServerOptions& options) : numbers_(options), families_(numbers_.families()) {}

  void start(ObjectReader& reader) override {
    const Snapshot snapshot = reader.cache(*reader.resource(api::schema_of<Service>()))->snapshot();
    for (const EntryRef& entry : *snapshot.entries) {
      Service service;
      api::decode_envelope(*entry->protobuf, service);
      numbers_.adopt(service);
    }
  }

  void prepare_create(WriteContext&, api::Object& object) override {
    Service& service = object.as<Service>();
    join_addresses(*service.mutable_spec(), nullptr);
    settle_families(service, families_);
    refuse_ports_of_others(service);
  }

  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    Service& service = object.as<Service>();
    const Service& before = old.as<Service>();
    join_addresses(*service.mutable_spec(), &before.spec());
    drop_type_leftovers(service, before);
    keep_numbers(service, before);
    drop_second_family(*service.mutable_spec(), before.spec());
    settle_families(service, families_);
    refuse_ports_of_others(service);
    refuse_health_check_change(service, before);
  }

 protected:
  void before_commit(WriteContext& context, api::Object* object, const api::Object* old) override {
    if (object != nullptr && !context.subresource.empty()) return;
    auto* service = object != nullptr ? &object->as<Service>() : nullptr;
    const auto* before = old != nullptr ? &old->as<Service>() : nullptr;
    if (service != nullptr) {
      numbers_.take_addresses(context, *service, before);
      numbers_.take_ports(context, *service, before);
    }
    if (before != nullptr) numbers_.release_unused(context, service, *before);
  }

 private:
  ServiceNumbers numbers_;
  const ServiceFamilies families_;
};

}  // namespace

std::unique_ptr<ResourceRules> services(const ServerOptions& options) { return std::make_unique<ServiceRules>(options); }

}  // namespace ph::apiserver

// Services: addresses and ports of the cluster, given out and taken back with the write that needs them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/addresses.h"
#include "api/codec.h"
#include "api/errors.h"
#include "api/kinds.h"
#include "apiserver/registry/resource_rules.h"
#include "apiserver/registry/service_numbers.h"

namespace ph::apiserver {
namespace {

using core::v1::Service;
using core::v1::ServicePort;
using core::v1::ServiceSpec;

// The old single address and the list of addresses say the same.
void join_addresses(ServiceSpec& spec) {
  if (spec.cluster_ip().empty() && spec.cluster_ips_size() > 0) spec.set_cluster_ip(spec.cluster_ips(0));
  if (!spec.cluster_ip().empty() && spec.cluster_ips_size() == 0) spec.add_cluster_ips(spec.cluster_ip());
}

bool is_headless(const ServiceSpec& spec) { return spec.cluster_ip() == "None"; }
// Its endpoints are somebody else's, of any family.
bool is_free(const ServiceSpec& spec) { return is_headless(spec) && spec.selector().empty(); }

using Families = std::vector<std::string_view>;
bool has(const Families& families, std::string_view family) { return std::ranges::find(families, family) != families.end(); }

std::string shown(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return fmt::format("[\"{}\"]", fmt::join(texts, "\",\""));
}

// Addresses that are asked for tell their families.
void infer_families(ServiceSpec& spec, const Families& of_cluster, api::Errors& errors) {
  if (is_headless(spec)) return;
  for (int i = spec.ip_families_size(); i < spec.cluster_ips_size(); ++i) {
    const auto address = api::read_address(spec.cluster_ips(i));
    if (!address) return;  // validation says so
    const char* family = address->is_v6 ? "IPv6" : "IPv4";
    if (std::ranges::find(spec.ip_families(), family) != spec.ip_families().end()) return;  // as well
    if (has(of_cluster, family)) spec.add_ip_families(family);
    else
      errors.invalid(api::Path("spec.clusterIPs").index(i), shown(spec.cluster_ips()),
                     fmt::format("{} is not configured on this cluster", family));
  }
}

// What nobody has asked for: one family, the cluster's own; both, where the policy would have them and the cluster can. What needs no
// address of the cluster may have any.
void default_families(Service& service, const Families& of_cluster) {
  ServiceSpec& spec = *service.mutable_spec();
  api::Errors errors;
  infer_families(spec, of_cluster, errors);
  if (!errors.empty()) throw api::invalid("Service", service.metadata().name(), errors.list());
  const bool asks_for_both = spec.ip_families_size() > 1 || spec.cluster_ips_size() > 1;
  if (!spec.has_ip_family_policy()) {
    if (is_free(spec)) spec.set_ip_family_policy("RequireDualStack");
    else if (!asks_for_both) spec.set_ip_family_policy("SingleStack");
  }
  if (spec.ip_families_size() == 0) spec.add_ip_families(std::string(of_cluster.front()));
  const bool wants_both = spec.has_ip_family_policy() && spec.ip_family_policy() != "SingleStack";
  if (spec.ip_families_size() == 1 && wants_both && (is_free(spec) || of_cluster.size() > 1)) {
    spec.add_ip_families(spec.ip_families(0) == "IPv4" ? "IPv6" : "IPv4");
  }
}

// A service that shall be of one family again gives the second one up, unless it says anything else of it.
void drop_second_family(ServiceSpec& spec, const ServiceSpec& old) {
  const bool was_for_both = old.has_ip_family_policy() && old.ip_family_policy() != "SingleStack";
  if (!was_for_both || spec.ip_family_policy() != "SingleStack") return;
  const auto same = [](const auto& a, const auto& b) { return std::ranges::equal(a, b); };
  if (spec.cluster_ips_size() > 1 && same(spec.cluster_ips(), old.cluster_ips())) spec.mutable_cluster_ips()->RemoveLast();
  if (spec.ip_families_size() > 1 && same(spec.ip_families(), old.ip_families())) spec.mutable_ip_families()->RemoveLast();
}

void check_families(const ServiceSpec& spec, const Families& of_cluster, api::Errors& errors) {
  const api::Path policy("spec.ipFamilyPolicy");
  const bool for_one = !spec.has_ip_family_policy() || spec.ip_family_policy() == "SingleStack";
  const std::string value = spec.has_ip_family_policy() ? fmt::format("\"{}\"", spec.ip_family_policy()) : "null";
  constexpr const char* kMust = "must be RequireDualStack or PreferDualStack when multiple '{}' are specified";
  if (for_one && spec.cluster_ips_size() == 2) errors.invalid(policy, value, fmt::format(kMust, "clusterIPs"));
  if (for_one && spec.ip_families_size() == 2) errors.invalid(policy, value, fmt::format(kMust, "ipFamilies"));
  if (is_free(spec)) return;
  if (spec.ip_family_policy() == "RequireDualStack" && of_cluster.size() < 2)
    errors.invalid(policy, value, "this cluster is not configured for dual-stack services");
  for (int i = 0; i < spec.ip_families_size(); ++i) {
    const std::string& family = spec.ip_families(i);
    if ((family == "IPv4" || family == "IPv6") && !has(of_cluster, family))
      errors.invalid_text(api::Path("spec.ipFamilies").index(i), family, "not configured on this cluster");
  }
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
    auto& spec = *object.as<Service>().mutable_spec();
    join_addresses(spec);
    if (spec.type() != "ExternalName") default_families(object.as<Service>(), families_);
  }

  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    Service& service = object.as<Service>();
    const Service& before = old.as<Service>();
    drop_type_leftovers(service, before);
    keep_numbers(service, before);
    drop_second_family(*service.mutable_spec(), before.spec());
    join_addresses(*service.mutable_spec());
    if (needs_cluster_ip(service)) default_families(service, families_);
  }

  void validate(const api::Object& object, api::Errors& errors) override {
    const Service& service = object.as<Service>();
    if (needs_cluster_ip(service)) check_families(service.spec(), families_, errors);
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
  const Families families_;
};

}  // namespace

std::unique_ptr<ResourceRules> services(const ServerOptions& options) { return std::make_unique<ServiceRules>(options); }

}  // namespace ph::apiserver

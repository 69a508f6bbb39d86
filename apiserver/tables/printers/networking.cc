// The rows of ingresses, network policies, and the addresses of services.
#include <fmt/format.h>

#include <set>

#include "apiserver/tables/printers/cells.h"
#include "base/ascii.h"

namespace ph::apiserver {

using namespace networking::v1;

namespace {

constexpr std::size_t kHostsMax = 3;

constexpr Column kIngressColumns[] = {{"Name", "string", "name"}, {"Class", "string"}, {"Hosts", "string"},
                                      {"Address", "string"},      {"Ports", "string"}, {"Age", "string"}};

// The first few hosts, and how many rules there are beside them.
std::string hosts_text(const Ingress& ingress) {
  std::vector<std::string_view> hosts;
  bool more = false;
  for (const IngressRule& rule : ingress.spec().rules()) {
    more |= hosts.size() == kHostsMax;
    if (!more && !rule.host().empty()) hosts.push_back(rule.host());
  }
  if (hosts.empty()) return "*";
  const std::string text = fmt::format("{}", fmt::join(hosts, ","));
  return more ? fmt::format("{} + {} more...", text, ingress.spec().rules_size() - static_cast<int>(kHostsMax)) : text;
}

std::string addresses_text(const Ingress& ingress) {
  std::set<std::string_view> addresses;
  for (const auto& one : ingress.status().load_balancer().ingress()) {
    if (!one.ip().empty()) addresses.insert(one.ip());
    else if (!one.hostname().empty()) addresses.insert(one.hostname());
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

void print_ingress(const Ingress& ingress, Time now, Row& row) {
  const IngressSpec& spec = ingress.spec();
  row.cells = {ingress.metadata().name(),
               spec.has_ingress_class_name() ? spec.ingress_class_name() : std::string(kNone),
               hosts_text(ingress),
               addresses_text(ingress),
               std::string(spec.tls().empty() ? "80" : "80, 443"),
               age(ingress.metadata().creation_timestamp(), now)};
}

constexpr Column kIngressClassColumns[] = {
    {"Name", "string", "name"}, {"Controller", "string"}, {"Parameters", "string"}, {"Age", "string"}};

std::string parameters_text(const IngressClassSpec& spec) {
  if (!spec.has_parameters()) return std::string(kNone);
  const IngressClassParametersReference& parameters = spec.parameters();
  const std::string group = parameters.has_api_group() ? "." + parameters.api_group() : "";
  return fmt::format("{}{}/{}", parameters.kind(), group, parameters.name());
}

void print_ingress_class(const IngressClass& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), object.spec().controller(), parameters_text(object.spec()),
               age(object.metadata().creation_timestamp(), now)};
}

constexpr Column kNetworkPolicyColumns[] = {{"Name", "string", "name"}, {"Pod-Selector", "string"}, {"Age", "string"}};

void print_network_policy(const NetworkPolicy& policy, Time now, Row& row) {
  row.cells = {policy.metadata().name(), selector_text(policy.spec().pod_selector()),
               age(policy.metadata().creation_timestamp(), now)};
}

constexpr Column kIPAddressColumns[] = {{"Name", "string", "name"}, {"ParentRef", "string"}};

std::string parent_text(const IPAddressSpec& spec) {
  if (!spec.has_parent_ref()) return std::string(kNone);
  const ParentReference& parent = spec.parent_ref();
  std::string out = lower_ascii(parent.group().empty() ? parent.resource() : parent.resource() + "." + parent.group());
  if (!parent.namespace_().empty()) out += "/" + parent.namespace_();
  return out + "/" + parent.name();
}

// The age is in upstream's rows, too, though not in its columns.
void print_ip_address(const IPAddress& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), parent_text(object.spec()), age(object.metadata().creation_timestamp(), now)};
}

constexpr Column kServiceCIDRColumns[] = {{"Name", "string", "name"}, {"CIDRs", "string"}, {"Age", "string"}};

void print_service_cidr(const ServiceCIDR& object, Time now, Row& row) {
  row.cells = {object.metadata().name(), fmt::format("{}", fmt::join(object.spec().cidrs(), ",")),
               age(object.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kIngressPrinter = printer_of<Ingress, print_ingress>(kIngressColumns);
extern const Printer kIngressClassPrinter = printer_of<IngressClass, print_ingress_class>(kIngressClassColumns);
extern const Printer kNetworkPolicyPrinter = printer_of<NetworkPolicy, print_network_policy>(kNetworkPolicyColumns);
extern const Printer kIPAddressPrinter = printer_of<IPAddress, print_ip_address>(kIPAddressColumns);
extern const Printer kServiceCIDRPrinter = printer_of<ServiceCIDR, print_service_cidr>(kServiceCIDRColumns);

}  // namespace ph::apiserver

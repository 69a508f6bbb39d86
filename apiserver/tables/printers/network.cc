// The rows of services and what stands behind them.
#include <fmt/format.h>

#include <set>

#include "apiserver/tables/printers/cells.h"

namespace ph::apiserver {

using core::v1::Endpoints;
using core::v1::Service;
using discovery::v1::EndpointSlice;

namespace {

constexpr std::size_t kShownMax = 3;  // of addresses and ports in one cell

constexpr Column kServiceColumns[] = {{"Name", "string", "name"},   {"Type", "string"},    {"Cluster-IP", "string"},
                                      {"External-IP", "string"},    {"Port(s)", "string"}, {"Age", "string"},
                                      {"Selector", "string", "", 1}};

std::string load_balancer_text(const Service& service) {
  std::set<std::string> addresses;
  for (const auto& ingress : service.status().load_balancer().ingress()) {
    if (!ingress.ip().empty()) addresses.insert(ingress.ip());
    else if (!ingress.hostname().empty()) addresses.insert(ingress.hostname());
  }
  return fmt::format("{}", fmt::join(addresses, ","));
}

std::string external_ip(const Service& service) {
  const auto& spec = service.spec();
  const std::string external = fmt::format("{}", fmt::join(spec.external_ips(), ","));
  if (spec.type() == "ExternalName") return spec.external_name();
  if (spec.type() == "ClusterIP" || spec.type() == "NodePort") return or_text(external, kNone);
  if (spec.type() != "LoadBalancer") return std::string(kUnknown);
  const std::string balanced = load_balancer_text(service);
  if (external.empty()) return or_text(balanced, "<pending>");
  return balanced.empty() ? external : balanced + "," + external;
}

std::string ports_text(const Service& service) {
  std::string out;
  for (const auto& port : service.spec().ports()) {
    if (!out.empty()) out += ',';
    out += std::to_string(port.port());
    if (port.node_port() > 0) out += fmt::format(":{}", port.node_port());
    out += "/" + port.protocol();
  }
  return or_text(out, kNone);
}

void print_service(const Service& service, Time now, Row& row) {
  const auto& spec = service.spec();
  const std::string cluster_ip = spec.cluster_ips().empty() ? spec.cluster_ip() : spec.cluster_ips(0);
  row.cells = {service.metadata().name(),   spec.type(),         or_text(cluster_ip, kNone),
               external_ip(service),        ports_text(service), age(service.metadata().creation_timestamp(), now),
               labels_text(spec.selector())};
}

// The first few, and how many more there are.
std::string shortened(const std::vector<std::string>& all, std::string_view none) {
  if (all.empty()) return std::string(none);
  const std::size_t shown = std::min(all.size(), kShownMax);
  const std::string text = fmt::format("{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ","));
  return all.size() == shown ? text : fmt::format("{} + {} more...", text, all.size() - shown);
}

constexpr Column kEndpointsColumns[] = {{"Name", "string", "name"}, {"Endpoints", "string"}, {"Age", "string"}};

std::string host_port(const std::string& ip, int port) {
  return ip.find(':') == std::string::npos ? fmt::format("{}:{}", ip, port) : fmt::format("[{}]:{}", ip, port);
}

void print_endpoints(const Endpoints& endpoints, Time now, Row& row) {
  std::vector<std::string> all;
  for (const auto& subset : endpoints.subsets()) {
    if (subset.ports().empty()) {  // a headless service may have none
      for (const auto& address : subset.addresses()) all.push_back(address.ip());
    }
    for (const auto& port : subset.ports()) {
      for (const auto& address : subset.addresses()) all.push_back(host_port(address.ip(), port.port()));
    }
  }
  // Where there are subsets, but no address that is ready, nothing is shown.
  const std::string_view none = endpoints.subsets().empty() ? kNone : std::string_view();
  row.cells = {endpoints.metadata().name(), shortened(all, none), age(endpoints.metadata().creation_timestamp(), now)};
}

constexpr Column kEndpointSliceColumns[] = {
    {"Name", "string", "name"}, {"AddressType", "string"}, {"Ports", "string"}, {"Endpoints", "string"}, {"Age", "string"}};

void print_endpoint_slice(const EndpointSlice& slice, Time now, Row& row) {
  std::vector<std::string> ports, addresses;
  for (const auto& port : slice.ports()) ports.push_back(port.has_port() ? std::to_string(port.port()) : "*");
  for (const auto& endpoint : slice.endpoints()) {
    addresses.insert(addresses.end(), endpoint.addresses().begin(), endpoint.addresses().end());
  }
  row.cells = {slice.metadata().name(), slice.address_type(), shortened(ports, kUnset), shortened(addresses, kUnset),
               age(slice.metadata().creation_timestamp(), now)};
}

}  // namespace

extern const Printer kServicePrinter = printer_of<Service, print_service>(kServiceColumns);
extern const Printer kEndpointsPrinter = printer_of<Endpoints, print_endpoints>(kEndpointsColumns);
extern const Printer kEndpointSlicePrinter = printer_of<EndpointSlice, print_endpoint_slice>(kEndpointSliceColumns);

}  // namespace ph::apiserver

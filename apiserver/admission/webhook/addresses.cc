#include "apiserver/admission/webhook/addresses.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/validation/quote.h"
#include "apiserver/admission/objects.h"

namespace ph::apiserver::webhook {

using admissionregistration::v1::ServiceReference;
using admissionregistration::v1::WebhookClientConfig;

namespace {

using core::v1::Service;
using core::v1::ServicePort;
using discovery::v1::Endpoint;
using discovery::v1::EndpointSlice;

constexpr std::string_view kScheme = "https://";

const ServicePort& port_of(const Service& service, std::int32_t port) {
  const auto& ports = service.spec().ports();
  const auto found = std::ranges::find(ports, port, &ServicePort::port);
  if (found == ports.end())
    throw NoAddress(fmt::format("no service port {} found for service {}", port, api::quote(service.metadata().name())));
  return *found;
}

std::string joined(std::string_view host, std::int32_t port) {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

const std::string& type_of(const Service& service) {
  static const std::string kClusterIp = "ClusterIP";
  return service.spec().type().empty() ? kClusterIp : service.spec().type();
}

bool has_endpoints(const std::string& type) { return type == "ClusterIP" || type == "NodePort" || type == "LoadBalancer"; }

// The number by which a slice knows the service's port; nothing when it has no such port.
std::optional<std::int32_t> number_of(const EndpointSlice& slice, const ServicePort& port) {
  for (const auto& one : slice.ports()) {
    if (one.name() == port.name() && one.has_port()) return one.port();
  }
  return std::nullopt;
}

// Segments joined by one slash each, none at the end.
std::string clean_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) out.append("/").append(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return out.empty() ? "/" : out;
}

// The name in "host", "host:port", "[::1]:port".
std::string_view name_in(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

std::int32_t port_of(const ServiceReference& service) { return service.has_port() ? service.port() : 443; }

std::string name_of(const ServiceReference& service) { return fmt::format("{}.{}.svc", service.name(), service.namespace_()); }

}  // namespace

std::string cluster_address(const Service& service, std::int32_t port) {
  const std::string& type = type_of(service);
  if (type == "ExternalName") return joined(service.spec().external_name(), port);
  if (!has_endpoints(type)) throw NoAddress(fmt::format("unsupported service type {}", api::quote(type)));
  if (service.spec().cluster_ip() == "None") throw NoAddress("cannot route to service with ClusterIP \"None\"");
  return joined(service.spec().cluster_ip(), port_of(service, port).port());
}

std::string endpoint_address(const Service& service, std::int32_t port, const Slices& slices,
                             const std::function<std::size_t(std::size_t)>& pick) {
  const std::string& type = type_of(service);
  if (!has_endpoints(type)) throw NoAddress(fmt::format("unsupported service type {}", api::quote(type)));
  const ServicePort& wanted = port_of(service, port);
  std::vector<std::string> found;
  for (const auto& slice : slices) {
    const auto number = number_of(*slice, wanted);
    if (!number) continue;
    for (const Endpoint& endpoint : slice->endpoints()) {
      const bool ready = !endpoint.conditions().has_ready() || endpoint.conditions().ready();
      if (ready && !endpoint.addresses().empty()) found.push_back(joined(endpoint.addresses(0), *number));
    }
  }
  if (found.empty()) throw NoAddress(fmt::format("no endpoints available for service {}", api::quote(service.metadata().name())));
  return found[pick(found.size())];
}

Place place_of(const WebhookClientConfig& client) {
  if (client.has_service()) {
    return {.host = joined(name_of(client.service()), port_of(client.service())), .path = clean_path(client.service().path())};
  }
  std::string_view rest = client.url();
  if (rest.starts_with(kScheme)) rest.remove_prefix(kScheme.size());
  const auto slash = std::min(rest.find('/'), rest.size());
  return {.host = std::string(rest.substr(0, slash)), .path = clean_path(rest.substr(slash))};
}

WebhookAddress Addresses::find(const WebhookClientConfig& client) const {
  if (client.has_service()) {
    return {.url = std::string(kScheme) + of_service(client.service()),
            .server_name = name_of(client.service()),
            .ca_pem = client.ca_bundle()};
  }
  // Only such ones are stored.
  if (!client.url().starts_with(kScheme)) throw NoAddress("'https' is the only allowed URL scheme");
  const std::string host = place_of(client).host;
  return {.url = std::string(kScheme) + host, .server_name = std::string(name_in(host)), .ca_pem = client.ca_bundle()};
}

std::string Addresses::of_service(const ServiceReference& reference) const {
  const auto service = reader_.read<Service>({reference.namespace_(), reference.name()});
  if (!service) throw NoAddress(fmt::format("service {} not found", api::quote(reference.name())));
  if (!endpoints_) return cluster_address(*service, port_of(reference));
  Slices slices = objects_of<EndpointSlice>(reader_, reference.namespace_());
  std::erase_if(slices, [&](const auto& slice) {
    const auto label = slice->metadata().labels().find("kubernetes.io/service-name");
    return label == slice->metadata().labels().end() || label->second != reference.name();
  });
  return endpoint_address(*service, port_of(reference), slices, [&](std::size_t count) { return rng_.below(count); });
}

}  // namespace ph::apiserver::webhook

#include "controllers/load_balancer_forwarder/plan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "api/addresses.h"
#include "controllers/cloud/source_ranges.h"
#include "controllers/service_lb/plan.h"

namespace ph::controllers::load_balancer_forwarder {
namespace {

using core::v1::ServicePort;
using Backends = std::set<std::pair<std::string, int>>;

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(' ');
  return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(' ') + 1 - from);
}

std::expected<Target, std::string> read_target(std::string_view text) {
  const auto refuse = [&] { return std::unexpected(fmt::format("\"{}\" is no address and port", text)); };
  Target out;
  std::string_view rest = text;
  if (const auto equals = rest.find('='); equals != rest.npos) {
    out.port_name = rest.substr(0, equals);
    rest.remove_prefix(equals + 1);
  }
  const auto colon = rest.rfind(':');
  if (colon == rest.npos) return refuse();
  std::string_view address = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
  if (is_bracketed) address = address.substr(1, address.size() - 2);
  if (is_bracketed != (address.find(':') != address.npos)) return refuse();
  out.address = address;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  const bool is_number = problem == std::errc() && end == port.data() + port.size();
  if (!is_number || out.port < 1 || out.port > 65535 || !api::read_address(out.address)) return refuse();
  return out;
}

// Of all endpoints that are ready; that is what they are, when nobody says otherwise.
Backends endpoints_of(const ServicePort& port, const std::vector<Ref<Slice>>& slices) {
  Backends out;
  for (const Ref<Slice>& slice : slices) {
    if (slice->address_type() == "FQDN") continue;
    for (const auto& of_slice : slice->ports()) {
      if (of_slice.name() != port.name() || of_slice.protocol() != port.protocol() || of_slice.port() == 0) continue;
      for (const auto& endpoint : slice->endpoints()) {
        const bool is_ready = !endpoint.conditions().has_ready() || endpoint.conditions().ready();
        if (is_ready && endpoint.addresses_size() > 0) out.emplace(endpoint.addresses(0), of_slice.port());
      }
    }
  }
  return out;
}

// Of its load balancer; none: it has none, or is to have none any more.
std::vector<std::string> addresses_of(const Service& service) {
  std::vector<std::string> out;
  if (!service_lb::wants_load_balancer(service) || service.metadata().has_deletion_timestamp()) return out;
  for (const auto& ingress : service.status().load_balancer().ingress()) {
    if (!ingress.ip().empty()) out.push_back(ingress.ip());
  }
  return out;
}

Forward common_of(const Service& service, std::vector<std::string> source_ranges) {
  Forward out{.backends = {}, .source_ranges = std::move(source_ranges)};
  if (service.spec().session_affinity() == "ClientIP")
    out.sticky_for = std::chrono::seconds(service.spec().session_affinity_config().client_ip().timeout_seconds());
  return out;
}

}  // namespace

std::expected<std::vector<Target>, std::string> read_targets(std::string_view text) {
  std::vector<Target> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    auto target = read_target(trimmed(text.substr(0, comma)));
    if (!target) return std::unexpected(std::move(target.error()));
    out.push_back(std::move(*target));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

Wanted wanted_of(const Service& service, const std::vector<Ref<Slice>>& slices, const std::string& listen) {
  Wanted out;
  std::vector<std::string> addresses = addresses_of(service);
  const bool has_own = listen == cloud::kOwnAddresses;
  if (!has_own && !addresses.empty()) addresses = {listen};
  if (addresses.empty()) return out;
  const auto source_ranges = cloud::source_ranges_of(service);
  if (!source_ranges) return out.problems.push_back(source_ranges.error()), out;
  std::vector<Target> targets;
  const auto annotation = service.metadata().annotations().find(kBackends);
  const bool is_told = annotation != service.metadata().annotations().end();
  if (is_told) {
    auto read = read_targets(annotation->second);
    if (!read) return out.problems.push_back(fmt::format("the annotation {}: {}", kBackends, read.error())), out;
    targets = std::move(*read);
  }
  for (const ServicePort& port : service.spec().ports()) {
    const int number = has_own ? port.port() : port.node_port();
    if (number == 0) out.problems.push_back(fmt::format("port {} has no node port", port.port()));
    if (port.protocol() != "TCP" && port.protocol() != "UDP")
      out.problems.push_back(fmt::format("port {}: {} is not forwarded", port.port(), port.protocol()));
    if (number == 0 || (port.protocol() != "TCP" && port.protocol() != "UDP")) continue;
    Forward forward = common_of(service, *source_ranges);
    Backends backends;
    for (const Target& target : targets) {
      if (target.port_name.empty() || target.port_name == port.name()) backends.emplace(target.address, target.port);
    }
    if (!is_told) backends = endpoints_of(port, slices);
    forward.backends.assign(backends.begin(), backends.end());
    for (const std::string& address : addresses) out.forwards[{port.protocol(), address, number}] = forward;
  }
  return out;
}

}  // namespace ph::controllers::load_balancer_forwarder

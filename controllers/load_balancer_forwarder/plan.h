// What is to be forwarded for a service. Pure.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controllers/cloud/forwarding.h"
#include "controllers/runtime/loop.h"
#include "discovery/v1.pb.h"

namespace ph::controllers::load_balancer_forwarder {

using cloud::Forward, cloud::Place;
using Service = core::v1::Service;
using Slice = discovery::v1::EndpointSlice;

// Annotation of a service: real backends in the place of its endpoints, as "address:port" or, of one port, "name=address:port", with a
// comma between them.
inline constexpr const char* kBackends = "pilothouse.io/load-balancer-backends";

struct Target {
  std::string port_name;  // empty: of all ports
  std::string address;
  int port = 0;

  bool operator==(const Target&) const = default;
};
// The error says what is wrong with the annotation.
std::expected<std::vector<Target>, std::string> read_targets(std::string_view text);

struct Wanted {
  std::map<Place, Forward> forwards;
  std::vector<std::string> problems;  // of ports that are not forwarded
};
// `listen`: kOwnAddresses, where a place is an address of the load balancer and a port of the service; or an address, where it has the
// node ports. A service has no places as long as its load balancer has no address, and none when it is on its way out.
Wanted wanted_of(const Service& service, const std::vector<Ref<Slice>>& slices, const std::string& listen);

}  // namespace ph::controllers::load_balancer_forwarder

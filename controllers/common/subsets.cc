#include "controllers/common/subsets.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace ph::controllers {
namespace {

using core::v1::EndpointAddress, core::v1::EndpointPort, core::v1::EndpointSubset;

// Two pods may have one address: they are told apart.
using AddressId = std::pair<std::string, std::string>;  // IP, UID of whom it is of
// Nobody has port -1: it stands for "no ports".
using PortId = std::tuple<std::string, int, std::string, bool, std::string>;  // name, number, protocol, application's protocol
using Readiness = std::map<AddressId, bool>;

AddressId id_of(const EndpointAddress& address) { return {address.ip(), address.target_ref().uid()}; }
PortId id_of(const EndpointPort& port) {
  return {port.name(), port.port(), port.protocol(), port.has_app_protocol(), port.app_protocol()};
}
const PortId kNoPorts{"", -1, "", false, ""};

class Repacking {
 public:
  void add(const EndpointSubset& subset) {
    for (const EndpointPort& port : subset.ports()) {
      ports_.try_emplace(id_of(port), port);
      add(subset, id_of(port));
    }
    if (subset.ports().empty()) add(subset, kNoPorts);
  }

  std::vector<EndpointSubset> result() const {
    // Of the ports that the same addresses have in the same state; "no ports" has a subset of its own.
    std::map<std::pair<bool, Readiness>, std::vector<PortId>> ports_by_addresses;
    for (const auto& [port, addresses] : by_port_) ports_by_addresses[{port == kNoPorts, addresses}].push_back(port);
    std::map<std::vector<PortId>, EndpointSubset> ordered;
    for (const auto& [addresses, ports] : ports_by_addresses) ordered.emplace(ports, subset_of(ports, addresses.second));
    std::vector<EndpointSubset> out;
    for (auto& [ports, subset] : ordered) out.push_back(std::move(subset));
    return out;
  }

 private:
  void add(const EndpointSubset& subset, const PortId& port) {
    for (const EndpointAddress& address : subset.addresses()) add(address, port, true);
    for (const EndpointAddress& address : subset.not_ready_addresses()) add(address, port, false);
  }

  void add(const EndpointAddress& address, const PortId& port, bool ready) {
    addresses_.try_emplace(id_of(address), address);
    const auto [entry, is_new] = by_port_[port].try_emplace(id_of(address), ready);
    if (!is_new) entry->second = entry->second && ready;
  }

  EndpointSubset subset_of(const std::vector<PortId>& ports, const Readiness& addresses) const {
    EndpointSubset out;
    for (const auto& [id, ready] : addresses) *(ready ? out.add_addresses() : out.add_not_ready_addresses()) = addresses_.at(id);
    for (const PortId& port : ports) {
      if (port != kNoPorts) *out.add_ports() = ports_.at(port);
    }
    return out;
  }

  std::map<AddressId, EndpointAddress> addresses_;
  std::map<PortId, EndpointPort> ports_;
  std::map<PortId, Readiness> by_port_;
};

}  // namespace

std::vector<EndpointSubset> repacked(const std::vector<EndpointSubset>& subsets) {
  Repacking all;
  for (const EndpointSubset& subset : subsets) all.add(subset);
  return all.result();
}

}  // namespace ph::controllers

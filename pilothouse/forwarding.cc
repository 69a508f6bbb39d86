#include "pilothouse/forwarding.h"

#include <map>
#include <stdexcept>

#include "api/addresses.h"
#include "net/forwarder.h"

namespace ph::pilothouse {
namespace {

using controllers::cloud::Forward, controllers::cloud::Place;

net::ForwardedPort port_of(const Place& place, const Forward& forward) {
  net::ForwardedPort out{
      .protocol = place.protocol == "UDP" ? net::ForwardedPort::Protocol::Udp : net::ForwardedPort::Protocol::Tcp,
      .address = place.address,
      .port = static_cast<std::uint16_t>(place.port),
      .backends = {},
      .source_ranges = forward.source_ranges,
      .sticky_for = forward.sticky_for};
  for (const auto& [address, port] : forward.backends) out.backends.push_back({address, static_cast<std::uint16_t>(port)});
  return out;
}

class SocketForwarding final : public controllers::cloud::Forwarding {
 public:
  SocketForwarding(net::IoThreads& io, Log log) : forwarder_(io, {}, std::move(log)) {}

  std::optional<std::string> set(const Place& place, const Forward& forward) override try {
    auto& port = ports_[place];
    if (port) port->change(port_of(place, forward));
    else port = forwarder_.open(port_of(place, forward));
    return std::nullopt;
  } catch (const std::runtime_error& error) {
    if (!ports_[place]) ports_.erase(place);
    return error.what();
  }

  void clear(const Place& place) override { ports_.erase(place); }

 private:
  net::Forwarder forwarder_;
  std::map<Place, std::unique_ptr<net::Forwarder::Port>> ports_;
};

}  // namespace

std::string check_forward_address(const std::string& address) {
  if (address == controllers::cloud::kOwnAddresses || api::read_address(address)) return {};
  return "\"" + address + "\" is neither an IP address nor own";
}

std::shared_ptr<controllers::cloud::Forwarding> socket_forwarding(net::IoThreads& io, Log log) {
  return std::make_shared<SocketForwarding>(io, std::move(log));
}

}  // namespace ph::pilothouse

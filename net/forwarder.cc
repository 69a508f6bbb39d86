#include "net/forwarder.h"

#include <algorithm>
#include <charconv>
#include <future>

#include <fmt/format.h>

#include "net/forward_route.h"

namespace ph::net {
namespace {

asio::ip::address address_of(const std::string& text) {
  boost::system::error_code error;
  const asio::ip::address out = asio::ip::make_address(text, error);
  if (error) throw std::runtime_error(fmt::format("\"{}\" is no IP address", text));
  return out;
}

// A client of a socket for both families.
asio::ip::address plain(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address;
}

template <class Bytes>
bool begin_alike(const Bytes& a, const Bytes& b, unsigned bits) {
  for (std::size_t i = 0; i < a.size() && bits > 0; ++i, bits -= std::min(bits, 8u)) {
    const unsigned unused = bits >= 8 ? 0 : 8 - bits;
    if ((a[i] ^ b[i]) >> unused) return false;
  }
  return true;
}

}  // namespace

ForwardRoute::ForwardRoute(const ForwardedPort& port, std::size_t sticky_max)
    : sticky_max_(sticky_max), sticky_for_(to_asio(port.sticky_for)) {
  for (const Backend& backend : port.backends) ends_.emplace_back(address_of(backend.address), backend.port);
  for (const std::string& text : port.source_ranges) {
    const auto slash = text.find('/');
    Range range{.first = address_of(text.substr(0, slash))};
    const unsigned most = range.first.is_v4() ? 32 : 128;
    const std::string bits = slash == text.npos ? std::string() : text.substr(slash + 1);
    const auto [end, problem] = std::from_chars(bits.data(), bits.data() + bits.size(), range.bits);
    if (problem != std::errc() || end != bits.data() + bits.size() || range.bits > most)
      throw std::runtime_error(fmt::format("\"{}\" is no range of addresses", text));
    ranges_.push_back(range);
  }
}

bool ForwardRoute::takes(const asio::ip::address& client) const {
  const asio::ip::address from = plain(client);
  return ranges_.empty() || std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
           if (range.first.is_v4() != from.is_v4()) return false;
           return from.is_v4() ? begin_alike(range.first.to_v4().to_bytes(), from.to_v4().to_bytes(), range.bits)
                               : begin_alike(range.first.to_v6().to_bytes(), from.to_v6().to_bytes(), range.bits);
         });
}

std::vector<RouteEnd> ForwardRoute::ends_for(const asio::ip::address& client) {
  std::vector<RouteEnd> out = ends_;
  if (out.empty()) return out;
  const std::lock_guard lock(mutex_);
  auto first = out.begin() + static_cast<std::ptrdiff_t>(turn_ % out.size());
  const auto stay = stays_.find(plain(client));
  const auto kept = stay == stays_.end() || SteadyClock::now() - stay->second.seen > sticky_for_
                        ? out.end()
                        : std::find(out.begin(), out.end(), stay->second.end);
  if (kept != out.end()) first = kept;
  else ++turn_;
  std::rotate(out.begin(), first, out.end());
  return out;
}

void ForwardRoute::reached(const asio::ip::address& client, const RouteEnd& end) {
  if (sticky_for_ <= SteadyClock::duration::zero()) return;
  const std::lock_guard lock(mutex_);
  stays_[plain(client)] = {end, SteadyClock::now()};
  if (stays_.size() <= sticky_max_) return;
  stays_.erase(
      std::min_element(stays_.begin(), stays_.end(), [](const auto& a, const auto& b) { return a.second.seen < b.second.seen; }));
}

void ForwardRoute::take_over(const ForwardRoute& before) {
  const std::scoped_lock lock(mutex_, before.mutex_);
  turn_ = before.turn_;
  stays_ = before.stays_;
}

void refuse_port(const ForwardedPort& port, const boost::system::error_code& error) {
  std::string why = error.message();
  if (error == asio::error::address_in_use) why = "the address is already in use";
  if (error == asio::error::access_denied) why = "permission denied (ports below 1024 need privileges)";
  if (error == boost::system::errc::address_not_available) why = "this machine has no such address";
  throw std::runtime_error(fmt::format("cannot listen on {} port {} of {}: {}",
                                       port.protocol == ForwardedPort::Protocol::Tcp ? "TCP" : "UDP", port.port, port.address,
                                       why));
}

struct Forwarder::Impl {
  IoThreads::Impl& io;
  std::shared_ptr<ForwardShared> shared;
};

namespace {

// Runs `work` on the loop, and waits for it.
template <class F>
void on_loop(IoLoop& loop, F work) {
  std::promise<void> ran;
  asio::post(loop.context, [&] {
    work();
    ran.set_value();
  });
  ran.get_future().wait();
}

class OpenPort final : public Forwarder::Port {
 public:
  OpenPort(IoThreads::Impl& io, const ForwardedPort& port, std::shared_ptr<ForwardShared> shared)
      : sticky_max_(shared->limits.sticky_max),
        route_(std::make_shared<CurrentRoute>(std::make_shared<ForwardRoute>(port, sticky_max_))),
        home_(io.next()) {
    address_of(port.address);
    const bool is_tcp = port.protocol == ForwardedPort::Protocol::Tcp;
    listener_ = is_tcp ? listen_tcp(home_, port, route_, std::move(shared)) : listen_udp(home_, port, route_, std::move(shared));
    asio::post(home_.context, [listener = listener_] { listener->begin(); });
  }
  ~OpenPort() override {
    on_loop(home_, [this] { listener_->end(); });
  }

  std::uint16_t number() const override { return listener_->number(); }
  void change(const ForwardedPort& to) override { route_->set(std::make_shared<ForwardRoute>(to, sticky_max_)); }

 private:
  const std::size_t sticky_max_;
  const std::shared_ptr<CurrentRoute> route_;
  IoLoop& home_;
  std::shared_ptr<ForwardListener> listener_;
};

}  // namespace

Forwarder::Forwarder(IoThreads& io, ForwardLimits limits, Log log)
    : impl_(std::make_shared<Impl>(Impl{io.impl(), std::make_shared<ForwardShared>()})) {
  impl_->shared->limits = limits;
  impl_->shared->log = std::move(log);
}
Forwarder::~Forwarder() = default;

std::unique_ptr<Forwarder::Port> Forwarder::open(const ForwardedPort& port) {
  return std::make_unique<OpenPort>(impl_->io, port, impl_->shared);
}

std::size_t Forwarder::connections() const { return impl_->shared->connections; }

}  // namespace ph::net

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>

#include "net/forward_route.h"

namespace ph::net {
namespace {

using asio::ip::udp;
using Error = boost::system::error_code;

// Datagrams that are taken in one go, before others have their turn.
constexpr int kAtOnce = 32;

// A client, as its backend sees it: a socket of its own. On the listener's loop.
struct UdpSession : std::enable_shared_from_this<UdpSession> {
  UdpSession(IoLoop& loop, udp::endpoint client) : loop(loop), client(std::move(client)), socket(loop.context) {}

  bool open(const RouteEnd& end) {
    const udp::endpoint to(end.first, end.second);
    Error error;
    socket.open(to.protocol(), error);
    if (!error) socket.non_blocking(true, error);
    if (!error) socket.connect(to, error);
    return !error;
  }

  // What the backend answers goes to the client.
  void listen(udp::socket& out) {
    socket.async_wait(udp::socket::wait_read, [self = shared_from_this(), &out](const Error& error) {
      if (error || !self->socket.is_open()) return;
      Error problem;
      for (int i = 0; i < kAtOnce; ++i) {
        const std::size_t size = self->socket.receive(asio::buffer(self->loop.read_buffer.get(), IoLoop::kReadSize), 0, problem);
        if (problem == asio::error::would_block) break;
        // Nobody listens there now: that may change.
        if (problem) continue;
        self->has_passed = true;
        Error lost;
        out.send_to(asio::buffer(self->loop.read_buffer.get(), size), self->client, 0, lost);
      }
      self->listen(out);
    });
  }

  IoLoop& loop;
  const udp::endpoint client;
  udp::socket socket;
  bool has_passed = true;
};

udp::socket bound(asio::io_context& context, const ForwardedPort& port) {
  const udp::endpoint endpoint(asio::ip::make_address(port.address), port.port);
  udp::socket socket(context);
  Error error;
  socket.open(endpoint.protocol(), error);
  if (!error && endpoint.address().is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error) socket.bind(endpoint, error);
  if (!error) socket.non_blocking(true, error);
  if (error) refuse_port(port, error);
  return socket;
}

class UdpListener final : public ForwardListener, public std::enable_shared_from_this<UdpListener> {
 public:
  UdpListener(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route, std::shared_ptr<ForwardShared> shared)
      : home_(home),
        socket_(bound(home.context, port)),
        sweep_(home.context),
        route_(std::move(route)),
        shared_(std::move(shared)) {
    number_ = socket_.local_endpoint().port();
  }

  std::uint16_t number() const override { return number_; }
  void begin() override {
    listen();
    sweep_later();
  }
  void end() override {
    Error ignored;
    socket_.close(ignored);
    sweep_.cancel();
    for (auto& [client, session] : sessions_) session->socket.close(ignored);
    sessions_.clear();
  }

 private:
  void listen() {
    if (!socket_.is_open()) return;
    socket_.async_wait(udp::socket::wait_read, [self = shared_from_this()](const Error& error) {
      if (error || !self->socket_.is_open()) return;
      Error problem;
      for (int i = 0; i < kAtOnce; ++i) {
        udp::endpoint from;
        const std::size_t size =
            self->socket_.receive_from(asio::buffer(self->home_.read_buffer.get(), IoLoop::kReadSize), from, 0, problem);
        if (problem == asio::error::would_block) break;
        if (!problem) self->received(from, size);
      }
      self->listen();
    });
  }

  void received(const udp::endpoint& from, std::size_t size) {
    UdpSession* session = session_of(from);
    if (!session) return;
    session->has_passed = true;
    Error lost;
    session->socket.send(asio::buffer(home_.read_buffer.get(), size), 0, lost);
  }

  // Null: the client may not send, or there is no place or no backend for it.
  UdpSession* session_of(const udp::endpoint& client) {
    const auto known = sessions_.find(client);
    if (known != sessions_.end()) return known->second.get();
    const std::shared_ptr<ForwardRoute> route = route_->get();
    if (sessions_.size() >= shared_->limits.udp_sessions_max || !route->takes(client.address())) return nullptr;
    const std::vector<RouteEnd> ends = route->ends_for(client.address());
    if (ends.empty()) return nullptr;
    auto session = std::make_shared<UdpSession>(home_, client);
    if (!session->open(ends.front())) return nullptr;
    route->reached(client.address(), ends.front());
    session->listen(socket_);
    return sessions_.emplace(client, std::move(session)).first->second.get();
  }

  void sweep_later() {
    sweep_.expires_after(to_asio(shared_->limits.udp_idle_timeout));
    sweep_.async_wait([self = shared_from_this()](const Error& error) {
      if (error || !self->socket_.is_open()) return;
      std::erase_if(self->sessions_, [](const auto& entry) {
        if (std::exchange(entry.second->has_passed, false)) return false;
        Error ignored;
        entry.second->socket.close(ignored);
        return true;
      });
      self->sweep_later();
    });
  }

  IoLoop& home_;
  udp::socket socket_;
  asio::steady_timer sweep_;
  const std::shared_ptr<CurrentRoute> route_;
  const std::shared_ptr<ForwardShared> shared_;
  std::uint16_t number_ = 0;
  std::map<udp::endpoint, std::shared_ptr<UdpSession>> sessions_;
};

}  // namespace

std::shared_ptr<ForwardListener> listen_udp(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route,
                                            std::shared_ptr<ForwardShared> shared) {
  return std::make_shared<UdpListener>(home, port, std::move(route), std::move(shared));
}

}  // namespace ph::net

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <set>

#include "net/forward_route.h"

namespace ph::net {
namespace {

using asio::ip::tcp;
using Error = boost::system::error_code;

// A client's connection and the one to its backend. On one loop.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(IoLoop& loop, tcp::socket client, std::shared_ptr<ForwardRoute> route, std::shared_ptr<ForwardShared> shared)
      : client_(std::move(client)),
        backend_(loop.context),
        timer_(loop.context),
        route_(std::move(route)),
        shared_(std::move(shared)) {
    ++shared_->connections;
  }
  ~Session() { --shared_->connections; }

  void begin() {
    Error error;
    from_ = client_.remote_endpoint(error).address();
    if (error || ended_ || !route_->takes(from_)) return end();
    ends_ = route_->ends_for(from_);
    connect();
  }

  void end() {
    ended_ = true;
    Error ignored;
    client_.close(ignored);
    backend_.close(ignored);
    timer_.cancel();
  }

 private:
  struct Direction {
    tcp::socket &from, &to;
    std::array<char, 16 * 1024> bytes{};
    bool is_over = false;
  };

  void connect() {
    if (next_ == ends_.size()) return end();
    const RouteEnd end = ends_[next_++];
    Error ignored;
    backend_.close(ignored);
    const std::size_t attempt = next_;
    timer_.expires_after(to_asio(shared_->limits.connect_timeout));
    timer_.async_wait([self = shared_from_this(), attempt](const Error& error) {
      Error ignored;
      if (!error && self->next_ == attempt && !self->ups_) self->backend_.close(ignored);
    });
    backend_.async_connect(tcp::endpoint(end.first, end.second), [self = shared_from_this(), end](const Error& error) {
      if (self->ended_) return;
      if (error) return self->connect();
      self->connected(end);
    });
  }

  void connected(const RouteEnd& end) {
    route_->reached(from_, end);
    Error ignored;
    client_.set_option(tcp::no_delay(true), ignored);
    backend_.set_option(tcp::no_delay(true), ignored);
    ups_ = std::make_unique<Direction>(Direction{.from = client_, .to = backend_});
    downs_ = std::make_unique<Direction>(Direction{.from = backend_, .to = client_});
    watch();
    read(*ups_);
    read(*downs_);
  }

  // Ends it when nothing has passed for a whole period.
  void watch() {
    has_passed_ = false;
    timer_.expires_after(to_asio(shared_->limits.tcp_idle_timeout));
    timer_.async_wait([self = shared_from_this()](const Error& error) {
      if (error || self->ended_) return;
      if (!self->has_passed_) return self->end();
      self->watch();
    });
  }

  void read(Direction& way) {
    way.from.async_read_some(asio::buffer(way.bytes), [self = shared_from_this(), &way](const Error& error, std::size_t size) {
      if (self->ended_) return;
      if (error == asio::error::eof) return self->finish(way);
      if (error) return self->end();
      self->has_passed_ = true;
      self->write(way, size);
    });
  }

  void write(Direction& way, std::size_t size) {
    asio::async_write(way.to, asio::buffer(way.bytes.data(), size),
                      [self = shared_from_this(), &way](const Error& error, std::size_t) {
                        if (self->ended_) return;
                        if (error) return self->end();
                        self->has_passed_ = true;
                        self->read(way);
                      });
  }

  // One side has said that it has sent all.
  void finish(Direction& way) {
    way.is_over = true;
    if (ups_->is_over && downs_->is_over) return end();
    Error error;
    way.to.shutdown(tcp::socket::shutdown_send, error);
    if (error) end();
  }

  tcp::socket client_, backend_;
  asio::steady_timer timer_;
  const std::shared_ptr<ForwardRoute> route_;
  const std::shared_ptr<ForwardShared> shared_;
  asio::ip::address from_;
  std::vector<RouteEnd> ends_;
  std::size_t next_ = 0;                    // of `ends_`
  std::unique_ptr<Direction> ups_, downs_;  // once the backend is reached
  bool has_passed_ = false, ended_ = false;
};

tcp::acceptor listen(asio::io_context& context, const ForwardedPort& port) {
  const tcp::endpoint endpoint(asio::ip::make_address(port.address), port.port);
  tcp::acceptor acceptor(context);
  Error error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) refuse_port(port, error);
  return acceptor;
}

// Its sessions are on its loop, too: a port is as busy as a thread may be.
class TcpListener final : public ForwardListener, public std::enable_shared_from_this<TcpListener> {
 public:
  TcpListener(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route, std::shared_ptr<ForwardShared> shared)
      : home_(home),
        acceptor_(listen(home.context, port)),
        retry_(home.context),
        route_(std::move(route)),
        shared_(std::move(shared)) {
    number_ = acceptor_.local_endpoint().port();
  }

  std::uint16_t number() const override { return number_; }
  void begin() override { accept(); }
  void end() override {
    Error ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    for (const auto& weak : sessions_) {
      if (const auto session = weak.lock()) session->end();
    }
    sessions_.clear();
  }

 private:
  void accept() {
    if (!acceptor_.is_open()) return;
    acceptor_.async_accept([self = shared_from_this()](const Error& error, tcp::socket socket) {
      if (!self->acceptor_.is_open()) return;
      if (error) return self->accept_later(error);
      self->accepted(std::move(socket));
      self->accept();
    });
  }
  // Out of descriptors, most likely: it must not spin.
  void accept_later(const Error& error) {
    shared_->log.warning("a forwarded port cannot accept a connection", "port", number_, "err", error.message());
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([self = shared_from_this()](const Error& e) {
      if (!e) self->accept();
    });
  }
  void accepted(tcp::socket socket) {
    std::erase_if(sessions_, [](const auto& weak) { return weak.expired(); });
    if (shared_->connections >= shared_->limits.connections_max) return;  // which closes it
    const auto session = std::make_shared<Session>(home_, std::move(socket), route_->get(), shared_);
    sessions_.insert(session);
    session->begin();
  }

  IoLoop& home_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  const std::shared_ptr<CurrentRoute> route_;
  const std::shared_ptr<ForwardShared> shared_;
  std::uint16_t number_ = 0;
  std::set<std::weak_ptr<Session>, std::owner_less<std::weak_ptr<Session>>> sessions_;
};

}  // namespace

std::shared_ptr<ForwardListener> listen_tcp(IoLoop& home, const ForwardedPort& port, std::shared_ptr<CurrentRoute> route,
                                            std::shared_ptr<ForwardShared> shared) {
  return std::make_shared<TcpListener>(home, port, std::move(route), std::move(shared));
}

}  // namespace ph::net

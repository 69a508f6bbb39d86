#include "net/server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <condition_variable>
#include <future>
#include <set>

#include <fmt/format.h>

#include "net/server_connection.h"

namespace ph::net {
namespace {

using asio::ip::tcp;
using Error = boost::system::error_code;
using ConnectionPtr = std::shared_ptr<ServerConnection>;

std::string to_string(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", address, endpoint.port())
                                    : fmt::format("{}:{}", address, endpoint.port());
}

std::string in_words(const Error& error) {
  if (error == asio::error::address_in_use) return "the address is already in use";
  if (error == asio::error::access_denied) return "permission denied (ports below 1024 need privileges)";
  if (error == boost::system::errc::address_not_available) return "this machine has no such address";
  return error.message();
}

tcp::acceptor listen(asio::io_context& context, const ServerOptions& options) {
  Error error;
  const auto address = asio::ip::make_address(options.bind_address, error);
  if (error) throw std::runtime_error(fmt::format("cannot listen on \"{}\": not an IP address", options.bind_address));
  const tcp::endpoint endpoint(address, options.port);
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && address.is_v6() && address.is_unspecified()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) throw std::runtime_error(fmt::format("cannot listen on {}: {}", to_string(endpoint), in_words(error)));
  return acceptor;
}

}  // namespace

struct HttpsServer::Impl : std::enable_shared_from_this<Impl> {
  Impl(IoThreads& io, HttpHandler& handler, Executor& executor, ServerOptions options, Log log)
      : io(io.impl()),
        home(this->io.next()),
        executor(executor),
        log(log),
        shared(std::make_shared<ServerShared>(
            ServerShared{.handler = handler, .executor = executor, .options = std::move(options), .log = std::move(log)})),
        acceptor(listen(home.context, shared->options)),
        retry(home.context) {
    port = acceptor.local_endpoint().port();
    if (shared->options.tls) tls = TlsContext::server(*shared->options.tls);
  }

  void begin() {
    shared->on_open = [this](const ConnectionPtr& connection) { opened(connection); };
    shared->on_close = [this](const ConnectionPtr& connection) { closed(connection); };
    asio::post(home.context, [self = shared_from_this()] { self->accept(); });
  }

  // --- accepting, on the home loop ---

  void accept() {
    if (!acceptor.is_open()) return;
    IoLoop& loop = io.next();
    acceptor.async_accept(loop.context, [self = shared_from_this(), &loop](const Error& error, tcp::socket socket) {
      if (!self->acceptor.is_open()) return;
      if (error) return self->accept_later(error);
      self->accepted(loop, std::move(socket));
      self->accept();
    });
  }

  // Out of descriptors, most likely: it must not spin.
  void accept_later(const Error& error) {
    log.warning("cannot accept a connection", "err", error.message());
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([self = shared_from_this()](const Error& e) {
      if (!e) self->accept();
    });
  }

  void accepted(IoLoop& loop, tcp::socket socket) {
    Error error;
    const auto peer = socket.remote_endpoint(error);
    if (error) return;  // gone already
    std::shared_ptr<const TlsContext> context;
    {
      const std::lock_guard lock(mutex);
      context = tls;
    }
    std::unique_ptr<TlsSession> session;
    if (context) session = std::make_unique<TlsSession>(std::move(context), executor.clock().now());
    const auto connection =
        std::make_shared<ServerConnection>(shared, loop, std::move(socket), std::move(session), to_string(peer));
    asio::post(loop.context, [connection] { connection->begin(); });
  }

  void stop_accepting() {
    Error ignored;
    acceptor.close(ignored);
    retry.cancel();
  }

  // --- connections, each on its own loop ---

  void opened(const ConnectionPtr& connection) {
    bool refuse;
    {
      const std::lock_guard lock(mutex);
      connections.insert(connection);
      std::erase_if(calls, [](const auto& weak) { return weak.expired(); });
      calls.push_back(connection->calls());
      refuse = draining;
    }
    if (refuse) asio::post(connection->loop().context, [connection] { connection->close("the server is stopping"); });
  }

  void closed(const ConnectionPtr& connection) {
    std::vector<std::function<void()>> done;
    {
      const std::lock_guard lock(mutex);
      connections.erase(connection);
      if (connections.empty() && draining) done.swap(when_empty);
    }
    for (auto& call : done) call();
  }

  std::vector<ConnectionPtr> all() {
    const std::lock_guard lock(mutex);
    return {connections.begin(), connections.end()};
  }

  // Has `act` done to every connection, on its loop.
  template <class F>
  void each(F act) {
    for (const auto& connection : all()) {
      asio::post(connection->loop().context, [connection, act] { act(*connection); });
    }
  }

  void drain(Duration grace, std::function<void()> done) {
    asio::post(home.context, [self = shared_from_this(), grace, done = std::move(done)]() mutable {
      self->stop_accepting();
      bool empty;
      {
        const std::lock_guard lock(self->mutex);
        self->draining = true;
        empty = self->connections.empty();
        if (!empty) self->when_empty.push_back(std::move(done));
      }
      if (empty) return done();
      self->each([](ServerConnection& connection) { connection.drain(); });
      auto timer = std::make_shared<asio::steady_timer>(self->home.context, grace);
      timer->async_wait([self, timer](const Error&) {
        self->each([](ServerConnection& connection) { connection.close("the server is stopping"); });
      });
    });
  }

  // --- the end ---

  // Runs `work` on every loop in turn and waits.
  template <class F>
  void on_every_loop(F work) {
    for (auto& loop : io.loops) {
      auto ran = std::make_shared<std::promise<void>>();
      auto waiting = ran->get_future();
      asio::post(loop->context, [&work, loop = loop.get(), ran] {
        work(*loop);
        ran->set_value();
      });
      waiting.wait();
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      draining = true;
    }
    on_every_loop([this](IoLoop& loop) {
      if (&loop == &home) stop_accepting();
    });
    // Twice: what was accepted before arrives on its loop as work of its own.
    for (int round = 0; round < 2; ++round) {
      on_every_loop([this](IoLoop& loop) {
        for (const auto& connection : all()) {
          if (&connection->loop() == &loop) connection->close("the server has ended");
        }
      });
    }
    cancel_calls();
  }

  // No call outlives the server, even if its connection went long ago and the executor has been busy since.
  void cancel_calls() {
    auto left = std::make_shared<std::vector<std::shared_ptr<ServerCalls>>>();
    {
      const std::lock_guard lock(mutex);
      for (const auto& weak : calls) {
        if (auto strong = weak.lock()) left->push_back(std::move(strong));
      }
    }
    const auto cancel = [left = std::move(left)] {
      for (const auto& call : *left) call->cancel_all();
    };
    if (Executor::current() == &executor) return cancel();
    auto ran = std::make_shared<std::promise<void>>();
    auto waiting = ran->get_future();
    executor.post([cancel, ran = std::move(ran)] {
      cancel();
      ran->set_value();
    });
    try {
      waiting.get();
    } catch (const std::future_error&) {
      cancel();  // a stopped executor has dropped the work, and runs nothing that could be in the way
    }
  }

  IoThreads::Impl& io;
  IoLoop& home;
  Executor& executor;
  Log log;
  std::shared_ptr<ServerShared> shared;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  std::uint16_t port = 0;

  mutable std::mutex mutex;
  std::shared_ptr<const TlsContext> tls;  // guarded, as all below
  std::set<ConnectionPtr> connections;
  std::vector<std::weak_ptr<ServerCalls>> calls;
  bool draining = false;
  std::vector<std::function<void()>> when_empty;
};

HttpsServer::HttpsServer(IoThreads& io, HttpHandler& handler, Executor& handler_executor, ServerOptions options, Log log)
    : impl_(std::make_shared<Impl>(io, handler, handler_executor, std::move(options), std::move(log))) {
  impl_->begin();
}

HttpsServer::~HttpsServer() { impl_->end(); }

std::uint16_t HttpsServer::port() const { return impl_->port; }

void HttpsServer::set_certificate(const TlsServerOptions& tls) {
  auto context = TlsContext::server(tls);
  const std::lock_guard lock(impl_->mutex);
  impl_->tls = std::move(context);
}

void HttpsServer::drain(Duration grace, std::function<void()> done) { impl_->drain(grace, std::move(done)); }

void HttpsServer::stop(Duration grace) {
  const auto drained = std::make_shared<std::promise<void>>();
  drain(grace, [drained] { drained->set_value(); });
  drained->get_future().wait();
}

std::size_t HttpsServer::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connections.size();
}

}  // namespace ph::net

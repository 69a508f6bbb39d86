#include "net/client_core.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace ph::net {
namespace {

using asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::size_t kHttp1ConnectionsMax = 64;
constexpr int kAttemptsMax = 3;

Link::SteadyClock::duration to_steady(Duration duration) {
  return std::chrono::duration_cast<Link::SteadyClock::duration>(duration);
}

}  // namespace

// --- connections ---

ClientConnection::ClientConnection(std::shared_ptr<ClientCore> core, IoLoop& loop, Socket socket, std::unique_ptr<TlsSession> tls,
                                   SteadyClock::time_point deadline)
    : Link(loop, std::move(socket), std::move(tls)), core_(std::move(core)), deadline_(deadline) {}

void ClientConnection::begin() {
  wake_at(deadline_);
  start();
}

void ClientConnection::on_open(std::string_view alpn) {
  const bool local = !core_->options().unix_path.empty();
  protocol_ = alpn == "h2" || local ? http2_client(*this, local ? "http" : "https") : http1_client(*this);
  if (protocol_->multiplexed() && core_->options().ping_after != Duration::zero())
    wake_at(SteadyClock::now() + to_steady(core_->options().ping_after));
  core_->opened(*this);
}

bool ClientConnection::send(const CallPtr& call) {
  const StreamId stream = protocol_->send(call->request);
  if (stream == 0) return false;
  ++call->attempts;
  call->connection = this;
  call->id = stream;
  calls_.emplace(stream, call);
  return true;
}

void ClientConnection::cancel(ClientCall& call) {
  const StreamId stream = call.id;
  if (!take(stream)) return;
  if (!protocol_->cancel(stream)) return close("the request was given up");
  flush();
}

void ClientConnection::consumed(ClientCall& call, std::size_t size) { protocol_->consumed(call.id, size); }

void ClientConnection::on_input_end() {
  for (const CallPtr& call : std::exchange(unpublished_, {})) call->publish();
  // A connection for one request at a time is free again.
  if (!multiplexed() && can_send()) core_->assign();
}

void ClientConnection::on_closed(const std::string& why) {
  if (protocol_) protocol_->eof();
  for (const CallPtr& call : std::exchange(unpublished_, {})) call->publish();
  for (auto& [stream, call] : std::exchange(calls_, {})) {
    call->connection = nullptr;
    call->fail(fmt::format("connection to {} lost: {}", core_->place(), why));
  }
  core_->closed(*this, why);
}

void ClientConnection::on_timer() {
  const auto now = SteadyClock::now();
  if (!protocol_) {
    if (now >= deadline_) return close("the TLS handshake took too long");
    return wake_at(deadline_);
  }
  if (!protocol_->multiplexed() || core_->options().ping_after == Duration::zero()) return;
  const auto after = to_steady(core_->options().ping_after);
  const auto timeout = to_steady(core_->options().ping_timeout);
  if (pinged_ != SteadyClock::time_point{} && last_input() >= pinged_) pinged_ = {};
  if (pinged_ != SteadyClock::time_point{}) {
    if (now - pinged_ >= timeout) return close("the server did not answer a ping");
    return wake_at(pinged_ + timeout);
  }
  if (now - last_input() < after) return wake_at(last_input() + after);
  pinged_ = now;
  protocol_->ping();
  wake_at(now + timeout);
  flush();
}

void ClientConnection::on_head(StreamId stream, int status, Headers headers) {
  const auto found = calls_.find(stream);
  if (found != calls_.end()) found->second->head(status, std::move(headers));
}

void ClientConnection::on_data(StreamId stream, std::string_view bytes) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const CallPtr call = found->second;
  const std::size_t max = core_->options().response_bytes_max;
  if (!call->stream && max > 0 && call->received() + bytes.size() > max) {
    take(stream);
    call->fail_of_size(fmt::format("the response has more than {} bytes", max));
    if (!protocol_->cancel(stream))
      asio::post(loop().context, [self = shared_from_this()] { self->close("a response was too large"); });
    return;
  }
  call->data(bytes);
  if (!call->stream) return protocol_->consumed(stream, bytes.size());
  if (unpublished_.empty() || unpublished_.back() != call) unpublished_.push_back(call);
}

void ClientConnection::on_trailers(StreamId stream, Headers fields) {
  const auto found = calls_.find(stream);
  if (found != calls_.end()) found->second->trailers(std::move(fields));
}

void ClientConnection::on_end(StreamId stream) {
  if (const CallPtr call = take(stream)) call->end();
}

void ClientConnection::on_failed(StreamId stream, bool again, std::string why) {
  const CallPtr call = take(stream);
  if (!call) return;
  if (!again || call->attempts >= kAttemptsMax) return call->fail(std::move(why));
  // Not from within the protocol's own turn.
  asio::post(loop().context, [core = core_, call] { core->wait_for_connection(call); });
}

CallPtr ClientConnection::take(StreamId stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return nullptr;
  CallPtr call = std::move(found->second);
  calls_.erase(found);
  call->connection = nullptr;
  return call;
}

// --- the core ---

ClientCore::ClientCore(IoLoop& loop, ClientOptions options, std::shared_ptr<const TlsContext> tls)
    : loop_(loop), options_(std::move(options)), tls_(std::move(tls)) {}

void ClientCore::post(Message message) {
  bool was_empty;
  {
    const std::lock_guard lock(mutex_);
    was_empty = messages_.empty();
    messages_.push_back(std::move(message));
  }
  if (was_empty) asio::post(loop_.context, [self = shared_from_this()] { self->take_messages(); });
}

void ClientCore::take_messages() {
  std::vector<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (Message& message : messages) take(message);
  assign_and_flush();
}

void ClientCore::take(Message& message) {
  ClientCall* call = message.call.get();
  switch (message.kind) {
    case Message::Submit:
      now_ = message.now;
      if (shut_down_) return call->fail("the transport was closed");
      waiting_.push_back(std::move(message.call));
      return;
    case Message::Cancel:
      std::erase(waiting_, message.call);
      call->attempts = kAttemptsMax;  // nor is it sent again
      if (call->connection) call->connection->cancel(*call);
      return;
    case Message::Consumed:
      if (call->connection) call->connection->consumed(*call, message.size);
      return;
    case Message::ShutDown: return shut_down_now();
  }
}

void ClientCore::wait_for_connection(CallPtr call) {
  if (shut_down_ || call->attempts >= kAttemptsMax) return call->fail("the transport was closed");
  waiting_.push_back(std::move(call));
  assign_and_flush();
}

// What was submitted, and the windows that were opened, leave together.
void ClientCore::assign_and_flush() {
  assign();
  for (const auto& connection : std::vector(connections_)) connection->flush();
}

// Gives the waiting calls to connections that take them, and has connections made for the rest.
void ClientCore::assign() {
  while (!waiting_.empty()) {
    const auto free = std::ranges::find_if(connections_, [](const auto& connection) { return connection->can_send(); });
    if (free == connections_.end()) break;
    const auto connection = *free;
    if (!connection->send(waiting_.front())) continue;
    waiting_.pop_front();
    if (!connection->multiplexed()) connection->flush();
  }
  if (waiting_.empty() || shut_down_) return;
  std::size_t wanted = 1;
  if (one_at_a_time_)
    wanted = std::min(waiting_.size(), kHttp1ConnectionsMax - std::min(kHttp1ConnectionsMax, connections_.size()));
  while (connecting_ < wanted) connect();
}

std::string ClientCore::place() const {
  return options_.unix_path.empty() ? fmt::format("{}:{}", options_.host, options_.port) : options_.unix_path;
}

struct ClientCore::Attempt {
  explicit Attempt(asio::io_context& context) : resolver(context), tcp(context), local(context), timer(context) {}
  tcp::resolver resolver;
  tcp::socket tcp;
  asio::local::stream_protocol::socket local;
  asio::steady_timer timer;
  Link::SteadyClock::time_point deadline;
  bool done = false;

  void abort() {
    done = true;
    Error ignored;
    resolver.cancel();
    tcp.close(ignored);
    local.close(ignored);
    timer.cancel();
  }
};

void ClientCore::connect() {
  ++connecting_;
  const auto attempt = std::make_shared<Attempt>(loop_.context);
  std::erase_if(attempts_, [](const auto& weak) { return weak.expired(); });
  attempts_.push_back(attempt);
  attempt->deadline = Link::SteadyClock::now() + to_steady(options_.connect_timeout);
  const auto failed = [self = shared_from_this(), attempt](const std::string& why) {
    if (attempt->done) return;
    attempt->abort();
    self->connect_failed(why);
  };
  attempt->timer.expires_at(attempt->deadline);
  attempt->timer.async_wait([failed](const Error& error) {
    if (!error) failed("it took too long");
  });
  look_up(attempt, failed);
}

void ClientCore::look_up(const std::shared_ptr<Attempt>& attempt, const std::function<void(const std::string&)>& failed) {
  const auto on_connected = [self = shared_from_this(), attempt, failed](const Error& error, const auto&) {
    if (attempt->done) return;
    if (error) return failed(error.message());
    attempt->done = true;
    attempt->timer.cancel();
    self->connected(attempt);
  };
  if (!options_.unix_path.empty()) {
    if (options_.unix_path.size() >= sizeof(sockaddr_un::sun_path)) {
      return asio::post(loop_.context, [failed] { failed("the path is too long for a unix socket"); });
    }
    const asio::local::stream_protocol::endpoint endpoint(options_.unix_path);
    return attempt->local.async_connect(endpoint,
                                        [on_connected, endpoint](const Error& error) { on_connected(error, endpoint); });
  }
  Error not_an_address;
  if (const auto address = asio::ip::make_address(options_.host, not_an_address); !not_an_address) {
    const tcp::endpoint endpoint(address, options_.port);
    return attempt->tcp.async_connect(endpoint, [on_connected, endpoint](const Error& error) { on_connected(error, endpoint); });
  }
  attempt->resolver.async_resolve(options_.host, std::to_string(options_.port),
                                  [attempt, failed, on_connected](const Error& error, const tcp::resolver::results_type& found) {
                                    if (attempt->done) return;
                                    if (error) return failed(error.message());
                                    asio::async_connect(attempt->tcp, found, on_connected);
                                  });
}

void ClientCore::connected(const std::shared_ptr<Attempt>& attempt) {
  std::unique_ptr<TlsSession> session;
  if (tls_) session = std::make_unique<TlsSession>(tls_, now_);
  Link::Socket socket =
      options_.unix_path.empty() ? Link::Socket(std::move(attempt->tcp)) : Link::Socket(std::move(attempt->local));
  const auto connection =
      std::make_shared<ClientConnection>(shared_from_this(), loop_, std::move(socket), std::move(session), attempt->deadline);
  connections_.push_back(connection);
  connection->begin();
}

void ClientCore::opened(ClientConnection& connection) {
  --connecting_;
  one_at_a_time_ = !connection.multiplexed();
  assign();
}

void ClientCore::closed(ClientConnection& connection, const std::string& why) {
  std::erase_if(connections_, [&](const auto& other) { return other.get() == &connection; });
  if (!connection.is_open()) return connect_failed(why);
  // From within a connection's turn, maybe another's.
  if (!waiting_.empty()) asio::post(loop_.context, [self = shared_from_this()] { self->assign_and_flush(); });
}

// Nobody waits for a connection that cannot be made, unless others can serve them.
void ClientCore::connect_failed(const std::string& why) {
  --connecting_;
  if (std::ranges::any_of(connections_, [](const auto& connection) { return connection->is_open(); })) return;
  for (const CallPtr& call : std::exchange(waiting_, {})) {
    call->fail(fmt::format("cannot connect to {}: {}", place(), why));
  }
}

void ClientCore::shut_down_now() {
  shut_down_ = true;
  for (const auto& weak : std::exchange(attempts_, {})) {
    if (const auto attempt = weak.lock()) attempt->abort();
  }
  for (const auto& connection : std::vector(connections_)) connection->close("the transport was closed");
  for (const CallPtr& call : std::exchange(waiting_, {})) call->fail("the transport was closed");
}

}  // namespace ph::net

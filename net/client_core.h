// A client's connections and the calls that wait for one. Only for .cc files of this room.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "net/client.h"
#include "net/client_call.h"
#include "net/client_protocol.h"
#include "net/link.h"

namespace ph::net {

using CallPtr = std::shared_ptr<ClientCall>;

class ClientCore;

class ClientConnection final : public Link, ClientProtocol::Owner {
 public:
  ClientConnection(std::shared_ptr<ClientCore> core, IoLoop& loop, Socket socket, std::unique_ptr<TlsSession> tls,
                   SteadyClock::time_point deadline);

  void begin();
  bool is_open() const { return protocol_ != nullptr; }
  bool can_send() const { return protocol_ && !closed() && protocol_->can_send(); }
  bool multiplexed() const { return protocol_ && protocol_->multiplexed(); }
  // False: the call is as it was, and this connection takes no more.
  bool send(const CallPtr& call);
  void cancel(ClientCall& call);
  void consumed(ClientCall& call, std::size_t size);

 private:
  void on_open(std::string_view alpn) override;
  bool on_input(std::string_view bytes) override { return protocol_->receive(bytes); }
  void on_input_end() override;
  void produce(std::string& out, std::size_t size_max) override { protocol_->produce(out, size_max); }
  bool finished() const override { return protocol_->finished(); }
  bool wants_input() const override { return protocol_->wants_input(); }
  void on_closed(const std::string& why) override;
  void on_timer() override;

  void on_head(StreamId stream, int status, Headers headers) override;
  void on_data(StreamId stream, std::string_view bytes) override;
  void on_trailers(StreamId stream, Headers fields) override;
  void on_end(StreamId stream) override;
  void on_failed(StreamId stream, bool again, std::string why) override;

  // The call of a stream, which then has none any more.
  CallPtr take(StreamId stream);

  const std::shared_ptr<ClientCore> core_;
  const SteadyClock::time_point deadline_;  // for the handshake
  std::unique_ptr<ClientProtocol> protocol_;
  std::unordered_map<StreamId, CallPtr> calls_;
  std::vector<CallPtr> unpublished_;
  SteadyClock::time_point pinged_{};  // the epoch when no ping is under way
};

class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  ClientCore(IoLoop& loop, ClientOptions options, std::shared_ptr<const TlsContext> tls);

  // Threads: any.
  // `now` is the time by which a server's certificate is judged, if a connection is made for this call.
  void submit(CallPtr call, Time now) { post({Message::Submit, std::move(call), 0, now}); }
  void cancel(CallPtr call) { post({Message::Cancel, std::move(call), 0, {}}); }
  void consumed(CallPtr call, std::size_t size) { post({Message::Consumed, std::move(call), size, {}}); }
  void shut_down() { post({Message::ShutDown, nullptr, 0, {}}); }

  // On the loop's thread.
  const ClientOptions& options() const { return options_; }
  // The server, as errors call it.
  std::string place() const;
  void wait_for_connection(CallPtr call);
  void assign();
  void assign_and_flush();
  void opened(ClientConnection& connection);
  void closed(ClientConnection& connection, const std::string& why);

 private:
  struct Message {
    enum Kind { Submit, Cancel, Consumed, ShutDown };
    Kind kind;
    CallPtr call;
    std::size_t size;
    Time now;
  };
  struct Attempt;

  void post(Message message);
  void take_messages();
  void take(Message& message);
  void connect();
  void look_up(const std::shared_ptr<Attempt>& attempt, const std::function<void(const std::string&)>& failed);
  void connected(const std::shared_ptr<Attempt>& attempt);
  void connect_failed(const std::string& why);
  void shut_down_now();

  IoLoop& loop_;
  const ClientOptions options_;
  const std::shared_ptr<const TlsContext> tls_;
  Time now_{};

  std::mutex mutex_;
  std::vector<Message> messages_;  // guarded

  std::deque<CallPtr> waiting_;
  std::vector<std::shared_ptr<ClientConnection>> connections_;
  std::vector<std::weak_ptr<Attempt>> attempts_;
  std::size_t connecting_ = 0;  // attempts, and connections that are not open yet
  bool one_at_a_time_ = false;  // the server knows no HTTP/2
  bool shut_down_ = false;
};

}  // namespace ph::net

// A server's connection: a link, the protocol agreed on, and the calls under way. Only for .cc files of this room.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "net/body_room.h"
#include "net/link.h"
#include "net/server.h"
#include "net/server_calls.h"
#include "net/server_protocol.h"

namespace ph::net {

// What the connections of one server share. Outlives them.
struct ServerShared {
  HttpHandler& handler;
  Executor& executor;
  const ServerOptions options;
  const Log log;
  // Connections come and go. Threads: the connection's loop.
  std::function<void(const std::shared_ptr<class ServerConnection>&)> on_open;
  std::function<void(const std::shared_ptr<class ServerConnection>&)> on_close;
  const std::shared_ptr<BodyRoom> bodies = std::make_shared<BodyRoom>(
      BodyRoom::Limits{.bytes_max = options.bodies_bytes_max, .bytes_max_of_user = options.bodies_bytes_max_of_user});
};

class ServerConnection final : public Link, ServerProtocol::Owner {
 public:
  ServerConnection(std::shared_ptr<const ServerShared> shared, IoLoop& loop, Socket socket, std::unique_ptr<TlsSession> tls,
                   std::string peer);

  // On the loop's thread.
  void begin();
  void drain();

  // Threads: any, once `begin` has run.
  const std::shared_ptr<ServerCalls>& calls() const { return calls_; }

 private:
  void on_open(std::string_view alpn) override;
  bool on_input(std::string_view bytes) override { return protocol_->receive(bytes); }
  void on_input_end() override;
  void produce(std::string& out, std::size_t size_max) override;
  bool finished() const override { return protocol_->finished(); }
  bool wants_input() const override { return protocol_->wants_input(); }
  void on_closed(const std::string& why) override;
  void on_timer() override;
  void on_blocked() override { wake_at(blocked_since() + shared_->options.write_timeout); }

  void on_request(StreamId stream, HttpRequest request) override;
  void on_head(StreamId stream, HttpRequest head, std::size_t size_max) override;
  void on_gone(StreamId stream) override;
  void on_sent(StreamId stream, std::size_t size) override;

  void refuse_certificate(const std::string& why);
  // A request of which only the head is known.
  struct Head {
    std::size_t size_max;
    std::shared_ptr<void> place;  // while it waits for room
    SteadyClock::time_point until;
  };
  void tell_heads();
  void want(StreamId stream, const std::string& user);
  void room_for(StreamId stream, Room room);
  void refuse_waiting(SteadyClock::time_point now);
  void refuse_busy(StreamId stream);

  void take_answers();
  bool take_at_once();
  void take(Answer& answer);
  void respond(const Answer& answer);
  void render(HttpResponse& response);
  bool render_held();
  void look_for_stalled(SteadyClock::time_point now);
  void give_up_held();
  Headers complete(Headers headers);
  const Peer& peer();

  struct UnderWay {
    std::shared_ptr<Flow> flow;  // when it is a stream
  };
  // A body that is made as it is sent, and how much of it is not on the wire.
  struct Made {
    std::function<SharedBytes()> next;
    std::size_t waiting = 0;
  };
  void begin_made(const Answer& answer);
  bool make(StreamId stream, Made& made);
  bool make_pieces();

  const std::shared_ptr<const ServerShared> shared_;
  Peer peer_;
  Time certificate_expires_ = Time::max();
  std::unique_ptr<ServerProtocol> protocol_;
  std::shared_ptr<ServerCalls> calls_;
  std::map<StreamId, Head> heads_;
  SteadyClock::time_point tell_small_{};  // when the heads of small bodies are told; the epoch: there are none
  std::unordered_map<StreamId, UnderWay> under_way_;
  // Bytes of rendered bodies that are not on the wire, by stream and in all; and the answers that wait to be rendered until
  // there are fewer.
  std::unordered_map<StreamId, std::size_t> rendered_;
  std::size_t rendered_size_ = 0;
  std::deque<Answer> held_;
  std::vector<Answer> at_once_;  // answers of this thread's own, to be taken when the protocol is not at work
  std::unordered_map<StreamId, Made> made_;
  std::vector<StreamId> hungry_;     // those of which more is to be made
  std::set<StreamId> held_at_look_;  // as of the last look for stalled streams
  std::size_t sent_since_look_ = 0;  // of bodies
  bool draining_ = false;
  SteadyClock::time_point quiet_since_;  // neither requests nor answers
  StreamId reading_ = 0;                 // a request that is not whole
  SteadyClock::time_point reading_since_;
  SteadyClock::time_point opened_at_;
  SteadyClock::time_point next_look_;  // for streams whose client takes nothing
};

}  // namespace ph::net

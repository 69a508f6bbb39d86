// The requests of one connection, between its io thread and the executor of the handler. Only for this room.
//
// Both ways messages gather in a box; whoever finds a box empty wakes the other side, which then takes all. So a busy
// connection costs one wake-up a batch, not one a message.
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/sync.h"
#include "base/transport.h"
#include "net/http2_session.h"

namespace ph::net {

// Bytes of one stream's pieces that have not reached the wire. The handler's side stops pulling at the high mark.
struct Flow {
  static constexpr std::size_t kHigh = 64 * 1024;
  static constexpr std::size_t kLow = kHigh / 2;
  std::atomic<std::size_t> waiting = 0;
  std::atomic<bool> blocked = false;
};

// From the handler's side to the io thread.
struct Answer {
  enum Kind { Wanted, Refused, Whole, Begin, Piece, End, Fail };
  StreamId stream = 0;
  Kind kind = Whole;
  bool to_head = false;                // Whole: the request was HEAD, and the body is not sent
  std::string user;                    // Wanted: on whose account the body is read
  std::unique_ptr<HttpResponse> head;  // Refused, Whole, Begin
  std::shared_ptr<Flow> flow;          // Begin
  SharedBytes piece;                   // Piece
};

class ServerCalls : public std::enable_shared_from_this<ServerCalls> {
 public:
  // `wake` makes the io thread call `take_answers` soon. Threads: any. `handler` is used until `cancel_all` has run.
  ServerCalls(HttpHandler& handler, Executor& executor, std::function<void()> wake);
  ~ServerCalls();

  // On the io thread. What they say reaches the handler's side with the next `flush`.
  void judge(StreamId stream, HttpRequest head);
  void start(StreamId stream, HttpRequest request);
  void cancel(StreamId stream);
  void sent(StreamId stream, Flow& flow, std::size_t size);
  void flush();
  std::vector<Answer> take_answers();
  // The connection has gone: all calls are destroyed on the handler's executor, and nobody is woken any more.
  void close();

  // On the handler's executor: destroys all calls, started or not.
  void cancel_all();

 private:
  struct Message {
    enum Kind { Judge, Start, Cancel, Room };
    StreamId stream;
    Kind kind;
    HttpRequest request;
  };
  struct Call;
  class Sink;
  class Running;

  void take_messages();
  void begin_judging(StreamId stream, HttpRequest head);
  void drop_judging(StreamId stream);
  Running run_judging(StreamId stream, HttpRequest head);
  Running run(StreamId stream, HttpRequest request);
  Task<void> answer(StreamId stream, HttpRequest request);
  void post_answer(Answer answer);
  // As one of many that come in this turn: the io thread is woken after it, for all of them.
  void post_piece(StreamId stream, SharedBytes piece);
  void wake_io();

  HttpHandler& handler_;
  Executor& executor_;

  std::vector<Message> unflushed_;  // the io thread's

  std::mutex mutex_;
  std::function<void()> wake_;     // guarded
  std::vector<Message> messages_;  // guarded
  std::vector<Answer> answers_;    // guarded
  bool wake_posted_ = false;       // guarded: `wake_io` is to come
  bool closed_ = false;            // guarded

  // The handler's side.
  std::unordered_map<StreamId, std::unique_ptr<Call>> calls_;
  std::unordered_map<StreamId, std::coroutine_handle<>> judging_;
};

}  // namespace ph::net

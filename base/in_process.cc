// A transport to a handler in this process: calls and streams across executors, and so across threads. What a call does, and
// the source of a stream, live on the server's executor and are destroyed there.
#include <deque>
#include <mutex>

#include "base/sync.h"
#include "base/transport.h"

namespace ph {
namespace {

// How many pieces of a stream are fetched before they are asked for.
constexpr std::size_t kAheadMax = 64;
// The streams that our servers allow on a connection.
constexpr std::size_t kCallsMax = 250;

// A coroutine that nobody awaits: its frame is gone when it ends, or when it is destroyed before.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

// The server's end of something under way. The frame clears `frame` as the last thing it does here: null before it begins and
// after it has ended.
struct Running {
  std::coroutine_handle<> frame;
  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { cancel(); }
  void start(Detached what) {
    frame = what.handle;
    what.handle.resume();
  }
  void cancel() {
    if (frame) std::exchange(frame, nullptr).destroy();
  }
};

// One task on another executor and the wait for it here.
template <class T>
class Remote {
 public:
  explicit Remote(Executor& there) : there_(there) {}
  ~Remote() {
    // It has not been answered: it is destroyed there, begun or not.
    if (running_) there_.post([running = std::move(running_)] { running->cancel(); });
  }
  Remote(const Remote&) = delete;
  Remote& operator=(const Remote&) = delete;

  Task<T> run(Task<T> task) {
    const Completion<T> done;
    running_ = std::make_shared<Running>();
    there_.post([running = running_, done, task = std::move(task)]() mutable {
      running->start(drive(running.get(), std::move(task), done));
    });
    try {
      T answer = co_await done.get();
      running_ = nullptr;
      co_return answer;
    } catch (...) {
      running_ = nullptr;
      throw;
    }
  }

 private:
  static Detached drive(Running* running, Task<T> task, Completion<T> done) {
    std::optional<T> value;
    std::exception_ptr error;
    try {
      value.emplace(co_await task);
    } catch (...) {
      error = std::current_exception();
    }
    task = Task<T>();
    running->frame = nullptr;  // the client forgets `running` as soon as it is answered
    if (error) {
      done.fail(std::move(error));
    } else {
      done.set(std::move(*value));
    }
  }

  Executor& there_;
  std::shared_ptr<Running> running_;
};

// What a stream has brought and nobody has taken yet, between two threads: one source, one reader. Who waits is woken under the
// lock: a wait that was withdrawn, and the executor it was on, are not touched any more.
class Feed final : public PieceSink {
 public:
  bool has_room() const override {
    const std::lock_guard lock(mutex_);
    return pieces_.size() < kAheadMax;
  }
  void put(SharedBytes piece) override { put_more(std::move(piece)); }
  // False: the source is to wait for `room`.
  bool put_more(SharedBytes piece) {
    const std::lock_guard lock(mutex_);
    pieces_.push_back(std::move(piece));
    wake(reader_);
    return pieces_.size() < kAheadMax;
  }
  void end(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    error_ = std::move(error);
    wake(reader_);
  }
  // A piece; nothing at the end. To be asked after `something`.
  std::optional<SharedBytes> take() {
    const std::lock_guard lock(mutex_);
    if (pieces_.empty()) {
      PH_ASSERT(ended_);
      if (error_) std::rethrow_exception(error_);
      return std::nullopt;
    }
    SharedBytes piece = std::move(pieces_.front());
    pieces_.pop_front();
    if (pieces_.size() <= kAheadMax / 2) wake(source_);
    return piece;
  }

  struct Wait {
    Feed& feed;
    std::shared_ptr<detail::Suspended>& who;
    bool (*over)(const Feed&);
    detail::Parking parking{};
    ~Wait() {
      const std::lock_guard lock(feed.mutex_);
      who = nullptr;
    }
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> handle) {
      const std::lock_guard lock(feed.mutex_);
      if (over(feed)) return false;
      who = parking.park(handle);
      return true;
    }
    void await_resume() const {}
  };
  // Waits for a piece, or the end.
  Wait something() {
    return Wait{*this, reader_, [](const Feed& feed) { return !feed.pieces_.empty() || feed.ended_; }};
  }
  // Waits until there is room for a piece.
  Wait room() {
    return Wait{*this, source_, [](const Feed& feed) { return feed.pieces_.size() < kAheadMax; }};
  }

 private:
  static void wake(std::shared_ptr<detail::Suspended>& who) {
    if (who) detail::resume_later(std::exchange(who, nullptr));
  }

  mutable std::mutex mutex_;
  std::deque<SharedBytes> pieces_;
  bool ended_ = false;
  std::exception_ptr error_;
  std::shared_ptr<detail::Suspended> reader_, source_;
};

// A stream whose source lives on the server's executor. Some pieces come ahead: a reader that is behind takes what is there
// without a word to the other thread.
class RemoteStream final : public BodyStream {
 public:
  RemoteStream(Executor& there, std::unique_ptr<BodyStream> source) : there_(there), source_(std::move(source)) {}
  ~RemoteStream() override {
    there_.post([running = std::move(running_), source = std::move(source_)] {
      if (running) running->cancel();
    });
  }

  Task<std::optional<SharedBytes>> next() override {
    if (!running_) {
      running_ = std::make_shared<Running>();
      there_.post([running = running_, source = source_, feed = feed_] { running->start(pump(running.get(), source, feed)); });
    }
    co_await feed_->something();
    co_return feed_->take();
  }

 private:
  static Detached pump(Running* running, std::shared_ptr<BodyStream> source, std::shared_ptr<Feed> feed) {
    std::exception_ptr error;
    source->push_to(*feed);
    try {
      while (auto piece = co_await source->next()) {
        if (!feed->put_more(std::move(*piece))) co_await feed->room();
      }
    } catch (...) {
      error = std::current_exception();
    }
    source = nullptr;
    running->frame = nullptr;
    feed->end(std::move(error));
  }

  Executor& there_;
  std::shared_ptr<BodyStream> source_;
  std::shared_ptr<Feed> feed_ = std::make_shared<Feed>();
  std::shared_ptr<Running> running_;
};

// So many calls at a time, as an HTTP/2 connection has so many streams; others wait here, in their order, and not in the server's
// queues. Belongs to the client's executor.
class Places {
 public:
  class Place {
   public:
    explicit Place(Places& places) : places_(places) {
      if (places_.free_ > 0) {
        --places_.free_;
        given_.set();
      } else {
        places_.waiting_.push_back(this);
      }
    }
    ~Place() {
      if (!given_.is_set()) std::erase(places_.waiting_, this);
      else places_.leave();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    auto taken() { return given_.wait(); }

   private:
    friend class Places;
    Places& places_;
    Event given_;
  };

 private:
  void leave() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    waiting_.front()->given_.set();
    waiting_.pop_front();
  }

  std::size_t free_ = kCallsMax;
  std::deque<Place*> waiting_;
};

class InProcess final : public Transport {
 public:
  InProcess(HttpHandler& handler, Executor& server, Identity identity)
      : handler_(handler), server_(server), identity_(std::move(identity)) {}

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    request.peer = Peer{.address = {}, .identity = identity_};
    HttpResponse response;
    // Between two threads only: who shares the server's executor waits for his turn there.
    std::optional<HttpResponse> at_once;
    if (Executor::current() != &server_) at_once = handler_.begin(request);
    if (at_once) {
      response = std::move(*at_once);
    } else {
      Places::Place place(places_);
      co_await place.taken();
      Remote<HttpResponse> call(server_);
      response = co_await call.run(serve(handler_, server_, std::move(request)));
    }
    response.spent = nullptr;
    if (response.render) {
      response.body = response.render();
      response.render = nullptr;
    }
    if (response.next_piece) {
      while (auto piece = response.next_piece()) response.body.push_back(std::move(piece));
      response.next_piece = nullptr;
    }
    if (response.stream && !stream) {
      while (auto piece = co_await response.stream->next()) response.body.push_back(std::move(*piece));
      response.stream = nullptr;
    }
    co_return response;
  }

 private:
  // Runs on the server's executor. The stream is wrapped there: whoever drops the response, on whichever thread, the
  // source is destroyed where it lives.
  static Task<HttpResponse> serve(HttpHandler& handler, Executor& there, HttpRequest request) {
    HttpResponse response = co_await handler.handle(std::move(request));
    if (response.stream) response.stream = std::make_unique<RemoteStream>(there, std::move(response.stream));
    co_return response;
  }

  HttpHandler& handler_;
  Executor& server_;
  Identity identity_;
  Places places_;
};

}  // namespace

std::unique_ptr<Transport> in_process_transport(HttpHandler& handler, Executor& server, Identity identity) {
  return std::make_unique<InProcess>(handler, server, std::move(identity));
}

}  // namespace ph

#include "net/server_calls.h"

namespace ph::net {

// The outermost frame of a call: runs at once when it is made, and is gone when it ends or its handle is destroyed.
class ServerCalls::Running {
 public:
  struct promise_type {
    Running get_return_object() { return Running(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  explicit Running(std::coroutine_handle<> handle) : handle(handle) {}
  std::coroutine_handle<> handle;
};

struct ServerCalls::Call {
  std::coroutine_handle<> running;
  Event room;  // the wire has taken enough for more
};

ServerCalls::ServerCalls(HttpHandler& handler, Executor& executor, std::function<void()> wake)
    : handler_(handler), executor_(executor), wake_(std::move(wake)) {}

ServerCalls::~ServerCalls() { cancel_all(); }

void ServerCalls::judge(StreamId stream, HttpRequest head) { unflushed_.push_back({stream, Message::Judge, std::move(head)}); }

void ServerCalls::start(StreamId stream, HttpRequest request) {
  unflushed_.push_back({stream, Message::Start, std::move(request)});
}

void ServerCalls::cancel(StreamId stream) { unflushed_.push_back({stream, Message::Cancel, {}}); }

void ServerCalls::sent(StreamId stream, Flow& flow, std::size_t size) {
  const std::size_t before = flow.waiting.fetch_sub(size);
  PH_ASSERT(before >= size);
  if (before - size <= Flow::kLow && flow.blocked.exchange(false)) unflushed_.push_back({stream, Message::Room, {}});
}

void ServerCalls::flush() {
  if (unflushed_.empty()) return;
  bool was_empty;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return unflushed_.clear();
    was_empty = messages_.empty();
    std::ranges::move(unflushed_, std::back_inserter(messages_));
  }
  unflushed_.clear();
  if (was_empty) executor_.post([self = shared_from_this()] { self->take_messages(); });
}

std::vector<Answer> ServerCalls::take_answers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void ServerCalls::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    wake_ = nullptr;
  }
  executor_.post([self = shared_from_this()] { self->cancel_all(); });
}

void ServerCalls::cancel_all() {
  std::vector<Message> messages;
  std::vector<Answer> answers;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake_ = nullptr;
    messages.swap(messages_);
    answers.swap(answers_);
  }
  for (auto& [stream, call] : std::exchange(calls_, {})) call->running.destroy();
  for (auto& [stream, judging] : std::exchange(judging_, {})) judging.destroy();
}

void ServerCalls::take_messages() {
  std::vector<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (Message& message : messages) {
    if (message.kind == Message::Judge) {
      begin_judging(message.stream, std::move(message.request));
      continue;
    }
    if (message.kind != Message::Room) drop_judging(message.stream);
    if (message.kind == Message::Start) {
      auto call = std::make_unique<Call>();
      const auto running = run(message.stream, std::move(message.request)).handle;
      call->running = running;
      calls_.emplace(message.stream, std::move(call));
      running.resume();
      continue;
    }
    const auto found = calls_.find(message.stream);
    if (found == calls_.end()) continue;
    if (message.kind == Message::Room) {
      found->second->room.set();
    } else {
      const auto call = std::move(found->second);
      calls_.erase(found);
      call->running.destroy();
    }
  }
}

void ServerCalls::begin_judging(StreamId stream, HttpRequest head) {
  drop_judging(stream);
  const auto running = run_judging(stream, std::move(head)).handle;
  judging_.emplace(stream, running);
  running.resume();
}

void ServerCalls::drop_judging(StreamId stream) {
  if (auto judging = judging_.extract(stream)) judging.mapped().destroy();
}

ServerCalls::Running ServerCalls::run_judging(StreamId stream, HttpRequest head) {
  const bool is_head = head.method == "HEAD";
  HeadVerdict verdict;
  try {
    verdict = co_await handler_.judge_head(std::move(head));
  } catch (...) {
    // `handle` will say what is wrong.
  }
  judging_.erase(stream);
  if (verdict.refusal) {
    auto refusal = std::make_unique<HttpResponse>(std::move(*verdict.refusal));
    post_answer({.stream = stream, .kind = Answer::Refused, .to_head = is_head, .head = std::move(refusal)});
  } else {
    post_answer({.stream = stream, .kind = Answer::Wanted, .user = std::move(verdict.user)});
  }
}

ServerCalls::Running ServerCalls::run(StreamId stream, HttpRequest request) {
  try {
    co_await answer(stream, std::move(request));
  } catch (...) {
    // Handlers answer for their own errors; this is the last resort.
    auto head = std::make_unique<HttpResponse>();
    head->status = 500;
    head->headers.add("content-type", "text/plain");
    head->body.push_back(share("Internal Server Error"));
    post_answer({.stream = stream, .kind = Answer::Whole, .head = std::move(head)});
  }
  calls_.erase(stream);
}

// Of one stream whose pieces come by themselves.
class ServerCalls::Sink final : public PieceSink {
 public:
  Sink(ServerCalls& calls, StreamId stream, Flow& flow) : calls_(calls), stream_(stream), flow_(flow) {}
  bool has_room() const override { return flow_.waiting < Flow::kHigh; }
  void put(SharedBytes piece) override {
    if (piece->empty()) return;
    flow_.waiting += piece->size();
    calls_.post_piece(stream_, std::move(piece));
  }

 private:
  ServerCalls& calls_;
  const StreamId stream_;
  Flow& flow_;
};

Task<void> ServerCalls::answer(StreamId stream, HttpRequest request) {
  const bool is_head = request.method == "HEAD";
  HttpResponse response = co_await handler_.handle(std::move(request));
  std::optional<Sink> sink;
  const std::unique_ptr<BodyStream> body = std::move(response.stream);
  auto head = std::make_unique<HttpResponse>(std::move(response));
  if (!body || is_head) {
    post_answer({.stream = stream, .kind = Answer::Whole, .to_head = is_head, .head = std::move(head)});
    co_return;
  }
  const auto flow = std::make_shared<Flow>();
  body->push_to(sink.emplace(*this, stream, *flow));
  post_answer({.stream = stream, .kind = Answer::Begin, .head = std::move(head), .flow = flow});
  Event& room = calls_.at(stream)->room;
  try {
    while (auto piece = co_await body->next()) {
      if ((*piece)->empty()) continue;
      const std::size_t waiting = flow->waiting.fetch_add((*piece)->size()) + (*piece)->size();
      post_answer({.stream = stream, .kind = Answer::Piece, .piece = std::move(*piece)});
      if (waiting < Flow::kHigh) continue;
      // Either the io thread sees `blocked` after it has taken bytes, or we see here that it has.
      room.reset();
      flow->blocked = true;
      if (flow->waiting <= Flow::kLow && flow->blocked.exchange(false)) continue;
      co_await room.wait();
    }
  } catch (...) {
    post_answer({.stream = stream, .kind = Answer::Fail});
    co_return;
  }
  post_answer({.stream = stream, .kind = Answer::End});
}

void ServerCalls::post_answer(Answer answer) {
  // Under the lock, so that after `close` nobody is woken.
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  answers_.push_back(std::move(answer));
  if (answers_.size() == 1 && wake_) wake_();
}

void ServerCalls::post_piece(StreamId stream, SharedBytes piece) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    answers_.push_back({.stream = stream, .kind = Answer::Piece, .piece = std::move(piece)});
    // Somebody has woken it, or will.
    if (answers_.size() > 1 || std::exchange(wake_posted_, true)) return;
  }
  executor_.post([self = shared_from_this()] { self->wake_io(); });
}

void ServerCalls::wake_io() {
  const std::lock_guard lock(mutex_);
  wake_posted_ = false;
  if (!closed_ && !answers_.empty() && wake_) wake_();
}

}  // namespace ph::net

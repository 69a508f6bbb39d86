#include "tests/sim/faults.h"

#include <fmt/format.h>

#include <deque>

#include "api/codec.h"
#include "api/errors.h"

namespace ph::sim {
namespace {

// Suspended for good: whoever holds it is about to be destroyed.
Task<void> never() { co_await std::suspend_always{}; }

std::string name_of(const HttpRequest& request) { return request.method + " " + std::string(request.path()); }

HttpResponse refusal(int code, const char* reason, const char* message, int retry_after_s) {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(code);
  status.set_reason(reason);
  status.set_message(message);
  HttpResponse out;
  out.status = code;
  out.headers.add("content-type", "application/vnd.kubernetes.protobuf");
  if (retry_after_s > 0) out.headers.add("retry-after", std::to_string(retry_after_s));
  out.body.push_back(share(api::encode_envelope(status)));
  return out;
}

std::string length_of(std::size_t size) {
  std::string out(4, '\0');
  for (int i = 0; i < 4; ++i) out[static_cast<std::size_t>(i)] = static_cast<char>(size >> (8 * (3 - i)));
  return out;
}

std::string expired_frame() {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(410);
  status.set_reason("Expired");
  status.set_message("The resourceVersion for the provided watch is too old.");
  meta::v1::WatchEvent event;
  event.set_type("ERROR");
  event.mutable_object()->set_raw(api::encode_envelope(status));
  const std::string body = event.SerializeAsString();
  return length_of(body.size()) + body;
}

// Cuts a stream's pieces into whole frames: a big-endian length, and so many bytes.
class Frames {
 public:
  void feed(std::string_view bytes) { buffer_ += bytes; }
  std::optional<std::string> next() {
    if (buffer_.size() < 4) return std::nullopt;
    std::size_t length = 4;
    for (int i = 0; i < 4; ++i)
      length += static_cast<std::size_t>(static_cast<unsigned char>(buffer_[static_cast<std::size_t>(i)])) << (8 * (3 - i));
    if (buffer_.size() < length) return std::nullopt;
    std::string out = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }

 private:
  std::string buffer_;
};

}  // namespace

bool Faults::any() const {
  const Duration never{};
  return lost_request > 0 || lost_response > 0 || broken_answer > 0 || too_many > 0 || unavailable > 0 || delayed > 0 ||
         slow > 0 || late_request > 0 || stalled > 0 || repeated > 0 || cut > 0 || expired > 0 || short_lived > 0 ||
         crash_before_write > 0 || crash_after_write > 0 || crash_at_write > 0 || watch_lag > 0 || crash_every > never ||
         lost_lease_every > never || cut_off_every > never || second_manager_every > never || clock_jump_every > never;
}

Faults Faults::mixed(Rng& rng) const {
  Faults out = *this;
  for (double* each : {&out.lost_request, &out.lost_response, &out.broken_answer, &out.too_many, &out.unavailable, &out.delayed,
                       &out.slow, &out.late_request, &out.stalled, &out.repeated, &out.cut, &out.expired, &out.short_lived,
                       &out.crash_before_write, &out.crash_after_write}) {
    *each = rng.below(2) == 0 ? 0 : std::min(0.5, *each * 4 * rng.fraction());
  }
  for (Duration* each :
       {&out.crash_every, &out.lost_lease_every, &out.second_manager_every, &out.clock_jump_every, &out.cut_off_every}) {
    if (rng.below(2) == 0) *each = {};
    *each = Duration(static_cast<Duration::rep>(static_cast<double>(each->count()) / (0.5 + 3 * rng.fraction())));
  }
  return out;
}

Faults none() { return {}; }

Faults all() {
  Faults out;
  out.lost_request = 0.02;
  out.lost_response = 0.03;
  out.broken_answer = 0.01;
  out.too_many = 0.02;
  out.unavailable = 0.01;
  out.delayed = 0.3;
  out.slow = 0.01;
  out.stalled = 0.05;
  out.repeated = 0.03;
  out.cut = 0.02;
  out.expired = 0.01;
  out.short_lived = 0.05;
  out.crash_before_write = 0.01;
  out.crash_after_write = 0.01;
  out.crash_every = 60s;
  out.lost_lease_every = 60s;
  out.clock_jump_every = 60s;
  out.cut_off_every = 90s;
  return out;
}

void Tally::add(const Tally& more) {
  for (const auto& [name, count] : more.faults) faults[name] += count;
  for (const auto& [name, count] : more.rare) rare[name] += count;
  writes += more.writes;
  reconciles += more.reconciles;
}

// -- Watches

// Reads the server's stream on its own, and hands it on with what the network does to it.
class FaultStream final : public BodyStream {
 public:
  FaultStream(FaultLink& link, std::unique_ptr<BodyStream> inner, std::string name)
      : link_(link), inner_(std::move(inner)), name_(std::move(name)), pump_(link.executor_) {
    pump_.spawn(pump());
    if (!link_.happens(link_.faults_.short_lived)) return;
    timer_ = link_.executor_.run_after(link_.up_to(60s), [this] {
      timer_ = 0;
      if (link_.on_) break_off("watch cut");
    });
  }
  ~FaultStream() override {
    for (const TimerId timer : {timer_, lag_timer_}) {
      if (timer != 0) link_.executor_.cancel(timer);
    }
  }

  Task<std::optional<SharedBytes>> next() override {
    for (;;) {
      if (!ready_.empty()) {
        SharedBytes out = std::move(ready_.front());
        ready_.pop_front();
        co_return std::optional<SharedBytes>(std::move(out));
      }
      if (broken_) throw TransportError("the watch was cut (simulated)");
      if (ended_) co_return std::nullopt;
      changed_.reset();
      co_await changed_.wait();
    }
  }

 private:
  enum class Fate { Arrives, Cut, CutWithin, Expired };

  Task<void> pump() {
    Frames frames;
    for (;;) {
      std::optional<SharedBytes> piece;
      try {
        piece = co_await inner_->next();
      } catch (const TransportError&) {
        broken_ = true;
      }
      if (!piece) break;
      frames.feed(**piece);
      while (auto frame = frames.next()) {
        if (link_.happens(link_.faults_.stalled)) {
          link_.count("watch stalled");
          co_await sleep_for(link_.up_to(link_.faults_.stall_most));
        }
        co_await link_.wait_connected();
        const bool goes_on = link_.faults_.watch_lag > 0 ? hold_back(std::move(*frame)) : hand_on(std::move(*frame));
        if (!goes_on) co_return;
      }
    }
    release(0);
    ended_ = true;
    changed_.set();
  }

  // -- A cache that is behind by so many events
  bool hold_back(std::string frame) {
    held_.push_back(std::move(frame));
    if (lag_timer_ != 0) link_.executor_.cancel(lag_timer_);
    lag_timer_ = link_.executor_.run_after(link_.faults_.lag_most, [this] {
      lag_timer_ = 0;
      if (!release(0)) pump_.cancel();
    });
    return release(link_.on_ ? link_.faults_.watch_lag : 0);
  }
  // All but the last so many. Whether the stream lives on.
  bool release(std::size_t kept) {
    while (held_.size() > kept) {
      std::string frame = std::move(held_.front());
      held_.pop_front();
      if (!hand_on(std::move(frame))) return held_.clear(), false;
      if (kept > 0) link_.count("events late");
    }
    return true;
  }

  Fate fate() {
    if (link_.happens(link_.faults_.cut)) return link_.rng_.below(2) == 0 ? Fate::Cut : Fate::CutWithin;
    return link_.happens(link_.faults_.expired) ? Fate::Expired : Fate::Arrives;
  }

  // Whether the stream lives on.
  bool hand_on(std::string frame) {
    const Fate what = fate();
    switch (what) {
      case Fate::Cut: return mark_broken("watch cut"), false;
      case Fate::CutWithin:
        push(share(frame.substr(0, 1 + link_.rng_.below(frame.size() - 1))));
        return mark_broken("watch cut within an event"), false;
      case Fate::Expired:
        link_.count("watch expired");
        link_.hooks_.note("410 in " + name_);
        push(share(expired_frame()));
        ended_ = true;
        return false;
      case Fate::Arrives: break;
    }
    const SharedBytes bytes = share(std::move(frame));
    push(bytes);
    last_.push_back(bytes);
    if (last_.size() > 3) last_.pop_front();
    if (link_.happens(link_.faults_.repeated)) {
      link_.count("events repeated");
      const std::size_t from = link_.rng_.below(last_.size());
      for (std::size_t i = from; i < last_.size(); ++i) push(last_[i]);
    }
    return true;
  }

  void push(SharedBytes bytes) {
    ready_.push_back(std::move(bytes));
    changed_.set();
  }
  void mark_broken(const char* kind) {
    link_.count(kind);
    link_.hooks_.note(fmt::format("{}: {}", kind, name_));
    broken_ = true;
    changed_.set();
  }
  // From outside the pump.
  void break_off(const char* kind) {
    if (broken_ || ended_) return;
    pump_.cancel();
    mark_broken(kind);
  }

  FaultLink& link_;
  std::unique_ptr<BodyStream> inner_;
  const std::string name_;
  std::deque<SharedBytes> ready_, last_;
  std::deque<std::string> held_;
  bool broken_ = false, ended_ = false;
  Event changed_;
  TimerId timer_ = 0, lag_timer_ = 0;
  Scope pump_;
};

// -- Requests

class FaultTransport final : public Transport {
 public:
  FaultTransport(FaultLink& link, std::shared_ptr<Transport> inner) : link_(link), inner_(std::move(inner)) {}

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    const std::string name = name_of(request);
    const bool writes = request.method != "GET";
    const Plan plan = draw(writes);
    note(plan, name);
    if (plan.crash_before) {
      link_.crash_at("before " + name);
      co_await never();
    }
    if (plan.lost_request || plan.late) {
      if (plan.late) link_.network_.spawn(late(inner_, std::move(request), plan.late_by));
      co_await sleep_for(plan.answer_delay);
      throw TransportError("no connection (simulated)");
    }
    if (plan.too_many || plan.unavailable) {
      co_await sleep_for(plan.request_delay + plan.answer_delay);
      if (plan.too_many) co_return refusal(429, "TooManyRequests", "too many requests (simulated)", plan.retry_after_s);
      co_return refusal(503, "ServiceUnavailable", "the server is away (simulated)", 0);
    }
    co_await link_.pass();
    HttpResponse response;
    if (plan.outlives && !stream) {
      Completion<HttpResponse> done;
      link_.network_.spawn(carry(inner_, std::move(request), plan.request_delay, done));
      response = co_await done.get();
    } else {
      co_await sleep_for(plan.request_delay);
      response = co_await inner_->send(std::move(request), stream);
    }
    if (writes) count_answer(response);
    if (plan.crash_after && link_.on_) {
      link_.crash_at("after " + name);
      co_await never();
    }
    co_await sleep_for(plan.answer_delay);
    co_await link_.pass();
    if (plan.lost_response) throw TransportError("the connection broke (simulated)");
    if (plan.broken_answer) co_return refusal(500, "InternalError", "the server failed in the middle (simulated)", 0);
    if (response.stream) response.stream = std::make_unique<FaultStream>(link_, std::move(response.stream), name);
    co_return response;
  }

 private:
  struct Plan {
    bool crash_before = false, crash_after = false, lost_request = false, lost_response = false, broken_answer = false;
    bool too_many = false, unavailable = false, late = false;
    bool outlives = false;  // carried out even when the sender has died meanwhile
    int retry_after_s = 1;
    Duration request_delay{}, answer_delay{}, late_by{};
  };

  // One thing at most goes wrong with a request, besides that it takes its time.
  Plan draw(bool writes) {
    const Faults& faults = link_.faults_;
    Plan out;
    out.outlives = link_.rng_.below(2) == 0;
    if (link_.happens(faults.delayed)) out.request_delay = link_.up_to(faults.delay_most);
    if (link_.happens(faults.delayed)) out.answer_delay = link_.up_to(faults.delay_most);
    if (link_.happens(faults.slow)) {
      link_.count("slow answer");
      out.answer_delay = link_.up_to(faults.slow_most);
    }
    if (link_.is_the_one(writes)) return (faults.crash_once_written ? out.crash_after : out.crash_before) = true, out;
    if (writes && link_.happens(faults.crash_before_write)) return out.crash_before = true, out;
    if (writes && link_.happens(faults.crash_after_write)) return out.crash_after = true, out;
    if (link_.happens(faults.lost_request)) return out.lost_request = true, out;
    if (link_.happens(faults.lost_response)) return out.lost_response = true, out;
    if (link_.happens(faults.broken_answer)) return out.broken_answer = true, out;
    if (link_.happens(faults.too_many)) {
      out.retry_after_s = 1 + static_cast<int>(link_.rng_.below(3));
      return out.too_many = true, out;
    }
    if (link_.happens(faults.unavailable)) return out.unavailable = true, out;
    if (writes && link_.happens(faults.late_request)) {
      out.late_by = link_.up_to(faults.late_most);
      return out.late = true, out;
    }
    return out;
  }

  void note(const Plan& plan, const std::string& name) {
    const std::pair<bool, const char*> kinds[] = {{plan.lost_request, "request lost"},  {plan.lost_response, "response lost"},
                                                  {plan.broken_answer, "answered 500"}, {plan.too_many, "answered 429"},
                                                  {plan.unavailable, "answered 503"},   {plan.late, "request late"}};
    for (const auto& [is, kind] : kinds) {
      if (!is) continue;
      link_.count(kind);
      link_.hooks_.note(fmt::format("{}: {}", kind, name));
    }
  }

  void count_answer(const HttpResponse& response) {
    if (response.status == 404) ++link_.tally_.rare["writes that met nothing"];
    if (response.status == 409) ++link_.tally_.rare["writes that met a conflict"];
    if (response.status == 422) ++link_.tally_.rare["writes that were invalid"];
  }

  static Task<void> carry(std::shared_ptr<Transport> inner, HttpRequest request, Duration delay, Completion<HttpResponse> done) {
    try {
      co_await sleep_for(delay);
      done.set(co_await inner->send(std::move(request), false));
    } catch (...) {
      done.fail(std::current_exception());
    }
  }
  static Task<void> late(std::shared_ptr<Transport> inner, HttpRequest request, Duration delay) {
    try {
      co_await sleep_for(delay);
      co_await inner->send(std::move(request), false);
    } catch (const TransportError&) {
      // Nobody waits for it.
    }
  }

  FaultLink& link_;
  std::shared_ptr<Transport> inner_;
};

// -- The link

FaultLink::FaultLink(SimExecutor& executor, const Faults& faults, std::uint64_t seed, Tally& tally, Hooks hooks)
    : executor_(executor), faults_(faults), rng_(seed), tally_(tally), hooks_(std::move(hooks)), network_(executor) {}

FaultLink::~FaultLink() { executor_.cancel(cut_off_timer_); }

void FaultLink::off() {
  on_ = false;
  executor_.cancel(std::exchange(cut_off_timer_, 0));
  cut_off_ = false;
  connected_.set();
}

void FaultLink::cut_off(Duration lasting) {
  if (!on_ || cut_off_) return;
  cut_off_ = true;
  silent_ = rng_.below(2) == 0;
  connected_.reset();
  count(silent_ ? "cut off, silently" : "cut off");
  hooks_.note(fmt::format("cut off for {} ms{}", lasting / 1ms, silent_ ? ", silently" : ""));
  cut_off_timer_ = executor_.run_after(lasting, [this] {
    cut_off_timer_ = 0;
    cut_off_ = false;
    connected_.set();
  });
}

Task<void> FaultLink::wait_connected() {
  while (cut_off_) co_await connected_.wait();
}

Task<void> FaultLink::pass() {
  if (!cut_off_) co_return;
  if (silent_) co_await wait_connected();
  else co_await sleep_for(10ms);
  throw TransportError("the network is cut (simulated)");
}

std::unique_ptr<Transport> FaultLink::wrap(std::unique_ptr<Transport> inner) {
  return std::make_unique<FaultTransport>(*this, std::move(inner));
}

Duration FaultLink::up_to(Duration most) {
  return Duration(static_cast<Duration::rep>(rng_.fraction() * static_cast<double>(most.count())));
}

void FaultLink::crash_at(const std::string& where) {
  count(where.starts_with("before") ? "crash before a write" : "crash after a write");
  hooks_.note("crash " + where);
  executor_.post_front([this] { hooks_.crash(); });
}

}  // namespace ph::sim

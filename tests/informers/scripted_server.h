// A server whose every answer a test writes: requests wait until the test answers them; watches are fed piece by piece.
#pragma once

#include <gtest/gtest.h>

#include <list>

#include "api/codec.h"
#include "base/sync.h"
#include "base/transport.h"
#include "informers/client.h"
#include "informers/request.h"
#include "tests/sim/executor.h"

namespace ph::informers {

// A body the test feeds.
class FedStream final : public BodyStream {
 public:
  struct Feed {
    Channel<std::optional<SharedBytes>> pieces;  // nothing: the connection breaks
    bool dropped = false;
  };
  explicit FedStream(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
  ~FedStream() override { feed_->dropped = true; }
  Task<std::optional<SharedBytes>> next() override {
    auto piece = co_await feed_->pieces.next();
    if (!piece) co_return std::nullopt;
    if (!*piece) throw TransportError("connection lost");
    co_return std::move(*piece);
  }

 private:
  std::shared_ptr<Feed> feed_;
};

inline std::string envelope(const Message& message) { return api::encode_envelope(message); }

inline std::string frame(std::string_view type, const Message& object) {
  meta::v1::WatchEvent event;
  event.set_type(std::string(type));
  event.mutable_object()->set_raw(envelope(object));
  const std::string bytes = event.SerializeAsString();
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift);
  return out + bytes;
}

inline meta::v1::Status failure(int code, std::string reason, std::string message = "no") {
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(code);
  status.set_reason(std::move(reason));
  status.set_message(std::move(message));
  return status;
}

class ScriptedServer final : public Transport {
 public:
  struct Exchange {
    HttpRequest request;
    Completion<HttpResponse> answer;
  };
  // One watch the test has accepted.
  class Watch {
   public:
    explicit Watch(std::shared_ptr<FedStream::Feed> feed) : feed_(std::move(feed)) {}
    void send(std::string_view type, const Message& object) { bytes(frame(type, object)); }
    void bytes(std::string piece) { feed_->pieces.push(share(std::move(piece))); }
    void end() { feed_->pieces.close(); }
    void cut() { feed_->pieces.push(std::nullopt); }
    bool dropped() const { return feed_->dropped; }

   private:
    std::shared_ptr<FedStream::Feed> feed_;
  };

  explicit ScriptedServer(sim::SimExecutor& executor) : executor_(executor) {}

  Task<HttpResponse> send(HttpRequest request, bool) override {
    ++requests;
    Completion<HttpResponse> answer;
    pending_.push_back({std::move(request), answer});
    HttpResponse response = co_await answer.get();
    co_return response;
  }

  // The oldest request without an answer, which is then the one that is answered. There must be one.
  const HttpRequest& expect() {
    executor_.drain();
    if (pending_.empty()) throw std::runtime_error("no request is waiting");
    return pending_.front().request;
  }
  // Nobody waits for an answer.
  bool quiet() {
    executor_.drain();
    return pending_.empty();
  }

  void answer(int status, std::string body, Headers headers = {}) {
    HttpResponse response{.status = status, .headers = std::move(headers)};
    if (!body.empty()) response.body.push_back(share(std::move(body)));
    finish(std::move(response));
  }
  void answer(const Message& object) { answer(200, envelope(object)); }
  void refuse(int code, std::string reason) { answer(code, envelope(failure(code, std::move(reason)))); }
  void lose() {
    expect();
    const Exchange exchange = take();
    exchange.answer.fail(std::make_exception_ptr(TransportError("connection lost")));
    executor_.drain();
  }
  Watch accept_watch() {
    auto feed = std::make_shared<FedStream::Feed>();
    HttpResponse response;
    response.stream = std::make_unique<FedStream>(feed);
    finish(std::move(response));
    return Watch(feed);
  }

  int requests = 0;

 private:
  Exchange take() {
    Exchange exchange = std::move(pending_.front());
    pending_.pop_front();
    return exchange;
  }
  void finish(HttpResponse response) {
    expect();
    const Exchange exchange = take();
    exchange.answer.set(std::move(response));
    executor_.drain();
  }

  sim::SimExecutor& executor_;
  std::list<Exchange> pending_;
};

// The value of a query parameter, percent-decoded; empty when absent.
inline std::string query(const HttpRequest& request, std::string_view name) {
  std::string_view rest = request.query();
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part.substr(0, part.find('=')) != name) continue;
    std::string out;
    const std::string_view value = part.substr(std::min(part.size(), name.size() + 1));
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '%') {
        out += value[i];
        continue;
      }
      out += static_cast<char>(std::stoi(std::string(value.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
    return out;
  }
  return {};
}

// Runs a task to its end, as far as it goes without time passing; its value or exception stays here.
template <class T>
class Call {
 public:
  Call(sim::SimExecutor& executor, Task<T> task) : scope_(executor) {
    scope_.spawn(run(std::move(task)));
    executor.drain();
  }
  bool done() const { return value_.has_value() || error_; }
  T& value() {
    if (error_) std::rethrow_exception(error_);
    EXPECT_TRUE(value_.has_value()) << "the call has not ended";
    return *value_;
  }

 private:
  Task<void> run(Task<T> task) {
    try {
      value_.emplace(co_await task);
    } catch (...) {
      error_ = std::current_exception();
    }
  }
  std::optional<T> value_;
  std::exception_ptr error_;
  Scope scope_;
};

template <class T>
T object_of(std::string key, std::uint64_t revision, std::string uid = {}) {
  const ObjectKey parsed = ObjectKey::parse(key);
  T out;
  out.mutable_metadata()->set_namespace_(parsed.namespace_name);
  out.mutable_metadata()->set_name(parsed.name);
  out.mutable_metadata()->set_uid(uid.empty() ? "uid-" + parsed.name : uid);
  out.mutable_metadata()->set_resource_version(std::to_string(revision));
  return out;
}

inline core::v1::ConfigMap config_map(std::string key, std::uint64_t revision, std::string uid = {}) {
  return object_of<core::v1::ConfigMap>(std::move(key), revision, std::move(uid));
}

template <class T = core::v1::ConfigMap>
T bookmark(std::uint64_t revision, bool ends_initial_events = false) {
  T out;
  out.mutable_metadata()->set_resource_version(std::to_string(revision));
  if (ends_initial_events) (*out.mutable_metadata()->mutable_annotations())["k8s.io/initial-events-end"] = "true";
  return out;
}

}  // namespace ph::informers

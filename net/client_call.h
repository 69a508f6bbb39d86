// One request of a client, between its caller's executor and the io thread. Only for this room.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/sync.h"
#include "base/transport.h"
#include "net/client.h"
#include "net/http2_session.h"

namespace ph::net {

class ClientConnection;

class ClientCall {
 public:
  ClientCall(HttpRequest request, bool stream) : request(std::move(request)), stream(stream) {}

  // --- the io thread's, once submitted ---
  HttpRequest request;
  const bool stream;  // the body is delivered as it arrives
  int attempts = 0;
  ClientConnection* connection = nullptr;
  StreamId id = 0;

  void head(int status, Headers headers);
  void data(std::string_view bytes) {
    received_ += bytes.size();
    arrived_ += bytes;
  }
  // Bytes of the body that have arrived.
  std::size_t received() const { return received_; }
  // Puts them behind the fields of the head.
  void trailers(Headers fields);
  // Hands over the data that has arrived, of a stream.
  void publish();
  void end();
  void fail(std::string why);
  // The same, as a ResponseTooLarge.
  void fail_of_size(std::string why);

  // --- the caller's ---
  enum class Until { Head, Data, End };
  // Waits until the head, data or the end is there, or the call has failed.
  auto wait(Until until) { return Awaiter{this, until, {}}; }
  // All three throw TransportError when the call has failed; data that came before is handed out first.
  HttpResponse take_head();
  std::string take_data();
  bool ended();
  // The caller is no more interested: its executor is not touched from now on. True if the call was still under way.
  bool abandon();

 private:
  struct Awaiter {
    ClientCall* call;
    Until until;
    detail::Parking parking;
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> handle);
    void await_resume() const {}
  };

  bool ready(Until until) const;
  void wake();
  void throw_if_failed() const;

  std::string arrived_;       // the io thread's; not published yet
  std::size_t received_ = 0;  // the io thread's

  std::mutex mutex_;  // guards all below
  std::optional<HttpResponse> head_;
  bool has_head_ = false;
  std::string data_;
  bool ended_ = false;
  std::optional<std::string> error_;
  bool too_large_ = false;  // that is why
  bool abandoned_ = false;
  Until until_ = Until::End;
  std::shared_ptr<detail::Suspended> waiting_;
};

}  // namespace ph::net

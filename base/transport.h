// HTTP as the components see it: messages, a client's transport and a server's handler, without sockets.
//
// net/ carries these over TLS, the in-process transport hands them over directly, and the simulation does so with faults.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/task.h"

namespace ph {

// Bytes that several readers share and nobody changes.
using SharedBytes = std::shared_ptr<const std::string>;

inline SharedBytes share(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

// Header fields in order; names are compared without regard to case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  // Replaces all fields of that name.
  void set(std::string_view name, std::string value);
  // The first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Who somebody is, as an authenticator says.
struct Identity {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::vector<std::pair<std::string, std::vector<std::string>>> extra;
};

// The other end of a connection, as far as the connection itself tells.
struct Peer {
  std::string address;               // IP:port, or empty in process
  std::optional<Identity> identity;  // from a verified client certificate (CN, O), or of an in-process client
  bool certificate_refused = false;  // a client certificate was presented and does not verify: no anonymous fallback
  std::optional<std::string> proxy;  // the common name of its certificate, which is one of the front proxy's authority
};

struct HttpRequest {
  std::string method;
  std::string target;  // path and query, percent-encoded
  Headers headers;
  std::string body;
  Peer peer;  // set by the server's side
  // What a server has set aside for the body; given back when the last copy of the request has gone.
  std::shared_ptr<const void> room;
  // What a handler has found out about it (HttpHandler::begin), for itself; null: nothing yet.
  std::shared_ptr<void> begun;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  std::string_view query() const {
    const auto mark = target.find('?');
    return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
  }
};

// Takes pieces of a stream without asking for each.
class PieceSink {
 public:
  virtual ~PieceSink() = default;
  // Whether more is welcome.
  virtual bool has_room() const = 0;
  // Takes a piece, with or without room. May not drop the stream.
  virtual void put(SharedBytes piece) = 0;
};

// A body that arrives piece by piece. Dropping the stream cancels it; the source then learns of it.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // While somebody waits in `next`, the stream may put pieces into the sink as they come and let him wait on: they come before what
  // `next` returns. It does so only while there is room, but for a few pieces that belong together. The sink outlives the stream.
  virtual void push_to(PieceSink&) {}
  // The next piece, never empty; nothing at the end. Throws TransportError when the connection breaks before the end.
  virtual Task<std::optional<SharedBytes>> next() = 0;
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  // The body is either these pieces, or what `render` returns, or what `next_piece` returns until it is null, or `stream`.
  // The two functions are called on any thread, and use const data only: large bodies are made off the server's executor.
  // `render` is called once; `next_piece` as far as the pieces are taken.
  std::vector<SharedBytes> body;
  std::function<std::vector<SharedBytes>()> render;
  std::function<SharedBytes()> next_piece;
  std::unique_ptr<BodyStream> stream;
  // What the request was made of and nobody needs any more. It ends with the answer, where that is sent: large objects take a while,
  // and the server's executor has other things to do.
  std::shared_ptr<void> spent;
};

// The request may or may not have been carried out.
class TransportError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Sends requests of one client to one server. Threads: one executor's; results arrive there.
class Transport {
 public:
  virtual ~Transport() = default;
  // Throws TransportError. Any status is a response. The body arrives as pieces, or, when `stream` was asked for, as a
  // stream. Dropping the task cancels the request.
  virtual Task<HttpResponse> send(HttpRequest request, bool stream) = 0;
};

// What is said of a request of which only the head is known.
struct HeadVerdict {
  std::optional<HttpResponse> refusal;  // its answer, a whole one; the body is not wanted
  std::string user;                     // on whose account the body is read; empty: nobody's in particular
};

// A server's side: answers one request. Runs on the server's executor; dropping the task means the client has gone.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual Task<HttpResponse> handle(HttpRequest request) = 0;
  // Asked before `handle`, or not at all, on the thread of the connection: answers what needs nothing of the executor. Else it may do
  // of the work what can be done there, and leaves it with the request, which goes to `handle`. Quick. Threads: any, several at once.
  virtual std::optional<HttpResponse> begin(HttpRequest&) { return std::nullopt; }
  // Asked of requests whose body is slower than their head, before it is read. What it allows may still be refused by `handle`.
  // Dropping the task means that the client has gone, or that all of the request has come meanwhile.
  virtual Task<HeadVerdict> judge_head(HttpRequest) { co_return HeadVerdict(); }
};

// A transport that calls `handler`, which runs on `server`, on behalf of `identity`; no bytes are copied. Works across
// threads, and within one executor. `handler` and `server` must outlive it.
std::unique_ptr<Transport> in_process_transport(HttpHandler& handler, Executor& server, Identity identity);

}  // namespace ph

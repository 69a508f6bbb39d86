// Any bytes after the first one on a plain connection, to our server (first byte even) or our client (odd). Whatever pieces
// they arrive in, the same requests are read; what is read is within limits and cannot smuggle a second message; what is
// answered is HTTP/1.1.
#include <optional>

#include "base/assert.h"
#include "net/client_protocol.h"
#include "net/http1_parser.h"
#include "net/server_protocol.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::net;

constexpr std::size_t kBodyMax = 1000;
constexpr std::size_t kHeaderMax = 2000;

struct Read {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool operator==(const Read&) const = default;
};

struct ServerOwner final : ServerProtocol::Owner {
  std::vector<Read> requests;
  StreamId unanswered = 0, told = 0;
  void on_head(StreamId stream, HttpRequest head, std::size_t size_max) override {
    PH_ASSERT(unanswered == 0 && !head.method.empty() && size_max <= kBodyMax);
    told = stream;
  }
  void on_request(StreamId stream, HttpRequest request) override {
    PH_ASSERT(unanswered == 0);  // one at a time
    unanswered = stream;
    Read read{request.method, request.target, request.body, {request.headers.begin(), request.headers.end()}};
    PH_ASSERT(!read.method.empty() && !read.target.empty());
    PH_ASSERT(read.body.size() <= kBodyMax);
    std::size_t header_bytes = 0;
    for (const auto& [name, value] : read.headers) {
      PH_ASSERT(!name.empty() && (name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
      header_bytes += name.size() + value.size();
    }
    PH_ASSERT(header_bytes <= kHeaderMax);
    requests.push_back(std::move(read));
  }
  void on_gone(StreamId) override {}
  void on_sent(StreamId, std::size_t) override {}
};

// Each answer of a server reads as a response.
void check_output(std::string_view out, const std::vector<Read>& requests) {
  for (std::size_t i = 0; !out.empty(); ++i) {
    const bool to_head = i < requests.size() && requests[i].method == "HEAD";
    Http1Parser parser(to_head ? Http1Parser::Kind::ResponseToHead : Http1Parser::Kind::Response, {});
    while (!out.empty() && !parser.done()) {
      const std::size_t size = parser.put(out);
      PH_ASSERT(parser.error_status() == 0);
      PH_ASSERT(size > 0);
      out.remove_prefix(size);
    }
    if (parser.head_done() && parser.status() == 100) --i;
  }
}

std::vector<Read> serve(std::string_view bytes, std::size_t step) {
  ServerOwner owner;
  const auto server = http1_server({.body_bytes_max = kBodyMax, .header_bytes_max = kHeaderMax}, owner);
  std::string out;
  for (std::size_t at = 0; at < bytes.size() && !server->finished(); at += step) {
    server->receive(bytes.substr(at, step));
    server->tell_heads(true);
    if (owner.told != 0) server->read_body(std::exchange(owner.told, 0), nullptr);
    do {
      // Each second answer is a stream, but to a HEAD.
      if (const StreamId stream = std::exchange(owner.unanswered, 0);
          stream != 0 && (stream % 2 || owner.requests.back().method == "HEAD")) {
        server->respond(stream, 200, {{"content-length", "2"}}, {share("ok")});
      } else if (stream != 0) {
        server->begin(stream, 200, {});
        server->piece(stream, share("some"));
        server->end(stream);
      }
      server->produce(out, 1 << 20);
    } while (owner.unanswered != 0);
  }
  check_output(out, owner.requests);
  return owner.requests;
}

// A request sent on by a client arrives as it was.
void check_relay(const Read& read) {
  if (read.method == "CONNECT") return;
  std::string text = read.method + " " + read.target +
                     " HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(read.body.size()) + "\r\n\r\n" + read.body;
  const auto again = serve(text, text.size());
  PH_ASSERT(again.size() == 1);
  PH_ASSERT(again[0].body == read.body && again[0].target == read.target && again[0].method == read.method);
}

struct ClientOwner final : ClientProtocol::Owner {
  int heads = 0, ends = 0;
  std::string body, why;
  void on_head(StreamId, int status, Headers) override {
    PH_ASSERT(status >= 101 && status <= 999);
    PH_ASSERT(++heads == 1 && ends == 0);
  }
  void on_data(StreamId, std::string_view bytes) override {
    PH_ASSERT(heads == 1 && ends == 0);
    body += bytes;
  }
  void on_end(StreamId) override { PH_ASSERT(heads == 1 && ++ends == 1); }
  void on_failed(StreamId, bool, std::string reason) override {
    PH_ASSERT(++ends == 1);
    why = reason;
  }
};

struct Answer {
  int heads, ends;
  std::string body;
  bool failed;
  bool operator==(const Answer&) const = default;
};

Answer ask(std::string_view bytes, std::size_t step, std::string method) {
  ClientOwner owner;
  const auto client = http1_client(owner);
  const StreamId stream = client->send({.method = std::move(method), .target = "/", .headers = {{"host", "a"}}});
  bool good = true;
  for (std::size_t at = 0; good && at < bytes.size() && owner.ends == 0; at += step)
    good = client->receive(bytes.substr(at, step));
  if (good && owner.ends == 0) client->eof();
  PH_ASSERT(owner.ends == 1);  // every request is answered or has failed
  client->consumed(stream, owner.body.size());
  return {owner.heads, owner.ends, owner.body, !owner.why.empty()};
}

}  // namespace

void http1(std::string_view input) {
  Bytes bytes(input);
  const std::uint8_t mode = bytes.byte();
  const std::string_view stream = bytes.rest();
  const std::size_t whole = std::max<std::size_t>(1, stream.size());
  if (mode % 2) {
    const std::string method = mode % 4 == 3 ? "HEAD" : "GET";
    PH_ASSERT(ask(stream, 1, method) == ask(stream, whole, method));
    return;
  }
  const auto requests = serve(stream, whole);
  PH_ASSERT(serve(stream, 1) == requests);
  PH_ASSERT(serve(stream, 7) == requests);
  for (const Read& read : requests) check_relay(read);
}

}  // namespace ph::fuzz

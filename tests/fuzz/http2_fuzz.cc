// HTTP/2 from a peer who says anything, to our server (first byte even) or our client (odd). What follows is a script, so that
// mutations get past the preface and keep frames whole:
//
//   0–9  flags stream size payload   a frame of that type (DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, …)
//   10   which size                  the server answers a request with size × 100 bytes; the client sends one
//   11   which                       an answer begins that is a stream; the client asks for a sign of life
//   12   which size                  a piece of it; the client's reader takes size × 100 bytes
//   13   which                       it ends (even) or breaks (odd); the client gives a request up
//   14   size bytes                  bytes that need not be a frame
//   15   size                        the socket takes about size × 100 bytes
//
// However the bytes are cut the same happens. A request is told once, within limits, and is gone once. What is sent was given.
#include <map>
#include <set>

#include "base/assert.h"
#include "net/client_protocol.h"
#include "net/server_protocol.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/fuzzers.h"

namespace ph::fuzz {
namespace {

using namespace ph::net;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kBodyMax = 2000;
constexpr std::size_t kHeaderMax = 2000;
constexpr std::uint32_t kStreamsMax = 20;
// Of one stream, before its reader has taken any.
constexpr std::size_t kWindow = 256 * 1024;

std::string number(std::size_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

std::string frame(std::uint8_t type, Bytes& script) {
  const std::uint8_t flags = script.byte(), stream = script.byte();
  std::size_t size = script.byte();
  if (size == 255) size = 256u * script.byte() + script.byte();
  const std::string_view payload = script.take(size);
  return number(payload.size(), 3) + static_cast<char>(type) + static_cast<char>(flags) + number(stream, 4) +
         std::string(payload);
}

// What happened, to compare.
using Log = std::vector<std::string>;

struct Side {
  virtual ~Side() = default;
  virtual bool receive(std::string_view bytes) = 0;
  virtual void produce(std::string& out, std::size_t size) = 0;
  virtual void act(std::uint8_t op, Bytes& script) = 0;
  virtual void check() const = 0;
  Log log;
};

// Which of several, by a byte.
StreamId pick(const std::set<StreamId>& from, std::uint8_t which) {
  return from.empty() ? 0 : *std::next(from.begin(), which % static_cast<std::ptrdiff_t>(from.size()));
}

class Server final : public Side, ServerProtocol::Owner {
 public:
  bool receive(std::string_view bytes) override {
    if (!protocol_->receive(bytes)) return false;
    protocol_->tell_heads(true);
    for (const StreamId stream : std::exchange(told_, {})) protocol_->read_body(stream, nullptr);
    return true;
  }
  void produce(std::string& out, std::size_t size) override { protocol_->produce(out, size); }

  void act(std::uint8_t op, Bytes& script) override {
    const std::uint8_t which = script.byte();
    if (op == 10) {
      const StreamId stream = pick(waiting_, which);
      const std::string body(script.byte() * 100u, 'b');
      if (stream == 0) return;
      waiting_.erase(stream);
      given_[stream] += body.size();
      protocol_->respond(stream, 200, {{"content-type", "text/plain"}}, {share(body)});
    } else if (op == 11) {
      const StreamId stream = pick(waiting_, which);
      if (stream == 0) return;
      waiting_.erase(stream);
      streaming_.insert(stream);
      protocol_->begin(stream, 200, {});
    } else if (op == 12) {
      const std::size_t size = script.byte() * 100u;
      const StreamId stream = pick(streaming_, which);
      if (stream == 0) return;
      given_[stream] += size;
      protocol_->piece(stream, share(std::string(size, 'p')));
    } else if (op == 13) {
      const StreamId stream = pick(streaming_, which / 2);
      if (stream == 0) return;
      streaming_.erase(stream);
      which % 2 ? protocol_->fail(stream) : protocol_->end(stream);
    }
  }

  void check() const override {
    PH_ASSERT(waiting_.size() + streaming_.size() <= kStreamsMax);
    if (protocol_->idle()) PH_ASSERT(waiting_.empty() && streaming_.empty() && protocol_->reading() == 0);
  }

 private:
  void on_head(StreamId stream, HttpRequest, std::size_t size_max) override {
    PH_ASSERT(size_max <= kBodyMax && !seen_.contains(stream));
    PH_ASSERT(known_.insert(stream).second);
    told_.insert(stream);
  }
  void on_request(StreamId stream, HttpRequest request) override {
    PH_ASSERT(seen_.insert(stream).second);
    PH_ASSERT(request.body.size() <= kBodyMax);
    std::size_t header_bytes = request.method.size() + request.target.size();
    for (const auto& [name, value] : request.headers) {
      PH_ASSERT((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
      header_bytes += name.size() + value.size();
    }
    PH_ASSERT(header_bytes <= kHeaderMax);
    waiting_.insert(stream);
    log.push_back(request.method + " " + request.target + " " + request.body);
  }
  void on_gone(StreamId stream) override {
    told_.erase(stream);
    if (!seen_.contains(stream)) {
      PH_ASSERT(known_.erase(stream) == 1);
      return;
    }
    PH_ASSERT(gone_.insert(stream).second);
    waiting_.erase(stream);
    streaming_.erase(stream);
    log.push_back("gone " + std::to_string(stream));
  }
  void on_sent(StreamId stream, std::size_t size) override {
    if (!seen_.contains(stream)) return;  // a refusal, of which the owner is not told
    PH_ASSERT(!gone_.contains(stream));
    std::size_t& left = given_.at(stream);
    PH_ASSERT(left >= size);
    left -= size;
  }

  std::set<StreamId> known_, told_;  // by their heads; those whose bodies are to be asked for
  std::set<StreamId> seen_, gone_, waiting_, streaming_;
  std::map<StreamId, std::size_t> given_;
  std::unique_ptr<ServerProtocol> protocol_ = http2_server({.body_bytes_max = kBodyMax,
                                                            .header_bytes_max = kHeaderMax,
                                                            .concurrent_streams_max = kStreamsMax,
                                                            .too_large_type = "text/plain",
                                                            .too_large_body = ""},
                                                           *this);
};

class Client final : public Side, ClientProtocol::Owner {
 public:
  bool receive(std::string_view bytes) override { return protocol_->receive(bytes); }
  void produce(std::string& out, std::size_t size) override { protocol_->produce(out, size); }

  void act(std::uint8_t op, Bytes& script) override {
    const std::uint8_t which = script.byte();
    if (op == 10) {
      const std::string body(script.byte() * 100u, 'q');
      if (!protocol_->can_send() || open_.size() >= kStreamsMax) return;
      const StreamId stream =
          protocol_->send({.method = which % 2 ? "GET" : "POST", .target = "/", .headers = {{"host", "a"}}, .body = body});
      if (stream != 0) open_.insert(stream);
    } else if (op == 11) {
      protocol_->ping();
    } else if (op == 12) {
      const std::size_t size = script.byte() * 100u;
      const StreamId stream = pick(open_, which);
      if (stream == 0) return;
      const std::size_t taken = std::min(size, unread_[stream]);
      unread_[stream] -= taken;
      if (taken > 0) protocol_->consumed(stream, taken);
    } else if (op == 13) {
      const StreamId stream = pick(open_, which);
      if (stream == 0) return;
      open_.erase(stream);
      protocol_->cancel(stream);
    }
  }

  void check() const override {
    for (const auto& [stream, size] : unread_) PH_ASSERT(size <= kWindow);
  }

 private:
  void on_head(StreamId stream, int status, Headers headers) override {
    PH_ASSERT(open_.contains(stream));
    PH_ASSERT(heads_.insert(stream).second);
    PH_ASSERT(status >= 0);
    log.push_back("head " + std::to_string(status) + " " + std::to_string(headers.size()));
  }
  void on_data(StreamId stream, std::string_view bytes) override {
    PH_ASSERT(open_.contains(stream) && heads_.contains(stream));
    unread_[stream] += bytes.size();
    bodies_[stream] += bytes;
  }
  void on_end(StreamId stream) override {
    PH_ASSERT(open_.erase(stream) == 1);
    log.push_back("end " + bodies_[stream]);
  }
  void on_failed(StreamId stream, bool again, std::string why) override {
    PH_ASSERT(open_.erase(stream) == 1);
    log.push_back((again ? "again " : "failed ") + why + bodies_[stream]);
  }

  std::set<StreamId> open_, heads_;
  std::map<StreamId, std::size_t> unread_;
  std::map<StreamId, std::string> bodies_;
  std::unique_ptr<ClientProtocol> protocol_ = http2_client(*this);
};

// The script, with what the peer says cut into pieces of `step`.
Log run(std::string_view input, std::size_t step) {
  Bytes script(input);
  std::unique_ptr<Side> side;
  std::string out;
  if (script.byte() % 2) {
    side = std::make_unique<Client>();
  } else {
    side = std::make_unique<Server>();
    side->receive(kPreface);
  }
  bool good = true;
  const auto say = [&](std::string_view bytes) {
    for (std::size_t at = 0; good && at < bytes.size(); at += step) good = side->receive(bytes.substr(at, step));
  };
  for (int operations = 0; good && !script.empty() && operations < 500; ++operations) {
    const std::uint8_t op = script.byte() % 16;
    if (op < 10) {
      say(frame(op, script));
    } else if (op == 14) {
      say(script.take(script.byte()));
    } else if (op == 15) {
      side->produce(out, script.byte() * 100u);
    } else {
      side->act(op, script);
    }
    side->check();
  }
  side->log.push_back(good ? "good" : "broken");
  // What is left to be said ends: nobody gives more.
  for (std::size_t before = out.size() + 1; before != out.size();) {
    before = out.size();
    side->produce(out, 1 << 20);
  }
  side->log.push_back(out);
  return std::move(side->log);
}

}  // namespace

void http2(std::string_view input) { PH_ASSERT(run(input, 1) == run(input, 1 << 20)); }

}  // namespace ph::fuzz

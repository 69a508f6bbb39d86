#include <unordered_set>

#include <fmt/format.h>

#include "net/client_protocol.h"
#include "net/header_rules.h"

namespace ph::net {
namespace {

class Http2Client final : public ClientProtocol, Http2Session::Owner {
 public:
  Http2Client(ClientProtocol::Owner& owner, std::string_view scheme)
      : owner_(owner), scheme_(scheme), session_(Http2Session::Role::Client, {}, *this) {}

  bool receive(std::string_view bytes) override {
    if (session_.receive(bytes)) return true;
    going_away_ = true;
    return false;
  }
  void produce(std::string& out, std::size_t size_max) override { session_.produce(out, size_max); }
  bool finished() const override { return session_.finished(); }
  bool can_send() const override { return !going_away_ && !session_.finished(); }
  bool multiplexed() const override { return true; }

  StreamId send(const HttpRequest& request) override {
    Http2Head head{.method = request.method, .target = request.target, .scheme = scheme_};
    for (const auto& [name, value] : request.headers) {
      if (same_token(name, "host")) {
        head.authority = value;
      } else {
        head.headers.add(name, value);
      }
    }
    const bool empty = request.body.empty();
    const StreamId stream = session_.request(head, empty);
    if (stream == 0) {
      going_away_ = true;  // the ids are used up, or the session has ended
      return 0;
    }
    open_.insert(stream);
    if (!empty) {
      session_.send_body(stream, share(request.body));
      session_.end_body(stream);
    }
    return stream;
  }

  bool cancel(StreamId stream) override {
    open_.erase(stream);
    session_.reset(stream, kHttp2Cancel);
    return true;
  }
  void consumed(StreamId stream, std::size_t size) override { session_.consumed(stream, size); }
  bool ping() override {
    session_.ping();
    return true;
  }

 private:
  void on_head(StreamId stream, Http2Head head, bool end) override {
    const auto found = open_.find(stream);
    if (found == open_.end()) return;
    if (head.too_large) {
      open_.erase(found);
      session_.reset(stream, kHttp2Cancel);
      return owner_.on_failed(stream, false, "the server's response headers are too large");
    }
    if (head.status < 100) {
      open_.erase(found);
      session_.reset(stream, kHttp2ProtocolError);
      return owner_.on_failed(stream, false, fmt::format("the server answers with {}, which is no status", head.status));
    }
    owner_.on_head(stream, head.status, std::move(head.headers));
    if (end) on_end(stream);
  }
  void on_data(StreamId stream, std::string_view bytes) override {
    if (open_.contains(stream)) owner_.on_data(stream, bytes);
  }
  void on_trailers(StreamId stream, Headers fields) override {
    if (open_.contains(stream)) owner_.on_trailers(stream, std::move(fields));
  }
  void on_end(StreamId stream) override {
    if (open_.erase(stream) > 0) owner_.on_end(stream);
  }
  void on_stream_closed(StreamId stream, std::uint32_t error) override {
    if (open_.erase(stream) == 0) return;
    owner_.on_failed(stream, error == kHttp2RefusedStream,
                     fmt::format("the server reset the stream: {}", http2_error_name(error)));
  }
  void on_goaway() override { going_away_ = true; }

  ClientProtocol::Owner& owner_;
  const std::string_view scheme_;
  std::unordered_set<StreamId> open_;  // whose end the owner has not been told
  bool going_away_ = false;
  Http2Session session_;
};

}  // namespace

std::unique_ptr<ClientProtocol> http2_client(ClientProtocol::Owner& owner, std::string_view scheme) {
  return std::make_unique<Http2Client>(owner, scheme);
}

}  // namespace ph::net

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <unordered_map>

#include "net/server_protocol.h"

namespace ph::net {
namespace {

// How far a client may be ahead of us with a body that is wanted.
constexpr std::int32_t kBodyWindow = 256 * 1024;

class Http2Server final : public ServerProtocol, Http2Session::Owner {
 public:
  Http2Server(const ServerLimits& limits, ServerProtocol::Owner& owner)
      : limits_(limits),
        owner_(owner),
        session_(Http2Session::Role::Server,
                 {.concurrent_streams_max = limits.concurrent_streams_max,
                  .header_bytes_max = limits.header_bytes_max,
                  .stream_window = kUnaskedMax},
                 *this) {}

  bool receive(std::string_view bytes) override { return session_.receive(bytes); }
  void produce(std::string& out, std::size_t size_max) override { session_.produce(out, size_max); }
  bool finished() const override { return session_.finished(); }
  bool idle() const override { return session_.streams() == 0; }
  StreamId reading() const override { return unread_.empty() ? 0 : *unread_.begin(); }

  bool tell_heads(bool small_too) override {
    for (const StreamId stream : std::exchange(untold_, {})) {
      const auto found = calls_.find(stream);
      if (found == calls_.end() || found->second.delivered || found->second.refused) continue;
      Call& call = found->second;
      const std::size_t size_max = call.length.value_or(limits_.body_bytes_max);
      if (!small_too && size_max <= kUnaskedMax) {
        untold_.push_back(stream);
        continue;
      }
      call.told = true;
      HttpRequest head{.method = call.request.method, .target = call.request.target, .headers = call.request.headers};
      owner_.on_head(stream, std::move(head), size_max);
    }
    return !untold_.empty();
  }

  void read_body(StreamId stream, std::shared_ptr<const void> room) override {
    const auto found = calls_.find(stream);
    if (found == calls_.end() || found->second.delivered || found->second.refused) return;
    Call& call = found->second;
    call.wanted = true;
    call.request.room = std::move(room);
    if (call.length) call.request.body.reserve(*call.length);
    session_.widen(stream, kBodyWindow);
    session_.consumed(stream, std::exchange(call.held, 0));
  }

  void respond(StreamId stream, int status, const Headers& headers, std::vector<SharedBytes> body) override {
    const auto found = calls_.find(stream);
    if (found == calls_.end()) return;
    if (!found->second.delivered) stop_reading(stream, found->second);
    if (found->second.is_head || !has_body(status)) body.clear();
    move_on();
    const bool empty = std::ranges::all_of(body, [](const SharedBytes& piece) { return piece->empty(); });
    session_.respond(stream, status, headers, empty);
    if (empty) return;
    for (auto& piece : body) session_.send_body(stream, std::move(piece));
    session_.end_body(stream);
  }
  void begin(StreamId stream, int status, const Headers& headers) override {
    if (!calls_.contains(stream)) return;
    move_on();
    session_.respond(stream, status, headers, false);
  }
  void piece(StreamId stream, SharedBytes bytes) override { session_.send_body(stream, std::move(bytes)); }
  void end(StreamId stream) override { session_.end_body(stream); }
  void fail(StreamId stream) override { session_.break_body(stream); }
  void cut_stalled() override {
    for (const StreamId stream : session_.stalled()) session_.reset(stream, kHttp2Cancel);
  }
  void give_up(StreamId stream) override { session_.reset(stream, kHttp2Cancel); }
  void drain() override { session_.goaway(); }

 private:
  struct Call {
    HttpRequest request;                // until it is complete
    std::optional<std::size_t> length;  // of its body, if the client has said so
    std::size_t held = 0;               // of its body, for which the window is not opened again yet
    bool is_head = false;
    bool told = false;    // to the owner, by its head
    bool wanted = false;  // its body
    bool delivered = false;
    bool refused = false;  // answered before it was complete
  };

  void on_begin(StreamId stream) override { unread_.insert(stream); }

  void on_head(StreamId stream, Http2Head head, bool end) override {
    Call& call = calls_[stream];
    call.is_head = head.method == "HEAD";
    if (head.too_large) return refuse(stream, call, 431, "text/plain; charset=utf-8", "431 Request Header Fields Too Large");
    call.request.method = std::move(head.method);
    call.request.target = std::move(head.target);
    call.request.headers = std::move(head.headers);
    if (!call.request.headers.has("host")) call.request.headers.add("host", std::move(head.authority));
    if (end) return deliver(stream, call);
    std::size_t length = 0;
    const std::string_view text = call.request.headers.get("content-length");
    if (std::from_chars(text.data(), text.data() + text.size(), length).ec == std::errc()) call.length = length;
    if (length > limits_.body_bytes_max) return refuse_body(stream, call);
    untold_.push_back(stream);
  }

  void on_data(StreamId stream, std::string_view bytes) override {
    const auto found = calls_.find(stream);
    if (found == calls_.end() || found->second.refused) return;  // its window stays closed
    Call& call = found->second;
    if (call.request.body.size() + bytes.size() > limits_.body_bytes_max) return refuse_body(stream, call);
    call.request.body += bytes;
    call.held += bytes.size();
    if (call.wanted) session_.consumed(stream, std::exchange(call.held, 0));
  }

  void on_end(StreamId stream) override {
    const auto found = calls_.find(stream);
    if (found != calls_.end()) deliver(stream, found->second);
  }

  void on_sent(StreamId stream, std::size_t size) override { owner_.on_sent(stream, size); }

  void on_stream_closed(StreamId stream, std::uint32_t) override {
    unread_.erase(stream);
    const auto found = calls_.find(stream);
    if (found == calls_.end()) return;
    // After a whole answer nothing is left to be given up; the owner knows and ignores it.
    const bool known = found->second.told || found->second.delivered;
    calls_.erase(found);
    if (known) owner_.on_gone(stream);
  }

  void deliver(StreamId stream, Call& call) {
    if (call.refused) return;
    unread_.erase(stream);
    call.delivered = true;
    owner_.on_request(stream, std::move(call.request));
  }

  // What is under way is answered; the client makes another connection for what comes next.
  void move_on() {
    if (limits_.moves_on && limits_.moves_on()) session_.goaway();
  }

  // The answer comes before the end of the request.
  void stop_reading(StreamId stream, Call& call) {
    unread_.erase(stream);
    call.refused = true;
    call.request = {};
    session_.reset_when_ended(stream);
  }

  void refuse_body(StreamId stream, Call& call) { refuse(stream, call, 413, limits_.too_large_type, limits_.too_large_body); }

  void refuse(StreamId stream, Call& call, int status, const std::string& type, std::string text) {
    if (call.told) owner_.on_gone(stream);
    call.told = false;
    respond(stream, status, {{"content-type", type}, {"content-length", std::to_string(text.size())}}, {share(std::move(text))});
  }

  const ServerLimits limits_;
  ServerProtocol::Owner& owner_;
  std::unordered_map<StreamId, Call> calls_;
  std::set<StreamId> unread_;     // requests that are not whole
  std::vector<StreamId> untold_;  // since the last `tell_heads`
  Http2Session session_;
};

}  // namespace

std::unique_ptr<ServerProtocol> http2_server(const ServerLimits& limits, ServerProtocol::Owner& owner) {
  return std::make_unique<Http2Server>(limits, owner);
}

}  // namespace ph::net

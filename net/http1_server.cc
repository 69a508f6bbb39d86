#include <deque>
#include <optional>

#include <fmt/format.h>

#include "net/header_rules.h"
#include "net/http1_parser.h"
#include "net/server_protocol.h"

namespace ph::net {
namespace {

// Pipelined requests wait here, and the rest of them in the peer's socket.
constexpr std::size_t kAheadSize = 64 * 1024;

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Status";
  }
}

// One request at a time; the next is read when the answer to the last has been put on the wire.
class Http1Server final : public ServerProtocol {
 public:
  Http1Server(const ServerLimits& limits, Owner& owner)
      : limits_{.header_bytes_max = limits.header_bytes_max, .body_bytes_max = limits.body_bytes_max},
        too_large_type_(limits.too_large_type),
        too_large_body_(limits.too_large_body),
        owner_(owner) {}

  bool receive(std::string_view bytes) override {
    if (closing_) return true;  // nothing more is answered
    input_ += bytes;
    if (state_ == State::Reading) read();
    return true;
  }

  void produce(std::string& out, std::size_t size_max) override {
    const std::size_t limit = out.size() + size_max;
    do {
      while (!output_.empty() && out.size() < limit) {
        Output& front = output_.front();
        out += *front.bytes;
        if (front.is_body) owner_.on_sent(id_, front.bytes->size());
        output_.pop_front();
      }
      if (!output_.empty() || state_ != State::Answered) return;
      state_ = closing_ || draining_ ? State::Ended : State::Reading;
      if (state_ == State::Reading) read();
    } while (!output_.empty() || state_ == State::Answered);
  }

  bool finished() const override { return state_ == State::Ended && output_.empty(); }
  bool wants_input() const override { return input_.size() < kAheadSize; }
  bool idle() const override { return state_ == State::Reading && reading() == 0; }
  StreamId reading() const override { return state_ == State::Reading && parser_ ? id_ : 0; }

  bool tell_heads(bool small_too) override {
    if (state_ != State::Reading || !parser_ || !parser_->head_done() || parser_->done() || asked_) return false;
    const std::size_t size_max = parser_->content_length().value_or(*limits_.body_bytes_max);
    if (!small_too && size_max <= kUnaskedMax && !expects_word()) return true;
    asked_ = true;
    owner_.on_head(id_, {.method = std::string(parser_->method()), .target = target(), .headers = headers_}, size_max);
    return false;
  }

  void read_body(StreamId stream, std::shared_ptr<const void> room) override {
    if (!is_asked(stream)) return;
    wanted_ = true;
    room_ = std::move(room);
    if (parser_->body_size() == 0 && input_.empty() && expects_word()) {
      put("HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (const auto length = parser_->content_length()) parser_->reserve_body(*length);
    read();
  }

  void respond(StreamId stream, int status, const Headers& headers, std::vector<SharedBytes> body) override {
    if (is_asked(stream)) stop_reading();
    if (stream != id_ || state_ != State::Answering) return;
    put_head(status, headers, false);
    if (!is_head_ && has_body(status)) {
      for (auto& piece : body) output_.push_back({std::move(piece), true});
    }
    state_ = State::Answered;
  }

  void begin(StreamId stream, int status, const Headers& headers) override {
    if (stream != id_ || state_ != State::Answering) return;
    chunked_ = is_http11_;
    if (!chunked_) closing_ = true;  // its end is the connection's
    put_head(status, headers, chunked_);
  }

  void piece(StreamId stream, SharedBytes bytes) override {
    if (stream != id_ || state_ != State::Answering || bytes->empty()) return;
    if (chunked_) put(fmt::format("{:x}\r\n", bytes->size()));
    output_.push_back({std::move(bytes), true});
    if (chunked_) put("\r\n");
  }

  void end(StreamId stream) override {
    if (stream != id_ || state_ != State::Answering) return;
    if (chunked_) put("0\r\n\r\n");
    state_ = State::Answered;
  }

  void fail(StreamId stream) override {
    if (stream != id_ || state_ != State::Answering) return;
    // The connection ends before the last chunk does.
    closing_ = true;
    state_ = State::Answered;
  }

  void drain() override {
    if (idle()) {
      closing_ = true;
      state_ = State::Ended;
    }
    draining_ = true;
  }

 private:
  enum class State {
    Reading,    // a request
    Answering,  // it, which is the owner's business
    Answered,   // the rest is in `output_`
    Ended,
  };

  struct Output {
    SharedBytes bytes;
    bool is_body = false;
  };

  void put(std::string text) { output_.push_back({share(std::move(text))}); }

  void read() {
    if (input_.empty() && !parser_) return;
    if (!parser_) {
      // Stray line ends between requests are forgiven.
      input_.erase(0, input_.find_first_not_of("\r\n"));
      if (input_.empty()) return;
      parser_.emplace(Http1Parser::Kind::Request, limits_);
      looked_ = asked_ = wanted_ = false;
      ++id_;
    }
    while (!input_.empty() && !parser_->done() && (wanted_ || parser_->body_size() < kUnaskedMax)) {
      const std::size_t size = parser_->put(input_);
      input_.erase(0, size);
      if (parser_->error_status() != 0) return refuse(parser_->error_status());
      // At once: what comes behind a chunked body is no header.
      if (parser_->head_done() && !looked_) look_at_head();
      if (!parser_) return;
      if (size == 0) break;
    }
    if (parser_->done()) deliver();
  }

  void look_at_head() {
    looked_ = true;
    headers_ = parser_->take_headers();
    if (parser_->is_http11() && !headers_.has("host")) refuse(400);
  }

  std::string target() const {
    std::string target(parser_->target());
    const auto scheme = target.find("://");
    if (target.starts_with('/') || scheme == target.npos) return target;
    const auto path = target.find('/', scheme + 3);
    return path == target.npos ? "/" : target.substr(path);
  }

  // The body comes only when it is asked for.
  bool expects_word() const { return same_token(headers_.get("expect"), "100-continue"); }

  bool is_asked(StreamId stream) const { return stream == id_ && state_ == State::Reading && parser_ && asked_ && !wanted_; }

  // The answer comes before the end of the request, whose rest is discarded with the connection.
  void stop_reading() {
    is_head_ = parser_->method() == "HEAD";
    is_http11_ = parser_->is_http11();
    parser_.reset();
    input_.clear();
    closing_ = true;
    state_ = State::Answering;
  }

  void deliver() {
    HttpRequest request;
    request.method = parser_->method();
    request.target = target();
    request.headers = std::move(headers_);
    request.body = parser_->take_body();
    request.room = std::move(room_);
    is_head_ = request.method == "HEAD";
    is_http11_ = parser_->is_http11();
    if (!parser_->keep_alive()) closing_ = true;
    parser_.reset();
    state_ = State::Answering;
    owner_.on_request(id_, std::move(request));
  }

  void refuse(int status) {
    if (asked_) owner_.on_gone(id_);
    room_ = nullptr;
    parser_.reset();
    input_.clear();
    closing_ = true;
    is_head_ = false;
    state_ = State::Answering;
    const std::string type = status == 413 ? too_large_type_ : "text/plain; charset=utf-8";
    std::string text = status == 413 ? too_large_body_ : fmt::format("{} {}", status, reason(status));
    respond(id_, status, {{"content-type", type}, {"content-length", std::to_string(text.size())}}, {share(std::move(text))});
  }

  void put_head(int status, const Headers& headers, bool chunked) {
    if (draining_) closing_ = true;
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason(status));
    for (const auto& [name, value] : headers) {
      if (belongs_to_connection(name) || !is_field(name, value)) continue;
      head += name;
      head += ": ";
      head += value;
      head += "\r\n";
    }
    if (chunked) head += "transfer-encoding: chunked\r\n";
    head += closing_ ? "connection: close\r\n\r\n" : is_http11_ ? "\r\n" : "connection: keep-alive\r\n\r\n";
    put(std::move(head));
  }

  const Http1Limits limits_;
  const std::string too_large_type_, too_large_body_;
  Owner& owner_;
  State state_ = State::Reading;
  StreamId id_ = 0;
  std::string input_;
  std::optional<Http1Parser> parser_;
  Headers headers_;
  bool looked_ = false;  // at the head of the request
  bool asked_ = false;   // the owner, whether the body is wanted
  bool wanted_ = false;  // it is
  std::shared_ptr<const void> room_;
  bool is_head_ = false;
  bool is_http11_ = true;
  bool chunked_ = false;
  bool closing_ = false;  // after this answer
  bool draining_ = false;
  std::deque<Output> output_;
};

}  // namespace

std::unique_ptr<ServerProtocol> http1_server(const ServerLimits& limits, ServerProtocol::Owner& owner) {
  return std::make_unique<Http1Server>(limits, owner);
}

}  // namespace ph::net

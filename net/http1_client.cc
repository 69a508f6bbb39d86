#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "net/client_protocol.h"
#include "net/header_rules.h"
#include "net/http1_parser.h"

namespace ph::net {
namespace {

constexpr std::size_t kUnreadMax = 256 * 1024;

// One request at a time.
class Http1Client final : public ClientProtocol {
 public:
  explicit Http1Client(Owner& owner) : owner_(owner) {}

  bool receive(std::string_view bytes) override {
    if (!parser_) return false;  // the server speaks unasked
    input_ += bytes;
    answered_ = true;
    return read();
  }

  void eof() override {
    if (!parser_) return;
    parser_->put_eof();
    if (!advance()) return;
    if (!parser_) return;
    parser_.reset();
    // A kept connection may be closed just when a request is sent on it; such a request has not been looked at.
    owner_.on_failed(id_, id_ > 1 && !answered_, "the server closed the connection before it had answered");
  }

  void produce(std::string& out, std::size_t) override {
    out += output_;
    output_.clear();
  }
  // There is no window but the socket's: it fills while the reader has too much to read.
  bool wants_input() const override { return unread_ < kUnreadMax; }
  void consumed(StreamId stream, std::size_t size) override {
    if (stream == id_) unread_ -= std::min(size, unread_);
  }
  bool finished() const override { return !parser_ && closing_ && output_.empty(); }
  bool can_send() const override { return !parser_ && !closing_; }
  bool multiplexed() const override { return false; }

  StreamId send(const HttpRequest& request) override {
    const bool is_head = request.method == "HEAD";
    parser_.emplace(is_head ? Http1Parser::Kind::ResponseToHead : Http1Parser::Kind::Response, Http1Limits{});
    is_head_ = is_head;
    head_told_ = answered_ = false;
    unread_ = 0;
    output_ += fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    for (const auto& [name, value] : request.headers) {
      if (!belongs_to_connection(name) && is_field(name, value)) output_ += fmt::format("{}: {}\r\n", name, value);
    }
    output_ += "\r\n";
    output_ += request.body;
    return ++id_;
  }

  bool cancel(StreamId stream) override { return stream != id_ || !parser_; }

 private:
  bool read() {
    while (parser_ && !input_.empty()) {
      const std::size_t size = parser_->put(input_);
      input_.erase(0, size);
      if (!advance()) return false;
      if (size == 0) break;
    }
    return true;
  }

  // Tells the owner what the parser has; false when the answer is no HTTP.
  bool advance() {
    if (parser_->error_status() != 0 && !parser_->head_done()) return broken();
    if (parser_->head_done() && !head_told_) {
      if (parser_->status() < 200 && parser_->status() != 101) {  // an interim answer
        if (parser_->done())
          parser_.emplace(is_head_ ? Http1Parser::Kind::ResponseToHead : Http1Parser::Kind::Response, Http1Limits{});
        return true;
      }
      head_told_ = true;
      owner_.on_head(id_, parser_->status(), parser_->take_headers());
    }
    if (head_told_) {
      if (const std::string body = parser_->take_body(); !body.empty()) {
        unread_ += body.size();
        owner_.on_data(id_, body);
      }
    }
    if (parser_->error_status() != 0) return broken();
    if (!parser_->done()) return true;
    if (!parser_->keep_alive()) closing_ = true;
    parser_.reset();
    owner_.on_end(id_);
    return true;
  }

  bool broken() {
    const std::string why = fmt::format("the server's answer cannot be read: {}", parser_->error());
    parser_.reset();
    closing_ = true;
    owner_.on_failed(id_, id_ > 1 && !answered_, why);
    return false;
  }

  Owner& owner_;
  StreamId id_ = 0;
  std::optional<Http1Parser> parser_;  // while a request is under way
  bool is_head_ = false;
  bool head_told_ = false;
  bool answered_ = false;  // at least a byte
  bool closing_ = false;
  std::size_t unread_ = 0;
  std::string input_;
  std::string output_;
};

}  // namespace

std::unique_ptr<ClientProtocol> http1_client(ClientProtocol::Owner& owner) { return std::make_unique<Http1Client>(owner); }

}  // namespace ph::net

#include "net/http1_parser.h"

#include <boost/beast/http/parser.hpp>

#include <limits>
#include <variant>

namespace ph::net {
namespace {

namespace http = boost::beast::http;
namespace asio = boost::asio;
using Error = boost::beast::error_code;

// A body that is taken out piece by piece; unlike Beast's own it reserves nothing on the word of the peer.
struct PieceBody {
  using value_type = std::string;

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, Error& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, Error& error) {
      error = {};
      std::size_t size = 0;
      for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
        const asio::const_buffer part = *at;
        body_.append(static_cast<const char*>(part.data()), part.size());
        size += part.size();
      }
      return size;
    }
    void finish(Error& error) { error = {}; }

   private:
    value_type& body_;
  };
};

using RequestParser = http::request_parser<PieceBody>;
using ResponseParser = http::response_parser<PieceBody>;

// Of a chunked body that is empty: "0\r\n\r\n".
constexpr std::size_t kEmptyBodySize = 5;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct Http1Parser::Impl {
  std::variant<RequestParser, ResponseParser> parser;

  template <class F>
  decltype(auto) with(F&& function) {
    return std::visit(std::forward<F>(function), parser);
  }
};

Http1Parser::Http1Parser(Kind kind, const Http1Limits& limits)
    : impl_(std::make_unique<Impl>()), header_bytes_max_(limits.header_bytes_max) {
  if (kind != Kind::Request) impl_->parser.emplace<ResponseParser>();
  impl_->with([&](auto& parser) {
    parser.eager(false);  // so that the head ends where `put` ends
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
    // Not boost::none, which Beast 1.74 takes for less than any length.
    parser.body_limit(limits.body_bytes_max.value_or(std::numeric_limits<std::uint64_t>::max()));
    if (kind == Kind::ResponseToHead) parser.skip(true);
  });
}
Http1Parser::~Http1Parser() = default;
Http1Parser::Http1Parser(Http1Parser&&) noexcept = default;

std::size_t Http1Parser::put(std::string_view bytes) {
  if (error_status_ != 0 || done()) return 0;
  Error error;
  const bool in_head = !head_done();
  // Beast asserts that a first chunk which is the last one does not arrive in pieces.
  const bool may_be_empty = !in_head && !body_begun_ && impl_->with([](auto& parser) { return parser.chunked(); });
  if (may_be_empty && bytes.starts_with('0') && bytes.size() < kEmptyBodySize) return 0;
  const std::size_t size = impl_->with([&](auto& parser) { return parser.put(asio::buffer(bytes.data(), bytes.size()), error); });
  if (in_head) {
    // Beast's own limit does not see what it has taken before.
    header_bytes_ += size;
    const std::size_t waiting = head_done() ? 0 : bytes.size() - size;
    if (header_bytes_ + waiting > header_bytes_max_) error = http::error::header_limit;
    if (head_done()) impl_->with([](auto& parser) { parser.eager(true); });
  }
  body_begun_ = body_begun_ || impl_->with([](auto& parser) { return !parser.get().body().empty(); });
  if (!error || error == http::error::need_more) return size;
  error_ = error.message();
  error_status_ = error == http::error::header_limit ? 431 : error == http::error::body_limit ? 413 : 400;
  return size;
}

void Http1Parser::put_eof() {
  if (error_status_ != 0 || done()) return;
  Error error;
  impl_->with([&](auto& parser) {
    // Before its first byte a message has not begun, and Beast asks not to be told.
    if (parser.got_some()) {
      parser.put_eof(error);
    } else {
      error = http::error::end_of_stream;
    }
  });
  if (!error) return;
  error_ = error.message();
  error_status_ = 400;
}

bool Http1Parser::head_done() const {
  return impl_->with([](auto& parser) { return parser.is_header_done(); });
}
bool Http1Parser::done() const {
  return impl_->with([](auto& parser) { return parser.is_done(); });
}
std::string_view Http1Parser::method() const { return view(std::get<RequestParser>(impl_->parser).get().method_string()); }
std::string_view Http1Parser::target() const { return view(std::get<RequestParser>(impl_->parser).get().target()); }
int Http1Parser::status() const { return static_cast<int>(std::get<ResponseParser>(impl_->parser).get().result_int()); }
bool Http1Parser::is_http11() const {
  return impl_->with([](auto& parser) { return parser.get().version() >= 11; });
}
bool Http1Parser::keep_alive() const {
  return impl_->with([](auto& parser) { return parser.keep_alive(); });
}

std::optional<std::size_t> Http1Parser::content_length() const {
  const auto length = impl_->with([](auto& parser) { return parser.content_length(); });
  return length ? std::optional<std::size_t>(*length) : std::nullopt;
}

Headers Http1Parser::take_headers() {
  Headers headers;
  impl_->with([&](auto& parser) {
    for (const auto& field : parser.get()) {
      headers.add(std::string(view(field.name_string())), std::string(view(field.value())));
    }
  });
  return headers;
}

std::size_t Http1Parser::body_size() const {
  return impl_->with([](auto& parser) { return parser.get().body().size(); });
}

void Http1Parser::reserve_body(std::size_t size) {
  impl_->with([&](auto& parser) { parser.get().body().reserve(size); });
}

std::string Http1Parser::take_body() {
  return impl_->with([](auto& parser) { return std::exchange(parser.get().body(), {}); });
}

}  // namespace ph::net

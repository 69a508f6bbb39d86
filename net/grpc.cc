#include "net/grpc.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/within.h"
#include "net/client.h"

namespace ph::net {
namespace {

constexpr std::size_t kFrameHead = 5;
// As much of a server's words as is repeated to others.
constexpr std::size_t kWordsMax = 1024;

using Answer = std::expected<std::string, GrpcError>;

std::unexpected<GrpcError> fail(GrpcCode code, std::string why) { return std::unexpected(GrpcError{code, std::move(why)}); }

std::string framed(std::string_view message) {
  std::string out(1, '\0');  // not compressed
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(message.size() >> shift & 0xff));
  return out.append(message);
}

// At most eight digits and a unit.
std::string timeout_text(Duration timeout) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  if (ms < 100'000'000) return fmt::format("{}m", std::max<std::int64_t>(ms, 1));
  return fmt::format("{}S", std::min<std::int64_t>(ms / 1000, 99'999'999));
}

// What is escaped badly stands as it is.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kWordsMax; ++i) {
    unsigned char byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// Of an answer without a status of gRPC: whoever gave it knows none.
GrpcCode code_of_http(int status) {
  switch (status) {
    case 400: return GrpcCode::Internal;
    case 401: return GrpcCode::Unauthenticated;
    case 403: return GrpcCode::PermissionDenied;
    case 404: return GrpcCode::Unimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return GrpcCode::Unavailable;
    default: return GrpcCode::Unknown;
  }
}

Answer message_in(std::string_view body, std::size_t size_max) {
  if (body.empty()) return fail(GrpcCode::Internal, "the server sent no message");
  if (body.size() < kFrameHead) return fail(GrpcCode::Internal, "the server's message is cut off");
  if (body[0] != 0) return fail(GrpcCode::Unimplemented, "the server's message is compressed, which was not asked for");
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrameHead; ++i) size = size << 8 | static_cast<unsigned char>(body[i]);
  if (size > size_max) {
    return fail(GrpcCode::ResourceExhausted, fmt::format("received message larger than max ({} vs. {})", size, size_max));
  }
  if (body.size() - kFrameHead < size) return fail(GrpcCode::Internal, "the server's message is cut off");
  if (body.size() - kFrameHead > size) return fail(GrpcCode::Internal, "the server sent more than one message");
  return std::string(body.substr(kFrameHead));
}

Answer answer_of(const HttpResponse& response, std::size_t size_max) {
  const std::string_view said = response.headers.get("grpc-status");
  if (said.empty()) {
    if (response.status != 200) {
      return fail(code_of_http(response.status),
                  fmt::format("unexpected HTTP status code received from server: {}", response.status));
    }
    return fail(GrpcCode::Internal, "the server closed the stream without sending trailers");
  }
  int code = -1;
  const auto read = std::from_chars(said.data(), said.data() + said.size(), code);
  if (read.ec != std::errc() || read.ptr != said.data() + said.size() || code < 0 || code > 16) code = 2;
  if (code != 0) return fail(static_cast<GrpcCode>(code), percent_decoded(response.headers.get("grpc-message")));
  std::string body;
  for (const SharedBytes& piece : response.body) body += *piece;
  return message_in(body, size_max);
}

class Client final : public GrpcClient {
 public:
  Client(std::unique_ptr<Transport> transport, std::size_t size_max) : transport_(std::move(transport)), size_max_(size_max) {}

  Task<Answer> call(std::string method, std::string message, Duration timeout) override {
    if (message.size() > size_max_) {
      co_return fail(GrpcCode::ResourceExhausted,
                     fmt::format("trying to send message larger than max ({} vs. {})", message.size(), size_max_));
    }
    HttpRequest request{.method = "POST", .target = std::move(method), .headers = {}, .body = framed(message)};
    request.headers = {{"content-type", "application/grpc"}, {"te", "trailers"}, {"grpc-timeout", timeout_text(timeout)}};
    try {
      const std::optional<HttpResponse> response = co_await within(timeout, transport_->send(std::move(request), false));
      if (!response) co_return fail(GrpcCode::DeadlineExceeded, "context deadline exceeded");
      co_return answer_of(*response, size_max_);
    } catch (const ResponseTooLarge& error) {
      co_return fail(GrpcCode::ResourceExhausted, error.what());
    } catch (const TransportError& error) {
      co_return fail(GrpcCode::Unavailable, error.what());
    }
  }

 private:
  const std::unique_ptr<Transport> transport_;
  const std::size_t size_max_;
};

}  // namespace

std::string GrpcError::text() const {
  static constexpr std::array<std::string_view, 17> kNames = {
      "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
      "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
      "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
      "DataLoss", "Unauthenticated"};
  return fmt::format("rpc error: code = {} desc = {}", kNames[static_cast<std::size_t>(code)], message);
}

bool GrpcError::transient() const {
  return code == GrpcCode::Unavailable || code == GrpcCode::DeadlineExceeded || code == GrpcCode::Aborted ||
         code == GrpcCode::Cancelled;
}

std::unique_ptr<GrpcClient> grpc_client(std::unique_ptr<Transport> transport, std::size_t message_bytes_max) {
  return std::make_unique<Client>(std::move(transport), message_bytes_max);
}

std::unique_ptr<GrpcClient> grpc_over_unix(IoThreads& io, Executor& results_on, std::string path, std::size_t message_bytes_max) {
  ClientOptions options;
  options.host = "localhost";  // what servers of the gRPC project are told on unix sockets
  options.unix_path = std::move(path);
  options.ping_after = Duration::zero();  // they take pings on an idle connection for an attack
  options.connect_timeout = std::chrono::seconds(5);
  options.response_bytes_max = kFrameHead + message_bytes_max;
  return grpc_client(https_transport(io, results_on, std::move(options)), message_bytes_max);
}

}  // namespace ph::net

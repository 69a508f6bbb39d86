// Unary gRPC calls: an HTTP/2 POST with a frame of five bytes before the message, and a status in the trailers.
// Reference: "gRPC over HTTP2" of the gRPC project.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "base/transport.h"
#include "net/event_loop.h"

namespace ph::net {

// The codes of the gRPC project.
enum class GrpcCode {
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
};

// Why there is no answer.
struct GrpcError {
  GrpcCode code = GrpcCode::Unknown;
  std::string message;
  // "rpc error: code = Unavailable desc = …", as clients of the gRPC project say it.
  std::string text() const;
  // The same call may go well another time: the server was not reached, slow, or busy.
  bool transient() const;
};

// Threads: one executor's; answers arrive there.
class GrpcClient {
 public:
  virtual ~GrpcClient() = default;
  // `method`: "/package.Service/Method". Takes the bytes of a message and brings those of another. Dropping the task cancels the call.
  virtual Task<std::expected<std::string, GrpcError>> call(std::string method, std::string message, Duration timeout) = 0;
};

inline constexpr std::size_t kGrpcMessageMax = 4 << 20;

// Over anything that carries HTTP and hands out trailers behind the headers of an answer. Messages in either direction may have
// `message_bytes_max` bytes; that no more is ever held of an answer is the transport's to see to.
std::unique_ptr<GrpcClient> grpc_client(std::unique_ptr<Transport> transport, std::size_t message_bytes_max = kGrpcMessageMax);

// Over a unix socket: one connection, made with the first call and anew when it has been lost. A call that was under way then is
// Unavailable. `io` and `results_on`, the executor of all callers, must outlive the client.
std::unique_ptr<GrpcClient> grpc_over_unix(IoThreads& io, Executor& results_on, std::string path,
                                           std::size_t message_bytes_max = kGrpcMessageMax);

}  // namespace ph::net

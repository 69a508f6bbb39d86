// A gRPC server on a unix socket, on a thread of its own, made of nghttp2 and nothing of ours: what a client is tried against.
#pragma once

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ph::net::testing {

struct GrpcReply {
  std::vector<std::pair<std::string, std::string>> head;  // behind :status; with no body and no trailers it ends the answer
  int status = 200;
  std::string body;  // as it is sent, frames included
  std::vector<std::pair<std::string, std::string>> trailers;
  bool never = false;    // there is no answer
  bool hang_up = false;  // the connection is closed instead
};

// A message in its frame.
std::string grpc_frame(const std::string& message);
// A message, and that all went well.
GrpcReply grpc_message(const std::string& message);
GrpcReply grpc_failure(int code, const std::string& message);

class GrpcServer {
 public:
  struct Call {
    std::map<std::string, std::string> headers;  // with :path and the like
    std::string message;                         // without its frame
  };
  // Called on the server's thread.
  using Handler = std::function<GrpcReply(const Call&)>;

  GrpcServer(std::string path, Handler handler);
  ~GrpcServer();
  std::atomic<int> connections = 0;

 private:
  void serve();
  void talk(int connection);

  const std::string path_;
  const Handler handler_;
  int listener_;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

namespace grpc_detail {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::vector<nghttp2_nv> native(const Fields& fields) {
  std::vector<nghttp2_nv> out;
  for (const auto& [name, value] : fields) {
    out.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                   reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
  }
  return out;
}

struct Stream {
  GrpcServer::Call call;
  std::string body;
  GrpcReply reply;
  std::size_t sent = 0;
};

struct Session {
  const GrpcServer::Handler& handler;
  nghttp2_session* native = nullptr;
  std::map<std::int32_t, std::unique_ptr<Stream>> streams;
  bool hang_up = false;
  ~Session() { nghttp2_session_del(native); }
};

inline ssize_t read_body(nghttp2_session* session, std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags,
                         nghttp2_data_source* source, void*) {
  auto& stream = *static_cast<Stream*>(source->ptr);
  const std::size_t count = std::min(size, stream.reply.body.size() - stream.sent);
  std::memcpy(to, stream.reply.body.data() + stream.sent, count);
  stream.sent += count;
  if (stream.sent < stream.reply.body.size()) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.reply.trailers.empty()) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  const auto trailers = native(stream.reply.trailers);
  nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
  return static_cast<ssize_t>(count);
}

inline void answer(Session& session, std::int32_t id, Stream& stream) {
  if (stream.body.size() >= 5) stream.call.message = stream.body.substr(5);
  stream.reply = session.handler(stream.call);
  if (stream.reply.hang_up) session.hang_up = true;
  if (stream.reply.never || stream.reply.hang_up) return;
  Fields head{{":status", std::to_string(stream.reply.status)}};
  head.insert(head.end(), stream.reply.head.begin(), stream.reply.head.end());
  const auto fields = native(head);
  nghttp2_data_provider body{{.ptr = &stream}, read_body};
  const bool bare = stream.reply.body.empty() && stream.reply.trailers.empty();
  nghttp2_submit_response(session.native, id, fields.data(), fields.size(), bare ? nullptr : &body);
}

inline void set_callbacks(nghttp2_session_callbacks* callbacks) {
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, [](auto*, const nghttp2_frame* frame, void* user) {
    static_cast<Session*>(user)->streams[frame->hd.stream_id] = std::make_unique<Stream>();
    return 0;
  });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](auto*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                    std::size_t value_size, std::uint8_t, void* user) {
        static_cast<Session*>(user)->streams[frame->hd.stream_id]->call.headers.emplace(
            std::string(reinterpret_cast<const char*>(name), name_size),
            std::string(reinterpret_cast<const char*>(value), value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](auto*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* user) {
        static_cast<Session*>(user)->streams[id]->body.append(reinterpret_cast<const char*>(data), size);
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, [](auto*, const nghttp2_frame* frame, void* user) {
    auto& session = *static_cast<Session*>(user);
    const auto found = session.streams.find(frame->hd.stream_id);
    if (found != session.streams.end() && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
      answer(session, found->first, *found->second);
    return 0;
  });
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, [](auto*, std::int32_t id, std::uint32_t, void* user) {
    static_cast<Session*>(user)->streams.erase(id);
    return 0;
  });
}

inline bool flush(Session& session, int connection) {
  for (;;) {
    const std::uint8_t* data = nullptr;
    ssize_t size = nghttp2_session_mem_send(session.native, &data);
    if (size <= 0) return size == 0;
    while (size > 0) {
      const ssize_t count = ::send(connection, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (count <= 0) return false;
      data += count;
      size -= count;
    }
  }
}

}  // namespace grpc_detail

inline std::string grpc_frame(const std::string& message) {
  std::string out(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(message.size() >> shift & 0xff));
  return out + message;
}

inline GrpcReply grpc_message(const std::string& message) {
  return {.head = {{"content-type", "application/grpc"}}, .body = grpc_frame(message), .trailers = {{"grpc-status", "0"}}};
}

inline GrpcReply grpc_failure(int code, const std::string& message) {
  return {.head = {{"content-type", "application/grpc"}, {"grpc-status", std::to_string(code)}, {"grpc-message", message}},
          .body = {},
          .trailers = {}};
}

inline GrpcServer::GrpcServer(std::string path, Handler handler)
    : path_(std::move(path)), handler_(std::move(handler)), listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof address.sun_path - 1);
  ::unlink(path_.c_str());
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 16) != 0) {
    throw std::runtime_error("cannot listen at " + path_);
  }
  thread_ = std::thread([this] { serve(); });
}

inline GrpcServer::~GrpcServer() {
  ending_ = true;
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

inline void GrpcServer::serve() {
  while (!ending_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    ++connections;
    talk(connection);
    ::close(connection);
  }
}

inline void GrpcServer::talk(int connection) {
  grpc_detail::Session session{handler_, nullptr, {}};
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  grpc_detail::set_callbacks(callbacks);
  nghttp2_session_server_new(&session.native, callbacks, &session);
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_submit_settings(session.native, 0, nullptr, 0);
  char buffer[16384];
  while (!ending_ && !session.hang_up && grpc_detail::flush(session, connection)) {
    pollfd ready{connection, POLLIN, 0};
    if (::poll(&ready, 1, 20) <= 0) continue;
    const ssize_t count = ::recv(connection, buffer, sizeof buffer, 0);
    if (count <= 0) return;
    if (nghttp2_session_mem_recv(session.native, reinterpret_cast<std::uint8_t*>(buffer), static_cast<std::size_t>(count)) < 0)
      return;
  }
}

}  // namespace ph::net::testing

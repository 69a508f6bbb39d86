#include "net/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <vector>

#include "net/header_rules.h"

namespace ph::net {

struct Http2Session::Stream {
  StreamId id = 0;
  Http2Head head;
  std::size_t header_bytes = 0;
  bool head_done = false;
  Headers trailers;    // of an answer; its head and they share the limit
  bool begun = false;  // our head has left
  bool reset_when_ended = false;

  // Our body: pieces that wait for frames, the first of which may be partly framed.
  std::deque<SharedBytes> body;
  std::size_t framed = 0;   // of the first piece
  std::size_t waiting = 0;  // bytes in all
  bool body_ended = false;
  bool body_broken = false;
  bool deferred = false;  // nghttp2 has found nothing and waits to be told

  std::size_t stood = 0;  // what waited at the last look for stalled streams
  std::size_t taken = 0;  // what has been framed since
};

struct Http2Session::Native {
  nghttp2_session* session = nullptr;
  // Owns what nghttp2 refers to as stream user data.
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams;
  ~Native() { nghttp2_session_del(session); }
};

namespace {

// A peer who has something to read takes at least this much from one look for stalled streams to the next.
constexpr std::size_t kTakenMin = 16 * 1024;

// Frames that break a rule of their stream, and so end it, before the whole connection is taken for an attack: each costs us
// a request, and the limit on resets does not see them.
constexpr int kInvalidFramesMax = 200;

// Of one head: 64 KiB of fields are five frames. nghttp2's own count goes up with every piece of a frame that arrives.
constexpr int kContinuationsMax = 8;

std::string_view view(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// In the table that both sides keep of fields, one that never comes again drives out those that do; and the table is searched from
// end to end for the next of its name.
nghttp2_nv answer_field(std::string_view name, std::string_view value) {
  nghttp2_nv out = field(name, value);
  if (same_token(name, "audit-id")) out.flags = NGHTTP2_NV_FLAG_NO_INDEX;
  return out;
}

}  // namespace

std::string_view http2_error_name(std::uint32_t error) { return nghttp2_http2_strerror(error); }

struct Http2Session::Callbacks {
  static Http2Session& self(void* user) { return *static_cast<Http2Session*>(user); }

  static int begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& me = self(user);
    if (me.role_ != Role::Server || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto stream = std::make_unique<Stream>();
    stream->id = frame->hd.stream_id;
    nghttp2_session_set_stream_user_data(session, stream->id, stream.get());
    const StreamId id = stream->id;
    me.native_->streams.emplace(id, std::move(stream));
    ++me.streams_;
    me.owner_.on_begin(id);
    return 0;
  }

  static int header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (!stream) return 0;
    if (stream->head_done && self(user).role_ == Role::Server) return 0;  // a request's trailers say nothing to us
    stream->header_bytes += name_size + value_size + 32;
    if (stream->header_bytes > self(user).limits_.header_bytes_max) {
      stream->head.too_large = true;
      return 0;
    }
    if (stream->head_done) {
      stream->trailers.add(std::string(view(name, name_size)), std::string(view(value, value_size)));
      return 0;
    }
    add_field(stream->head, view(name, name_size), view(value, value_size));
    return 0;
  }

  static void add_field(Http2Head& head, std::string_view name, std::string_view value) {
    if (name == ":method") {
      head.method = value;
    } else if (name == ":path") {
      head.target = value;
    } else if (name == ":authority") {
      head.authority = value;
    } else if (name == ":status") {
      std::from_chars(value.data(), value.data() + value.size(), head.status);
    } else if (!name.starts_with(':')) {
      head.headers.add(std::string(name), std::string(value));
    }
  }

  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    auto& me = self(user);
    ++me.frames_received_;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      me.goaway_received_ = true;
      me.owner_.on_goaway();
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (!stream) return 0;
    const bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_done) {
      const int status = stream->head.status;
      if (me.role_ == Role::Client && status >= 100 && status < 200) {  // an interim answer
        stream->head = {};
        return 0;
      }
      stream->head_done = true;
      me.owner_.on_head(stream->id, std::move(stream->head), end);
    } else if (end) {
      if (stream->trailers.size() > 0) me.owner_.on_trailers(stream->id, std::move(stream->trailers));
      me.owner_.on_end(stream->id);
    }
    return 0;
  }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    auto& me = self(user);
    me.continuations_ = head->type == NGHTTP2_CONTINUATION ? me.continuations_ + 1 : 0;
    if (me.continuations_ > kContinuationsMax) me.flooded_ = true;
    return me.flooded_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
    auto& me = self(user);
    if (++me.invalid_frames_ > kInvalidFramesMax) me.flooded_ = true;
    return me.flooded_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                        void* user) {
    auto& me = self(user);
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
    if (!stream) {
      nghttp2_session_consume(session, id, size);
      return 0;
    }
    // One slow reader must not stop its neighbours: only the stream's own window waits for it.
    nghttp2_session_consume_connection(session, size);
    me.owner_.on_data(id, view(data, size));
    return 0;
  }

  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) {
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (!stream) return 0;
    stream->begun = true;
    if (stream->reset_when_ended && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t error, void* user) {
    auto& me = self(user);
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
    if (!stream) return 0;
    nghttp2_session_set_stream_user_data(session, id, nullptr);
    --me.streams_;
    // A request that was kept back because the server goes away may be sent to another.
    if (me.goaway_received_ && !stream->begun && error != kHttp2Cancel) error = kHttp2RefusedStream;
    me.owner_.on_stream_closed(id, error);
    me.native_->streams.erase(id);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t length, std::uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto* stream = static_cast<Stream*>(source->ptr);
    const std::size_t size = std::min(length, stream->waiting);
    if (size == 0 && stream->body_broken) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (size == 0 && !stream->body_ended) {
      stream->deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == stream->waiting && stream->body_ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                       nghttp2_data_source* source, void* user) {
    auto& me = self(user);
    auto* stream = static_cast<Stream*>(source->ptr);
    PH_ASSERT(frame->data.padlen == 0);
    // nghttp2 would go on as long as the peer's window allows.
    if (me.out_->size() >= me.out_limit_) return NGHTTP2_ERR_WOULDBLOCK;
    me.out_->append(reinterpret_cast<const char*>(header), 9);
    stream->waiting -= length;
    stream->taken += length;
    for (std::size_t left = length; left > 0;) {
      const std::string& piece = *stream->body.front();
      const std::size_t count = std::min(left, piece.size() - stream->framed);
      me.out_->append(piece, stream->framed, count);
      left -= count;
      stream->framed += count;
      if (stream->framed < piece.size()) break;
      stream->body.pop_front();
      stream->framed = 0;
    }
    if (length > 0) me.owner_.on_sent(stream->id, length);
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* const table = [] {
      nghttp2_session_callbacks* made = nullptr;
      nghttp2_session_callbacks_new(&made);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
      nghttp2_session_callbacks_set_on_begin_frame_callback(made, begin_frame);
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, invalid_frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data_chunk);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_closed);
      nghttp2_session_callbacks_set_send_data_callback(made, send_data);
      return made;
    }();
    return table;
  }

  static nghttp2_option* options() {
    static nghttp2_option* const options = [] {
      nghttp2_option* made = nullptr;
      nghttp2_option_new(&made);
      nghttp2_option_set_no_auto_window_update(made, 1);
      nghttp2_option_set_no_closed_streams(made, 1);
      nghttp2_option_set_max_outbound_ack(made, 1000);
      nghttp2_option_set_max_send_header_block_length(made, 1 << 20);
      nghttp2_option_set_max_continuations(made, 10 * (kContinuationsMax + 1));
      // A client may give up on many watches at once, but not for ever: 1,000, and 33 a second.
      nghttp2_option_set_stream_reset_rate_limit(made, 1000, 33);
      return made;
    }();
    return options;
  }
};

Http2Session::Http2Session(Role role, const Http2Limits& limits, Owner& owner)
    : role_(role), limits_(limits), owner_(owner), native_(std::make_unique<Native>()) {
  const auto make = role == Role::Server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  PH_ASSERT(make(&native_->session, Callbacks::table(), this, Callbacks::options()) == 0);
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(limits.stream_window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes_max)},
  };
  if (role == Role::Server) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrent_streams_max});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(native_->session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(native_->session, NGHTTP2_FLAG_NONE, 0, limits.connection_window);
}

Http2Session::~Http2Session() = default;

bool Http2Session::receive(std::string_view bytes) {
  const auto result =
      nghttp2_session_mem_recv(native_->session, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (result >= 0) return true;
  if (result == NGHTTP2_ERR_FLOODED) flooded_ = true;
  error_ = flooded_ ? "a flood of frames" : nghttp2_strerror(static_cast<int>(result));
  if (flooded_) nghttp2_session_terminate_session(native_->session, NGHTTP2_ENHANCE_YOUR_CALM);
  return false;
}

void Http2Session::produce(std::string& out, std::size_t size_max) {
  out_ = &out;
  out_limit_ = out.size() + size_max;
  while (out.size() < out_limit_) {
    const std::uint8_t* data = nullptr;
    const std::size_t before = out.size();
    const auto size = nghttp2_session_mem_send(native_->session, &data);
    if (size > 0) out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    // DATA frames are written by send_data and count nothing here.
    if (size < 0 || out.size() == before) break;
  }
  out_ = nullptr;
}

bool Http2Session::finished() const {
  return !nghttp2_session_want_read(native_->session) && !nghttp2_session_want_write(native_->session);
}

Http2Session::Stream* Http2Session::find(StreamId id) const {
  const auto found = native_->streams.find(id);
  return found == native_->streams.end() ? nullptr : found->second.get();
}

StreamId Http2Session::request(const Http2Head& head, bool end) {
  auto stream = std::make_unique<Stream>();
  std::vector<nghttp2_nv> fields = {field(":method", head.method), field(":scheme", head.scheme),
                                    field(":authority", head.authority), field(":path", head.target)};
  for (const auto& [name, value] : head.headers) {
    if (!belongs_to_connection(name) && is_field(name, value)) fields.push_back(field(name, value));
  }
  nghttp2_data_provider body{{.ptr = stream.get()}, Callbacks::read_body};
  const StreamId id =
      nghttp2_submit_request(native_->session, nullptr, fields.data(), fields.size(), end ? nullptr : &body, stream.get());
  if (id < 0) return 0;
  stream->id = id;
  stream->body_ended = end;
  native_->streams.emplace(id, std::move(stream));
  ++streams_;
  return id;
}

void Http2Session::respond(StreamId id, int status, const Headers& headers, bool end) {
  Stream* stream = find(id);
  if (!stream) return;
  const std::string code = std::to_string(status);
  std::vector<nghttp2_nv> fields = {field(":status", code)};
  fields.reserve(headers.size() + 1);
  for (const auto& [name, value] : headers) {
    if (!belongs_to_connection(name) && is_field(name, value)) fields.push_back(answer_field(name, value));
  }
  stream->body_ended = end;
  nghttp2_data_provider body{{.ptr = stream}, Callbacks::read_body};
  nghttp2_submit_response(native_->session, id, fields.data(), fields.size(), end ? nullptr : &body);
}

void Http2Session::send_body(StreamId id, SharedBytes bytes) {
  Stream* stream = find(id);
  if (!stream || bytes->empty()) return;
  PH_ASSERT(!stream->body_ended);
  stream->waiting += bytes->size();
  stream->body.push_back(std::move(bytes));
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(native_->session, id);
}

void Http2Session::end_body(StreamId id) {
  Stream* stream = find(id);
  if (!stream || stream->body_ended) return;
  stream->body_ended = true;
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(native_->session, id);
}

void Http2Session::break_body(StreamId id) {
  Stream* stream = find(id);
  if (!stream || stream->body_ended) return;
  stream->body_broken = true;
  if (std::exchange(stream->deferred, false)) nghttp2_session_resume_data(native_->session, id);
}

void Http2Session::reset(StreamId id, std::uint32_t error) {
  if (find(id)) nghttp2_submit_rst_stream(native_->session, NGHTTP2_FLAG_NONE, id, error);
}

void Http2Session::reset_when_ended(StreamId id) {
  if (Stream* stream = find(id)) stream->reset_when_ended = true;
}

std::vector<StreamId> Http2Session::stalled() {
  std::vector<StreamId> out;
  for (const auto& [id, stream] : native_->streams) {
    if (stream->taken < std::min(stream->stood, kTakenMin)) out.push_back(id);
    stream->stood = stream->waiting;
    stream->taken = 0;
  }
  std::ranges::sort(out);
  return out;
}

void Http2Session::widen(StreamId id, std::int32_t window) {
  if (find(id)) nghttp2_session_set_local_window_size(native_->session, NGHTTP2_FLAG_NONE, id, window);
}

void Http2Session::consumed(StreamId id, std::size_t size) {
  if (find(id)) nghttp2_session_consume_stream(native_->session, id, size);
}

void Http2Session::goaway() {
  if (role_ == Role::Server) nghttp2_submit_shutdown_notice(native_->session);
  nghttp2_submit_goaway(native_->session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(native_->session),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void Http2Session::ping() { nghttp2_submit_ping(native_->session, NGHTTP2_FLAG_NONE, nullptr); }

}  // namespace ph::net

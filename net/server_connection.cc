#include "net/server_connection.h"

#include "net/http_date.h"

namespace ph::net {
namespace {

// Of rendered bodies that wait for the wire: no further one is rendered while there is more.
constexpr std::size_t kRenderedMax = 32 * 1024 * 1024;

// A small body comes with its head, or right behind it; one that does not is treated as a large one.
constexpr auto kSmallBodyTime = std::chrono::milliseconds(100);

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<const ServerShared> shared, IoLoop& loop, Socket socket,
                                   std::unique_ptr<TlsSession> tls, std::string peer)
    : Link(loop, std::move(socket), std::move(tls)), shared_(std::move(shared)) {
  peer_.address = std::move(peer);
}

void ServerConnection::begin() {
  const std::weak_ptr weak = std::static_pointer_cast<ServerConnection>(shared_from_this());
  calls_ = std::make_shared<ServerCalls>(shared_->handler, shared_->executor, [weak, &context = loop().context] {
    asio::post(context, [weak] {
      if (const auto self = weak.lock()) self->take_answers();
    });
  });
  quiet_since_ = opened_at_ = SteadyClock::now();
  shared_->on_open(std::static_pointer_cast<ServerConnection>(shared_from_this()));
  wake_at(opened_at_ + shared_->options.request_timeout);
  start();
}

void ServerConnection::on_open(std::string_view alpn) {
  const ServerLimits limits{.body_bytes_max = shared_->options.body_bytes_max,
                            .header_bytes_max = shared_->options.header_bytes_max,
                            .concurrent_streams_max = shared_->options.concurrent_streams_max,
                            .too_large_type = shared_->options.too_large_type,
                            .too_large_body = shared_->options.too_large_body,
                            .moves_on = shared_->options.moves_on};
  protocol_ = alpn == "h2" ? http2_server(limits, *this) : http1_server(limits, *this);
  if (tls()) {
    auto certificate = tls()->client_certificate();
    peer_.identity = std::move(certificate.identity);
    peer_.proxy = std::move(certificate.proxy);
    certificate_expires_ = certificate.expires;
    if (certificate.refused) refuse_certificate(certificate.why);
  }
  if (draining_) protocol_->drain();
}

// Requests on such a connection are answered 401 by whoever authenticates them; the connection says why, once.
void ServerConnection::refuse_certificate(const std::string& why) {
  peer_.identity.reset();
  peer_.certificate_refused = true;
  if (peer_.proxy) return;  // a front proxy's needs not be anybody else's
  shared_->log.error("Unable to authenticate the request", "peer", peer_.address, "err", "the client's certificate: " + why);
}

void ServerConnection::drain() {
  draining_ = true;
  if (!protocol_) return close("the server is stopping");
  protocol_->drain();
  flush();
}

void ServerConnection::on_input_end() {
  if (protocol_) tell_heads();
  calls_->flush();
}

void ServerConnection::produce(std::string& out, std::size_t size_max) {
  const std::size_t limit = out.size() + size_max;
  take_at_once();
  protocol_->produce(out, size_max);
  // Each of these has more to say, and what was received before may be a request that is answered at once.
  while (out.size() < limit && (take_at_once() || make_pieces() || render_held())) protocol_->produce(out, limit - out.size());
  tell_heads();  // of a request that had waited behind the last one
  calls_->flush();
  if (!protocol_->idle()) quiet_since_ = {};
  if (protocol_->idle() && quiet_since_ == SteadyClock::time_point{}) quiet_since_ = SteadyClock::now();
  if (const StreamId reading = protocol_->reading(); reading != reading_) {
    reading_ = reading;
    reading_since_ = reading == 0 ? SteadyClock::time_point{} : SteadyClock::now();
    if (reading != 0) wake_at(reading_since_ + shared_->options.request_timeout);
  }
  if (quiet_since_ != SteadyClock::time_point{}) wake_at(quiet_since_ + shared_->options.idle_timeout);
  if (next_look_ == SteadyClock::time_point{} && !protocol_->idle()) {
    next_look_ = SteadyClock::now() + shared_->options.write_timeout;
    wake_at(next_look_);
  }
}

void ServerConnection::on_timer() {
  const auto now = SteadyClock::now();
  const auto& options = shared_->options;
  constexpr SteadyClock::time_point kNever{};
  if (!protocol_) {
    if (now - opened_at_ >= options.request_timeout) return close("the TLS handshake took too long");
    return wake_at(opened_at_ + options.request_timeout);
  }
  if (blocked_since() != kNever && now - blocked_since() >= options.write_timeout) return close("the client reads nothing");
  if (reading_since_ != kNever && now - reading_since_ >= options.request_timeout) {
    return close("a request took too long to arrive");
  }
  if (quiet_since_ != kNever && now - quiet_since_ >= options.idle_timeout) {
    if (!draining_) return drain();
    return close("idle");
  }
  look_for_stalled(now);
  if (closed()) return;
  refuse_waiting(now);
  if (closed()) return;
  if (tell_small_ != kNever) {
    tell_heads();
    calls_->flush();
  }
  if (blocked_since() != kNever) wake_at(blocked_since() + options.write_timeout);
  if (reading_since_ != kNever) wake_at(reading_since_ + options.request_timeout);
  if (quiet_since_ != kNever) wake_at(quiet_since_ + options.idle_timeout);
}

// A client may take nothing of one stream and go on with others: flow control then holds the stream's answer here.
void ServerConnection::look_for_stalled(SteadyClock::time_point now) {
  if (next_look_ == SteadyClock::time_point{}) return;
  if (now >= next_look_) {
    protocol_->cut_stalled();
    give_up_held();
    next_look_ = now + shared_->options.write_timeout;
    if (protocol_->idle()) next_look_ = {};
    flush();
  }
  if (!closed() && next_look_ != SteadyClock::time_point{}) wake_at(next_look_);
}

// What waits behind answers that nobody takes goes with them: were each to be rendered and to wait for its own time, a hundred
// would last fifty times as long as one.
void ServerConnection::give_up_held() {
  if (std::exchange(sent_since_look_, 0) < kTakenMin) {
    std::erase_if(held_, [&](const Answer& answer) {
      if (!held_at_look_.contains(answer.stream)) return false;
      protocol_->give_up(answer.stream);
      return true;
    });
  }
  held_at_look_.clear();
  for (const Answer& answer : held_) held_at_look_.insert(answer.stream);
}

void ServerConnection::on_closed(const std::string& why) {
  shared_->log.debug("connection closed", "peer", peer_.address, "why", why);
  heads_.clear();
  made_.clear();
  under_way_.clear();
  held_.clear();
  at_once_.clear();
  calls_->close();
  shared_->on_close(std::static_pointer_cast<ServerConnection>(shared_from_this()));
}

const Peer& ServerConnection::peer() {
  if ((!peer_.certificate_refused || peer_.proxy) && shared_->executor.clock().now() > certificate_expires_) {
    peer_.proxy.reset();
    refuse_certificate("certificate has expired");
  }
  return peer_;
}

// --- bodies that are slower than their heads ---

void ServerConnection::tell_heads() {
  constexpr SteadyClock::time_point kNever{};
  const bool late = tell_small_ != kNever && SteadyClock::now() >= tell_small_;
  if (!protocol_->tell_heads(late)) {
    tell_small_ = kNever;
    return;
  }
  if (tell_small_ == kNever) tell_small_ = SteadyClock::now() + kSmallBodyTime;
  wake_at(tell_small_);
}

void ServerConnection::on_head(StreamId stream, HttpRequest head, std::size_t size_max) {
  head.peer = peer();
  heads_.emplace(stream, Head{.size_max = size_max});
  calls_->judge(stream, std::move(head));
}

// Room given on another thread comes as work of the loop; given at once it comes the same way.
void ServerConnection::want(StreamId stream, const std::string& user) {
  const auto found = heads_.find(stream);
  if (found == heads_.end()) return;  // the rest of it was quicker
  Head& head = found->second;
  const std::weak_ptr weak = std::static_pointer_cast<ServerConnection>(shared_from_this());
  head.place = shared_->bodies->ask(user, head.size_max, [weak, stream, &context = loop().context](Room room) {
    asio::post(context, [weak, stream, room = std::move(room)]() mutable {
      if (const auto self = weak.lock()) self->room_for(stream, std::move(room));
    });
  });
  if (!head.place) return refuse_busy(stream);
  head.until = SteadyClock::now() + shared_->options.body_wait;
  wake_at(head.until);
}

void ServerConnection::room_for(StreamId stream, Room room) {
  if (closed() || heads_.erase(stream) == 0) return;
  protocol_->read_body(stream, std::move(room));
  flush();
}

void ServerConnection::refuse_waiting(SteadyClock::time_point now) {
  std::vector<StreamId> late;
  for (const auto& [stream, head] : heads_) {
    if (!head.place) continue;
    if (now >= head.until) late.push_back(stream);
    else wake_at(head.until);
  }
  for (const StreamId stream : late) refuse_busy(stream);
  if (!late.empty()) flush();
}

// In the words with which upstream sheds load.
void ServerConnection::refuse_busy(StreamId stream) {
  heads_.erase(stream);
  const std::string text = "Too many requests, please try again later.";
  protocol_->respond(
      stream, 429,
      {{"content-type", "text/plain; charset=utf-8"}, {"retry-after", "1"}, {"content-length", std::to_string(text.size())}},
      {share(text)});
}

void ServerConnection::on_request(StreamId stream, HttpRequest request) {
  request.peer = peer();
  heads_.erase(stream);
  under_way_.emplace(stream, UnderWay{});
  const bool is_head = request.method == "HEAD";
  auto response = shared_->handler.begin(request);
  if (!response) return calls_->start(stream, std::move(request));
  at_once_.push_back({.stream = stream,
                      .kind = Answer::Whole,
                      .to_head = is_head,
                      .head = std::make_unique<HttpResponse>(std::move(*response))});
}

void ServerConnection::on_gone(StreamId stream) {
  if (const auto rendered = rendered_.extract(stream)) rendered_size_ -= rendered.mapped();
  std::erase_if(held_, [&](const Answer& answer) { return answer.stream == stream; });
  made_.erase(stream);
  const bool judged = heads_.erase(stream) > 0;
  if (under_way_.erase(stream) > 0 || judged) calls_->cancel(stream);
}

void ServerConnection::on_sent(StreamId stream, std::size_t size) {
  sent_since_look_ += size;
  if (const auto rendered = rendered_.find(stream); rendered != rendered_.end()) {
    const std::size_t sent = std::min(size, rendered->second);
    rendered_size_ -= sent;
    rendered->second -= sent;
    if (rendered->second == 0) rendered_.erase(rendered);
    return;
  }
  if (const auto made = made_.find(stream); made != made_.end()) {
    const std::size_t before = std::exchange(made->second.waiting, made->second.waiting - size);
    if (before > Flow::kLow && before - size <= Flow::kLow) hungry_.push_back(stream);
    return;
  }
  const auto found = under_way_.find(stream);
  if (found != under_way_.end() && found->second.flow) calls_->sent(stream, *found->second.flow, size);
}

// False: there are none.
bool ServerConnection::take_at_once() {
  if (at_once_.empty()) return false;
  for (Answer& answer : std::exchange(at_once_, {})) take(answer);
  return true;
}

void ServerConnection::take_answers() {
  if (closed()) return;
  for (Answer& answer : calls_->take_answers()) take(answer);
  flush();
}

void ServerConnection::take(Answer& answer) {
  if (answer.kind == Answer::Wanted) return want(answer.stream, answer.user);
  if (answer.kind == Answer::Refused) {
    if (heads_.erase(answer.stream) > 0) respond(answer);
    return;
  }
  const auto found = under_way_.find(answer.stream);
  if (found == under_way_.end()) return;  // the client has gone meanwhile
  switch (answer.kind) {
    case Answer::Wanted:
    case Answer::Refused: return;
    case Answer::Whole:
      under_way_.erase(found);
      if (answer.head->render) return held_.push_back(std::move(answer));
      if (answer.head->next_piece && !answer.to_head) return begin_made(answer);
      return respond(answer);
    case Answer::Begin:
      found->second.flow = std::move(answer.flow);
      return protocol_->begin(answer.stream, answer.head->status, complete(std::move(answer.head->headers)));
    case Answer::Piece: return protocol_->piece(answer.stream, std::move(answer.piece));
    case Answer::End: under_way_.erase(found); return protocol_->end(answer.stream);
    case Answer::Fail: under_way_.erase(found); return protocol_->fail(answer.stream);
  }
}

void ServerConnection::begin_made(const Answer& answer) {
  protocol_->begin(answer.stream, answer.head->status, complete(std::move(answer.head->headers)));
  made_[answer.stream] = {std::move(answer.head->next_piece)};
  hungry_.push_back(answer.stream);
}

// Makes more of the bodies that have been taken. False: of none.
bool ServerConnection::make_pieces() {
  bool any = false;
  for (const StreamId stream : std::exchange(hungry_, {})) {
    const auto found = made_.find(stream);
    if (found == made_.end()) continue;
    any = true;
    if (!make(stream, found->second)) made_.erase(stream);
  }
  return any;
}

// False: that was all of it.
bool ServerConnection::make(StreamId stream, Made& made) {
  try {
    while (made.waiting <= Flow::kLow) {
      SharedBytes piece = made.next();
      if (!piece) return protocol_->end(stream), false;
      made.waiting += piece->size();
      protocol_->piece(stream, std::move(piece));
    }
    return true;
  } catch (const std::exception& e) {
    shared_->log.error("a response could not be rendered", "err", e.what());
    return protocol_->fail(stream), false;
  }
}

// Renders what there is room for. False: nothing.
bool ServerConnection::render_held() {
  bool rendered = false;
  while (!held_.empty() && rendered_size_ <= kRenderedMax) {
    const Answer answer = std::move(held_.front());
    held_.pop_front();
    respond(answer);
    rendered = true;
  }
  return rendered;
}

void ServerConnection::respond(const Answer& answer) {
  HttpResponse& response = *answer.head;
  const bool is_rendered = response.render != nullptr;
  if (is_rendered) render(response);
  std::size_t size = 0;
  for (const auto& piece : response.body) size += piece->size();
  Headers headers = complete(std::move(response.headers));
  // What is made as it is sent has a length that nobody knows.
  if (has_body(response.status) && !headers.has("content-length") && !response.next_piece)
    headers.add("content-length", std::to_string(size));
  if (answer.to_head || !has_body(response.status)) {
    response.body.clear();
  } else if (is_rendered && size > 0) {
    rendered_[answer.stream] = size;
    rendered_size_ += size;
  }
  protocol_->respond(answer.stream, response.status, headers, std::move(response.body));
}

void ServerConnection::render(HttpResponse& response) {
  try {
    response.body = response.render();
  } catch (const std::exception& e) {
    shared_->log.error("a response could not be rendered", "err", e.what());
    response = {.status = 500, .body = {share("Internal Server Error")}};
  }
}

Headers ServerConnection::complete(Headers headers) {
  if (headers.has("date")) return headers;
  const Time second = std::chrono::floor<std::chrono::seconds>(shared_->executor.clock().now());
  if (std::exchange(loop().dated, second) != second || loop().date.empty()) loop().date = http_date(second);
  headers.add("date", loop().date);
  return headers;
}

}  // namespace ph::net

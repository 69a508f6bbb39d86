#include "net/server_connection.h"

#include "net/http_date.h"

namespace ph::net {
namespace {

// Of rendered bodies that wait for the wire: no further one is rendered while there is more.
constexpr std::size_t kRenderedMax = 32 * 1024 * 1024;

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
                            .too_large_body = shared_->options.too_large_body};
  protocol_ = alpn == "h2" ? http2_server(limits, *this) : http1_server(limits, *this);
  if (tls()) {
    auto certificate = tls()->client_certificate();
    peer_.identity = std::move(certificate.identity);
    certificate_expires_ = certificate.expires;
    if (certificate.refused) refuse_certificate(certificate.why);
  }
  if (draining_) protocol_->drain();
}

// Requests on such a connection are answered 401 by whoever authenticates them; the connection says why, once.
void ServerConnection::refuse_certificate(const std::string& why) {
  peer_.identity.reset();
  peer_.certificate_refused = true;
  shared_->log.error("Unable to authenticate the request", "peer", peer_.address, "err", "the client's certificate: " + why);
}

void ServerConnection::drain() {
  draining_ = true;
  if (!protocol_) return close("the server is stopping");
  protocol_->drain();
  flush();
}

void ServerConnection::produce(std::string& out, std::size_t size_max) {
  const std::size_t limit = out.size() + size_max;
  protocol_->produce(out, size_max);
  if (render_held() && out.size() < limit) protocol_->produce(out, limit - out.size());
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
  under_way_.clear();
  held_.clear();
  calls_->close();
  shared_->on_close(std::static_pointer_cast<ServerConnection>(shared_from_this()));
}

void ServerConnection::on_request(StreamId stream, HttpRequest request) {
  if (!peer_.certificate_refused && shared_->executor.clock().now() > certificate_expires_) refuse_certificate("certificate has expired");
  request.peer = peer_;
  under_way_.emplace(stream, UnderWay{});
  calls_->start(stream, std::move(request));
}

void ServerConnection::on_gone(StreamId stream) {
  if (const auto rendered = rendered_.extract(stream)) rendered_size_ -= rendered.mapped();
  std::erase_if(held_, [&](const Answer& answer) { return answer.stream == stream; });
  if (under_way_.erase(stream) > 0) calls_->cancel(stream);
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
  const auto found = under_way_.find(stream);
  if (found != under_way_.end() && found->second.flow) calls_->sent(stream, *found->second.flow, size);
}

void ServerConnection::take_answers() {
  if (closed()) return;
  for (Answer& answer : calls_->take_answers()) take(answer);
  flush();
}

void ServerConnection::take(Answer& answer) {
  const auto found = under_way_.find(answer.stream);
  if (found == under_way_.end()) return;  // the client has gone meanwhile
  switch (answer.kind) {
    case Answer::Whole:
      under_way_.erase(found);
      if (answer.head->render) return held_.push_back(std::move(answer));
      return respond(answer);
    case Answer::Begin:
      found->second.flow = std::move(answer.flow);
      return protocol_->begin(answer.stream, answer.head->status, complete(*answer.head));
    case Answer::Piece:
      return protocol_->piece(answer.stream, std::move(answer.piece));
    case Answer::End:
      under_way_.erase(found);
      return protocol_->end(answer.stream);
    case Answer::Fail:
      under_way_.erase(found);
      return protocol_->fail(answer.stream);
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
  Headers headers = complete(response);
  if (has_body(response.status) && !headers.has("content-length")) headers.add("content-length", std::to_string(size));
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

Headers ServerConnection::complete(const HttpResponse& response) const {
  Headers headers = response.headers;
  if (!headers.has("date")) headers.add("date", http_date(shared_->executor.clock().now()));
  return headers;
}

}  // namespace ph::net

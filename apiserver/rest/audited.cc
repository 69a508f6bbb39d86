// Upstream: apiserver/pkg/endpoints/filters/audit.go, authn_audit.go, apiserver/pkg/audit/request.go
#include "apiserver/rest/audited.h"

#include <algorithm>
#include <utility>

#include "api/addresses.h"
#include "api/encoded.h"
#include "api/errors.h"

namespace ph::apiserver {
namespace {

using audit::EventRef;
using audit::Level;
using audit::Stage;

constexpr std::size_t kUserAgentMax = 1024;

// -- Who asks from where

std::string address_text(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  const auto address = api::read_address(text);
  return address ? address->text() : std::string();
}

std::string without_port(std::string_view address) {
  if (address.starts_with('[')) return std::string(address.substr(1, address.find(']') - 1));
  return std::string(address.substr(0, address.rfind(':')));
}

// As the way it says it came, and, last, the one that nobody can make up.
std::vector<std::string> source_ips(const HttpRequest& request) {
  std::vector<std::string> out;
  const auto add = [&](std::string text) {
    if (!text.empty()) out.push_back(std::move(text));
  };
  std::string_view forwarded = request.headers.get("X-Forwarded-For");
  while (!forwarded.empty()) {
    const auto comma = forwarded.find(',');
    add(address_text(forwarded.substr(0, comma)));
    forwarded = comma == forwarded.npos ? std::string_view() : forwarded.substr(comma + 1);
  }
  if (std::string real = address_text(request.headers.get("X-Real-Ip")); std::ranges::find(out, real) == out.end()) {
    add(std::move(real));
  }
  std::string remote = address_text(without_port(request.peer.address));
  if (out.empty() || out.back() != remote) add(std::move(remote));
  return out;
}

std::string user_agent(const HttpRequest& request) {
  std::string out(request.headers.get("User-Agent"));
  if (out.size() > kUserAgentMax) out = out.substr(0, kUserAgentMax) + "...TRUNCATED";
  return out;
}

audit::Event known_of(const Call& call) {
  audit::Event event;
  event.id = call.audit_id;
  event.uri = call.request.target;
  event.verb = call.info.verb;
  event.source_ips = source_ips(call.request);
  event.user_agent = user_agent(call.request);
  event.received = call.received;
  const RequestInfo& info = call.info;
  if (info.is_resource) {
    event.object = audit::ObjectReference{.resource = info.resource,
                                          .namespace_name = info.namespace_name,
                                          .name = info.name,
                                          .uid = {},
                                          .group = info.group,
                                          .version = info.version,
                                          .resource_version = {},
                                          .subresource = info.subresource};
  }
  return event;
}

// -- Answers

bool is_long_running(const RequestInfo& info) {
  static constexpr std::string_view kParts[] = {"attach", "exec", "log", "portforward", "proxy"};
  if (!info.is_resource) return false;
  return info.verb == "watch" || info.verb == "proxy" || std::ranges::find(kParts, info.subresource) != std::end(kParts);
}

// Whether what it is answered with is an object of the API.
bool answers_object(const RequestInfo& info) {
  if (info.is_resource) return !is_long_running(info);
  return info.path == "/api" || info.path.starts_with("/api/") || info.path == "/apis" || info.path.starts_with("/apis/");
}

// The last event of a request: told when its answer is sent, or when that is dropped.
class Last {
 public:
  Last(const audit::Auditor& auditor, EventRef event) : auditor_(auditor), event_(std::move(event)) {}
  Last(const Last&) = delete;
  Last& operator=(const Last&) = delete;
  ~Last() { tell(); }

  void tell() {
    if (const EventRef event = std::exchange(event_, nullptr)) (void)auditor_.take(event);
  }

 private:
  const audit::Auditor& auditor_;
  EventRef event_;
};

class AuditedStream final : public BodyStream {
 public:
  AuditedStream(const Clock& clock, std::shared_ptr<audit::Trail> trail, std::unique_ptr<BodyStream> stream)
      : clock_(clock), trail_(std::move(trail)), stream_(std::move(stream)) {}
  ~AuditedStream() override { end(); }

  void push_to(PieceSink& sink) override { stream_->push_to(sink); }
  Task<std::optional<SharedBytes>> next() override {
    std::optional<SharedBytes> piece = co_await stream_->next();
    if (!piece) end();
    co_return piece;
  }

 private:
  void end() {
    if (const auto trail = std::exchange(trail_, nullptr)) {
      if (const EventRef event = trail->at(Stage::ResponseComplete, clock_.now())) (void)trail->auditor().take(event);
    }
  }

  const Clock& clock_;
  std::shared_ptr<audit::Trail> trail_;
  std::unique_ptr<BodyStream> stream_;
};

// Where the answer is sent is where its events are written: nobody else waits for that.
void tell_with(HttpResponse& response, const audit::Auditor& auditor, EventRef event) {
  const auto last = std::make_shared<Last>(auditor, std::move(event));
  if (response.next_piece) {
    response.next_piece = [next = std::move(response.next_piece), last] {
      SharedBytes piece = next();
      if (!piece) last->tell();
      return piece;
    };
    return;
  }
  response.render = [render = std::move(response.render), body = std::move(response.body), last] {
    std::vector<SharedBytes> pieces = render ? render() : body;
    last->tell();
    return pieces;
  };
  response.body.clear();
}

// Nobody knows who it was: one event tells so.
void tell_of_stranger(const Front& front, Call& call, HttpResponse& response) {
  const audit::Judgement judgement = front.auditor->judge(nullptr, call.info);
  front.auditor->count_level(judgement.level);
  if (judgement.level == Level::None) return;
  audit::Trail trail(*front.auditor, judgement, known_of(call));
  trail.event().code = response.status;
  trail.event().body = std::make_shared<audit::AnswerBody>(std::string(response.headers.get("Content-Type")), response.body);
  if (EventRef event = trail.at(Stage::ResponseStarted, front.now())) tell_with(response, *front.auditor, std::move(event));
}

Encoding as_json(Encoding encoding) {
  encoding.form.format = Format::Json;
  encoding.form.pretty = false;
  encoding.form.gzip = false;
  return encoding;
}

// Bodies end in a new line.
std::string line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

namespace audited {

void open(const Front& front, Call& call, const Identity& user, bool tell) {
  if (call.trail) return;
  const audit::Judgement judgement = front.auditor->judge(&user, call.info);
  if (judgement.level == Level::None) return;
  audit::Event event = known_of(call);
  event.user = user;
  call.trail = std::make_shared<audit::Trail>(*front.auditor, judgement, std::move(event));
  if (!tell) return;
  call.trail->begun(front.clock);
  const EventRef received = call.trail->at(Stage::RequestReceived, front.now());
  if (!received || front.auditor->take(received)) return;
  front.auditor->count_rejected();
  throw api::internal("failed to store audit event");
}

void object(const Call& call, const api::Object& object) {
  audit::Event& event = call.trail->event();
  const meta::v1::ObjectMeta& metadata = object.metadata();
  const auto fill = [](std::string& out, const std::string& value) {
    if (out.empty()) out = value;
  };
  if (event.object) {
    fill(event.object->namespace_name, metadata.namespace_());
    fill(event.object->name, metadata.name());
    fill(event.object->uid, metadata.uid());
    fill(event.object->resource_version, metadata.resource_version());
  }
  if (!call.trail->wants(Level::Request)) return;
  event.request_object = [object = std::make_shared<const api::Object>(object.clone()), held = call.held] {
    return api::encode_json(*object);
  };
}

void sent_body(const Call& call, bool is_yaml) {
  if (!call.trail->wants(Level::Request) || call.request.body.empty()) return;
  std::string type(call.request.headers.get("Content-Type"));
  if (is_yaml) type = "application/yaml";
  else if (type.empty()) type = "application/json";
  const audit::AnswerBody body{std::move(type), {share(call.request.body)}};
  call.trail->event().request_object = [body] { return audit::json_of(body); };
}

void answer(const Front& front, Call& call, HttpResponse& response) {
  if (!call.trail) {
    if (response.status == 401 && call.user.name.empty()) tell_of_stranger(front, call, response);
    else front.auditor->count_level(Level::None);
    return;
  }
  audit::Trail& trail = *call.trail;
  trail.answered();
  audit::Event& event = trail.event();
  front.auditor->count_level(event.level);
  event.code = response.status;
  if (response.status >= 400) {  // whatever it was going to be answered with
    trail.answers_stored(false);
    event.response_object = nullptr;
  }
  const bool may_be_status = response.status >= 400 || call.info.verb == "create" || call.info.verb.starts_with("delete");
  const bool is_shown = trail.wants(Level::RequestResponse) && answers_object(call.info);
  if (!trail.answers_stored() && !response.body.empty() && (may_be_status || is_shown)) {
    event.body = std::make_shared<audit::AnswerBody>(std::string(response.headers.get("Content-Type")), response.body);
  }
  const audit::Auditor& auditor = *front.auditor;
  if (is_long_running(call.info)) {
    if (const EventRef started = trail.at(Stage::ResponseStarted, front.now())) (void)auditor.take(started);
  }
  if (response.stream) {
    response.stream = std::make_unique<AuditedStream>(front.clock, call.trail, std::move(response.stream));
  } else if (EventRef complete = trail.at(Stage::ResponseComplete, front.now())) {
    tell_with(response, auditor, std::move(complete));
  }
}

}  // namespace audited

void audit_received(const Front& front, const Call& call) {
  if (!call.trail) return;
  if (const EventRef received = call.trail->at(Stage::RequestReceived, front.now())) (void)front.auditor->take(received);
}

void audit_entry(const Encoding& encoding, const Call& call, const EntryRef& entry) {
  call.trail->answers_stored(true);
  if (!call.trail->wants(Level::RequestResponse)) return;
  call.trail->event().response_object = [encoding = as_json(encoding), entry] { return line(encode_entry(encoding, entry)); };
}

void audit_list(const Encoding& encoding, const Call& call, const std::vector<EntryRef>& entries,
                const meta::v1::ListMeta& metadata) {
  call.trail->answers_stored(true);
  if (!call.trail->wants(Level::RequestResponse)) return;
  call.trail->event().response_object = [encoding = as_json(encoding), entries, metadata] {
    return line(encode_list(encoding, entries, metadata));
  };
}

}  // namespace ph::apiserver

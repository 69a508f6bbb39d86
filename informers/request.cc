#include "informers/request.h"

#include <charconv>

#include "api/wire_records.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

std::string collection_path(const api::Resource& resource, std::string_view namespace_name) {
  std::string path = resource.kind.group.empty() ? "/api/" : "/apis/" + resource.kind.group + "/";
  path += resource.kind.version;
  if (resource.namespaced && !namespace_name.empty()) path += "/namespaces/" + percent_encoded(namespace_name);
  return path + "/" + resource.plural;
}

// client-go's guesses for answers that carry no Status.
std::string_view reason_of_code(int code) {
  switch (code) {
    case 400: return "BadRequest";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 406: return "NotAcceptable";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "RequestEntityTooLarge";
    case 415: return "UnsupportedMediaType";
    case 422: return "Invalid";
    case 429: return "TooManyRequests";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return code >= 500 ? "InternalError" : "Unknown";
  }
}

bool decode_status(std::string_view body, meta::v1::Status& status) {
  try {
    if (body.starts_with('{')) {
      api::decode_json(body, status);
    } else {
      const api::Envelope envelope = api::open_envelope(body);
      if (envelope.kind.kind != "Status") return false;
      api::decode_protobuf(envelope.raw, status);
    }
    return status.status() == "Failure" || !status.reason().empty() || status.code() != 0;
  } catch (const api::DecodeError&) {
    return false;
  }
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string metadata_media_type(std::string_view as) {
  return std::string(kProtobuf) + ";as=" + std::string(as) + ";g=meta.k8s.io;v=v1";
}

RequestBuilder::RequestBuilder(std::string method, const api::Resource& resource, std::string_view namespace_name,
                               std::string_view name, std::string_view subresource) {
  request_.method = std::move(method);
  request_.target = collection_path(resource, namespace_name);
  if (!name.empty()) request_.target += "/" + percent_encoded(name);
  if (!subresource.empty()) request_.target += "/" + std::string(subresource);
  request_.headers.add("accept", std::string(kProtobuf));
}

RequestBuilder& RequestBuilder::query(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  request_.target += has_query_ ? '&' : '?';
  has_query_ = true;
  request_.target += std::string(name) + "=" + percent_encoded(value);
  return *this;
}

RequestBuilder& RequestBuilder::list_query(const ListOptions& options) {
  const auto number = [](std::int64_t value) { return value ? std::to_string(value) : std::string(); };
  return query("labelSelector", options.label_selector)
      .query("fieldSelector", options.field_selector)
      .query("resourceVersion", options.resource_version)
      .query("resourceVersionMatch", options.resource_version_match)
      .query("limit", number(options.limit))
      .query("continue", options.continue_token)
      .query("timeoutSeconds", number(options.timeout_seconds));
}

RequestBuilder& RequestBuilder::accept(std::string media_type) {
  request_.headers.set("accept", std::move(media_type));
  return *this;
}

RequestBuilder& RequestBuilder::body(std::string content_type, std::string bytes) {
  request_.headers.set("content-type", std::move(content_type));
  request_.body = std::move(bytes);
  return *this;
}

HttpRequest RequestBuilder::build(const std::string& user_agent) && {
  request_.headers.set("user-agent", user_agent);
  return std::move(request_);
}

meta::v1::Status status_of_answer(int code, std::string_view body) {
  meta::v1::Status status;
  if (!decode_status(body, status)) {
    status.Clear();
    status.set_message("the server answered " + std::to_string(code) + (body.empty() ? "" : ": ") +
                       std::string(body.substr(0, 256)));
  }
  if (status.code() == 0) status.set_code(code);
  if (status.reason().empty()) status.set_reason(std::string(reason_of_code(code)));
  if (status.status().empty()) status.set_status("Failure");
  return status;
}

std::string_view answer_object(std::string_view body) { return api::open_envelope(body).raw; }

Revision parse_revision(std::string_view text) {
  Revision out;
  std::from_chars(text.data(), text.data() + text.size(), out.value);
  return out;
}

Revision revision_of(std::string_view object) { return parse_revision(wire::member_of(wire::member_of(object, 1), 6)); }

ListParts split_list(std::string_view list) {
  ListParts out;
  for (wire::Records in(list); in.next();) {
    if (in.field() == 2) out.items.push_back(in.text());
    if (in.field() != 1) continue;
    out.revision = parse_revision(wire::member_of(in.text(), 2));
    out.continue_token = wire::member_of(in.text(), 3);
  }
  return out;
}

void WatchFrames::feed(std::string_view bytes) {
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  } else if (at_ > buffer_.size() / 2) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_ += bytes;
}

std::optional<RawEvent> WatchFrames::next() {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  if (rest.size() < 4) return std::nullopt;
  std::size_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(rest[i]);
  if (length > kFrameMax) throw api::DecodeError("watch frame of " + std::to_string(length) + " bytes");
  if (rest.size() < 4 + length) return std::nullopt;
  at_ += 4 + length;
  RawEvent event;
  for (wire::Records in(rest.substr(4, length)); in.next();) {
    if (in.field() == 1) event.type = in.text();
    if (in.field() == 2) event.object = answer_object(wire::member_of(in.text(), 1));
  }
  return event;
}

}  // namespace ph::informers

#include "apiserver/audit/event.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/json_member.h"
#include "api/json_text.h"
#include "api/kinds.h"
#include "api/times.h"
#include "api/validation/quote.h"
#include "api/yaml_duplicates.h"

namespace ph::apiserver::audit {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kTruncated = "audit.k8s.io/truncated";

// The members of a JSON object, one after the other.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) { out_.push_back('{'); }
  void end() { out_.push_back('}'); }

  std::string& raw(std::string_view name) {
    if (out_.back() != '{') out_.push_back(',');
    api::append_json_string(name, out_);
    out_.push_back(':');
    return out_;
  }
  void text(std::string_view name, std::string_view value) { api::append_json_string(value, raw(name)); }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void texts_if(std::string_view name, const std::vector<std::string>& values) {
    if (!values.empty()) append(values, raw(name));
  }

  static void append(const std::vector<std::string>& values, std::string& out) {
    out.push_back('[');
    for (const std::string& value : values) {
      if (out.back() != '[') out.push_back(',');
      api::append_json_string(value, out);
    }
    out.push_back(']');
  }

 private:
  std::string& out_;
};

void append_user(const Identity& user, std::string& out) {
  Writer members(out);
  members.text_if("username", user.name);
  members.text_if("uid", user.uid);
  members.texts_if("groups", user.groups);
  if (!user.extra.empty()) {
    const std::map<std::string, std::vector<std::string>> sorted(user.extra.begin(), user.extra.end());
    Writer extra(members.raw("extra"));
    for (const auto& [key, values] : sorted) Writer::append(values, extra.raw(key));
    extra.end();
  }
  members.end();
}

void append_reference(const ObjectReference& object, std::string& out) {
  Writer members(out);
  members.text_if("resource", object.resource);
  members.text_if("namespace", object.namespace_name);
  members.text_if("name", object.name);
  members.text_if("uid", object.uid);
  members.text_if("apiGroup", object.group);
  members.text_if("apiVersion", object.version);
  members.text_if("resourceVersion", object.resource_version);
  members.text_if("subresource", object.subresource);
  members.end();
}

// -- Objects

std::string whole(const AnswerBody& body) {
  std::string out;
  for (const SharedBytes& piece : body.pieces) out += *piece;
  return out;
}

std::string compact(std::string_view json) {
  std::string out;
  api::append_compact_json(json, false, out);
  return out;
}

bool is_status(std::string_view json) { return api::json_member(json, "kind") == "\"Status\""; }

void forget_managers(ordered_json& object) {
  if (object.is_object() && object.contains("metadata") && object["metadata"].is_object())
    object["metadata"].erase("managedFields");
}

std::string without_managers(const std::string& json) {
  ordered_json document = ordered_json::parse(json);
  forget_managers(document);
  if (const auto items = document.find("items"); items != document.end() && items->is_array()) {
    for (ordered_json& item : *items) forget_managers(item);
  }
  return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// What cannot be shown is left out: that something has happened is worth more than what it looked like.
template <class Make>
std::string shown(const Event& event, Make make) {
  try {
    std::string json = make();
    if (json.empty() || !event.omit_managed_fields) return json;
    return without_managers(json);
  } catch (const std::exception&) {
    return {};
  }
}

// The outcome: the bounded members of the Status that an answer is, or its code alone.
void append_status(const Event& event, std::string_view body, std::string& out) {
  meta::v1::Status status;
  if (is_status(body)) {
    meta::v1::Status whole;
    api::decode_json(body, whole);
    status.set_status(whole.status());
    status.set_message(whole.message());
    status.set_reason(whole.reason());
    if (whole.has_details()) *status.mutable_details() = whole.details();
  } else if (!event.words.empty()) {
    status.set_status("Success");
    status.set_message(event.words);
  }
  status.set_code(event.code);
  api::transcode_to_json(api::schema_of<meta::v1::Status>(), api::encode_protobuf(status), false, out);
}

void append_time(Time time, std::string& out) { api::append_json_string(api::rfc3339_micro(time), out); }

std::string quoted(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + api::quote(text);
  return out;
}

// As Go's RFC3339Nano: no zeros at the end.
std::string nano_text(Time time) {
  std::string out = api::rfc3339(time);
  std::string fraction = fmt::format("{:09}", (time - std::chrono::floor<std::chrono::seconds>(time)).count());
  while (fraction.ends_with('0')) fraction.pop_back();
  if (!fraction.empty()) out.insert(out.size() - 1, "." + fraction);
  return out;
}

}  // namespace

std::string json_of(const AnswerBody& body) {
  const std::string bytes = whole(body);
  const std::string_view type = std::string_view(body.content_type).substr(0, body.content_type.find(';'));
  if (type == "application/json") return compact(bytes);
  if (type == "application/yaml") return api::yaml_body_to_json(bytes);
  if (type != "application/vnd.kubernetes.protobuf") return {};
  const api::Envelope envelope = api::open_envelope(bytes);
  const api::Schema* schema = api::Scheme::builtin().find(envelope.kind);
  if (schema == nullptr) return {};
  std::string out;
  api::transcode_to_json(*schema, envelope.raw, true, out, api::Within::AsServed);
  return out;
}

std::string json_of(const Event& event, bool with_kind, bool with_objects) {
  std::string out;
  Writer members(out);
  if (with_kind) {
    members.text("kind", "Event");
    members.text("apiVersion", "audit.k8s.io/v1");
  }
  members.text("level", level_name(event.level));
  members.text("auditID", event.id);
  members.text("stage", stage_name(event.stage));
  members.text("requestURI", event.uri);
  members.text("verb", event.verb);
  append_user(event.user, members.raw("user"));
  if (event.impersonated) append_user(*event.impersonated, members.raw("impersonatedUser"));
  members.texts_if("sourceIPs", event.source_ips);
  members.text_if("userAgent", event.user_agent);
  if (event.object) append_reference(*event.object, members.raw("objectRef"));
  const std::string body = event.body ? shown(event, [&] { return json_of(*event.body); }) : std::string();
  if (event.code != 0) append_status(event, body, members.raw("responseStatus"));
  const auto add_object = [&](std::string_view name, Level from, const ObjectText& make, const std::string& otherwise) {
    if (event.level < from || !with_objects) return;
    const std::string json = make ? shown(event, make) : otherwise;
    if (!json.empty()) members.raw(name) += json;
  };
  add_object("requestObject", Level::Request, event.request_object, {});
  add_object("responseObject", Level::RequestResponse, event.response_object, body);
  append_time(event.received, members.raw("requestReceivedTimestamp"));
  append_time(event.at, members.raw("stageTimestamp"));
  std::map<std::string, std::string> annotations = event.annotations;
  if (!with_objects) annotations.emplace(kTruncated, "true");
  if (!annotations.empty()) {
    Writer each(members.raw("annotations"));
    for (const auto& [key, value] : annotations) each.text(key, value);
    each.end();
  }
  members.end();
  return out;
}

std::string words_of(const Event& event) {
  const std::string user = event.user.name.empty() ? "<none>" : event.user.name;
  const bool has_groups = !event.user.name.empty() && !event.user.groups.empty();
  const std::string as = event.impersonated ? event.impersonated->name : "<self>";
  const std::string namespace_name =
      event.object && !event.object->namespace_name.empty() ? event.object->namespace_name : "<none>";
  return fmt::format(
      "{} AUDIT: id={} stage={} ip={} method={} user={} groups={} as={} asgroups={} user-agent={} namespace={} uri={} "
      "response=\"{}\"",
      nano_text(event.received), api::quote(event.id), api::quote(std::string(stage_name(event.stage))),
      api::quote(event.source_ips.empty() ? "<unknown>" : event.source_ips.front()), api::quote(event.verb), api::quote(user),
      has_groups ? quoted(event.user.groups) : "\"<none>\"", api::quote(as),
      event.impersonated ? quoted(event.impersonated->groups) : "\"<lookup>\"", api::quote(event.user_agent),
      api::quote(namespace_name), api::quote(event.uri), event.code == 0 ? "<deferred>" : std::to_string(event.code));
}

}  // namespace ph::apiserver::audit

#include "informers/client.h"

#include <algorithm>

#include "api/wire_records.h"
#include "base/sync.h"
#include "informers/metrics.h"
#include "informers/request.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

// As client-go: that often a request is sent again because the server said when to.
constexpr int kRetriesMax = 10;

const api::Resource& resource_of(const api::Schema& schema) {
  const api::Resource* resource = api::Scheme::builtin().resource(schema);
  PH_ASSERT(resource != nullptr);
  return *resource;
}

ObjectKey key_of_message(const Message& object) {
  const meta::v1::ObjectMeta& metadata = api::metadata(object);
  return {metadata.namespace_(), metadata.name()};
}

void decode_answer(std::string_view body, Message& into) {
  const std::string_view object = answer_object(body);
  into.Clear();
  api::decode_protobuf(object, into);
}

// Not copied, when it is one piece.
SharedBytes joined(std::vector<SharedBytes> pieces) {
  if (pieces.size() == 1) return std::move(pieces.front());
  std::size_t size = 0;
  for (const auto& piece : pieces) size += piece->size();
  std::string out;
  out.reserve(size);
  for (auto& piece : pieces) out += *std::exchange(piece, nullptr);
  return share(std::move(out));
}

// What the server asks to wait before the same request is sent again, if it does.
std::optional<Duration> retry_after(const HttpResponse& response) {
  if (response.status != 429 && response.status < 500) return std::nullopt;
  const std::string_view text = response.headers.get("retry-after");
  if (text.empty()) return std::nullopt;
  return std::chrono::seconds(parse_revision(text).value);
}

meta::v1::DeleteOptions delete_body(const DeleteOptions& options) {
  meta::v1::DeleteOptions body;
  if (options.uid) body.mutable_preconditions()->set_uid(*options.uid);
  if (options.resource_version) body.mutable_preconditions()->set_resource_version(*options.resource_version);
  if (!options.propagation.empty()) body.set_propagation_policy(options.propagation);
  if (options.grace_seconds) body.set_grace_period_seconds(*options.grace_seconds);
  return body;
}

// How a deletion is asked for, of one object or (`as`: the list's) of a collection. Of a kind that this program knows by discovery alone
// nobody can tell whether its objects have a protobuf form: what is sent is JSON, and what is answered may be.
void ask_deletion(RequestBuilder& request, const api::Resource& resource, const char* as, const DeleteOptions& options) {
  if (resource.schema) {
    request.body(std::string(kProtobuf), api::encode_envelope(delete_body(options)));
  } else {
    request.accept(metadata_media_type(as) + ",application/json")
        .body("application/json", api::encode_json(delete_body(options)));
  }
}

std::string_view patch_media_type(Patch::Type type) {
  switch (type) {
    case Patch::Type::Json: return "application/json-patch+json";
    case Patch::Type::Merge: return "application/merge-patch+json";
    case Patch::Type::Strategic: return "application/strategic-merge-patch+json";
  }
  return {};
}

// The bytes of the object in the answer to a write; empty when the answer is a Status. Of another kind's (a Scale, say) the
// metadata alone, which is that of the object. `made` holds what does not stand in the answer like that.
std::string_view written_object(const api::Resource& resource, std::string_view body, std::string& made) {
  if (body.empty()) return {};
  meta::v1::PartialObjectMetadata metadata;
  if (body.starts_with('{')) {
    if (api::type_of(body).kind == "Status") return {};
    api::decode_json(body, metadata);
    return made = api::encode_protobuf(metadata);
  }
  const api::Envelope envelope = api::open_envelope(body);
  if (envelope.kind.kind == "Status") return {};
  if (envelope.kind.kind == resource.kind.kind) return envelope.raw;
  api::decode_protobuf(wire::member_of(envelope.raw, 1), *metadata.mutable_metadata());
  return made = api::encode_protobuf(metadata);
}

Client::Document document_of(HttpResponse response) {
  Client::Document out;
  out.same = response.status == 304;
  out.media_type = response.headers.get("content-type");
  out.tag = response.headers.get("etag");
  out.body = *joined(std::move(response.body));
  return out;
}

DeleteOptions with_propagation(const char* policy, std::string uid) {
  DeleteOptions out;
  out.propagation = policy;
  if (!uid.empty()) out.uid = std::move(uid);
  return out;
}

class ProtobufWatch final : public RawWatch {
 public:
  explicit ProtobufWatch(HttpResponse response) : response_(std::move(response)) {
    for (const SharedBytes& piece : response_.body) frames_.feed(*piece);
  }

  Task<std::optional<RawEvent>> next() override {
    for (;;) {
      if (auto event = frames_.next()) co_return event;
      std::optional<SharedBytes> piece;
      if (response_.stream) piece = co_await response_.stream->next();
      if (!piece) {
        if (frames_.in_the_middle()) throw TransportError("the watch ended within an event");
        co_return std::nullopt;
      }
      frames_.feed(**piece);
    }
  }

 private:
  HttpResponse response_;
  WatchFrames frames_;
};

}  // namespace

DeleteOptions DeleteOptions::background(std::string uid) { return with_propagation("Background", std::move(uid)); }
DeleteOptions DeleteOptions::foreground(std::string uid) { return with_propagation("Foreground", std::move(uid)); }
DeleteOptions DeleteOptions::orphan(std::string uid) { return with_propagation("Orphan", std::move(uid)); }

Client::Client(Transport& transport, std::string user_agent) : transport_(transport), user_agent_(std::move(user_agent)) {}

// Sends a request, again when the server asks for it; failed answers are thrown.
Task<HttpResponse> Client::exchange(HttpRequest request, bool stream) {
  for (int retries = 0;; ++retries) {
    ClientMetrics::Attempt attempt(metrics_, request, stream);
    HttpResponse response = co_await transport_.send(request, stream);
    attempt.answered(response);
    if (response.status < 400) co_return response;
    const auto wait = retry_after(response);
    if (!wait || retries == kRetriesMax) {
      std::string body = *joined(std::move(response.body));
      while (response.stream) {
        auto piece = co_await response.stream->next();
        if (!piece) break;
        body += **piece;
      }
      throw api::ApiError(status_of_answer(response.status, body));
    }
    attempt.retried(response.status);
    response = {};
    co_await sleep_for(*wait);
  }
}

Task<SharedBytes> Client::ask(HttpRequest request) {
  HttpResponse response = co_await exchange(std::move(request), false);
  co_return joined(std::move(response.body));
}

// A request that changes something: its outcome is reported before anybody else can act on it.
Task<SharedBytes> Client::write(HttpRequest request, Write write) {
  try {
    SharedBytes body = co_await ask(std::move(request));
    std::string made;
    if (observer_) observer_->answered(write, written_object(*write.resource, *body, made));
    co_return body;
  } catch (const api::ApiError& error) {
    if (observer_ && error.code() < 500) observer_->refused(write, error);
    if (observer_ && error.code() >= 500) observer_->unknown(write);
    throw;
  } catch (const TransportError&) {
    if (observer_) observer_->unknown(write);
    throw;
  }
}

Task<void> Client::get_message(const api::Schema& schema, ObjectKey key, std::string subresource, Message& into) {
  RequestBuilder request("GET", resource_of(schema), key.namespace_name, key.name, subresource);
  decode_answer(*co_await ask(std::move(request).build(user_agent_)), into);
}

Task<bool> Client::find_message(const api::Schema& schema, ObjectKey key, Message& into) {
  try {
    co_await get_message(schema, std::move(key), {}, into);
    co_return true;
  } catch (const api::ApiError& error) {
    if (error.code() != 404) throw;
    co_return false;
  }
}

Task<void> Client::list_bytes(const api::Schema& schema, ListOptions options, std::vector<std::string>& items, Revision& revision,
                              std::string& continue_token) {
  RequestBuilder request("GET", resource_of(schema), options.namespace_name);
  request.list_query(options);
  const SharedBytes body = co_await ask(std::move(request).build(user_agent_));
  ListParts list = split_list(answer_object(*body));
  items.assign(list.items.begin(), list.items.end());
  revision = list.revision;
  continue_token = std::move(list.continue_token);
}

Task<void> Client::create_message(const Message& object, std::string subresource, Message& answer) {
  const api::Resource& resource = resource_of(api::schema_of(object));
  const ObjectKey key = key_of_message(object);
  RequestBuilder request("POST", resource, key.namespace_name, subresource.empty() ? "" : key.name, subresource);
  request.body(std::string(kProtobuf), api::encode_envelope(object));
  HttpRequest built = std::move(request).build(user_agent_);
  Write note{Write::Verb::Create, &resource, key, {}};
  if (observer_) note.object = answer_object(built.body);
  decode_answer(*co_await write(std::move(built), std::move(note)), answer);
}

Task<void> Client::update_message(const Message& object, std::string subresource, Message& answer) {
  const api::Resource& resource = resource_of(api::schema_of(object));
  const ObjectKey key = key_of_message(object);
  RequestBuilder request("PUT", resource, key.namespace_name, key.name, subresource);
  request.body(std::string(kProtobuf), api::encode_envelope(object));
  HttpRequest built = std::move(request).build(user_agent_);
  decode_answer(*co_await write(std::move(built), Write{Write::Verb::Update, &resource, key, {}}), answer);
}

Task<void> Client::patch_message(const api::Schema& schema, ObjectKey key, Patch patch, std::string subresource,
                                 Message& answer) {
  decode_answer(*co_await patch_bytes(schema, std::move(key), std::move(patch), std::move(subresource)), answer);
}

Task<SharedBytes> Client::patch_bytes(const api::Schema& schema, ObjectKey key, Patch patch, std::string subresource) {
  const api::Resource& resource = resource_of(schema);
  RequestBuilder request("PATCH", resource, key.namespace_name, key.name, subresource);
  request.body(std::string(patch_media_type(patch.type)), std::move(patch.body));
  HttpRequest built = std::move(request).build(user_agent_);
  co_return co_await write(std::move(built), Write{Write::Verb::Patch, &resource, std::move(key), {}});
}

Task<Removed> Client::remove_object(const api::Schema& schema, ObjectKey key, DeleteOptions options) {
  return remove_object(resource_of(schema), std::move(key), std::move(options));
}

Task<Removed> Client::remove_object(const api::Resource& resource, ObjectKey key, DeleteOptions options) {
  RequestBuilder request("DELETE", resource, key.namespace_name, key.name);
  ask_deletion(request, resource, "PartialObjectMetadata", options);
  HttpRequest built = std::move(request).build(user_agent_);
  try {
    co_await write(std::move(built), Write{Write::Verb::Remove, &resource, std::move(key), {}, options.uid.value_or("")});
    co_return Removed::Yes;
  } catch (const api::ApiError& error) {
    if (error.code() == 404) co_return Removed::Gone;
    // A conflict without preconditions of ours is somebody else's word (an admission, say), and unexpected.
    if (error.code() == 409 && (options.uid || options.resource_version)) co_return Removed::Changed;
    throw;
  }
}

Task<void> Client::post_message(const api::Schema& schema, ObjectKey key, std::string subresource, const Message& body,
                                Message& answer) {
  const api::Resource& resource = resource_of(schema);
  RequestBuilder request("POST", resource, key.namespace_name, key.name, subresource);
  request.body(std::string(kProtobuf), api::encode_envelope(body));
  HttpRequest built = std::move(request).build(user_agent_);
  const auto verb = subresource == "eviction" ? Write::Verb::Remove : Write::Verb::Patch;
  const SharedBytes reply = co_await write(std::move(built), Write{verb, &resource, std::move(key), {}});
  answer.Clear();
  const api::Envelope envelope = api::open_envelope(*reply);
  // Bindings and evictions are answered with a Status by some servers and with the object by others.
  const auto& expected = api::schema_of(answer).kind;
  if (expected && expected->kind == envelope.kind.kind) api::decode_protobuf(envelope.raw, answer);
}

Task<void> Client::remove_collection(const api::Resource& resource, std::string namespace_name, DeleteOptions options) {
  RequestBuilder request("DELETE", resource, namespace_name);
  ask_deletion(request, resource, "PartialObjectMetadataList", options);
  co_await ask(std::move(request).build(user_agent_));
}

Task<std::vector<Client::Metadata>> Client::list_metadata(const api::Resource& resource, ListOptions options,
                                                          Revision& revision) {
  const SharedBytes body = co_await list_metadata_bytes(resource, std::move(options));
  const ListParts list = split_list(answer_object(*body));
  revision = list.revision;
  std::vector<Metadata> out(list.items.size());
  for (std::size_t i = 0; i < out.size(); ++i) api::decode_protobuf(wire::member_of(list.items[i], 1), out[i].metadata);
  co_return out;
}

Task<SharedBytes> Client::list_metadata_bytes(const api::Resource& resource, ListOptions options) {
  RequestBuilder request("GET", resource, options.namespace_name);
  request.list_query(options).accept(metadata_media_type("PartialObjectMetadataList"));
  return ask(std::move(request).build(user_agent_));
}

Task<std::optional<Client::Metadata>> Client::find_metadata(const api::Resource& resource, ObjectKey key) {
  RequestBuilder request("GET", resource, key.namespace_name, key.name);
  request.accept(metadata_media_type("PartialObjectMetadata"));
  try {
    const SharedBytes body = co_await ask(std::move(request).build(user_agent_));
    Metadata out;
    api::decode_protobuf(wire::member_of(answer_object(*body), 1), out.metadata);
    co_return out;
  } catch (const api::ApiError& error) {
    if (error.code() != 404) throw;
    co_return std::nullopt;
  }
}

Task<void> Client::patch_metadata(const api::Resource& resource, ObjectKey key, Patch patch) {
  RequestBuilder request("PATCH", resource, key.namespace_name, key.name);
  request.accept(metadata_media_type("PartialObjectMetadata"))
      .body(std::string(patch_media_type(patch.type)), std::move(patch.body));
  HttpRequest built = std::move(request).build(user_agent_);
  co_await write(std::move(built), Write{Write::Verb::Patch, &resource, std::move(key), {}});
}

Task<Patched> Client::try_patch_metadata(const api::Resource& resource, ObjectKey key, Patch patch) {
  const bool pinned = patch.pinned;
  const Patched out = co_await patched(patch_metadata(resource, std::move(key), std::move(patch)), pinned);
  co_return out;
}

Task<std::optional<api::ApiError>> Client::refusal_of(Task<void> write) {
  try {
    co_await write;
    co_return std::nullopt;
  } catch (const api::ApiError& error) {
    co_return error;
  }
}

Made Client::judge(const api::ApiError& refusal) {
  if (refusal.is("AlreadyExists")) return Made::Exists;
  // Other refusals of the same code (a quota's, say) may pass.
  const bool ending = std::ranges::any_of(refusal.status().details().causes(),
                                          [](const auto& cause) { return cause.reason() == "NamespaceTerminating"; });
  return ending ? Made::NamespaceEnding : Made::Refused;
}

Task<Patched> Client::patched(Task<void> write, bool pinned) {
  const std::optional<api::ApiError> refusal = co_await refusal_of(std::move(write));
  if (!refusal) co_return Patched::Yes;
  if (refusal->code() == 404) co_return Patched::Gone;
  if (refusal->code() == 422 && pinned) co_return Patched::Changed;
  throw *refusal;
}

Task<std::unique_ptr<RawWatch>> Client::watch(const api::Resource& resource, ListOptions options, bool metadata_only,
                                              bool send_initial_events) {
  RequestBuilder request("GET", resource, options.namespace_name);
  request.query("watch", "true").query("allowWatchBookmarks", "true").list_query(options);
  if (send_initial_events) request.query("sendInitialEvents", "true");
  if (metadata_only) request.accept(metadata_media_type("PartialObjectMetadata"));
  HttpResponse response = co_await exchange(std::move(request).build(user_agent_), true);
  co_return std::make_unique<ProtobufWatch>(std::move(response));
}

Task<Client::Document> Client::get_document(std::string path, std::string accept, std::string known) {
  HttpRequest request;
  request.method = "GET";
  request.target = std::move(path);
  request.headers.add("accept", std::move(accept));
  request.headers.add("user-agent", user_agent_);
  if (!known.empty()) request.headers.add("if-none-match", std::move(known));
  co_return document_of(co_await exchange(std::move(request), false));
}

Task<Client::Document> Client::put_document(std::string path, std::string media_type, std::string body) {
  HttpRequest request;
  request.method = "PUT";
  request.target = std::move(path);
  request.headers.add("accept", media_type);
  request.headers.add("user-agent", user_agent_);
  request.headers.add("content-type", std::move(media_type));
  request.body = std::move(body);
  co_return document_of(co_await exchange(std::move(request), false));
}

}  // namespace ph::informers

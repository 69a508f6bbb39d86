// Client: typed requests to an apiserver, in protobuf over a Transport.
//
// `find` is for what may be absent, `try_create`, `try_update` and `try_patch` for writes that may come too late; `get`, `create`,
// `update` and `patch` throw then. Failures the server answers are api::ApiError (with the Status); a broken connection is
// TransportError: the request may or may not have been carried out.
// Belongs to one executor. The transport must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/errors.h"
#include "api/object.h"
#include "api/schema.h"
#include "base/revision.h"
#include "base/task.h"
#include "base/transport.h"

namespace ph::informers {

using google::protobuf::Message;

struct ListOptions {
  std::string namespace_name;  // "" = all
  std::string label_selector, field_selector;
  std::string resource_version, resource_version_match;
  std::string continue_token;
  std::int64_t limit = 0;
  std::int64_t timeout_seconds = 0;  // of a watch: when the server is to end it; 0 = the server's default
};

struct DeleteOptions {
  std::optional<std::string> uid, resource_version;  // preconditions
  std::string propagation;                           // "Background", "Foreground", "Orphan"; "" = the server's default
  std::optional<std::int64_t> grace_seconds;

  static DeleteOptions background(std::string uid = {});
  static DeleteOptions foreground(std::string uid = {});
  static DeleteOptions orphan(std::string uid = {});
};

// What became of a delete: done (or begun), there was nothing, or a precondition failed.
enum class Removed { Yes, Gone, Changed };

// What became of a create: done, there is one of that name, its namespace is on its way out, or the server refused it otherwise.
enum class Made { Yes, Exists, NamespaceEnding, Refused };
template <class T>
struct Created {
  Made made = Made::Yes;
  T object;                              // as stored; as it was sent, when it was not made
  std::optional<api::ApiError> refusal;  // the server's answer, when it was not
};

// What became of an update or a patch: done, there was nothing, or (of a patch that is `pinned`) it does not fit what is there:
// another object has the name, or what it would take away has been taken.
enum class Patched { Yes, Gone, Changed };

struct Patch {
  enum class Type { Json, Merge, Strategic } type = Type::Merge;
  std::string body;
  bool pinned = false;  // the body names the UID of the object it is for, and whoever sends it expects that there may be another
  static Patch json(std::string body) { return {Type::Json, std::move(body)}; }
  static Patch merge(std::string body) { return {Type::Merge, std::move(body)}; }
  static Patch strategic(std::string body) { return {Type::Strategic, std::move(body)}; }
};

template <class T>
struct Listed {
  std::vector<T> items;
  Revision revision;
  std::string continue_token;
};

// One event of a raw watch: the object's envelope-free protobuf bytes.
struct RawEvent {
  std::string type;    // ADDED MODIFIED DELETED BOOKMARK ERROR
  std::string object;  // bytes of the message of the kind (or of a Status, for ERROR)
};
class RawWatch {
 public:
  virtual ~RawWatch() = default;
  // Nothing at the end of the stream. Throws TransportError when it breaks.
  virtual Task<std::optional<RawEvent>> next() = 0;
};

// A write, as those see it who must know which ones were made (docs/informers.md, read-your-own-writes).
struct Write {
  enum class Verb { Create, Update, Patch, Remove } verb = Verb::Create;
  const api::Resource* resource = nullptr;
  ObjectKey key;         // of a create with generateName the name is empty until it is answered
  std::string object;    // of a create: the bytes of the message that was sent
  std::string uid = {};  // of a delete: the one that was asked for; empty: any
};
class WriteObserver {
 public:
  virtual ~WriteObserver() = default;
  // Carried out. `object`: the bytes of the message as stored (or of its metadata alone); empty when the server sent none, as
  // for an object that is gone after its delete.
  virtual void answered(const Write& write, std::string_view object) = 0;
  // Not carried out.
  virtual void refused(const Write& write, const api::ApiError& error) = 0;
  // Nobody knows: the connection broke, or the server failed in the middle.
  virtual void unknown(const Write& write) = 0;
};

class ClientMetrics;  // informers/metrics.h

class Client {
 public:
  // `user_agent` also names the field manager (its first word up to "/").
  Client(Transport& transport, std::string user_agent);
  virtual ~Client() = default;

  // Is told of every write from now on; null: nobody. Must outlive the client.
  void observe_writes(WriteObserver* observer) { observer_ = observer; }
  // Counts every request from now on; null: none. Must outlive the client, and belong to the same executor.
  void measure(ClientMetrics* metrics) { metrics_ = metrics; }

  template <class T>
  Task<T> get(ObjectKey key) {
    T object;
    co_await get_message(api::schema_of<T>(), std::move(key), {}, object);
    co_return object;
  }
  template <class T>
  Task<std::optional<T>> find(ObjectKey key) {
    T object;
    const bool found = co_await find_message(api::schema_of<T>(), std::move(key), object);
    if (!found) co_return std::nullopt;
    co_return std::optional<T>(std::move(object));
  }
  template <class T>
  Task<Listed<T>> list(ListOptions options = {}) {
    std::vector<std::string> items;  // protobuf bytes
    Listed<T> out;
    co_await list_bytes(api::schema_of<T>(), std::move(options), items, out.revision, out.continue_token);
    for (const std::string& bytes : items) api::decode_protobuf(bytes, out.items.emplace_back());
    co_return out;
  }
  // Namespace and name come from the object's metadata; the answer is what was stored.
  template <class T>
  Task<T> create(T object) {
    co_await create_message(object, {}, object);
    co_return object;
  }
  template <class T>
  Task<T> update(T object) {
    co_await update_message(object, {}, object);
    co_return object;
  }
  template <class T>
  Task<T> update_status(T object) {
    co_await update_message(object, "status", object);
    co_return object;
  }
  template <class T>
  Task<T> patch(ObjectKey key, Patch patch, std::string subresource = {}) {
    T object;
    co_await patch_message(api::schema_of<T>(), std::move(key), std::move(patch), std::move(subresource), object);
    co_return object;
  }
  // The same, with the answers one may expect as values; every other failure is thrown, of a create by TransportError alone.
  template <class T>
  Task<Created<T>> try_create(T object) {
    Created<T> out{.object = std::move(object)};
    out.refusal = co_await refusal_of(create_message(out.object, {}, out.object));
    if (out.refusal) out.made = judge(*out.refusal);
    co_return out;
  }
  template <class T>
  Task<Patched> try_update(T object) {
    const Patched out = co_await patched(update_message(object, {}, object), false);
    co_return out;
  }
  template <class T>
  Task<Patched> try_update_status(T object) {
    const Patched out = co_await patched(update_message(object, "status", object), false);
    co_return out;
  }
  template <class T>
  Task<Patched> try_patch(ObjectKey key, Patch patch, std::string subresource = {}) {
    T object;
    const bool pinned = patch.pinned;
    const Patched out = co_await patched(
        patch_message(api::schema_of<T>(), std::move(key), std::move(patch), std::move(subresource), object), pinned);
    co_return out;
  }
  Task<Patched> try_patch_metadata(const api::Resource& resource, ObjectKey key, Patch patch);
  template <class T>
  Task<Removed> remove(ObjectKey key, DeleteOptions options = {}) {
    return remove_object(api::schema_of<T>(), std::move(key), std::move(options));
  }
  // POST …/<name>/<subresource>: binding, eviction, token. `body` is the subresource's kind.
  template <class T, class Body, class Answer>
  Task<Answer> post_subresource(ObjectKey key, std::string subresource, Body body) {
    Answer answer;
    co_await post_message(api::schema_of<T>(), std::move(key), std::move(subresource), body, answer);
    co_return answer;
  }

  // -- By schema, for generic loops (garbage collector, namespace).
  virtual Task<void> get_message(const api::Schema& schema, ObjectKey key, std::string subresource, Message& into);
  virtual Task<bool> find_message(const api::Schema& schema, ObjectKey key, Message& into);
  virtual Task<void> list_bytes(const api::Schema& schema, ListOptions options, std::vector<std::string>& items,
                                Revision& revision, std::string& continue_token);
  virtual Task<void> create_message(const Message& object, std::string subresource, Message& answer);
  virtual Task<void> update_message(const Message& object, std::string subresource, Message& answer);
  virtual Task<void> patch_message(const api::Schema& schema, ObjectKey key, Patch patch, std::string subresource,
                                   Message& answer);
  // The same for those who hold a view of the object: the answer as it came (request.h, answer_object).
  Task<SharedBytes> patch_bytes(const api::Schema& schema, ObjectKey key, Patch patch, std::string subresource);
  virtual Task<Removed> remove_object(const api::Schema& schema, ObjectKey key, DeleteOptions options);
  virtual Task<void> post_message(const api::Schema& schema, ObjectKey key, std::string subresource, const Message& body,
                                  Message& answer);

  // -- By resource, for loops that serve every kind (garbage collector, namespace).
  virtual Task<Removed> remove_object(const api::Resource& resource, ObjectKey key, DeleteOptions options);
  virtual Task<void> remove_collection(const api::Resource& resource, std::string namespace_name, DeleteOptions options);

  // Metadata only (PartialObjectMetadata), for those who need no more.
  struct Metadata {
    meta::v1::ObjectMeta metadata;
  };
  virtual Task<std::vector<Metadata>> list_metadata(const api::Resource& resource, ListOptions options, Revision& revision);
  // The list as it came (request.h: answer_object, split_list).
  Task<SharedBytes> list_metadata_bytes(const api::Resource& resource, ListOptions options);
  virtual Task<std::optional<Metadata>> find_metadata(const api::Resource& resource, ObjectKey key);
  virtual Task<void> patch_metadata(const api::Resource& resource, ObjectKey key, Patch patch);

  // A watch as bytes. `metadata_only`: objects are PartialObjectMetadata. `resource_version` as in the API; bookmarks are on.
  virtual Task<std::unique_ptr<RawWatch>> watch(const api::Resource& resource, ListOptions options, bool metadata_only,
                                                bool send_initial_events);

  // A document that is no object, as discovery's are: GET of a path. `known`: the tag of what the caller has already; the answer
  // may then be that it is still the same.
  struct Document {
    std::string body, media_type, tag;
    bool same = false;
  };
  virtual Task<Document> get_document(std::string path, std::string accept, std::string known);
  // PUT of one, for objects whose kind this program does not know. `observe_writes` is not told: whoever sends it reads live.
  virtual Task<Document> put_document(std::string path, std::string media_type, std::string body);

  Transport& transport() { return transport_; }
  const std::string& user_agent() const { return user_agent_; }

 private:
  Task<HttpResponse> exchange(HttpRequest request, bool stream);
  Task<SharedBytes> ask(HttpRequest request);
  Task<SharedBytes> write(HttpRequest request, Write write);
  // What the server said against a write that has not begun yet; nothing: it was carried out.
  static Task<std::optional<api::ApiError>> refusal_of(Task<void> write);
  static Made judge(const api::ApiError& refusal);
  static Task<Patched> patched(Task<void> write, bool pinned);

  Transport& transport_;
  std::string user_agent_;
  WriteObserver* observer_ = nullptr;
  ClientMetrics* metrics_ = nullptr;
};

}  // namespace ph::informers

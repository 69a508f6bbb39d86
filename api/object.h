// An API object, whatever holds it, and what all of them have in common.
#pragma once

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"
#include "base/assert.h"
#include "meta/v1.pb.h"

namespace ph {

// namespace/name; cluster-scoped objects have an empty namespace.
struct ObjectKey {
  std::string namespace_name;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;

  // "namespace/name" or "name".
  std::string text() const { return namespace_name.empty() ? name : namespace_name + "/" + name; }
  static ObjectKey parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return {{}, std::string(text)};
    return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
};

inline std::string format_as(const ObjectKey& key) { return key.text(); }

template <class T>
ObjectKey key_of(const T& object) {
  return {object.metadata().namespace_(), object.metadata().name()};
}

}  // namespace ph

namespace ph::api {

class Value;

// The metadata of any object, by reflection. The message must have a field `metadata` of type ObjectMeta.
const meta::v1::ObjectMeta& metadata(const google::protobuf::Message& object);
meta::v1::ObjectMeta& mutable_metadata(google::protobuf::Message& object);

// One object: the message of a built-in kind, or the JSON document of a custom one. What handles any kind (verbs, admission,
// patches, tables, storage) is written against this; a kind's own rules ask for what it is with `as`. Moves only: copies are
// asked for. Its schema outlives it. A value in the ordinary sense; threads: any.
class Object {
 public:
  // None: converts to false, and has nothing else to say.
  Object();
  // Of a built-in kind. A null pointer makes none.
  explicit Object(std::unique_ptr<google::protobuf::Message> message);
  template <class T>
    requires std::is_base_of_v<google::protobuf::Message, T>
  Object(std::unique_ptr<T> message) : Object(std::unique_ptr<google::protobuf::Message>(std::move(message))) {}
  template <class T>
    requires std::is_base_of_v<google::protobuf::Message, T>
  static Object of(T message) {
    return Object(std::make_unique<T>(std::move(message)));
  }
  // Of a kind without a message. `members`: a JSON object of all members but metadata; kind and apiVersion become the schema's.
  Object(const Schema& schema, meta::v1::ObjectMeta metadata, nlohmann::json members);
  // New and empty.
  static Object make(const Schema& schema);
  Object(Object&&) noexcept;
  Object& operator=(Object&&) noexcept;
  ~Object();
  Object clone() const;

  explicit operator bool() const { return message_ || document_; }
  const Schema& schema() const { return *schema_; }

  const meta::v1::ObjectMeta& metadata() const;
  meta::v1::ObjectMeta& mutable_metadata();
  ObjectKey key() const { return key_of(*this); }

  // Everything, metadata included, as one struct of the schema. A document's kind and apiVersion are no members.
  Value value();
  Value value() const;

  // Null when it is a document.
  google::protobuf::Message* message() { return message_.get(); }
  const google::protobuf::Message* message() const { return message_.get(); }

  template <class T>
  bool is() const {
    return message_ && message_->GetDescriptor() == T::descriptor();
  }
  // What the caller knows it to be, by the resource it is of.
  template <class T>
  T& as() {
    PH_ASSERT(is<T>());
    return static_cast<T&>(*message_);
  }
  template <class T>
  const T& as() const {
    PH_ASSERT(is<T>());
    return static_cast<const T&>(*message_);
  }

  // Gives the message away; null when this is none.
  template <class T>
  std::unique_ptr<T> take() && {
    PH_ASSERT(!message_ || is<T>());
    return std::unique_ptr<T>(static_cast<T*>(message_.release()));
  }

  // Of a document: its members but metadata, a JSON object.
  nlohmann::json& members();
  const nlohmann::json& members() const;

 private:
  struct Document;
  const Schema* schema_ = nullptr;
  std::unique_ptr<google::protobuf::Message> message_;
  std::unique_ptr<Document> document_;
};

// -- The top-level members: what an update may change and what is kept

bool has_status(const Object& object);
void clear_status(Object& object);
// Gives `object` the status of `old`.
void restore_status(Object& object, const Object& old);
// Gives `object` everything of `old` but metadata and status.
void restore_all_but_status(Object& object, const Object& old);
// Whether anything but metadata differs; `but_status`: nor does the status count, which has a door of its own.
bool spec_differs(const Object& a, const Object& b, bool but_status = true);

}  // namespace ph::api

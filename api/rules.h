// The rules of each kind, found by its schema: defaults and validation. A kind's rules live in api/defaults/<kind>.cc and
// api/validation/<kind>.cc; one line each in api/rules.def brings them here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/schema.h"

namespace ph::api {

// Where in an object something is: spec.containers[0].name, metadata.labels, data[key].
class Path {
 public:
  Path() = default;
  explicit Path(std::string_view root) : text_(root) {}
  Path member(std::string_view name) const { return Path(text_.empty() ? std::string(name) : text_ + "." + std::string(name)); }
  Path index(std::size_t i) const { return Path(text_ + "[" + std::to_string(i) + "]"); }
  Path key(std::string_view key) const { return Path(text_ + "[" + std::string(key) + "]"); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Collects what is wrong, in upstream's words.
class Errors {
 public:
  void required(const Path& path, std::string_view detail);                        // Required value: …
  void invalid(const Path& path, std::string_view value_json, std::string_view detail);  // Invalid value: …: …
  void invalid_text(const Path& path, std::string_view value, std::string_view detail);  // the value as Go's %q
  void not_supported(const Path& path, std::string_view value, const std::vector<std::string>& supported);
  void forbidden(const Path& path, std::string_view detail);
  void duplicate(const Path& path, std::string_view value);
  void too_long(const Path& path, std::size_t max);
  void too_many(const Path& path, std::size_t actual, std::size_t max);
  void not_found(const Path& path, std::string_view value);
  void type_invalid(const Path& path, std::string_view value, std::string_view detail);

  bool empty() const { return list_.empty(); }
  const std::vector<FieldError>& list() const { return list_; }

 private:
  void add(std::string_view type, const Path& path, std::string detail);
  std::vector<FieldError> list_;
};

using Message = google::protobuf::Message;

// Null members: there is no such rule for the kind.
struct KindRules {
  void (*set_defaults)(Message& object) = nullptr;
  void (*validate)(const Message& object, Errors& errors) = nullptr;                             // on create
  void (*validate_update)(const Message& object, const Message& old, Errors& errors) = nullptr;  // runs `validate`'s rules too
  void (*validate_status)(const Message& object, const Message& old, Errors& errors) = nullptr;  // PUT …/status
};

// The rules of a kind; all null members when it has none. Generic metadata rules are separate, below.
const KindRules& rules_of(const Schema& schema);

// metadata: name (by the kind's name rule), namespace, labels, annotations, finalizers, owner references.
void validate_metadata(const Resource& resource, const Message& object, Errors& errors);
// … and what may not change: name, namespace, uid, creationTimestamp, deletionTimestamp, …
void validate_metadata_update(const Resource& resource, const Message& object, const Message& old, Errors& errors);

}  // namespace ph::api

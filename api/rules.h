// The rules of each kind, found by its schema: defaults and validation. A kind's rules live in api/defaults/<kind>.cc and
// api/validation/<kind>.cc; one line in api/rules.def brings them here. All functions are pure; threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/schema.h"
#include "base/assert.h"

namespace ph::meta::v1 {
class ObjectMeta;
}

namespace ph::api {

using Message = google::protobuf::Message;

// Where in an object something is: spec.containers[0].name, metadata.labels, data[key]. Cheap: nothing is rendered or
// allocated until an error is recorded. Names and keys are viewed, not copied: they must outlive the path.
class Path {
 public:
  Path() = default;
  explicit Path(std::string_view root) { push({root.data(), static_cast<std::uint32_t>(root.size()), kMember}); }
  Path(const Path& other) { *this = other; }
  Path& operator=(const Path& other);

  Path member(std::string_view name) const { return with({name.data(), static_cast<std::uint32_t>(name.size()), kMember}); }
  Path index(std::size_t i) const { return with({nullptr, static_cast<std::uint32_t>(i), kIndex}); }
  Path key(std::string_view key) const { return with({key.data(), static_cast<std::uint32_t>(key.size()), kKey}); }
  std::string text() const;

 private:
  enum Kind : std::uint32_t { kMember, kIndex, kKey };
  struct Step {
    const char* data;
    std::uint32_t size;  // of an index: the index
    Kind kind;
  };
  void push(Step step) {
    PH_ASSERT(size_ < steps_.size());
    steps_[size_++] = step;
  }
  Path with(Step step) const {
    Path out(*this);
    out.push(step);
    return out;
  }

  std::array<Step, 28> steps_;
  std::size_t size_ = 0;
};

// Collects what is wrong, in upstream's words. The first thousand errors, and no more than a quarter of a megabyte of them,
// are told: a body of millions of wrong items must not cost as much again, many times over. One last error says so.
class Errors {
 public:
  void required(const Path& path, std::string_view detail = {});  // Required value: …
  void invalid(const Path& path, std::string_view value_json,
               std::string_view detail);  // Invalid value: …: …; no value: left out
  void invalid(const Path& path, std::int64_t value, std::string_view detail);
  void invalid_text(const Path& path, std::string_view value, std::string_view detail);  // the value quoted as Go's %q
  // The value as upstream shows structs: api/internal_form.h.
  void invalid_message(const Path& path, const Message& value, std::string_view detail);
  // Supported values are listed in the order given.
  void not_supported(const Path& path, std::string_view value, std::initializer_list<std::string_view> supported);
  void not_supported(const Path& path, std::string_view value, const std::vector<std::string>& supported);
  void not_supported_json(const Path& path, std::string_view value_json, const std::vector<std::string>& supported);
  void forbidden(const Path& path, std::string_view detail);
  void duplicate(const Path& path, std::string_view value);
  void duplicate_json(const Path& path, std::string_view value_json);
  void too_long(const Path& path, std::size_t max);
  void too_many(const Path& path, std::size_t actual, std::size_t max);
  void not_found(const Path& path, std::string_view value, std::string_view detail = {});
  void internal(const Path& path, std::string_view detail);  // what upstream could not find out
  void type_invalid(const Path& path, std::string_view value, std::string_view detail);
  // What others found.
  void take(Errors other);
  // Sorted by what they say, as upstream sorts what it finds in maps.
  void sort();
  // One `invalid_text` for each of the complaints of a check in api/names.h.
  void invalid_each(const Path& path, std::string_view value, const std::vector<std::string>& complaints);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }  // also of those that are not told
  const std::vector<FieldError>& list() const { return list_; }

 private:
  void add(std::string_view type, const Path& path, std::string detail);
  std::vector<FieldError> list_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;  // of `list_`
  bool full_ = false;
};

// What is wrong with a name; empty when nothing is. `prefix`: it is a generateName, to which characters will be added.
using NameRule = std::vector<std::string> (*)(std::string_view name, bool prefix);

// Null members: there is no such rule for the kind. Metadata has rules of its own, below.
struct KindRules {
  void (*set_defaults)(Message& object) = nullptr;
  void (*validate)(const Message& object, Errors& errors) = nullptr;                             // on create
  void (*validate_update)(const Message& object, const Message& old, Errors& errors) = nullptr;  // runs `validate`'s rules too
  void (*validate_status)(const Message& object, const Message& old, Errors& errors) = nullptr;  // PUT …/status
  NameRule name_rule = nullptr;                                                                  // null: any path segment
};

// The rules of a kind; all null members when it has none. Generic metadata rules are separate, below: they run first.
const KindRules& rules_of(const Schema& schema);

// metadata: name (by the kind's name rule), namespace, labels, annotations, finalizers, owner references.
void validate_metadata(const Resource& resource, const meta::v1::ObjectMeta& metadata, Errors& errors);
// The same of an update, and what may not change: name, namespace, uid, creationTimestamp, deletionTimestamp, … Members the new
// object leaves empty count as kept (the server fills them from the old one). What is wrong is told as often as upstream finds it,
// which for some kinds is more often when the object is updated as a `whole`, not one of its sub-resources.
void validate_metadata_update(const Resource& resource, bool whole, const meta::v1::ObjectMeta& metadata,
                              const meta::v1::ObjectMeta& old, Errors& errors);
// The first of custom objects, and of what is embedded in them.
void validate_metadata(const meta::v1::ObjectMeta& metadata, bool namespaced, NameRule rule, const Path& path, Errors& errors);

// Name rules, for tables and for fields that hold names.
std::vector<std::string> subdomain_name(std::string_view name, bool prefix);
std::vector<std::string> label_name(std::string_view name, bool prefix);
std::vector<std::string> dns1035_name(std::string_view name, bool prefix);
std::vector<std::string> path_segment_name(std::string_view name, bool prefix);
std::vector<std::string> ip_address_name(std::string_view name, bool prefix);  // no beginning of a name is one

}  // namespace ph::api

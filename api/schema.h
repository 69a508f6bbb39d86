// Schema: what is known of a type, in one form for built-in kinds (from their descriptors) and custom ones (from their
// structural schema: api/structural/). All generic code walks a Schema over a Value; nothing else reads protobuf descriptors or options.
// Schemas are immutable and live as long as the program (built-in ones) or their Scheme. Threads: any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace ph::api {

class Schema;
namespace wire {
struct Plan;
}
namespace structural {
class Structural;
}

struct GroupVersionKind {
  std::string group, version, kind;
  auto operator<=>(const GroupVersionKind&) const = default;
  // "apps/v1", or "v1" for the core group.
  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
};

enum class Type : unsigned char {
  Bool,
  Int32,
  Int64,
  Double,
  String,
  Bytes,
  Struct,
  List,
  Map,
  Quantity,
  IntOrString,
  Time,
  MicroTime,
  Duration,
  RawJson,  // any JSON (RawExtension, FieldsV1)
  Union,    // one of its fields, told by the kind of JSON value; to all but the codecs any JSON, replaced as a whole
};

// A member of a Struct as JSON shows it: the members of inline messages stand in their parent's list.
struct Field {
  std::string name;  // JSON
  const Schema* schema = nullptr;
  bool pointer = false;  // an explicit zero differs from absence
  bool always = false;   // JSON: written even when zero or empty
  bool omit_zero = false;
  bool required = false;
  bool deprecated = false;
  std::vector<std::string> patch_strategies;  // of "merge", "replace", "retainKeys"
  std::string patch_merge_key;
  std::string default_json;
  std::vector<std::string> enum_values;
  std::vector<std::string> feature_gates;
  // Where the message back end finds it: fields from the struct's message downwards (two when inline).
  std::vector<const google::protobuf::FieldDescriptor*> path;
  int number = 0;  // wire number of the last step
};

enum class ListType : unsigned char { Atomic, Set, Map };

struct Subresource {
  std::string name;
  GroupVersionKind kind;
  std::vector<std::string> verbs;
};

// Where a workload keeps what …/scale shows, as dotted paths. The selector may be a LabelSelector, a map of labels or its text.
struct ScalePaths {
  std::string spec_replicas = "spec.replicas";
  std::string status_replicas = "status.replicas";
  std::string selector = "spec.selector";
};

// A kind that is served.
struct Resource {
  GroupVersionKind kind;
  std::string plural, singular;
  std::vector<std::string> short_names, categories, verbs;
  bool namespaced = false;
  std::vector<Subresource> subresources;
  ScalePaths scale;  // of those with such a sub-resource
  // Of a custom kind, what tables show after the name.
  struct Column {
    std::string name, type, format, description, json_path;
    std::int32_t priority = 0;
  };
  std::vector<Column> columns;
  // name → the path of the field it means (mostly itself).
  std::vector<std::pair<std::string, std::string>> field_selectors;
  std::string storage_prefix;  // "/registry/pods"; empty when nothing is stored
  std::string storage_version_hash;
  // The kind of the stored bytes when it is another: events.k8s.io/v1 Events are stored as v1 ones (api/convert.h).
  std::optional<GroupVersionKind> stored_as;
  const Schema* schema = nullptr;
  std::shared_ptr<const void> owner;  // of the schema, when it is not built in
  bool has_verb(std::string_view verb) const;
  const Subresource* subresource(std::string_view name) const;
};

class Schema {
 public:
  Type type = Type::Struct;

  // Of a custom kind. Its values are documents: what is in one is there, zero or not, and a RawJson is seen as the map, list or
  // value that it is. Null is a value where it is allowed, else it is as if absent.
  bool custom = false;
  const structural::Structural* structural = nullptr;  // of a custom kind: what it cuts, fills in and judges; it owns the schema
  bool nullable = false;

  // Struct, Union. A custom Map may have fields too: keys whose values are of their own schema.
  std::string name;           // OpenAPI's: "io.k8s.api.core.v1.Pod"; of what is custom only roots and lists have one
  std::vector<Field> fields;  // in the order of JSON
  const Field* field(std::string_view json_name) const;
  // The names in their order, each with its index in `fields`.
  std::span<const std::pair<std::string_view, unsigned short>> by_name() const { return by_name_; }
  std::optional<GroupVersionKind> kind;  // JSON shows kind and apiVersion first
  bool atomic = false;                   // struct, list or map: replaced as a whole by apply

  // List, Map
  const Schema* element = nullptr;
  ListType list_type = ListType::Atomic;
  std::vector<std::string> list_map_keys;

  // The message behind a Struct or special type; null for custom kinds. Of a List: the message around its one repeated
  // field, where there is one (`Verbs`, `ExtraValue`).
  const google::protobuf::Descriptor* descriptor = nullptr;

  // To be called when the fields are complete; names are looked up by it.
  void index_names();

  // The codecs' tables of a built-in Struct or Union.
  const wire::Plan* plan() const { return plan_; }

 private:
  friend class SchemaBuilder;
  std::vector<std::pair<std::string_view, unsigned short>> by_name_;  // sorted
  const wire::Plan* plan_ = nullptr;
};

using ResourceRef = std::shared_ptr<const Resource>;
using Resources = std::span<const std::reference_wrapper<const Resource>>;

// What kinds there are: the built-in ones, and those a server has added. A Scheme is an immutable snapshot, cheap to copy; a
// server that learns of a kind makes another one. A resource is the same object in every snapshot that has it, and lives as long
// as one of them. Threads: any.
class Scheme {
 public:
  static const Scheme& builtin();
  // This one, with further resources in the place of all that have the group and plural of one of them.
  Scheme with(std::vector<ResourceRef> resources) const;
  // … and without any of that group and plural. Built-in ones stay.
  Scheme without(std::string_view group, std::string_view plural) const;

  // The same snapshot, not only an equal one.
  bool operator==(const Scheme& other) const { return impl_ == other.impl_ && added_ == other.added_; }

  // Null when the kind is unknown.
  const Schema* find(const GroupVersionKind& kind) const;
  const Schema* of(const google::protobuf::Descriptor* descriptor) const;
  // All served resources, ordered by group (discovery's order), version, plural. Valid as long as this snapshot or a copy.
  Resources resources() const;
  const Resource* resource(std::string_view group, std::string_view version, std::string_view plural) const;
  const Resource* resource(const Schema& schema) const;
  // A new empty message of the kind.
  std::unique_ptr<google::protobuf::Message> make(const Schema& schema) const;

 private:
  friend class SchemaBuilder;
  struct Impl;
  struct Added;
  class DiscoveryOrder;
  std::shared_ptr<const Impl> impl_;
  std::shared_ptr<const Added> added_;  // null: nothing
};

// Of a message class. The message must be a built-in type.
template <class T>
const Schema& schema_of() {
  static const Schema& schema = *Scheme::builtin().of(T::descriptor());
  return schema;
}
const Schema& schema_of(const google::protobuf::Message& message);

}  // namespace ph::api

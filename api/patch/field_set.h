// Sets of fields of an object, as managed fields and server-side apply speak of them: a trie of path elements, its text form
// FieldsV1, and what differs between two objects. Values in the ordinary sense; threads: any.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object.h"
#include "api/value.h"

namespace ph::api {

class Literal;

// One step of a path. Ordered as upstream orders them: fields by name, list items by their key, items by value, indices.
class PathElement {
 public:
  enum class Kind : unsigned char { Field, Key, Value, Index };

  static PathElement field(std::string_view name);
  // An item of a list of objects, by its key: compact JSON of an object, members in the order of their names.
  static PathElement key(std::string_view json);
  // An item of a list of values: compact JSON.
  static PathElement value(std::string_view json);
  static PathElement index(std::int64_t index);
  // From "f:name", "k:{…}", "v:…" or "i:3". Throws DecodeError.
  static PathElement parse(std::string_view text);

  Kind kind() const { return kind_; }
  const std::string& content() const { return content_; }  // the name, or the JSON
  void append_text(std::string& out) const;                // as FieldsV1 writes it
  void append_path(std::string& out) const;                // as messages do: .name, [key="x",port=80], [="x"], [3]
  std::strong_ordering operator<=>(const PathElement& other) const;
  bool operator==(const PathElement& other) const { return kind_ == other.kind_ && order() == other.order(); }

 private:
  PathElement(Kind kind, std::string content, std::string order)
      : kind_(kind), content_(std::move(content)), order_(std::move(order)) {}
  const std::string& order() const { return kind_ == Kind::Field ? content_ : order_; }
  Kind kind_;
  std::string content_;
  std::string order_;  // sorts as upstream does: numbers by value; of fields empty, they sort by their names
};

using FieldPath = std::vector<PathElement>;
// .spec.ports[port=80,protocol="TCP"].name
std::string path_text(std::span<const PathElement> path);

class FieldSet {
 public:
  // Throws DecodeError for text that is not FieldsV1.
  static FieldSet from_fields_v1(std::string_view json);
  // Canonical: what stands for itself first (`.`), then elements in order.
  std::string fields_v1() const;

  bool empty() const { return nodes_.empty(); }
  bool has(std::span<const PathElement> path) const;
  // An element of the set: whether it is one itself, and what of the set is below it. Null: neither is.
  struct Node;
  const Node* find(const PathElement& element) const;
  std::span<const Node> nodes() const;
  void insert(std::span<const PathElement> path);
  // Adds an element after all others: itself, if it is a member, and what is below it. Not both may be empty.
  void append(PathElement element, bool member, FieldSet below);
  // Every path of the set, in order.
  std::vector<FieldPath> paths() const;

  FieldSet united(const FieldSet& other) const;
  FieldSet intersected(const FieldSet& other) const;
  FieldSet without(const FieldSet& other) const;
  // The same in place.
  void add(FieldSet other);
  void remove(const FieldSet& other);
  // … and without anything below a path of `other`.
  FieldSet without_below(const FieldSet& other) const;
  bool operator==(const FieldSet& other) const = default;

 private:
  using Nodes = std::vector<Node>;  // sorted, each with a member or children
  friend class FieldsReader;
  static void write(const Nodes& nodes, bool self, std::string& scratch, std::string& out);

  Nodes nodes_;
};

struct FieldSet::Node {
  PathElement element;
  bool member = false;
  FieldSet children;
  bool operator==(const Node& other) const = default;
};

inline std::span<const FieldSet::Node> FieldSet::nodes() const { return nodes_; }

struct FieldChanges {
  FieldSet added, modified, removed;
  bool empty() const { return added.empty() && modified.empty() && removed.empty(); }
};

// What differs. Atomic structs, lists and maps count as one; items of keyed lists are matched by key, of sets by value. What
// the server keeps itself is left out: name, namespace, uid, resourceVersion, generation, creationTimestamp, selfLink and
// managedFields.
FieldChanges compare_fields(const Value& old, const Value& now);
// The same of two messages of one kind, much faster.
FieldChanges compare_fields(const google::protobuf::Message& old, const google::protobuf::Message& now);
FieldChanges compare_fields(const Object& old, const Object& now);
// The same of two documents in which all that is there counts, zero, empty or null (literal.h).
FieldChanges compare_fields(const Literal& old, const Literal& now);
// Everything an object says: its leaves, and the containers that are there.
FieldSet fields_of(const Value& object);

}  // namespace ph::api

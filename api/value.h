// Value: a view of one value of an object, whatever holds the object. Two back ends: a protobuf message and a JSON document.
// A view is cheap to copy, owns nothing, and is valid as long as the object is not structurally changed elsewhere. An absent
// value converts to false; reading one gives the zero value, an empty list, an empty map.
// Presence: a member that is not a pointer is absent when zero (messages: when all its members are absent, unless the field
// is a struct that is always written: those are present). So it is with documents of built-in kinds too; in those of custom kinds
// what is there is present (api/schema.h). Maps are visited in the order of their keys.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/schema.h"

namespace ph::meta::v1 {
class ObjectMeta;
}

namespace ph::api {

class Value {
 public:
  Value() = default;
  // The whole of an object. Const messages may be viewed; the setters then must not be called.
  static Value of(google::protobuf::Message& message);
  static Value of(const google::protobuf::Message& message);
  static Value of(nlohmann::json& document, const Schema& schema);
  static Value of(const nlohmann::json& document, const Schema& schema);
  // An object whose metadata is held apart from its other members (api/object.h).
  static Value of(nlohmann::json& members, meta::v1::ObjectMeta& metadata, const Schema& schema);
  static Value of(const nlohmann::json& members, const meta::v1::ObjectMeta& metadata, const Schema& schema);

  explicit operator bool() const { return node_ != nullptr; }
  const Schema& schema() const { return *schema_; }

  // Scalars. Quantity, IntOrString, Time, MicroTime and Duration read as their JSON text (IntOrString: number or text).
  bool boolean() const;
  std::int64_t integer() const;
  double number() const;
  std::string text() const;
  // The value as JSON. A message's kind and apiVersion are not of it (`to_json` has them), a document's are.
  nlohmann::json json() const;

  // Struct, and maps with fields. `member` is absent when the field is; a dotted path goes through structs and map keys are not split.
  Value member(const Field& field) const;
  Value member(std::string_view json_name) const;
  Value at_path(std::string_view dotted) const;

  // List
  std::size_t size() const;
  Value item(std::size_t index) const;

  // Map
  std::vector<std::string> keys() const;  // sorted
  Value entry(std::string_view key) const;

  // Changes. `set_member`/`set_entry` with JSON decode it (an error throws DecodeError); null clears.
  void set_member(const Field& field, const nlohmann::json& json) const;
  void clear_member(const Field& field) const;
  void set_entry(std::string_view key, const nlohmann::json& json) const;
  void clear_entry(std::string_view key) const;
  void append(const nlohmann::json& json) const;
  void remove_item(std::size_t index) const;

  // Of messages: moves a member, or some members of a struct member, from another struct of this schema, which then lacks
  // them. What is absent there is cleared here; the struct that holds `within` is made here when it is there.
  void take_member(const Field& field, const Value& from) const;
  void take_members(const Field& field, std::span<const Field* const> within, const Value& from) const;

  // Deep equality of two values of one schema, by what they mean: 1000m is 1.
  static bool equal(const Value& a, const Value& b);

 private:
  using Descriptor = google::protobuf::FieldDescriptor;
  Value(const Schema& schema, void* node) : schema_(&schema), node_(node) {}
  Value of_message(google::protobuf::Message& message, const Schema& schema) const;
  Value member_of_message(const Field& field) const;
  // Whether the member is the metadata that is held apart.
  bool is_apart(const Field& field) const { return metadata_ != nullptr && field.name == "metadata"; }
  Value member_of_document(const Field& field) const;
  google::protobuf::Message& message() const;
  nlohmann::json& document() const;
  nlohmann::json json_of_message() const;

  // For what a zero and an equal value are (api/meaning.h).
  friend class Meaning;
  struct MessageLeaf;
  struct DocumentLeaf;
  bool is_bare() const;
  bool is_zero_leaf() const;
  static bool equal_leaves(const Value& a, const Value& b);

  const Schema* schema_ = nullptr;
  // A JSON value; or the message that this is, or (with `field_`) the one that holds this scalar, list, map or list item.
  void* node_ = nullptr;
  const Descriptor* field_ = nullptr;
  // Of a whole object in two parts: the part that is no member of the document.
  meta::v1::ObjectMeta* metadata_ = nullptr;
  std::int32_t index_ = -1;
  bool document_ = false;
  bool read_only_ = false;
};

}  // namespace ph::api

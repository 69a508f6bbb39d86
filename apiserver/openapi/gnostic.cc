// The messages are written from tables: one line a member, its JSON name, its field number, and what it holds.
#include "apiserver/openapi/gnostic.h"

#include <span>

#include <nlohmann/json.hpp>

#include "api/wire_records.h"

namespace ph::apiserver {

using api::wire::append_bytes, api::wire::append_varint;
using nlohmann::json;

namespace {

struct MessageType;

enum class Holds {
  Text,
  Flag,
  Texts,
  Any,  // a JSON value, as text in Any.yaml
  Anys,
  One,   // a message
  Many,  // repeated messages
  Type,  // a string or strings, in a TypeItem
};

struct Member {
  std::string_view name;
  unsigned number;
  Holds holds;
  const MessageType* type = nullptr;
};

// How a message stands where it is used: some are wrapped in a choice of one.
struct MessageType {
  std::span<const Member> members;
  unsigned extensions = 0;            // the field of members that begin with x-
  std::span<const unsigned> wrapped;  // fields around it, from the outside
  // The message of an object whose every member is one of a kind (Properties, Definitions): its one field.
  const MessageType* every = nullptr;
};

std::string any(const json& value) {
  std::string out;
  append_bytes(2, value.dump() + "\n", out);
  return out;
}

// NamedAny, NamedSchema, … all are (name, value).
void put_named(unsigned number, const std::string& name, std::string_view value, std::string& out) {
  std::string entry;
  append_bytes(1, name, entry);
  append_bytes(2, value, entry);
  append_bytes(number, entry, out);
}

std::string encode(const json& value, const MessageType& type);

void put_member(const json& value, const Member& member, std::string& out) {
  switch (member.holds) {
    case Holds::Text: return append_bytes(member.number, value.get_ref<const std::string&>(), out);
    case Holds::Flag:
      if (!value.get<bool>()) return;
      append_varint(member.number << 3, out);
      return append_varint(1, out);
    case Holds::Texts:
      for (const auto& text : value) append_bytes(member.number, text.get_ref<const std::string&>(), out);
      return;
    case Holds::Any: return append_bytes(member.number, any(value), out);
    case Holds::Anys:
      for (const auto& item : value) append_bytes(member.number, any(item), out);
      return;
    case Holds::One: return append_bytes(member.number, encode(value, *member.type), out);
    case Holds::Many:
      for (const auto& item : value) append_bytes(member.number, encode(item, *member.type), out);
      return;
    case Holds::Type: {
      std::string item;
      append_bytes(1, value.get_ref<const std::string&>(), item);
      return append_bytes(member.number, item, out);
    }
  }
}

std::string encode(const json& value, const MessageType& type) {
  std::string out;
  if (type.every) {
    for (const auto& [name, item] : value.items()) put_named(1, name, encode(item, *type.every), out);
  }
  for (const Member& member : type.members) {
    if (const auto found = value.find(member.name); found != value.end()) put_member(*found, member, out);
  }
  if (type.extensions != 0) {
    for (const auto& [name, item] : value.items()) {
      if (name.starts_with("x-")) put_named(type.extensions, name, any(item), out);
    }
  }
  for (auto field = type.wrapped.rbegin(); field != type.wrapped.rend(); ++field) {
    std::string around;
    append_bytes(*field, out, around);
    out = std::move(around);
  }
  return out;
}

// -- The tables. Types that hold themselves are declared first.

extern const MessageType kSchema, kWrappedSchema, kItems;

constexpr unsigned kFirst[] = {1};
const MessageType kProperties{.every = &kSchema};

const Member kSchemaMembers[] = {
    {"$ref", 1, Holds::Text},
    {"format", 2, Holds::Text},
    {"title", 3, Holds::Text},
    {"description", 4, Holds::Text},
    {"default", 5, Holds::Any},
    {"uniqueItems", 16, Holds::Flag},
    {"required", 19, Holds::Texts},
    {"enum", 20, Holds::Anys},
    {"additionalProperties", 21, Holds::One, &kWrappedSchema},
    {"type", 22, Holds::Type},
    {"items", 23, Holds::One, &kItems},
    {"allOf", 24, Holds::Many, &kSchema},
    {"properties", 25, Holds::One, &kProperties},
    {"readOnly", 27, Holds::Flag},
};
const MessageType kSchema{.members = kSchemaMembers, .extensions = 31};
// AdditionalPropertiesItem, ItemsItem and SchemaItem have the schema in their field 1.
const MessageType kWrappedSchema{.members = kSchemaMembers, .extensions = 31, .wrapped = kFirst};
const MessageType kItems = kWrappedSchema;

const Member kBodyMembers[] = {
    {"description", 1, Holds::Text},     {"name", 2, Holds::Text}, {"in", 3, Holds::Text}, {"required", 4, Holds::Flag},
    {"schema", 5, Holds::One, &kSchema},
};
const Member kQueryMembers[] = {
    {"required", 1, Holds::Flag}, {"in", 2, Holds::Text},     {"description", 3, Holds::Text},  {"name", 4, Holds::Text},
    {"type", 6, Holds::Text},     {"format", 7, Holds::Text}, {"uniqueItems", 20, Holds::Flag},
};
const Member kPathMembers[] = {
    {"required", 1, Holds::Flag}, {"in", 2, Holds::Text},     {"description", 3, Holds::Text},  {"name", 4, Holds::Text},
    {"type", 5, Holds::Text},     {"format", 6, Holds::Text}, {"uniqueItems", 19, Holds::Flag},
};
// ParametersItem.parameter, then Parameter.body_parameter, or Parameter.non_body_parameter and one of its choices.
constexpr unsigned kBodyWrap[] = {1, 1}, kQueryWrap[] = {1, 2, 3}, kPathWrap[] = {1, 2, 4};
const MessageType kBody{.members = kBodyMembers, .extensions = 6, .wrapped = kBodyWrap};
const MessageType kQuery{.members = kQueryMembers, .extensions = 23, .wrapped = kQueryWrap};
const MessageType kPathParameter{.members = kPathMembers, .extensions = 22, .wrapped = kPathWrap};

const Member kResponseMembers[] = {{"description", 1, Holds::Text}, {"schema", 2, Holds::One, &kWrappedSchema}};
const MessageType kResponse{.members = kResponseMembers, .extensions = 5, .wrapped = kFirst};  // in a ResponseValue
const MessageType kResponses{.every = &kResponse};

const Member kOperationMembers[] = {
    {"tags", 1, Holds::Texts},
    {"summary", 2, Holds::Text},
    {"description", 3, Holds::Text},
    {"operationId", 5, Holds::Text},
    {"produces", 6, Holds::Texts},
    {"consumes", 7, Holds::Texts},
    {"responses", 9, Holds::One, &kResponses},
    {"schemes", 10, Holds::Texts},
    {"deprecated", 11, Holds::Flag},
};
const MessageType kOperation{.members = kOperationMembers, .extensions = 13};

const Member kInfoMembers[] = {{"title", 1, Holds::Text}, {"version", 2, Holds::Text}, {"description", 3, Holds::Text}};
const MessageType kInfo{.members = kInfoMembers, .extensions = 7};
const Member kKeyMembers[] = {
    {"type", 1, Holds::Text}, {"name", 2, Holds::Text}, {"in", 3, Holds::Text}, {"description", 4, Holds::Text}};
constexpr unsigned kKeyWrap[] = {2};  // SecurityDefinitionsItem.api_key_security
const MessageType kKey{.members = kKeyMembers, .extensions = 5, .wrapped = kKeyWrap};

const MessageType kDefinitions{.every = &kSchema};
const MessageType kKeys{.every = &kKey};

// Which message a parameter is depends on where it stands in the request.
void put_parameters(const json& item, unsigned number, std::string& out) {
  const auto found = item.find("parameters");
  if (found == item.end()) return;
  for (const json& parameter : *found) {
    if (const auto reference = parameter.find("$ref"); reference != parameter.end()) {
      std::string made;  // ParametersItem.json_reference
      append_bytes(1, reference->get_ref<const std::string&>(), made);
      std::string item;
      append_bytes(2, made, item);
      append_bytes(number, item, out);
      continue;
    }
    const std::string& in = parameter.at("in").get_ref<const std::string&>();
    const MessageType& type = in == "body" ? kBody : in == "path" ? kPathParameter : kQuery;
    append_bytes(number, encode(parameter, type), out);
  }
}

// Those that operations refer to: there is no choice around them.
std::string shared_parameters(const json& all) {
  std::string out;
  for (const auto& [name, parameter] : all.items()) {
    const std::string& in = parameter.at("in").get_ref<const std::string&>();
    MessageType type = in == "body" ? kBody : in == "path" ? kPathParameter : kQuery;
    type.wrapped = type.wrapped.subspan(1);
    put_named(1, name, encode(parameter, type), out);
  }
  return out;
}

std::string path_item(const json& item) {
  static constexpr std::pair<const char*, unsigned> kMethods[] = {{"get", 2},     {"put", 3},  {"post", 4}, {"delete", 5},
                                                                  {"options", 6}, {"head", 7}, {"patch", 8}};
  std::string out;
  for (const auto& [method, number] : kMethods) {
    const auto found = item.find(method);
    if (found == item.end()) continue;
    std::string operation = encode(*found, kOperation);
    put_parameters(*found, 8, operation);
    append_bytes(number, operation, out);
  }
  put_parameters(item, 9, out);
  return out;
}

}  // namespace

std::string gnostic_v2(std::string_view text) {
  const json document = json::parse(text);
  std::string out;
  append_bytes(1, document.at("swagger").get_ref<const std::string&>(), out);
  append_bytes(2, encode(document.at("info"), kInfo), out);
  std::string paths;
  for (const auto& [path, item] : document.at("paths").items()) put_named(2, path, path_item(item), paths);
  append_bytes(8, paths, out);
  append_bytes(9, encode(document.at("definitions"), kDefinitions), out);
  if (const auto shared = document.find("parameters"); shared != document.end())
    append_bytes(10, shared_parameters(*shared), out);
  for (const json& requirement : document.at("security")) {
    std::string names;
    for (const auto& [name, scopes] : requirement.items()) put_named(1, name, {}, names);
    append_bytes(12, names, out);
  }
  append_bytes(13, encode(document.at("securityDefinitions"), kKeys), out);
  return out;
}

}  // namespace ph::apiserver

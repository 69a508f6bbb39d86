#include "api/patch/unstructured.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/json_text.h"
#include "api/patch/patch_text.h"

namespace ph::api {

namespace {

using Json = nlohmann::json;

std::string wrong_scalar(const Json& value, std::string_view type) {
  // Go can make any number of a number, and a text of one: that is refused in other words.
  const bool convertible = value.is_number() && type != "bool";
  if (convertible) return fmt::format("cannot convert {} to {}", go_type(value), type);
  return fmt::format("unrecognized type: {}", type);
}

std::string bytes_error(const Json& value) {
  if (!value.is_string()) return fmt::format("cannot restore slice from {}", go_kind(value));
  std::string out;
  const std::string why = decode_base64(value.get_ref<const std::string&>(), out);
  return why.empty() ? why : fmt::format("error decoding from json: {}", why);
}

}  // namespace

std::string unstructured_error(const Schema& schema, const Json& document) {
  if (document.is_null()) return {};
  switch (schema.type) {
    case Type::Bool: return document.is_boolean() ? std::string() : wrong_scalar(document, "bool");
    case Type::Int32: return document.is_number_integer() ? std::string() : wrong_scalar(document, "int32");
    case Type::Int64: return document.is_number_integer() ? std::string() : wrong_scalar(document, "int64");
    case Type::Double: return document.is_number() ? std::string() : wrong_scalar(document, "float64");
    case Type::String: return document.is_string() ? std::string() : wrong_scalar(document, "string");
    case Type::Bytes: return bytes_error(document);
    case Type::List:
      if (!document.is_array()) return fmt::format("cannot restore slice from {}", go_kind(document));
      for (const Json& item : document) {
        if (std::string why = unstructured_error(*schema.element, item); !why.empty()) return why;
      }
      return {};
    case Type::Map:
      if (!document.is_object()) return fmt::format("cannot restore map from {}", go_kind(document));
      for (const Json& value : document) {
        if (std::string why = unstructured_error(*schema.element, value); !why.empty()) return why;
      }
      return {};
    case Type::Struct:
      if (!document.is_object()) return fmt::format("cannot restore struct from: {}", go_kind(document));
      for (const Field& field : schema.fields) {
        const auto found = document.find(field.name);
        if (found == document.end()) continue;
        if (std::string why = unstructured_error(*field.schema, *found); !why.empty()) return why;
      }
      return {};
    default: return {};
  }
}

}  // namespace ph::api

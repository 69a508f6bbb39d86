// The JSON paths of definitions: printer columns, scale, selectable fields. `.spec.list[*].name`, `.a['b.c']`, `.l[-1:]`,
// `.status.conditions[?(@.type=="Ready")].status`, `..name`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/time.h"

namespace ph::api::structural {

class JsonPath {
 public:
  // Throws DecodeError.
  static JsonPath parse(std::string_view text);

  // What the path leads to, in order. What is not there is no result, and neither is what cannot be asked for: an index of an
  // object. `metadata`: of an object whose metadata is held apart.
  std::vector<const nlohmann::json*> find(const nlohmann::json& document, const nlohmann::json* metadata = nullptr) const;
  // The path begins with .metadata.
  bool of_metadata() const;

  struct Step;

 private:
  std::vector<Step> steps_;
  friend class JsonPathReader;

 public:
  JsonPath();
  JsonPath(const JsonPath&);
  JsonPath(JsonPath&&) noexcept;
  JsonPath& operator=(const JsonPath&);
  JsonPath& operator=(JsonPath&&) noexcept;
  ~JsonPath();
};

// A printer column's cell: of several results the first. Of columns of type string its text, of others what is of the type, of
// dates how long ago; null when there is none.
nlohmann::json table_cell(std::string_view column_type, const JsonPath& path, const nlohmann::json& document,
                          const nlohmann::json* metadata, Time now);

// A selectable field's value: of texts, integers and booleans their text; nothing is "".
std::string selectable_text(const JsonPath& path, const nlohmann::json& document);

}  // namespace ph::api::structural

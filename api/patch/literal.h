// A document as server-side apply sees it: what is there is there, be it zero, empty or null. (A Value hides those: it shows
// what an object is, this what somebody said.) The members kind and apiVersion of an object are not of it. Internal to
// api/patch/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/patch/field_set.h"
#include "api/schema.h"

namespace ph::api {

// A view of one value; empty when there is none. Cheap to copy; schema and document outlive it.
class Literal {
 public:
  Literal() = default;
  Literal(const Schema& schema, const nlohmann::json& json);

  explicit operator bool() const { return json_ != nullptr; }
  const Schema& schema() const { return *schema_; }
  const nlohmann::json& json() const { return *json_; }
  // A struct, map or list with nothing in it, or null.
  bool is_hollow() const;

  // Of a struct or a map.
  Literal member(std::string_view name) const;
  std::vector<std::pair<std::string, Literal>> members() const;
  // Of a list.
  std::vector<Literal> items() const;

  static bool equal(const Literal& a, const Literal& b);

 private:
  const Schema* schema_ = nullptr;
  const nlohmann::json* json_ = nullptr;
};

// What a struct or map has under a name. Declared ones are part of the type, others entries of a map; null: it has nothing of
// that name.
struct MemberSchema {
  const Schema* schema = nullptr;
  bool declared = false;
};
MemberSchema member_schema(const Schema& schema, std::string_view name);

// Whether it is owned and replaced as a whole: scalars, and what is atomic.
bool is_leaf(const Schema& schema);

// What identifies an item of a list that is no leaf: its key, with defaults for what the item leaves out, or its value. Throws
// DecodeError with upstream's words for an item that nothing identifies.
PathElement element_of(const Schema& list, const Literal& item);

}  // namespace ph::api
